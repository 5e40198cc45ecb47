"""Holds an answer until the thing it is about settles: `Prefer: wait=N` (RFC 7240)."""

import asyncio
import io
import json
import re
from collections.abc import Awaitable, Callable
from typing import IO, Any
from urllib.parse import urlsplit

from genproj.events.relay import TooOld, relay
from genproj.kernel import draining
from genproj.kernel.asgi import FOLLOW, Answer, Scope

LONGEST = 30
#: waits that a process holds at a time
MOST_WAITS = 1000
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])", re.IGNORECASE)
UNSETTLED = frozenset(
    {
        "pending",
        "queued",
        "processing",
        "uploading",
        "pending_clarification",
        "pending_confirmation",
    }
)
#: Of the first request, for reading the thing again as the same caller.
CALLER = frozenset(
    {b"host", b"authorization", b"cookie", b"accept", b"x-request-id", b"x-forwarded-proto"}
)

_waits = 0

Ask = Callable[[Scope, IO[bytes]], Awaitable[Answer]]


def seconds_of(scope: Scope) -> int | None:
    """How long the caller would wait; None when it said nothing that can be honoured."""
    for name, value in scope["headers"]:
        if name == b"prefer" and (found := WAIT.search(value.decode("latin-1"))):
            seconds = int(found[1])
            return min(seconds, LONGEST) if seconds else None
    return None


async def answer_when_settled(ask: Ask, scope: Scope, body: IO[bytes]) -> Answer:
    """What `ask` answers; a 202, or a GET of something unsettled, is held as the caller prefers.

    While it waits it holds neither a thread nor a database connection. The wait owns nothing:
    a caller that goes away changes nothing.
    """
    seconds = seconds_of(scope)
    if seconds is None:
        return await ask(scope, body)
    if scope["method"] == "GET":
        # "Not modified" would be an answer before anything has settled.
        answer = await ask(_looking(scope, scope["path"]), body)
    else:
        answer = await ask(scope, body)
    created = answer.status == 202
    if not created and not (scope["method"] == "GET" and answer.status == 200):
        return answer
    thing = _json(answer)
    path = _path(scope, answer, thing)
    if thing is None or path is None:
        return answer
    applied = (b"preference-applied", f"wait={seconds}".encode())
    stream = answer.header(FOLLOW)
    if stream is not None and not _settled(answer, thing):
        if _waits >= MOST_WAITS:
            return answer  # a preference; the client looks again by itself
        latest = await _wait(ask, scope, path, stream.decode(), thing, seconds)
        answer, thing = _merged(answer, latest), _json(latest)
    if created and answer.status == 202 and thing is not None and _settled(answer, thing):
        return answer.having(applied, status=201)
    return answer.having(applied)


def _merged(first: Answer, latest: Answer) -> Answer:
    """The later state under the first answer's status and its own headers (Location …)."""
    if latest.status != 200:
        return first
    about = {b"content-type", b"content-length", b"etag", b"last-modified", FOLLOW}
    kept = [pair for pair in first.headers if pair[0] not in about]
    fresh = [pair for pair in latest.headers if pair[0] in about]
    return Answer(first.status, [*kept, *fresh], latest.body)


async def _wait(
    ask: Ask, scope: Scope, path: str, stream: str, thing: dict[str, Any], seconds: int
) -> Answer:
    """The thing as it stands when it has settled, the time is over, or this process is to end."""
    global _waits
    look = _looking(scope, path)
    _waits += 1
    try:
        async with asyncio.timeout(seconds), relay.follow(stream) as frames:
            # It may have settled between the first answer and the subscription.
            answer = await ask(look, io.BytesIO())
            while not _settled(answer, _json(answer) or {}) and not draining.has_begun():
                await draining.unless_begun(_touched(frames, str(thing.get("id"))))
                answer = await ask(look, io.BytesIO())
            return answer
    except (TimeoutError, TooOld):
        return await ask(look, io.BytesIO())
    finally:
        _waits -= 1


async def _touched(frames: Any, number: str) -> None:
    """Returns when a frame says that the thing may have settled."""
    async for frame in frames:
        for told in frame.data.values():
            if isinstance(told, dict) and told.get("id") == number and not _open(told):
                return


def _open(thing: dict[str, Any]) -> bool:
    return thing.get("state", thing.get("status")) in UNSETTLED


def _settled(answer: Answer, thing: dict[str, Any]) -> bool:
    return answer.status not in {200, 202} or answer.header(FOLLOW) is None or not _open(thing)


def _json(answer: Answer) -> dict[str, Any] | None:
    kind = answer.header(b"content-type") or b""
    if not kind.startswith(b"application/json") or not isinstance(answer.body, bytes):
        return None
    found = json.loads(answer.body)
    return found if isinstance(found, dict) else None


def _path(scope: Scope, answer: Answer, thing: dict[str, Any] | None) -> str | None:
    """Where the thing is read: Location, its own url, or what was asked for."""
    if scope["method"] == "GET":
        return str(scope["path"])
    place = (answer.header(b"location") or b"").decode("latin-1")
    if not place and thing is not None:
        place = str((thing.get("urls") or {}).get("self") or "")
    return urlsplit(place).path or None


def _looking(scope: Scope, path: str) -> Scope:
    """A GET of `path` by the same caller, unconditional and without a wish to wait."""
    return {
        **scope,
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": scope["query_string"] if scope["method"] == "GET" else b"",
        "headers": [pair for pair in scope["headers"] if pair[0] in CALLER],
    }
