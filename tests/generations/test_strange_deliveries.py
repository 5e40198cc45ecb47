"""Deliveries that are authentic and strange: they are kept, they end, and nothing else suffers."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from generations.models import Artifact, Output, RegisterEntry
from generations.operations import recording
from generations.states import GenerationState
from genproj.webhooks.inbox import inbox
from genproj.webhooks.models import Receipt
from tests.generations.test_bad_rows import deliver, outcomes, result, taken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def entry(alice: User, cdn: str, settings: Any) -> RegisterEntry:
    settings.RUNWARE_BASE_URL = f"{cdn}/v1"
    return taken(alice, count=1)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


STRANGE = {
    "a NUL": {"note": "a\x00b", "na\x00me": 1},
    "half a character": {"note": "\ud800", "\udfff": 1},
    "a number of 4,000 digits": {"note": 10**3999},
    "a large float": {"note": 1.7e308, "small": 5e-324},
    "a costly one": {"cost": 1e300, "seed": 10**40},
    "a cheap one": {"cost": 1.23456789e-12, "seed": -1},
    "a long cost": {"cost": 99999.99999999999},
    "an odd seed": {"seed": "7", "cost": "1"},
    "nested 300": {"note": nested(300)},
    "nested 450": {"note": nested(450)},
    "a megabyte": {"note": "x" * 1_000_000},
    "many fields": {f"field{number}": number for number in range(20_000)},
    "a long address": {"imageURL": "https://im.runware.ai/" + "a" * 9000},
}


@pytest.mark.parametrize("facts", STRANGE.values(), ids=STRANGE)
def test_a_strange_result_is_kept_or_remarked_upon(
    facts: dict[str, Any], entry: RegisterEntry, cdn: str, work: Callable[..., int]
) -> None:
    strange = result(entry, cdn, "strange", **facts)
    deliver(entry, strange)
    deliver(entry, result(entry, cdn, "good"))
    work("apply_receipts", "collect_outputs", "project")
    assert set(outcomes()) <= {"applied", "late", "unparsable"}
    entry.refresh_from_db()
    assert entry.completed_at is not None
    assert Output.objects.get(ref="good").stored_at is not None
    json.dumps([output.raw for output in entry.outputs.all()])


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": NaN}',
        b'{"data": [' + b"[" * 100_000,
        b"\xff\xfe{}",
        b'{"data": [1e999]}',
        b'{"data": [' + b"9" * 900_000 + b"]}",
        b'"\\ud800"',
        b"",
    ],
    ids=["NaN", "deep", "utf-16", "infinite", "digits", "half", "nothing"],
)
def test_what_cannot_be_read_fills_no_slot(
    body: bytes, entry: RegisterEntry, work: Callable[..., int]
) -> None:
    inbox.keep_now(
        source="runware", subject=str(entry.pk), delivery_id=uuid4().hex, headers={}, body=body
    )
    work("apply_receipts")
    assert outcomes() == ["unparsable"]
    [output] = entry.outputs.all()
    assert (output.index, output.error["code"]) == (None, "validation")


def test_more_results_than_asked_for_are_kept(
    entry: RegisterEntry, cdn: str, work: Callable[..., int]
) -> None:
    deliver(entry, *[result(entry, cdn, f"r{number}") for number in range(20)])
    work("apply_receipts", "collect_outputs", "project")
    entry.refresh_from_db()
    assert entry.state is GenerationState.COMPLETED
    assert Artifact.objects.filter(generation=entry.pk).count() == 20


def test_thousands_of_results_do_not_hold_the_write_lock_for_seconds(
    entry: RegisterEntry, cdn: str, work: Callable[..., int]
) -> None:
    many = [result(entry, cdn, f"r{number}") for number in range(5000)]
    deliver(entry, *many)
    began = time.thread_time()  # of this thread alone, however busy the machine is
    work("apply_receipts")
    assert time.thread_time() - began < 8  # quadratic work would take minutes
    assert Output.objects.filter(due_at__isnull=False).count() <= 5000
    assert Receipt.objects.get().outcome == "applied"
    assert recording.LONGEST_REF == 120


def test_two_entries_may_hold_results_of_one_id(
    entry: RegisterEntry, alice: User, cdn: str, work: Callable[..., int]
) -> None:
    other = taken(alice, count=1)
    for one in (entry, other):
        deliver(one, result(one, cdn, "shared"))
    work("apply_receipts", "collect_outputs", "project")
    assert {row.entry_id for row in Output.objects.filter(ref="shared")} == {entry.pk, other.pk}
    assert len(set(Output.objects.values_list("storage_key", flat=True))) == 2


def test_what_speaks_of_another_task_is_not_taken(
    entry: RegisterEntry, alice: User, cdn: str, work: Callable[..., int]
) -> None:
    other = taken(alice, count=1)
    deliver(entry, result(entry, cdn, "own"), result(other, cdn, "foreign"))
    work("apply_receipts", "collect_outputs")
    assert outcomes() == ["unparsable"]
    assert not Output.objects.filter(ref__in=["own", "foreign"]).exists()
    assert not other.outputs.exists()
