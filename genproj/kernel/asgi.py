"""The words of ASGI that several doors share: headers, bodies within limits, answers, problems."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

from genproj.kernel.ids import uuid7
from genproj.kernel.requests import ACCEPTABLE
from genproj.kernel.steps import Step

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

#: Told by Django to what stands in front of it; neither let in nor out.
FOLLOW = b"x-follow"
SEND_FILE = b"x-send-file"
STREAM = b"x-stream"
INTERNAL = frozenset({FOLLOW, SEND_FILE, STREAM})

IN_MEMORY = 2**20
CHUNK = 2**18
LONGEST_SILENCE = 60.0
#: bodies that lie on disk at a time, until they are answered; who sends one more comes again
MOST_LARGE = 32
RETRY_SECONDS = 5

TITLES = {
    401: ("unauthenticated", "Not signed in"),
    403: ("forbidden", "Forbidden"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    408: ("request_timeout", "The request did not arrive in time"),
    413: ("payload_too_large", "Too large"),
    416: ("range_not_satisfiable", "No such range"),
    429: ("rate_limited", "Too many requests"),
    500: ("internal_error", "Internal error"),
    503: ("unavailable", "Not available just now"),
}


class Disconnected(Exception):
    """The client went away before its request had arrived."""


class Unreadable(Exception):
    """The body cannot be taken; `status` says why."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(str(status))


@dataclass(frozen=True)
class Answer:
    """A whole response: small bodies as bytes, large ones in a temporary file. Of one that is
    streamed, `parts` are still to be made."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes | IO[bytes] = b""
    parts: Iterable[bytes] | None = None

    def header(self, name: bytes) -> bytes | None:
        """The first header of that (lower-case) name."""
        return next((value for key, value in self.headers if key == name), None)

    def having(self, *added: tuple[bytes, bytes], status: int | None = None) -> "Answer":
        """The same answer with some headers set instead of what they were."""
        names = {name for name, _ in added}
        kept = [pair for pair in self.headers if pair[0] not in names]
        return replace(self, headers=[*kept, *added], status=status or self.status)


def header(scope: Scope, name: bytes) -> str | None:
    """A request header's value, or None."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers by lower-case name; repeated ones joined."""
    found: dict[str, str] = {}
    for key, value in scope["headers"]:
        name, text = key.decode("latin-1"), value.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{joint}{text}" if name in found else text
    return found


def request_id(scope: Scope) -> str:
    """The caller's X-Request-Id, or a new one; the same for the whole request."""
    known: str | None = scope.get("genproj.request_id")
    if known is None:
        given = header(scope, b"x-request-id") or ""
        known = given if ACCEPTABLE.fullmatch(given) else str(uuid7())
        scope["genproj.request_id"] = known
    return known


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """The request's body in memory.

    Raises:
        Unreadable: larger than `limit` (413), or it stopped coming (408), or there are too many
            large ones already (503).
        Disconnected: the client went away.
    """
    _check_length(scope, limit)
    parts: list[bytes] = []
    size = 0
    while True:
        part, more = await _part(receive)
        size += len(part)
        if size > limit:
            raise Unreadable(413)
        parts.append(part)
        if not more:
            return b"".join(parts)


async def body_parts(scope: Scope, receive: Receive, *, limit: int) -> AsyncIterator[bytes]:
    """The request's body as it comes, for bodies too large to be held anywhere but at their end.

    Raises: as `read_body`.
    """
    _check_length(scope, limit)
    size, more = 0, True
    while more:
        part, more = await _part(receive)
        size += len(part)
        if size > limit:
            raise Unreadable(413)
        yield part


class _Spool(tempfile.SpooledTemporaryFile[bytes]):
    """A body: in memory while it is small; large ones lie on disk, and only so many at a time."""

    on_disk = 0
    _counted = False

    def rollover(self) -> None:
        if not self._counted:
            if _Spool.on_disk >= MOST_LARGE:
                raise Unreadable(503)
            self._counted = True
            _Spool.on_disk += 1
        super().rollover()

    def close(self) -> None:
        if self._counted:
            self._counted = False
            _Spool.on_disk -= 1
        super().close()

    def __exit__(self, *raised: object) -> None:
        self.close()  # the library's own closes only the file within


async def spool_body(scope: Scope, receive: Receive, *, limit: int) -> IO[bytes]:
    """The request's body as a file at its beginning, so that no thread waits for a slow client.

    Raises: as `read_body`.
    """
    _check_length(scope, limit)
    spool = _Spool(max_size=IN_MEMORY)  # closed by the caller
    size = 0
    try:
        while True:
            part, more = await _part(receive)
            size += len(part)
            if size > limit:
                raise Unreadable(413)
            spool.write(part)
            if not more:
                spool.seek(0)
                return spool
    except BaseException:
        spool.close()
        raise


def _check_length(scope: Scope, limit: int) -> None:
    length = header(scope, b"content-length") or "0"
    if length.isdecimal() and int(length) > limit:
        raise Unreadable(413)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    step = Step(_received(receive))
    if not step.done:
        try:
            async with asyncio.timeout(LONGEST_SILENCE):
                await step
        except TimeoutError:
            raise Unreadable(408) from None
    message = step.result
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message.get("body", b""), message.get("more_body", False)


async def _received(receive: Receive) -> Message:
    return await receive()


def problem(
    scope: Scope, status: int, *, code: str = "", detail: str = "", headers: Headers | None = None
) -> Answer:
    """A refusal as application/problem+json, in the form that the API gives it."""
    usual, title = TITLES[status]
    number = request_id(scope)
    code = code or usual
    headers = headers or []
    if status in {429, 503} and not any(name == b"retry-after" for name, _ in headers):
        headers = [*headers, (b"retry-after", str(RETRY_SECONDS).encode())]
    body = {
        "type": f"/api/v1/docs/#problem-{code}",
        "title": title,
        "status": status,
        "detail": detail or f"{title}.",
        "instance": scope["path"],
        "code": code,
        "retryable": status in {408, 429, 503},
        "request_id": number,
    }
    return Answer(
        status,
        [
            (b"content-type", b"application/problem+json"),
            (b"cache-control", b"private, no-cache"),
            (b"x-request-id", number.encode()),
            *headers,
        ],
        json.dumps(body).encode(),
    )


async def send_answer(scope: Scope, send: Send, answer: Answer) -> None:
    """Send a whole answer; the internal headers stay inside."""
    body = answer.body
    headers = [pair for pair in answer.headers if pair[0] not in INTERNAL]
    bodiless = answer.status in {204, 304}
    if bodiless:
        headers = [pair for pair in headers if pair[0] != b"content-type"]
    if isinstance(body, bytes) and not bodiless and answer.header(b"content-length") is None:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if bodiless or scope["method"] == "HEAD":
        body_now = b""
    elif isinstance(body, bytes):
        body_now = body
    else:
        while chunk := body.read(CHUNK):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        body_now = b""
    if not isinstance(body, bytes):
        body.close()
    await send({"type": "http.response.body", "body": body_now})
