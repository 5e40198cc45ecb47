"""Webhook deliveries: at least once, kept on disk, retried as Runware does, spoiled by faults."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from genproj.sandbox import items
from genproj.sandbox.tasks import Store, Task

FIRST_RETRY = 0.25
LONGEST_RETRY = 8.0
TRIES = 12
TIMEOUT = 5.0
FINAL = (404, 410)

Delivery = dict[str, Any]
Filled = Callable[[Task, dict[str, Any]], Awaitable[dict[str, Any]]]


class Webhooks:
    """One POST per result. `filled` puts inline pictures in, `spawn` starts a coroutine."""

    def __init__(self, store: Store, filled: Filled, spawn: Callable[[Any], None]) -> None:
        self._store = store
        self._filled = filled
        self._spawn = spawn
        self._posts = ThreadPoolExecutor(24, thread_name_prefix="webhook")
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = requests.adapters.HTTPAdapter(pool_connections=8, pool_maxsize=24)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._under_way: set[tuple[str, int]] = set()

    def owe(self, task: Task, result: dict[str, Any]) -> None:
        """Note the deliveries of a result that has just come; the caller saves the task."""
        if not task["request"].get("webhookURL"):
            return
        struck = {name for name in task["faults"] if self._concerns(task["faults"][name], result)}
        if "webhook_processing" in struck:
            self._note(task, result, items.processing(task, result))
        if "webhook_garbage" in struck:
            self._note(task, result, "data=1")
        body = items.webhook(task, result)
        self._note(task, result, body, lost="webhook_lost" in struck)
        if "webhook_doubled" in struck:
            self._note(task, result, body)

    def send(self, task: Task) -> None:
        """Start whatever is owed, unless the task wants its webhooks at the end."""
        waits = any(result["state"] == "processing" for result in task["results"])
        if "webhook_reordered" not in task["faults"]:
            self._start(task, task["deliveries"])
        elif not waits:
            self._spawn(self._reversed(task))

    def resume(self, task: Task) -> None:
        self.send(task)

    def close(self, task: Task) -> None:
        """Let a task rest whose results have come and whose deliveries have ended."""
        results_open = any(result["state"] == "processing" for result in task["results"])
        unfinished = results_open or any(not delivery["ended"] for delivery in task["deliveries"])
        if task["unfinished"] and not unfinished:
            task["unfinished"] = False
            self._store.save(task)

    async def attempted(self, task: Task, *, limit: float) -> None:
        """Wait until every delivery was tried at least once."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if all(delivery["ended"] or delivery["answers"] for delivery in task["deliveries"]):
                return
            await asyncio.sleep(0.01)

    @staticmethod
    def _concerns(rule: dict[str, Any], result: dict[str, Any]) -> bool:
        return rule.get("result", result["index"]) == result["index"]

    @staticmethod
    def _note(task: Task, result: dict[str, Any], body: Any, *, lost: bool = False) -> None:
        task["deliveries"].append({
            "number": len(task["deliveries"]),
            "result": result["index"],
            "body": body,
            "answers": [],
            "next_at": time.time(),
            "ended": "lost" if lost else "",
        })  # fmt: skip

    def _start(self, task: Task, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            mark = (task["key"], delivery["number"])
            if not delivery["ended"] and mark not in self._under_way:
                self._under_way.add(mark)
                self._spawn(self._deliver(task, delivery))

    async def _reversed(self, task: Task) -> None:
        for delivery in reversed(task["deliveries"]):
            self._start(task, [delivery])
            end = time.monotonic() + 1
            while not (delivery["answers"] or delivery["ended"]) and time.monotonic() < end:
                await asyncio.sleep(0.01)

    async def _deliver(self, task: Task, delivery: Delivery) -> None:
        try:
            # What comes before its result must also arrive before it.
            ahead = [
                one
                for one in task["deliveries"][: delivery["number"]]
                if one["result"] == delivery["result"]
            ]
            while any(not (one["answers"] or one["ended"]) for one in ahead):
                await asyncio.sleep(0.01)
            while not delivery["ended"]:
                await asyncio.sleep(max(0.0, delivery["next_at"] - time.time()))
                answer = await self._post(task, delivery["body"])
                self._record(task, delivery, answer)
        finally:
            self._under_way.discard((task["key"], delivery["number"]))
        self.close(task)

    async def _post(self, task: Task, body: Any) -> int | str:
        url = task["request"]["webhookURL"]
        content = body if isinstance(body, str) else json.dumps(await self._filled(task, body))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._posts, self._posted, url, content.encode())

    def _posted(self, url: str, content: bytes) -> int | str:
        headers = {
            "content-type": "application/json",
            "user-agent": "Runware-Webhook/1.0 (sandbox)",
        }
        try:
            return self._session.post(
                url, data=content, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ).status_code
        except requests.RequestException as error:
            return type(error).__name__

    def _record(self, task: Task, delivery: Delivery, answer: int | str) -> None:
        delivery["answers"].append(answer)
        tries = len(delivery["answers"])
        if isinstance(answer, int) and 200 <= answer < 300:
            delivery["ended"] = "acknowledged"
        elif answer in FINAL:
            delivery["ended"] = "refused"
        elif isinstance(delivery["body"], str):
            delivery["ended"] = "garbage"
        elif tries >= TRIES:
            delivery["ended"] = "gave up"
        pause = min(FIRST_RETRY * 2 ** (tries - 1), LONGEST_RETRY)
        delivery["next_at"] = time.time() + pause * random.uniform(0.8, 1.2)
        self._store.save(task)
