"""Sends files from disk beside the event loop: whole, in part, or only their head (RFC 9110)."""

import asyncio
import re
from email.utils import formatdate
from pathlib import Path
from typing import IO

from genproj.kernel.asgi import (
    CHUNK,
    INTERNAL,
    Answer,
    Headers,
    Receive,
    Scope,
    Send,
    header,
    problem,
    send_answer,
)
from genproj.kernel.threads import Threads

READERS = Threads("files", 2)
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class NoSuchRange(Exception):
    """The range asked for lies outside the file."""


def part_of(asked: str, size: int) -> tuple[int, int] | None:
    """First byte and length of the range asked for; None: send the whole.

    Several ranges at once get the whole, which the RFC allows.

    Raises:
        NoSuchRange: nothing of it lies within the file.
    """
    found = RANGE.fullmatch(asked.strip())
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if first:
        begin, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < int(first):
            return None
    else:
        begin, end = max(size - int(last), 0), size - 1
        if int(last) == 0:
            raise NoSuchRange
    if begin >= size:
        raise NoSuchRange
    return begin, end - begin + 1


def _same(condition: str, headers: Headers) -> bool:
    """Whether If-Range names what we have; a weak tag never does."""
    known = dict(headers)
    if condition.startswith('"'):
        return known.get(b"etag", b"").decode("latin-1") == condition
    return known.get(b"last-modified", b"").decode("latin-1") == condition


def _open(path: str) -> tuple[IO[bytes], int, float]:
    file = Path(path).open("rb")  # noqa: SIM115 - closed by send_file
    stat = Path(path).stat()
    return file, stat.st_size, stat.st_mtime


async def send_file(scope: Scope, receive: Receive, send: Send, answer: Answer, path: str) -> None:
    """Send `path` under the headers of `answer`; the client may ask for a range of it."""
    try:
        file, size, changed = await READERS.run(_open, path)
    except OSError:
        missing = problem(scope, 503, code="storage_unavailable", headers=[(b"retry-after", b"5")])
        await send_answer(scope, send, missing)
        return
    try:
        await _send_open(scope, receive, send, answer, file, size, changed)
    finally:
        file.close()


async def _send_open(
    scope: Scope,
    receive: Receive,
    send: Send,
    answer: Answer,
    file: IO[bytes],
    size: int,
    changed: float,
) -> None:
    ours = INTERNAL | {b"content-length", b"accept-ranges", b"content-range"}
    headers = [pair for pair in answer.headers if pair[0] not in ours]
    if answer.header(b"last-modified") is None:
        headers.append((b"last-modified", formatdate(changed, usegmt=True).encode()))
    status, begin, length = answer.status, 0, size
    asked, condition = header(scope, b"range"), header(scope, b"if-range")
    if asked and status == 200 and (condition is None or _same(condition, headers)):
        try:
            part = part_of(asked, size)
        except NoSuchRange:
            refusal = problem(scope, 416, headers=[(b"content-range", f"bytes */{size}".encode())])
            await send_answer(scope, send, refusal)
            return
        if part is not None:
            status, (begin, length) = 206, part
            span = f"bytes {begin}-{begin + length - 1}/{size}"
            headers.append((b"content-range", span.encode()))
    headers += [(b"accept-ranges", b"bytes"), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if scope["method"] != "HEAD":
        await _pump(receive, send, file, begin, length)
    await send({"type": "http.response.body", "body": b""})


async def _pump(receive: Receive, send: Send, file: IO[bytes], begin: int, length: int) -> None:
    """Send `length` bytes; stops when the client has gone, which `send` alone would not tell."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        file.seek(begin)
        while length and not gone.done():
            chunk = await READERS.run(file.read, min(CHUNK, length))
            if not chunk:
                return  # it was cut meanwhile; the server closes the connection
            length -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
