"""Whatever order, number and mixture of deliveries and polls: one final state."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generations.models import Artifact, Generation, RegisterEntry
from generations.operations import calling, polling, submission
from generations.providers.runware import wire
from genproj.kernel import leases
from genproj.webhooks.inbox import inbox
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)

EXPECTED = 3
FAILURE = {"code": "inferenceError", "message": "One of the results could not be produced."}


@dataclass(frozen=True)
class Story:
    """What the provider really did, and how we came to hear of it."""

    good: int  # results that came out
    retried: bool  # it reported an error for a result that then came out after all
    heard: tuple[Any, ...]  # ("webhook", what, flat) | ("poll", how many were ready) | "reply"


def stories() -> st.SearchStrategy[Story]:
    @st.composite
    def build(draw: st.DrawFn) -> Story:
        good = draw(st.integers(0, EXPECTED))
        retried = good == EXPECTED and draw(st.booleans())
        told: list[Any] = []
        for result in range(good):
            times = draw(st.integers(1, 5))
            told += [("webhook", result, draw(st.booleans())) for _ in range(times)]
        if good < EXPECTED or retried:
            told += [("webhook", "error", draw(st.booleans()))] * draw(st.integers(1, 5))
        told += [("poll", draw(st.integers(0, good))) for _ in range(draw(st.integers(0, 3)))]
        told.append("reply")
        return Story(good, retried, tuple(draw(st.permutations(told))))

    return build()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(story=stories())
def test_any_multiset_and_order_of_deliveries_gives_one_final_state(
    story: Story, alice: User, cdn: str, work: Callable[..., int], settings: Any
) -> None:
    settings.RUNWARE_BASE_URL = f"{cdn}/v1"
    entry = world.opened(alice, count=EXPECTED)
    leases.claim(calling.entries_to_call().filter(pk=entry.pk), limit=1)
    entry.refresh_from_db()
    provider = _Provider(entry, cdn, story)
    for thing in story.heard:
        provider.tell(thing)
        work("apply_receipts", "collect_outputs", "project")
    provider.tell(("poll", story.good), last=True)
    work("apply_receipts", "collect_outputs", "project")
    entry.refresh_from_db()
    good = story.good
    state = "completed" if good == EXPECTED else "partial" if good else "failed"
    stored = [output for output in entry.outputs.all() if output.stored_at]
    slots = [output for output in entry.outputs.all() if output.index in range(EXPECTED)]
    assert entry.state == state
    assert entry.due_at is None
    assert entry.error is None
    assert {output.ref for output in stored} == set(provider.refs[:good])
    assert sorted(output.index for output in slots) == list(range(EXPECTED))
    assert sum(1 for output in slots if output.error) == EXPECTED - good
    assert Generation.objects.get(pk=entry.pk).artifact_count == good
    assert Artifact.objects.filter(generation=entry.pk).count() == good
    assert sum(output.cost for output in stored) == pytest.approx(good * output_cost())


def output_cost() -> Any:
    from decimal import Decimal

    return Decimal("0.0013")


class _Provider:
    """Says, as Runware would, what the story tells."""

    def __init__(self, entry: RegisterEntry, cdn: str, story: Story) -> None:
        self.entry, self.cdn, self.story = entry, cdn, story
        self.refs = [str(uuid4()) for _ in range(EXPECTED)]

    def result(self, number: int) -> dict[str, Any]:
        return {
            "taskType": "imageInference",
            "taskUUID": str(self.entry.pk),
            "imageUUID": self.refs[number],
            "imageURL": f"{self.cdn}/{self.refs[number]}.png",
            "seed": 4100 + number,
            "cost": 0.0013,
        }

    def failure(self) -> dict[str, Any]:
        return FAILURE | {"taskType": "imageInference", "taskUUID": str(self.entry.pk)}

    def tell(self, thing: Any, *, last: bool = False) -> None:
        if thing == "reply":
            self.entry.calls_back = True
            submission.record_accepted([(self.entry, None)])
        elif thing[0] == "poll":
            polling.record_answers([(self.entry, self.poll(thing[1], last=last))])
        else:
            self.deliver(thing[1], flat=thing[2])

    def deliver(self, what: Any, *, flat: bool) -> None:
        if what == "error":
            item = self.failure()
            body: Any = item | {"status": "error"} if flat else {"errors": [item]}
        else:
            body = self.result(what) if flat else {"data": [self.result(what)]}
        raw = json.dumps(body).encode()
        delivery = hashlib.sha256(str(self.entry.pk).encode() + raw).hexdigest()
        inbox.keep_now(
            source="runware",
            subject=str(self.entry.pk),
            delivery_id=delivery,
            headers={},
            body=raw,
        )

    def poll(self, ready: int, *, last: bool) -> Any:
        data = [self.result(number) | {"status": "success"} for number in range(ready)]
        message: dict[str, Any] = {"data": data}
        if last:
            if self.story.good < EXPECTED:
                message["errors"] = [self.failure() | {"status": "error"}]
        else:
            data.append(
                {
                    "taskType": "imageInference",
                    "taskUUID": str(self.entry.pk),
                    "status": "processing",
                }
            )
        update = wire.translate(message, task=str(self.entry.pk))
        return replace(update, processing=bool(update.processing))
