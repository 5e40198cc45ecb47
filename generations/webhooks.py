"""The door for providers' deliveries: check the token, keep the bytes once, answer. Raw ASGI."""

import time
from functools import cache
from typing import Final
from urllib.parse import parse_qsl

from django.conf import settings

from generations.providers import PROVIDERS, inbound_of
from generations.providers.base import Inbound
from genproj.kernel.asgi import (
    Answer,
    Disconnected,
    Receive,
    Scope,
    Send,
    Unreadable,
    headers_of,
    problem,
    read_body,
    request_id,
    send_answer,
)
from genproj.kernel.figures import ACK_SECONDS, WEBHOOKS
from genproj.webhooks.inbox import NotKept, inbox

LARGEST = 2**20
RETRY_AFTER: Final = (b"retry-after", b"5")
PREFIX = "/webhooks/"
KEPT = "kept"


_inbound = cache(inbound_of)
_counter = cache(WEBHOOKS.labels)


def provider_at(path: str) -> str | None:
    """The provider whose door is at `path` (with or without the slash); None: no door there."""
    name = path.removeprefix(PREFIX).removesuffix("/")
    found = path.startswith(PREFIX) and name in PROVIDERS and PROVIDERS[name].inbound
    return name if found else None


async def receive(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one delivery. 200 means that it is committed; everything slow happens later.

    It does not parse, fetch or look anything up: who knows the token may speak for its entry.
    """
    source = provider_at(scope["path"])
    inbound = _inbound(source) if source else None
    if source is None or inbound is None:
        await send_answer(scope, send, problem(scope, 404))
        return
    try:
        answer, outcome = await _answer(scope, receive, source, inbound)
    except Disconnected:
        WEBHOOKS.labels(source, "disconnected").inc()
        return
    _counter(source, outcome).inc()
    await send_answer(scope, send, answer)


@cache
def _secrets(*words: str) -> list[bytes]:
    return [word.encode() for word in words]


def _query(text: str) -> dict[str, str]:
    """The address's parameters. Our own callback addresses hold nothing to be unquoted."""
    if "%" in text or "+" in text:
        return dict(parse_qsl(text, keep_blank_values=True))
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {name: value for name, _, value in pairs}


async def _answer(
    scope: Scope, receive: Receive, source: str, inbound: Inbound
) -> tuple[Answer, str]:
    if scope["method"] != "POST":
        return problem(scope, 405, headers=[(b"allow", b"POST")]), "wrong_method"
    query = _query(scope["query_string"].decode("latin-1"))
    headers = headers_of(scope)
    # Before the body is read, so that a stranger's costs nothing.
    entry_id = inbound.authenticate(_secrets(*settings.CALLBACK_SECRETS), query, headers, b"")
    if entry_id is None:
        return problem(scope, 404), "unauthentic"
    try:
        body = await read_body(scope, receive, limit=LARGEST)
    except Unreadable as error:
        return problem(scope, error.status), "unreadable"
    began = time.perf_counter()
    try:
        receipt = await inbox.keep(
            source=source,
            subject=entry_id,
            delivery_id=inbound.delivery_id(entry_id, body),
            headers=headers,
            body=body,
        )
    except NotKept:
        detail = "The delivery could not be kept; send it again."
        return problem(scope, 503, detail=detail, headers=[RETRY_AFTER]), "not_kept"
    ACK_SECONDS.observe(time.perf_counter() - began)
    number = request_id(scope) if "x-request-id" in headers else str(receipt)
    return Answer(200, [(b"content-type", b"text/plain"), (b"x-request-id", number.encode())]), KEPT
