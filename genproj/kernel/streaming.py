"""Sends answers that are made while they are sent: in pieces, beside the event loop."""

import asyncio
from collections.abc import Iterator
from typing import Any

from genproj.kernel.asgi import INTERNAL, Answer, Receive, Scope, Send
from genproj.kernel.threads import Threads

#: They read files and never the database, so that a slow client holds no connection to it.
STREAMERS = Threads("streams", 2)


async def send_parts(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    """Send the parts of an answer as they are made, no faster than the client takes them.

    Where a part cannot be made the connection breaks, so that nobody takes it for the whole.
    """
    parts = answer.parts if answer.parts is not None else ()
    headers = [pair for pair in answer.headers if pair[0] not in INTERNAL]
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        rest = iter(parts)
        while scope["method"] != "HEAD" and not gone.done():
            part = await STREAMERS.run(_next, rest)
            if part is None:
                break
            if part:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        await asyncio.shield(STREAMERS.run(_close, parts))


def _next(parts: Iterator[bytes]) -> bytes | None:
    return next(parts, None)


def _close(parts: Any) -> None:
    close = getattr(parts, "close", None)
    if close is not None:
        close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
