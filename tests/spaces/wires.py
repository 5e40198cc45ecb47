"""Sockets of spaces for the tests, and the threads behind them, stopped after each."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections

from genproj.accounts import operations as accounts
from genproj.asgi import application
from genproj.events.relay import relay
from genproj.events.whispers import whispers
from genproj.kernel.threads import ASIDE
from spaces.consumers import ACTS
from tests.events.conftest import Socket, beside

#: seconds that a busy machine may take for anything
PATIENCE = 60.0
HOST = (b"host", b"testserver")
ORIGIN = (b"origin", b"http://testserver")

__all__ = ["HOST", "ORIGIN", "Wire", "beside", "joined", "opened", "run", "stop_threads"]


@pytest.fixture(autouse=True)
def stop_threads() -> Iterator[None]:
    """Threads that outlived a test would read the next one's database."""
    yield
    for one in (relay, whispers, ASIDE, ACTS):
        one.stop()  # type: ignore[attr-defined]


class Wire(Socket):
    """A socket that sets aside what is not asked for."""

    passed: list[dict[str, Any]]

    async def answer(self, frame: dict[str, Any], within: float = PATIENCE) -> dict[str, Any]:
        """Send a frame and return what answers it: ack, error, state, delta or pong."""
        await self.send(frame)
        wanted = {"ack", "error", "sync:state", "sync:delta", "pong"}
        return await self.until(lambda told: told["type"] in wanted, within)

    async def until(
        self, wanted: Callable[[Any], bool], within: float = PATIENCE
    ) -> dict[str, Any]:
        """The first frame that is wanted; those before it are kept in `passed`."""
        async with asyncio.timeout(within):
            while True:
                frame = await self.hear(within)
                if wanted(frame):
                    return frame
                self.passed.append(frame)

    async def next_of(self, kind: str, within: float = PATIENCE) -> dict[str, Any]:
        """The next frame of this type."""
        return await self.until(lambda told: told["type"] == kind, within)

    async def closing(self, within: float = PATIENCE) -> int:
        """With what the server closes, whatever it says before."""
        async with asyncio.timeout(within):
            while True:
                message = await self.wire.receive_output(within)
                if message["type"] == "websocket.close":
                    return int(message["code"])
                self.passed.append(json.loads(message["text"]))


@asynccontextmanager
async def opened(address: str, *headers: tuple[bytes, bytes]) -> AsyncIterator[Wire]:
    """A socket that was accepted."""
    socket = Wire(application, address, [HOST, *headers])
    socket.passed = []
    assert (await socket.open())["type"] == "websocket.accept"
    try:
        yield socket
    finally:
        await socket.leave()
        await sync_to_async(connections.close_all)()


@asynccontextmanager
async def joined(space_id: Any, person: User, *, sync: bool = True) -> AsyncIterator[Wire]:
    """Somebody in a space who has the full state, or has asked for nothing yet."""
    ticket, _ = await beside(accounts.issue_ticket, user=person)
    async with opened(f"/ws/spaces/{space_id}/?ticket={ticket}") as socket:
        if sync:
            assert (await socket.answer({"type": "sync:request"}))["type"] == "sync:state"
        yield socket


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A story in an event loop of its own."""
    asyncio.run(story())
