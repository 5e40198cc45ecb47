"""The door where workers put up films when files are kept on disk. Raw ASGI: a film is large."""

import hashlib
import json
import re
from typing import BinaryIO

from django.conf import settings
from django.db import Error

from genproj.kernel import storage
from genproj.kernel.asgi import (
    Answer,
    Disconnected,
    Receive,
    Scope,
    Send,
    Unreadable,
    body_parts,
    problem,
    request_id,
    send_answer,
)
from genproj.kernel.figures import WEBHOOKS
from genproj.kernel.threads import Threads, aside
from videos.operations import uploads

ADDRESS = re.compile(r"/api/v1/workers/uploads/([A-Za-z0-9:_-]{20,600})/?")
#: so much is gathered before it is written
PIECE = 2**20
RETRY_AFTER = (b"retry-after", b"5")
WRITERS = Threads("uploads", 2)


def token_at(path: str) -> str | None:
    """The token in an upload's address; None where there is no such door."""
    found = ADDRESS.fullmatch(path)
    return found[1] if found else None


async def receive(scope: Scope, receive: Receive, send: Send, *, token: str) -> None:
    """Answer one upload. It is there whole or not at all, and may be repeated."""
    try:
        answer = await _answer(scope, receive, token)
    except Disconnected:
        return
    WEBHOOKS.labels("worker_upload", str(answer.status)).inc()
    await send_answer(scope, send, answer)


async def _answer(scope: Scope, receive: Receive, token: str) -> Answer:
    if scope["method"] != "PUT":
        return problem(scope, 405, headers=[(b"allow", b"PUT")])
    try:
        key = await aside(lambda: uploads.key_for(token=token))
        if key is None:
            return problem(scope, 404)
        size, sha256 = await _kept(scope, receive, key)
    except Unreadable as error:
        return problem(scope, error.status)
    except (storage.StorageFailure, Error) as error:
        ours = isinstance(error, storage.StorageFailure)
        code = "storage_unavailable" if ours else "database_unavailable"
        return problem(scope, 503, code=code, headers=[RETRY_AFTER])
    body = json.dumps({"storage_key": key, "size": size, "sha256": sha256}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"x-request-id", request_id(scope).encode()),
    ]
    return Answer(200, headers, body)


async def _kept(scope: Scope, receive: Receive, key: str) -> tuple[int, str]:
    """Keep the body as it comes; its size and hash."""
    digest, size, piece = hashlib.sha256(), 0, bytearray()

    def write(file: BinaryIO, data: bytes) -> None:
        digest.update(data)
        file.write(data)

    limit = settings.MAX_OUTPUT_BYTES["video"]
    with storage.scratch() as file:
        async for part in body_parts(scope, receive, limit=limit):
            size += len(part)
            piece += part
            if len(piece) >= PIECE:
                await WRITERS.run(write, file, bytes(piece))
                piece.clear()
        await WRITERS.run(write, file, bytes(piece))
        sha256 = digest.hexdigest()
        await WRITERS.run(lambda: uploads.keep(key=key, source=file, sha256=sha256, size=size))
    return size, sha256
