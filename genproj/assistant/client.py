"""Calls to a language model over the Messages protocol: a whole answer, or one as it comes."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from genproj.assistant import sse, wire
from genproj.assistant.replies import (
    ModelConnection,
    ModelFailure,
    Piece,
    Reply,
    ToolCall,
    ToolResult,
    Usage,
)
from genproj.assistant.wire import assistant_turn, tool_results
from genproj.kernel import http

__all__ = [
    "ModelConnection",
    "ModelFailure",
    "Piece",
    "Reply",
    "ToolCall",
    "ToolResult",
    "Usage",
    "assistant_turn",
    "complete",
    "connection",
    "stream",
    "tool_results",
]

MAX_BYTES = 8 * 2**20
MOST_PAUSES = 3


def connection(api_key: str, base_url: str, model: str) -> ModelConnection:
    """Where to ask; `base_url` is without /v1."""
    return ModelConnection(api_key, base_url.rstrip("/"), model)


def complete(
    connection: ModelConnection,
    *,
    system: str,
    messages: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any] | None = None,
    tools: Sequence[Mapping[str, Any]] = (),
    max_tokens: int = 1024,
    seconds: float = 8.0,
) -> Reply:
    """One whole answer within `seconds`; with a schema, `structured` follows it.

    Nothing is tried twice, but a turn that the service paused is gone on with. Raises
    ModelFailure.
    """
    deadline = time.monotonic() + seconds
    said = list(messages)
    earlier: Reply | None = None
    for _ in range(MOST_PAUSES + 1):
        body = wire.request(
            connection.model,
            system=system,
            messages=said,
            schema=schema,
            tools=tools,
            max_tokens=max_tokens,
        )
        answer = _answer(connection, body, deadline)
        reply = _after(earlier, wire.message(wire.parsed(answer.body)))
        if reply.stop_reason != "pause_turn":
            structured = None if schema is None else wire.structure(reply, schema)
            return replace(reply, structured=structured)
        said, earlier = [*messages, assistant_turn(reply)], reply
    raise ModelFailure("cut_off", retryable=True, status=200, kind="pause_turn")


def stream(
    connection: ModelConnection,
    *,
    system: str,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] = (),
    max_tokens: int = 1024,
    seconds: float = 60.0,
    silence: float | None = None,
) -> Iterator[Piece]:
    """The answer's text as it comes; the last piece holds the whole reply.

    With `silence` nothing may be quiet for longer, and whatever comes is an own piece, so that
    its reader can give a sign of life in between.

    Raises ModelFailure, at any moment; what was given until then is unfinished and no tool of it
    may run. A reader who has enough closes the iterator, and with it the connection.
    """
    body = wire.request(
        connection.model,
        system=system,
        messages=messages,
        schema=None,
        tools=tools,
        max_tokens=max_tokens,
    )
    building = sse.Building()
    try:
        with http.opened(
            "POST",
            f"{connection.base_url}/v1/messages",
            json={**body, "stream": True},
            headers={**wire.headers(connection.api_key), "Accept": "text/event-stream"},
            guard=connection.guard,
            limits=_limits(seconds, silence),
        ) as incoming:
            if not 200 <= incoming.status < 300:
                shown = b"".join(incoming.chunks)
                raise wire.failure(http.Answer(incoming.status, incoming.headers, shown))
            for name, data in sse.events(incoming.chunks):
                text = building.take(name, data)
                if text or silence is not None:
                    yield Piece(text=text)
                if building.whole:
                    break
    except http.HttpFailure as error:
        raise wire.lost(error) from error
    yield Piece(reply=wire.message(building.message()))


def _answer(connection: ModelConnection, body: Mapping[str, Any], deadline: float) -> http.Answer:
    left = deadline - time.monotonic()
    if left <= 0:
        raise ModelFailure("timeout", retryable=True)
    try:
        answer = http.call(
            "POST",
            f"{connection.base_url}/v1/messages",
            json=body,
            headers=wire.headers(connection.api_key),
            guard=connection.guard,
            limits=_limits(left),
        )
    except http.HttpFailure as error:
        raise wire.lost(error) from error
    if not answer.ok:
        raise wire.failure(answer)
    return answer


def _after(earlier: Reply | None, reply: Reply) -> Reply:
    """A continued answer: what came before the pause belongs to it."""
    if earlier is None:
        return reply
    return replace(
        reply,
        text=earlier.text + reply.text,
        usage=earlier.usage + reply.usage,
        content=(*earlier.content, *reply.content),
    )


def _limits(seconds: float, silence: float | None = None) -> http.Limits:
    return http.Limits(
        connect=min(5.0, seconds),
        read=seconds if silence is None else min(silence, seconds),
        total=seconds,
        max_bytes=MAX_BYTES,
        max_redirects=0,
    )
