"""Asks the language model of this installation, and leaves it alone while it does not answer."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from genproj.assistant import client
from genproj.assistant.replies import ModelConnection, ModelFailure, Piece, Reply
from genproj.runtime import breakers

#: its breaker
MODEL = "language_model"
AWAY = frozenset({"unreachable", "timeout", "cut_off", "overloaded"})
#: calls of this process at a time; the rest of its web threads stay free for everything else
AT_ONCE = threading.BoundedSemaphore(max(2, settings.WEB_THREADS // 2))


def complete(
    *,
    system: str,
    messages: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any] | None = None,
    max_tokens: int,
    seconds: float,
) -> Reply:
    """One whole answer within `seconds`.

    Raises:
        ModelFailure: there is none; at once while the model is left alone, or enough ask it.
    """
    with _asked():
        return client.complete(
            _connection(),
            system=system,
            messages=messages,
            schema=schema,
            max_tokens=max_tokens,
            seconds=seconds,
        )


def stream(
    *,
    system: str,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    max_tokens: int,
    seconds: float,
    silence: float,
) -> Iterator[Piece]:
    """The answer's text as it comes; the last piece holds the whole reply.

    Raises:
        ModelFailure: at any moment; at once while the model is left alone.
    """
    with _asked():
        for piece in client.stream(
            _connection(),
            system=system,
            messages=messages,
            tools=tools,
            max_tokens=max_tokens,
            seconds=seconds,
            silence=silence,
        ):
            if piece.reply is not None:  # whoever has it takes nothing more from here
                breakers.note(MODEL, answered=True)
            yield piece


def _connection() -> ModelConnection:
    return client.connection(
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL, settings.ANTHROPIC_MODEL
    )


@contextmanager
def _asked() -> Iterator[None]:
    if not AT_ONCE.acquire(blocking=False):
        raise ModelFailure("rate_limited", retryable=True, kind="enough at once")
    try:
        with breakers.through(MODEL, trouble=ModelFailure, is_outage=is_outage):
            yield
    except breakers.Shut:
        raise ModelFailure("unreachable", retryable=True, kind="left alone") from None
    finally:
        AT_ONCE.release()


def is_outage(failure: ModelFailure) -> bool:
    """Whether the service itself was silent or broken, whatever it was asked."""
    return failure.retryable and failure.code in AWAY
