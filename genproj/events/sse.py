"""Follows one thing as server-sent events: a snapshot, then each change, until it settles."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from django.db import Error

from genproj.events import log
from genproj.events.identity import person_behind
from genproj.events.relay import Follower, TooOld, relay
from genproj.events.waiting import UNSETTLED
from genproj.kernel import draining
from genproj.kernel.asgi import Receive, Scope, Send, header, problem, request_id, send_answer
from genproj.kernel.errors import NotFound
from genproj.kernel.figures import SOCKETS
from genproj.kernel.threads import aside
from genproj.streams import THINGS

MOST_PER_PERSON = 10
PING_EVERY = 15.0
#: how old the knowledge may be that somebody may see what they are told of
LOOK_EVERY = 1.0
RETRY_MS = 3000

_open: Counter[int] = Counter()


@dataclass(frozen=True)
class Snapshot:
    """A thing as one person sees it, and the seq of its owner's stream before it was read."""

    stream: str
    seq: int
    thing: dict[str, Any]

    @property
    def settled(self) -> bool:
        """Whether nothing more is awaited."""
        return not is_open(self.thing)


def is_open(thing: dict[str, Any]) -> bool:
    """Whether the thing's state says that more will come."""
    return thing.get("state", thing.get("status")) in UNSETTLED


def snapshot(kind: str, number: str, viewer: Any) -> Snapshot:
    """Read the thing. The seq is read first: a change in between is told twice, never missed.

    Raises:
        NotFound: there is no such thing that this person may see.
    """
    view_of, json_of = (resolve_name(name) for name in THINGS[kind])
    owner = view_of(viewer=viewer, id=number).owner_id
    stream = f"user:{owner}"
    seq = log.head_of(stream)
    return Snapshot(stream, seq, json_of(view_of(viewer=viewer, id=number), viewer))


async def follow_thing(
    scope: Scope, receive: Receive, send: Send, *, kind: str, number: str
) -> None:
    """Answer a GET with the stream of one thing."""
    if scope["method"] not in {"GET", "HEAD"}:
        refusal = problem(scope, 405, headers=[(b"allow", b"GET, HEAD")])
        await send_answer(scope, send, refusal)
        return
    try:
        viewer = await person_behind(scope)
        first = None if viewer is None else await aside(snapshot, kind, number, viewer)
    except NotFound:
        await send_answer(scope, send, problem(scope, 404))
        return
    except Error:
        words, waits = "The database cannot be reached just now.", [(b"retry-after", b"5")]
        refusal = problem(scope, 503, code="database_unavailable", detail=words, headers=waits)
        await send_answer(scope, send, refusal)
        return
    if viewer is None or first is None:
        asked = [(b"www-authenticate", b"Bearer")]
        await send_answer(scope, send, problem(scope, 401, headers=asked))
        return
    if _open[viewer.pk] >= MOST_PER_PERSON:
        words = f"You follow {MOST_PER_PERSON} streams already; close one first."
        waits = [(b"retry-after", b"15")]
        refusal = problem(scope, 429, code="too_many_streams", detail=words, headers=waits)
        await send_answer(scope, send, refusal)
        return
    _open[viewer.pk] += 1
    SOCKETS.inc()
    try:
        await _stream(scope, receive, send, first, kind, viewer)
    finally:
        SOCKETS.dec()
        _open[viewer.pk] -= 1
        if not _open[viewer.pk]:
            del _open[viewer.pk]


async def _stream(
    scope: Scope, receive: Receive, send: Send, first: Snapshot, kind: str, viewer: Any
) -> None:
    given = header(scope, b"last-event-id") or ""
    missed = await _missed(first.stream, int(given)) if _is_seq(given) else None
    if missed is not None:
        theirs = [frame for frame in missed if _about(frame, kind, first.thing["id"])]
        if first.settled and not theirs:
            # EventSource comes back after every end; this tells it to stay away.
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"private, no-cache"),
        (b"x-accel-buffering", b"no"),
        (b"x-request-id", request_id(scope).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["method"] == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return
    gone = asyncio.ensure_future(_disconnected(receive))
    told = asyncio.ensure_future(
        _tell(send, first, kind, viewer, int(given) if missed is not None else None)
    )
    either = asyncio.wait({gone, told}, return_when=asyncio.FIRST_COMPLETED)
    try:
        await draining.unless_begun(either)  # the reader resumes at another process
        if told.done():
            told.result()
        told.cancel()
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        told.cancel()


async def _tell(send: Send, first: Snapshot, kind: str, viewer: Any, after: int | None) -> None:
    """Send events until the thing has settled, or is not this person's to see any more; `after`
    is where a reader resumes."""

    async def write(text: str) -> None:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

    seen_at = time.monotonic()
    await write(f"retry: {RETRY_MS}\n\n")
    if after is None:
        await write(event("snapshot", first.seq, first.thing))
        if first.settled:
            return
    async with relay.follow(first.stream, after=first.seq if after is None else after) as frames:
        try:
            async for frame in _or_ping(frames):
                if frame is None:
                    await write(": ping\n\n")
                elif _about(frame, kind, first.thing["id"]):
                    thing = frame.data[kind]
                    if time.monotonic() - seen_at >= LOOK_EVERY:
                        await aside(snapshot, kind, first.thing["id"], viewer)
                        seen_at = time.monotonic()
                    await write(event("update", frame.seq, thing))
                    if not is_open(thing):
                        return
        except TooOld:
            return  # the reader comes back without anything to replay, and gets a snapshot
        except (NotFound, Error):
            return  # who comes back is told why


async def _or_ping(frames: Follower) -> AsyncIterator[log.Frame | None]:
    """The frames; None whenever nothing came for a while."""
    waiting: asyncio.Future[log.Frame] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(frames))
            await asyncio.wait({waiting}, timeout=PING_EVERY)
            if waiting.done():
                frame, waiting = waiting.result(), None
                yield frame
            else:
                yield None
    finally:
        if waiting is not None:
            waiting.cancel()


async def _missed(stream: str, seq: int) -> list[log.Frame] | None:
    return await aside(log.since, stream, seq)


def _is_seq(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _about(frame: log.Frame, kind: str, number: str) -> bool:
    thing = frame.data.get(kind)
    return isinstance(thing, dict) and thing.get("id") == number


def event(name: str, seq: int, thing: dict[str, Any]) -> str:
    """One event as it goes over the wire."""
    return f"event: {name}\nid: {seq}\ndata: {json.dumps(thing)}\n\n"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
