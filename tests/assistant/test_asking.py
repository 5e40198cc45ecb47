"""The language model is asked by few at a time, and left alone while it does not answer."""

from contextlib import closing
from typing import Any

import pytest
from django.contrib.auth.models import User

from genproj.assistant.client import ModelFailure
from genproj.assistant.operations import asking
from genproj.kernel.clock import now
from genproj.runtime import breakers
from genproj.runtime.models import Breaker
from tests.conftest import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

SAID = [{"role": "user", "content": "Create a video of a sunset over Lisbon"}]


def ask() -> str:
    reply = asking.complete(system="Answer.", messages=SAID, max_tokens=200, seconds=20)
    return reply.stop_reason


def talk() -> list[Any]:
    asked = {"system": "Answer.", "messages": SAID, "max_tokens": 200}
    return list(asking.stream(**asked, tools=(), seconds=20, silence=20))  # type: ignore[arg-type]


def hear_out() -> str:
    """As a turn does, which takes nothing after the reply."""
    asked = {"system": "Answer.", "messages": SAID, "max_tokens": 200}
    pieces = asking.stream(**asked, tools=(), seconds=20, silence=20)  # type: ignore[arg-type]
    with closing(pieces):  # type: ignore[type-var]
        return next(piece.reply.stop_reason for piece in pieces if piece.reply)


def calls(sandbox: Sandbox) -> int:
    made = sandbox.get("/control/calls")["calls"]
    return sum(1 for call in made if call["path"] == "/v1/messages")


@pytest.mark.parametrize("how", [ask, talk, hear_out])
def test_a_model_that_fails_again_and_again_is_left_alone(
    how: Any, sandbox: Sandbox, settings: Any
) -> None:
    settings.BREAKER_FAILURES = 2
    sandbox.faults({"fault": "model_500"})
    for _ in range(2):
        with pytest.raises(ModelFailure, match="overloaded"):
            how()
    asked = calls(sandbox)
    with pytest.raises(ModelFailure, match="left alone"):
        how()
    assert calls(sandbox) == asked
    sandbox.faults()
    Breaker.objects.update(probe_at=now())
    breakers.forget()
    assert how()
    assert not breakers.is_shut(asking.MODEL)


def test_a_refusal_is_an_answer(sandbox: Sandbox, settings: Any) -> None:
    settings.BREAKER_FAILURES = 1
    for fault in ("model_rejected", "model_refusal", "model_spent"):
        sandbox.faults({"fault": fault})
        with pytest.raises(ModelFailure):
            ask()
    assert not breakers.is_shut(asking.MODEL)


def test_no_more_ask_at_a_time_than_leave_the_others_room(alice: User, sandbox: Sandbox) -> None:
    taken = 0
    while asking.AT_ONCE.acquire(blocking=False):
        taken += 1
    try:
        with pytest.raises(ModelFailure, match="enough at once") as told:
            ask()
        assert told.value.retryable
    finally:
        for _ in range(taken):
            asking.AT_ONCE.release()
    assert taken >= 2
    assert ask()
