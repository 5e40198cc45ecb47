"""Fixed threads that do blocking work for an event loop and keep their database connections."""

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import Error, close_old_connections, connections

R = TypeVar("R")


class Busy(Exception):
    """So many wait for a thread already that one more would only wait in vain."""


class Threads:
    """A few threads, started when first needed. Each keeps its connections until `stop`.

    asgiref's threads come and go, so persistent connections would leak with them. With `most`,
    no more than that many wait for one.
    """

    def __init__(self, name: str, width: int, *, most: int | None = None) -> None:
        self.name = name
        self.width = width
        self.most = most
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    async def run(self, act: Callable[..., R], *args: Any, always: bool = False) -> R:
        """What `act(*args)` returns or raises; run in the first thread that is free.

        Raises:
            Busy: `most` wait already, and this is not `always` done.
        """
        if self.most is not None and not always and self._waiting.qsize() >= self.most:
            raise Busy(self.name)
        if len(self._threads) < self.width:
            self._start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.put((loop, future, contextvars.copy_context(), act, args))
        return await future

    def stop(self) -> None:
        """End the threads and close their connections. A later `run` starts anew."""
        with self._lock:
            ending, self._threads = self._threads, []
            for _ in ending:
                self._waiting.put(None)
        for thread in ending:
            thread.join(10)

    def _start(self) -> None:
        with self._lock:
            while len(self._threads) < self.width:
                thread = threading.Thread(
                    target=self._work, name=f"{self.name}-{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        try:
            while (task := self._waiting.get()) is not None:
                loop, future, context, act, args = task
                if future.cancelled():
                    continue
                result, error = None, None
                try:
                    result = context.run(act, *args)
                except BaseException as raised:  # noqa: BLE001 - it is raised where it is awaited
                    error = raised
                try:
                    loop.call_soon_threadsafe(_resolve, future, result, error)
                except RuntimeError:
                    continue  # the loop has ended meanwhile
                finally:
                    del task, future, result, error, args
        finally:
            connections.close_all()


def _resolve(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


#: For short reads of sockets, streams and doors; never for work that waits.
ASIDE = Threads("aside", 2)


async def aside(act: Callable[..., R], *args: Any) -> R:
    """Run a short blocking act beside the event loop, on a connection that heals."""
    return await ASIDE.run(_healing, act, *args)


def _healing(act: Callable[..., R], *args: Any) -> R:
    close_old_connections()
    try:
        return act(*args)
    except Error:
        connections.close_all()
        raise
