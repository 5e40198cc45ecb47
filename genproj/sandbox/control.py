"""The control door: a page and its JSON, where faults are set and what happened is read."""

import json
import time
from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from genproj.sandbox.cdn import Cdn, NoSuchFile
from genproj.sandbox.faults import FAULTS, WORDS, BadRule, Rules
from genproj.sandbox.runs import Runs
from genproj.sandbox.tasks import Store, Task
from genproj.sandbox.web import Exchange

KEPT = 2000
SHOWN_TASKS = 500
SHOWN_EVENTS = 500
LONGEST_STRING = 2000
PAGE = Path(__file__).with_name("control.html")


class Calls:
    """The recent calls at every door but this one, newest last; a cursor finds what came since."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._numbers = count(1)

    def record(
        self,
        *,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any,
        status: int | None,
        about: Sequence[str] = (),
    ) -> None:
        self._kept.append({
            "number": next(self._numbers),
            "at": time.time(),
            "method": method,
            "path": path,
            "headers": {name: _redacted(name, value) for name, value in headers.items()},
            "body": _without_secrets(body),
            "status": status,
            "tasks": [*_uuids(body), *about],
        })  # fmt: skip

    def since(self, number: int, task: str) -> list[dict[str, Any]]:
        return [
            call
            for call in self._kept
            if call["number"] > number and (not task or task in call["tasks"])
        ]

    def clear(self) -> None:
        self._kept.clear()


class Control:
    def __init__(self, store: Store, rules: Rules, runs: Runs, cdn: Cdn, calls: Calls) -> None:
        self._store, self._rules, self._runs, self._calls = store, rules, runs, calls
        self._cdn = cdn

    async def serve(self, exchange: Exchange) -> None:
        match exchange.method, exchange.path:
            case "GET", "/control/":
                await exchange.answer(200, PAGE.read_bytes(), "text/html; charset=utf-8")
            case "GET", "/control":
                await exchange.answer(302, b"", "text/html", {"location": "/control/"})
            case "GET", "/control/faults":
                await exchange.json(
                    200, {"rules": self._rules.rules, "known": FAULTS, "words": WORDS}
                )
            case "PUT", "/control/faults":
                await self._put_faults(exchange)
            case "GET", "/control/calls":
                await self._list_calls(exchange)
            case "GET", "/control/tasks":
                await self._list_tasks(exchange)
            case "GET", "/control/billing":
                events = self._store.billed(SHOWN_EVENTS)
                total = self._store.count_billed()
                await exchange.json(200, {"events": events, "total": total})
            case "POST", "/control/reset":
                await self._reset(exchange)
            case "GET", path if path.startswith("/control/files/"):
                await self._show_file(exchange, path.removeprefix("/control/files/"))
            case _:
                await exchange.json(404, {"message": f"No door {exchange.method} {exchange.path}."})

    async def _put_faults(self, exchange: Exchange) -> None:
        try:
            wanted = json.loads(await exchange.body())
            if not isinstance(wanted, dict) or set(wanted) != {"rules"}:
                raise BadRule('send {"rules": [...]}')
            self._rules.replace(wanted["rules"])
        except (BadRule, ValueError) as error:
            await exchange.json(422, {"message": str(error)})
            return
        await exchange.json(200, {"rules": self._rules.rules})

    async def _show_file(self, exchange: Exchange, uuid: str) -> None:
        # The page looks past the CDN, so that looking neither meets a fault nor uses one up.
        try:
            content = await self._cdn.content(uuid)
        except NoSuchFile:
            await exchange.json(404, {"message": "No such file."})
            return
        headers = {"cache-control": "private, max-age=31536000, immutable"}
        await exchange.answer(200, content, self._cdn.kind(uuid), headers)

    async def _list_tasks(self, exchange: Exchange) -> None:
        limit = exchange.query.get("limit", "")
        wanted = exchange.query.get("task", "")
        newest = self._store.newest(int(limit) if limit.isdigit() else SHOWN_TASKS)
        tasks = [summary(task) for task in newest if not wanted or task["taskUUID"] == wanted]
        await exchange.json(200, {"tasks": tasks, "total": self._store.count()})

    async def _list_calls(self, exchange: Exchange) -> None:
        since = exchange.query.get("since", "0")
        calls = self._calls.since(
            int(since) if since.isdigit() else 0, exchange.query.get("task", "")
        )
        await exchange.json(
            200,
            {
                "calls": calls,
                "next": calls[-1]["number"] if calls else int(since) if since.isdigit() else 0,
            },
        )

    async def _reset(self, exchange: Exchange) -> None:
        try:
            wanted = json.loads(await exchange.body() or b"{}")
        except ValueError:
            wanted = {}
        self._rules.replace([])
        self._calls.clear()
        if isinstance(wanted, dict) and wanted.get("tasks"):
            self._runs.stop()
            self._store.forget_everything()
        await exchange.json(200, {"reset": True})


def summary(task: Task) -> dict[str, Any]:
    """One task as the control door shows it: what was asked, what came, what was delivered."""
    shown = ("index", "uuid", "state", "seed", "due_at")
    return {
        "taskUUID": task["taskUUID"],
        "taskType": task["taskType"],
        "at": task["at"],
        "model": task.get("model", ""),
        "prompt": task.get("prompt") or task["request"].get("positivePrompt", ""),
        "width": task["request"].get("width"),
        "height": task["request"].get("height"),
        "unfinished": task["unfinished"],
        "forgotten": task["key"] != task["taskUUID"],
        "faults": sorted(task["faults"]),
        "results": [{name: result[name] for name in shown} for result in task["results"]],
        "webhooks": [
            {name: delivery[name] for name in ("result", "answers", "ended")}
            for delivery in task["deliveries"]
        ],
    }


def _redacted(name: str, value: str) -> str:
    if name not in ("authorization", "x-api-key", "x-goog-api-key"):
        return value
    scheme, _, key = value.rpartition(" ")
    return f"{scheme} …{key[-3:]}".strip()


def _without_secrets(body: Any) -> Any:
    if isinstance(body, list):
        return [_without_secrets(item) for item in body]
    if isinstance(body, dict):
        return {
            name: f"…{value[-3:]}"
            if name == "apiKey" and isinstance(value, str)
            else _without_secrets(value)
            for name, value in body.items()
        }
    if isinstance(body, str) and len(body) > LONGEST_STRING:
        return body[:200] + f"… ({len(body)} characters)"
    return body


def _uuids(body: Any) -> list[str]:
    items = body if isinstance(body, list) else [body]
    return [
        item["taskUUID"]
        for item in items
        if isinstance(item, dict) and isinstance(item.get("taskUUID"), str)
    ]
