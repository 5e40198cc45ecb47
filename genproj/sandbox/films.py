"""The life of a film that was asked of Google, by whichever of its doors."""

import random
import time

from genproj.sandbox.cdn import Cdn
from genproj.sandbox.faults import VEO_ACCEPTED, Rule, Rules, by_words
from genproj.sandbox.google import Refused
from genproj.sandbox.runs import Runs
from genproj.sandbox.shots import Shot, Wish
from genproj.sandbox.tasks import Store, Task

TASK_TYPE = "predictLongRunning"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
# What a film's end may be on order; the first that a task has wins.
ENDS = ("veo_failed", "veo_filtered", "veo_no_result", "veo_empty", "veo_no_uri")


class Films:
    def __init__(self, store: Store, rules: Rules, runs: Runs, cdn: Cdn) -> None:
        self._store, self._rules, self._runs, self._cdn = store, rules, runs, cdn

    def accept(self, operation: str, model: str, name: str, wish: Wish, origin: str) -> Task:
        """Keep an operation and let it run."""
        faults = self._rules.take_all(VEO_ACCEPTED, operation, wish.prompt)
        word = by_words(VEO_ACCEPTED, wish.prompt)
        if word:
            faults.setdefault(word["fault"], word)
        now, extra = time.time(), 0.0
        if "veo_slow" in faults:
            extra = faults["veo_slow"].get("seconds", 5)
        seed = wish.seed if wish.seed is not None else self._next_seed(model, wish)
        pace = self._runs.patience("videoInference") * random.Random(operation).uniform(0.9, 1.1)
        task: Task = {
            "key": operation, "taskUUID": operation, "taskType": TASK_TYPE, "model": model,
            "prompt": wish.prompt, "request": wish.request, "origin": origin, "at": now,
            "unfinished": True, "spent": 0.0, "cost": 0.0, "faults": faults, "deliveries": [],
            "polls": 0, "name": name, "told": 0, "brief": wish.mark, "results": [],
        }  # fmt: skip
        unlucky = self._runs.unlucky()
        for index in range(wish.count):
            task["results"].append({
                "index": index, "uuid": new_id(), "seed": seed + index, "state": "processing",
                "due_at": None if "veo_never" in faults else now + pace + extra,
                "fails": "veo_failed" if unlucky else _failure(faults, index, wish.count),
            })  # fmt: skip
        files = {}
        for result in task["results"]:
            shot = {**wish.shot, "model": model, "seed": result["seed"]} | wish.earlier
            files[result["uuid"]] = {"task": operation, "result": result["index"], "shot": shot}
        for kept, content in wish.inputs.items():
            self._cdn.keep_input(kept, content)
        self._runs.begin(task, files)
        if pace:
            # What takes time should be ready when it says so; without a delay, only what is wanted.
            for result in task["results"]:
                if not result["fails"]:
                    self._cdn.begin(result["uuid"])
        return task

    def _next_seed(self, model: str, wish: Wish) -> int:
        # The same request again gives another film, as it does there; which one can be foretold.
        first = random.Random(f"{model}:{wish.mark}").randrange(1, 2**31)
        return (first + self._store.count_brief(wish.mark)) % 2**32

    def earlier(self, file: str) -> Shot | None:
        """The shot of an earlier film, which another is to continue."""
        row = self._store.file(file)
        return row.get("shot") if row else None

    def find(self, operation: str, name: str) -> Task:
        """An operation by its name. Raises Refused."""
        task = self._store.task(operation)
        if task is None or task["taskType"] != TASK_TYPE or task["name"] != name:
            raise Refused(404, "Operation not found.")
        return task

    def done(self, task: Task) -> bool:
        """What a poll says: whether it has come to its end. Raises Refused when it is forgotten."""
        faults = task["faults"]
        if {"veo_polls", "veo_regress", "veo_vanish"} & faults.keys():
            task["polls"] += 1
            self._store.save(task)
        if "veo_vanish" in faults and task["polls"] > faults["veo_vanish"].get("polls", 0):
            raise Refused(404, "Operation not found.")
        if any(result["state"] == "processing" for result in task["results"]):
            return False
        if "veo_polls" in faults and task["polls"] <= faults["veo_polls"].get("polls", 3):
            return False
        if "veo_regress" not in faults:
            return True
        task["told"] += 1
        self._store.save(task)
        return bool(task["told"] != 2)


def new_id() -> str:
    """An id as Google makes them: twelve lower-case letters and digits."""
    return "".join(random.SystemRandom().choices(LETTERS, k=12))


def _failure(faults: dict[str, Rule], index: int, count: int) -> str | None:
    for name in ENDS:
        if name in faults:
            return name
    if "veo_partial" in faults and index == faults["veo_partial"].get("result", count - 1):
        return "veo_filtered"
    return None
