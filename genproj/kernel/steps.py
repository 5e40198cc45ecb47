"""Runs a coroutine as far as it goes without waiting; what is left can be awaited with a limit.

Most reads and writes of a connection are done at once, and a timer for each would cost more.
"""

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Step(Generic[T]):
    """A coroutine that has begun. `done`: it came to its end, with `result`."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._begun = coroutine
        self.done = False
        try:
            self._waiting: Any = coroutine.send(None)
        except StopIteration as ended:
            self.done = True
            self.result: T = ended.value

    def __await__(self) -> Generator[Any, Any, T]:
        while not self.done:
            try:
                try:
                    given = yield self._waiting
                except BaseException as error:  # noqa: BLE001 - a cancellation is the coroutine's
                    self._waiting = self._begun.throw(error)
                else:
                    self._waiting = self._begun.send(given)
            except StopIteration as ended:
                self.done = True
                self.result = ended.value
        return self.result
