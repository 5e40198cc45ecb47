"""The life of accepted tasks: results come due one by one, also after the process was killed."""

import asyncio
import hashlib
import random
import time
from typing import Any
from uuid import UUID

from genproj.sandbox.faults import Rule
from genproj.sandbox.models import price
from genproj.sandbox.tasks import Store, Task, new_task
from genproj.sandbox.validation import kind_of, model_of
from genproj.sandbox.webhooks import Filled, Webhooks

SEED_LIMIT = 2**31
# A video takes as many times longer than an image.
PATIENCE = {"videoInference": 5.0, "upscale": 0.6, "removeBackground": 0.6, "caption": 0.4}


def stable_uuid(*parts: object) -> str:
    """An id that looks random and is the same for the same parts."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


class Runs:
    """Accepts tasks and brings them to their end. `delay` is the seconds until a first image."""

    def __init__(self, store: Store, filled: Filled, *, delay: float, fail: float) -> None:
        self._store = store
        self._delay = delay
        self._fail = fail
        self._changed: dict[str, asyncio.Event] = {}
        self._background: set[asyncio.Task[None]] = set()
        self.webhooks = Webhooks(store, filled, self._spawn)

    def resume(self) -> None:
        """Go on with what the last process left: results still due, webhooks not acknowledged."""
        for task in self._store.unfinished():
            self._spawn(self._life(task))
            self.webhooks.resume(task)

    def accept(
        self, request: dict[str, Any], origin: str, faults: dict[str, Rule], text: str = ""
    ) -> Task:
        """Keep a task and start it; `text` is what a caption will say. Raises Taken."""
        task = self._planned(request, origin, faults)
        task["text"] = text
        if "forget" in faults:
            task["key"] = f"{task['taskUUID']}#forgotten-{random.getrandbits(32):08x}"
        files = {
            result["uuid"]: {"task": task["key"], "result": result["index"]}
            for result in task["results"]
        }
        self.begin(task, files)
        return task

    def begin(self, task: Task, files: dict[str, dict[str, Any]]) -> None:
        """Keep a task that is planned and let it run. Raises Taken."""
        self._store.add(task, files)
        self._spawn(self._life(task))

    def patience(self, kind: str) -> float:
        """The seconds until a first result of that kind."""
        return self._delay * PATIENCE.get(kind, 1.0)

    def unlucky(self) -> bool:
        """Whether a result fails by chance, as this sandbox was told."""
        return random.random() < self._fail

    async def ended(self, task: Task, *, limit: float) -> bool:
        """Wait until every result has come; False when the time is up."""
        try:
            async with asyncio.timeout(limit):
                while any(result["state"] == "processing" for result in task["results"]):
                    await self._event(task).wait()
        except TimeoutError:
            return False
        return True

    async def progress(self, task: Task) -> None:
        """Wait for the next change of a task."""
        await self._event(task).wait()

    def _planned(self, request: dict[str, Any], origin: str, faults: dict[str, Rule]) -> Task:
        task = new_task(request, origin)
        task["faults"] = faults
        model = model_of(request)
        count = request.get("numberResults", 1)
        seed = request.get("seed") or random.randrange(1, SEED_LIMIT)
        task |= {
            "unfinished": "forget" not in faults,
            "seed": seed,
            "model": model.air if model else "",
        }
        task["cost"] = price(model, request) if model else 0
        spread = random.Random(task["taskUUID"])
        kind = kind_of(task)
        pace = self.patience(kind)
        due = task["at"] + pace * spread.uniform(0.9, 1.1)
        extra = faults["slow"].get("seconds", 5) if "slow" in faults else 0
        for index in range(count):
            due += extra
            task["results"].append({
                "index": index,
                "uuid": stable_uuid(task["taskUUID"], index),
                "seed": seed + index,
                "due_at": None if "never" in faults else due,
                "fails": self._failure(faults, index, count),
                "state": "processing",
            })  # fmt: skip
            due += pace * spread.uniform(0.75, 1.0)
        return task

    def _failure(self, faults: dict[str, Rule], index: int, count: int) -> str | None:
        if "content_policy" in faults:
            return "contentPolicyViolation"
        if "error_after" in faults or self.unlucky():
            return "inferenceError"
        if "one_fails" in faults and index == faults["one_fails"].get("result", count - 1):
            return "inferenceError"
        return None

    async def _life(self, task: Task) -> None:
        if "forget" in task["faults"]:
            return
        for result in task["results"]:
            if result["state"] != "processing":
                continue
            if result["due_at"] is None:
                return
            await asyncio.sleep(max(0.0, result["due_at"] - time.time()))
            self._finish(task, result)
        self.webhooks.close(task)
        self._tell(task)

    def _finish(self, task: Task, result: dict[str, Any]) -> None:
        result["state"] = "error" if result["fails"] else "success"
        result["at"] = time.time()
        if not result["fails"]:
            task["spent"] = round(task["spent"] + task["cost"], 6)
        # The delivery is written with the result, so a kill between the two cannot lose a webhook.
        self.webhooks.owe(task, result)
        self._store.save(task)
        self.webhooks.send(task)
        self._tell(task)

    def _event(self, task: Task) -> asyncio.Event:
        return self._changed.setdefault(task["key"], asyncio.Event())

    def _tell(self, task: Task) -> None:
        event = self._changed.pop(task["key"], None)
        if event:
            event.set()

    def _spawn(self, work: Any) -> None:
        running = asyncio.ensure_future(work)
        self._background.add(running)
        running.add_done_callback(self._background.discard)

    def stop(self) -> None:
        """Drop what runs, because the tasks themselves are to be forgotten."""
        for running in list(self._background):
            running.cancel()
