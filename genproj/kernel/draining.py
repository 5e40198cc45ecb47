"""Says that this web process is about to end: it serves on for a while, and what waits lets go."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]

_begun = False
_waiting: set[asyncio.Event] = set()


def has_begun() -> bool:
    """Whether this process has been asked to end."""
    return _begun


async def unless_begun(work: Coroutine[Any, Any, object]) -> None:
    """Await `work`, but no longer than until this process is asked to end."""
    event = asyncio.Event()
    working, asked = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    _waiting.add(event)
    if _begun:
        event.set()
    try:
        await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        _waiting.discard(event)
        asked.cancel()
        working.cancel()
        await asyncio.wait({working})


def _begin() -> None:
    global _begun
    _begun = True
    for event in _waiting:
        event.set()


def install(seconds: float) -> None:
    """Have SIGTERM be heard here first, and passed on to the server `seconds` later.

    Meanwhile whoever stands in front finds out (`/healthz` answers 503) and sends nobody more, and
    those who are in are answered: a server that ends at once resets whom it has let in and not yet
    heard. A second SIGTERM is passed on at once. Called in the server's own loop.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    handler = signal.getsignal(signal.SIGTERM)
    if not callable(handler):
        return
    pass_on: Handler = handler

    def heard(number: int, frame: FrameType | None) -> None:
        at_once = _begun or not seconds
        loop.call_soon_threadsafe(_begin)
        if at_once:
            pass_on(number, frame)
        else:
            loop.call_soon_threadsafe(_leave_the_door, pass_on)
            loop.call_soon_threadsafe(loop.call_later, seconds, pass_on, number, frame)

    signal.signal(signal.SIGTERM, heard)


def _leave_the_door(handler: Handler) -> None:
    """Let nobody more in where somebody else holds the door open (systemd's socket): who knocks
    now waits for the next process. A door of our own stays open, else who waits is turned away."""
    server = getattr(handler, "__self__", None)
    if server is not None and server.config.fd is not None:
        for listening in server.servers:
            listening.close()
