"""Streams of the tests, and the relay that is stopped after each."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import connection

from genproj.events import log
from genproj.events.relay import relay
from genproj.kernel import rows
from genproj.kernel.threads import ASIDE


@pytest.fixture(autouse=True)
def _stop_threads() -> Iterator[None]:
    """Threads that outlived a test would read the next one's database."""
    yield
    relay.stop()
    ASIDE.stop()


def append(stream: str, number: int, kind: str = "thing:updated") -> None:
    """One frame, committed."""
    with rows.atomic():
        log.append(stream, kind, thing={"id": number})


async def beside(act: Any, *args: Any, **kwargs: Any) -> Any:
    """Do something with rows from an event loop, in a thread that gives its connection back."""

    def run() -> Any:
        try:
            return act(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.to_thread(run)


async def write(stream: str, number: int, kind: str = "thing:updated") -> None:
    """`append` from an event loop."""
    await beside(append, stream, number, kind)


class Socket:
    """A websocket without a network."""

    def __init__(self, application: Any, address: str, headers: list[tuple[bytes, bytes]]) -> None:
        path, _, query = address.partition("?")
        self.scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
            "subprotocols": [],
        }
        self.wire = ApplicationCommunicator(application, self.scope)

    async def open(self) -> dict[str, Any]:
        """What the server answers to the opening."""
        await self.wire.send_input({"type": "websocket.connect"})
        return dict(await self.wire.receive_output(60))

    async def send(self, frame: Any) -> None:
        """Send text as it is, bytes as they are, anything else as JSON."""
        if isinstance(frame, bytes):
            await self.wire.send_input({"type": "websocket.receive", "bytes": frame})
        else:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            await self.wire.send_input({"type": "websocket.receive", "text": text})

    async def hear(self, within: float = 60) -> dict[str, Any]:
        """The next frame."""
        message = await self.wire.receive_output(within)
        assert message["type"] == "websocket.send", message
        return dict(json.loads(message["text"]))

    async def close_code(self, within: float = 60) -> int:
        """With what the server closes."""
        message = await self.wire.receive_output(within)
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    async def leave(self) -> None:
        """Close it from here."""
        await self.wire.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wire.wait(60)
