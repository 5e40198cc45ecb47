"""Runware's protocol over REST and WebSocket: who may speak and which task does what."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

from PIL import UnidentifiedImageError

from genproj.sandbox import items, models
from genproj.sandbox.cdn import Cdn
from genproj.sandbox.faults import ACCEPTED, BEFORE, Rule, Rules
from genproj.sandbox.runs import Runs, stable_uuid
from genproj.sandbox.tasks import Store, Task, new_task
from genproj.sandbox.validation import (
    GENERATING,
    LEGACY_NAMES,
    kind_of,
    model_of,
    refusal,
    refusals,
    source_of,
    status_of,
)
from genproj.sandbox.web import Exchange

KEY = "sandbox"
BALANCE = 100.0
SYNC_LIMIT = 60.0
WEBHOOK_LIMIT = 30.0

Answer = dict[str, Any]
REFUSALS = {
    "error_before": (500, "internalServerError", "Internal server error."),
    "error_before_402": (402, "insufficientCredits", "Not enough balance for this task."),
    "error_before_429": (429, "rateLimitExceeded", "Too many tasks are queued."),
    "error_before_503": (503, "serviceUnavailable", "Service is temporarily unavailable."),
    "reject": (400, "invalidPositivePrompt", "Invalid value for the parameter positivePrompt."),
}
GATEWAY = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class Runware:
    def __init__(self, store: Store, rules: Rules, runs: Runs, cdn: Cdn) -> None:
        self._store, self._rules, self._runs, self._cdn = store, rules, runs, cdn
        self._acts: dict[str, Callable[[dict[str, Any], str], Coroutine[Any, Any, Answer]]] = {
            "getResponse": self._get_response,
            "modelSearch": self._model_search,
            "imageUpload": self._upload,
            "mediaStorage": self._upload,
            "accountManagement": self._account,
        }

    async def serve(self, exchange: Exchange) -> None:
        """One REST request: an array of tasks."""
        if exchange.method != "POST":
            await exchange.json(405, _errors(refusal("methodNotAllowed", "Send tasks with POST.")))
            return
        try:
            tasks = parsed(await exchange.body())
        except ValueError:
            await exchange.json(400, _errors(refusal("invalidJSON", "The body is not valid JSON.")))
            return
        if not isinstance(tasks, list) or not tasks:
            message = "The body must be an array with at least one task."
            await exchange.json(400, _errors(refusal("invalidRequestBody", message)))
            return
        bearer = exchange.headers.get("authorization", "").removeprefix("Bearer ").strip()
        denied, greeting = self._authenticated(tasks, bearer)
        if denied:
            await exchange.json(401, denied)
            return
        tasks = [task for task in tasks if not _is(task, "authentication")]
        errors = self._refused(tasks)
        if errors:
            await exchange.json(status_of(errors), {"data": [], "errors": errors})
        elif exchange.headers.get("x-runware-dry-run") == "1":
            await exchange.json(200, {"data": [_priced(task) for task in tasks]})
        elif not await self._broken(exchange, tasks):
            await self._run(exchange, tasks, greeting)

    def _authenticated(self, tasks: list[Any], bearer: str) -> tuple[Answer | None, list[Answer]]:
        """The refusal of a wrong or missing key, and the item that greets a key in the body."""
        hello = tasks[0] if _is(tasks[0], "authentication") else None
        key = hello.get("apiKey") if hello else bearer
        if not key:
            return _denied("missingApiKey", "An API key is required."), []
        if key != KEY:
            return _denied("invalidApiKey", "The API key is not valid."), []
        return None, [greeting(hello)] if hello else []

    def _refused(self, tasks: list[Any]) -> list[Answer]:
        """All that is wrong with any of the tasks; one bad task refuses the whole array."""
        errors = [error for task in tasks for error in refusals(task)]
        seen: set[str] = set()
        for task in tasks:
            uuid = task.get("taskUUID") if isinstance(task, dict) else None
            if not isinstance(uuid, str) or _is(task, "getResponse", "ping"):
                continue
            if uuid in seen or self._store.knows(uuid):
                message = "This taskUUID was already used."
                errors.append(refusal("conflictTaskUUID", message, task, parameter="taskUUID"))
            seen.add(uuid)
        forbidden = [
            task
            for task in tasks
            if isinstance(task, dict) and "forbidden" in _prompt(task).lower()
        ]
        message = "The prompt was refused by the content policy."
        return errors + [refusal("contentPolicyViolation", message, task) for task in forbidden]

    async def _broken(self, exchange: Exchange, tasks: list[Any]) -> bool:
        """Refuse on order, before anything is accepted."""
        for task in tasks:
            rule = self._strikes(task)
            if rule is None:
                continue
            if rule["fault"] == "html_gateway":
                await exchange.answer(502, GATEWAY, "text/html")
                return True
            status, code, message = REFUSALS[rule["fault"]]
            await exchange.json(status, _errors(refusal(code, message, task)))
            return True
        return False

    def _strikes(self, task: dict[str, Any]) -> Rule | None:
        if _is(task, "getResponse", "ping"):
            return None
        return self._rules.take(BEFORE, task["taskUUID"], _prompt(task))

    async def _run(self, exchange: Exchange, tasks: list[Any], greetings: list[Answer]) -> None:
        started = [self._begin(task, exchange.origin) for task in tasks]
        faults = {name for task in started if isinstance(task, dict) for name in task["faults"]}
        if "reply_lost" in faults:
            await exchange.hang_up()
            return
        answers = await asyncio.gather(*(self._answer(task) for task in started))
        data = [*greetings, *(item for answer in answers for item in answer["data"])]
        errors = [error for answer in answers for error in answer.get("errors", [])]
        body: Answer = {"data": data, **({"errors": errors} if errors else {})}
        # Results that failed are no failure of the call: they come with status 200.
        status = (
            200 if data else max((answer.get("status", 200) for answer in answers), default=200)
        )
        if "truncated" in faults:
            text = json.dumps(body).encode()
            await exchange.answer(200, text[: len(text) * 2 // 3], "application/json")
            return
        await exchange.json(status, body)

    def _begin(self, task: dict[str, Any], origin: str) -> Task | Coroutine[Any, Any, Answer]:
        """Accept at once what takes time, so that nothing can come between check and start."""
        if _is(task, "ping"):
            return _pong()
        if not _is(task, *GENERATING, *LEGACY_NAMES):
            return self._acts[task["taskType"]](task, origin)
        faults = self._rules.take_all(ACCEPTED, task["taskUUID"], _prompt(task))
        text = self._caption(task) if kind_of(task) == "caption" else ""
        return self._runs.accept(task, origin, faults, text)

    def _caption(self, request: dict[str, Any]) -> str:
        """What a picture shows, known from the prompt that it was painted from."""
        row = self._store.file(str(source_of(request))) or {}
        parent = self._store.task(row.get("task", ""))
        prompt = _prompt(parent["request"]) if parent else ""
        return (
            f"A picture of {prompt}." if prompt else "A picture with soft shapes and quiet colours."
        )

    async def _answer(self, started: Task | Coroutine[Any, Any, Answer]) -> Answer:
        if not isinstance(started, dict):
            return await started
        request = started["request"]
        if "webhook_before_reply" in started["faults"]:
            await self._runs.ended(started, limit=WEBHOOK_LIMIT)
            await self._runs.webhooks.attempted(started, limit=WEBHOOK_LIMIT)
        if not waits(request) or "forget" in started["faults"]:
            return {"data": [items.bare(started)]}
        if not await self._runs.ended(started, limit=SYNC_LIMIT):
            return _failed(refusal("timeoutProvider", "The results took too long.", request))
        return await self._cdn.filled(started, items.reply(started))

    async def _get_response(self, request: dict[str, Any], _: str) -> Answer:
        task = self._store.task(request["taskUUID"])
        if task is None or not task["results"]:
            message = "No task with this taskUUID."
            error = refusal(
                "taskFailedOrNotFound", message, parameter="taskUUID", taskUUID=request["taskUUID"]
            )
            return _failed(error)
        return await self._cdn.filled(task, items.poll(task))

    async def _model_search(self, request: dict[str, Any], origin: str) -> Answer:
        self._store.add(new_task(request, origin))
        return {"data": [{**_named(request), **models.search(request, origin)}]}

    async def _upload(self, request: dict[str, Any], origin: str) -> Answer:
        name = "image" if _is(request, "imageUpload") else "media"
        source = await self._cdn.media(request[name])
        uuid = stable_uuid(request["taskUUID"], "upload")
        try:
            stored, kind = self._cdn.keep(uuid, source.content or b"")
        except (UnidentifiedImageError, OSError):
            code = f"invalid{name.title()}"
            message = "The picture cannot be read."
            return _failed(refusal(code, message, request, parameter=name))
        task = new_task(request, origin)
        self._store.add(task, {uuid: {"task": task["key"], "name": stored, "type": kind}})
        address = f"{origin}/cdn/image/ws/2/ii/{stored}"
        more = {"operation": request["operation"]} if name == "media" else {}
        return {"data": [{**_named(request), **more, f"{name}UUID": uuid, f"{name}URL": address}]}

    async def _account(self, request: dict[str, Any], origin: str) -> Answer:
        self._store.add(new_task(request, origin))
        item: Answer = {**_named(request), "operation": request["operation"]}
        if request["operation"] != "getDetails":
            return {"data": [{**item, "usage": {"total": {"cost": self._store.spent()}}}]}
        amount = round(BALANCE - self._store.spent(), 4)
        item |= {"organizationName": "Sandbox", "organizationUUID": stable_uuid("organization")}
        item |= {"balance": {"amount": amount, "freeBalance": 0, "currency": "USD"}, "team": []}
        return {"data": [{**item, "apiKeys": [{"name": "sandbox", "enabled": True}]}]}

    # WebSocket: the same tasks, but every result comes in a frame of its own.

    async def frame(
        self, text: str, origin: str, send: Callable[[Answer], Coroutine[Any, Any, None]]
    ) -> None:
        """Answer one frame of an authenticated connection."""
        try:
            tasks = parsed(text.encode())
        except ValueError:
            tasks = None
        if not isinstance(tasks, list) or not tasks:
            await send(_errors(refusal("invalidRequestBody", "A frame must be an array of tasks.")))
            return
        errors = self._refused(tasks)
        struck = [(task, rule) for task in tasks if not errors and (rule := self._strikes(task))]
        for task, rule in struck:
            _, code, message = REFUSALS.get(rule["fault"], REFUSALS["error_before"])
            errors.append(refusal(code, message, task))
        if errors:
            await send({"errors": errors})
            return
        await asyncio.gather(*(self._stream(self._begin(task, origin), send) for task in tasks))

    async def _stream(
        self,
        started: Task | Coroutine[Any, Any, Answer],
        send: Callable[[Answer], Coroutine[Any, Any, None]],
    ) -> None:
        if not isinstance(started, dict) or not waits(started["request"]):
            # The SDK hands a frame with errors and data to nobody: one frame for each.
            for frame in _apart(await self._answer(started)):
                await send(frame)
            return
        for result in started["results"]:
            while result["state"] == "processing":
                await self._runs.progress(started)
            reply = items.reply({**started, "results": [result]})
            for frame in _apart(await self._cdn.filled(started, reply)):
                await send(frame)


def parsed(content: bytes) -> Any:
    """The JSON of a body. Raises ValueError, also for text that no UTF-8 can hold."""
    value = json.loads(content)
    if rb"\ud" in content.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value


def greeting(hello: dict[str, Any]) -> Answer:
    session = hello.get("connectionSessionUUID") or str(uuid4())
    return {"taskType": "authentication", "connectionSessionUUID": session}


def waits(request: dict[str, Any]) -> bool:
    """Whether the answer comes with the results, not before them."""
    default = "async" if request["taskType"] == "videoInference" else "sync"
    return request.get("deliveryMethod", default) == "sync" and not request.get("webhookURL")


async def _pong() -> Answer:
    return {"data": [{"taskType": "ping", "pong": True}]}


def _is(task: Any, *task_types: str) -> bool:
    return isinstance(task, dict) and task.get("taskType") in task_types


def _prompt(task: dict[str, Any]) -> str:
    prompt = task.get("positivePrompt", "")
    return prompt if isinstance(prompt, str) else ""


def _named(request: dict[str, Any]) -> Answer:
    return {"taskType": request["taskType"], "taskUUID": request["taskUUID"]}


def _errors(*errors: Answer) -> Answer:
    return {"errors": list(errors)}


def _failed(error: Answer) -> Answer:
    """The answer of a task that could not be done at all, with the status it asks for."""
    return {"data": [], "errors": [error], "status": status_of([error])}


def _denied(code: str, message: str) -> Answer:
    hello = {"taskType": "authentication"}
    return _errors(refusal(code, message, hello, parameter="apiKey", type="string"))


def _priced(task: dict[str, Any]) -> Answer:
    model = model_of(task) if _is(task, *GENERATING, *LEGACY_NAMES) else None
    cost = models.price(model, task) * task.get("numberResults", 1) if model else 0
    return {name: task[name] for name in ("taskType", "taskUUID") if name in task} | {
        "cost": round(cost, 4)
    }


def _apart(answer: Answer) -> list[Answer]:
    errors = {"errors": answer["errors"]} if answer.get("errors") else None
    data = {"data": answer["data"]} if answer.get("data") else None
    return [frame for frame in (errors, data) if frame]
