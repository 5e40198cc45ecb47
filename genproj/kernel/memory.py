"""Answers remembered for a while in this process; what many ask for and nobody minds stale."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

MOST = 500

_all: list[Callable[[], None]] = []


def forget_all() -> None:
    """Forget every remembered answer of this process."""
    for forget in _all:
        forget()


def remembered(seconds: float) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give the same answer to the same arguments for `seconds`; failures are not remembered."""

    def decorate(make: Callable[P, R]) -> Callable[P, R]:
        known: dict[Any, tuple[float, R]] = {}
        lock = threading.Lock()

        @wraps(make)
        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            key, moment = (args, tuple(sorted(kwargs.items()))), time.monotonic()
            with lock:
                found = known.get(key)
            if found is not None and found[0] > moment:
                return found[1]
            answer = make(*args, **kwargs)
            with lock:
                if len(known) >= MOST:
                    known.clear()
                known[key] = (moment + seconds, answer)
            return answer

        _all.append(known.clear)
        ask.forget = known.clear  # type: ignore[attr-defined]
        return ask

    return decorate
