"""Each guard alone: what the database refuses, and what a lost claim can no longer record."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from generations.errors import OutputError, error
from generations.models import Artifact, Output, Projection, RegisterEntry, Trash
from generations.operations import calling, collecting, receipts, submission
from genproj.kernel import leases, storage
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.webhooks.models import Receipt
from tests import world
from tests.generations.stored import catalogue, come, settle
from tests.generations.test_bad_rows import deliver, result, taken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def entry(alice: User) -> RegisterEntry:
    """One of two pictures has come; settled and catalogued."""
    entry = world.opened(alice, count=2)
    come(entry)
    settle(entry)
    catalogue(entry)
    return entry


def again(row: Any, **facts: Any) -> None:
    """Insert a row once more under another key of its own."""
    row.pk = uuid7() if not isinstance(row.pk, int) else None
    for name, value in facts.items():
        setattr(row, name, value)
    row._state.adding = True
    row.save(force_insert=True)


def test_the_database_keeps_a_result_once(entry: RegisterEntry) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        again(entry.outputs.get(), index=1)


def test_the_database_fills_a_slot_once(entry: RegisterEntry) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        again(entry.outputs.get(), ref="another")


def test_the_database_has_one_artifact_for_a_place(entry: RegisterEntry) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        again(Artifact.objects.get())


def test_the_database_owes_a_stage_once(entry: RegisterEntry) -> None:
    row = {"entry": entry, "projector": "catalogue", "stage": "settled", "created_at": now()}
    Projection.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        Projection.objects.create(**row)


@pytest.mark.parametrize("facts", [{"error": {"code": "x"}}, {"storage_key": ""}, {"sha256": ""}])
def test_the_database_knows_no_stored_output_without_its_bytes(
    entry: RegisterEntry, facts: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Output.objects.update(**facts)


@pytest.mark.parametrize("facts", [{"completed_at": None}, {"expected_count": 0}])
def test_the_database_knows_no_entry_that_contradicts_itself(
    entry: RegisterEntry, facts: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        RegisterEntry.objects.update(**facts)


def test_the_database_throws_a_thing_away_once(entry: RegisterEntry) -> None:
    Trash.objects.create(entry=entry, trashed_at=now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Trash.objects.create(entry=entry, trashed_at=now())
    output = entry.outputs.get()
    Trash.objects.create(entry=entry, output=output, trashed_at=now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Trash.objects.create(entry=entry, output=output, trashed_at=now())


def test_the_database_keeps_a_delivery_once(entry: RegisterEntry, cdn: str) -> None:
    deliver(entry, result(entry, cdn))
    with pytest.raises(IntegrityError), transaction.atomic():
        again(Receipt.objects.get())


@pytest.fixture
def claimed(alice: User, cdn: str, settings: Any, work: Callable[..., int]) -> list[Output]:
    """One output, claimed twice: the first claim has lapsed."""
    settings.RUNWARE_BASE_URL = f"{cdn}/v1"
    waiting = taken(alice, count=1)
    deliver(waiting, result(waiting, cdn))
    work("apply_receipts")
    [first] = leases.claim(collecting.outputs_to_collect(), limit=1, seconds=-1)
    [second] = leases.claim(collecting.outputs_to_collect(), limit=1)
    return [first, second]


def failure() -> collecting.Failed:
    words = error(OutputError.FETCH_FAILED, "It is gone.", url="", status=404, body="")
    return collecting.Failed(words, is_final=True, counts=True)


def test_a_lost_claim_records_no_failure(claimed: list[Output]) -> None:
    first, second = claimed
    collecting.record_collected([(first, failure())])
    assert Output.objects.get().error is None
    collecting.record_collected([(second, collecting.fetch(second))])
    assert Output.objects.get().stored_at is not None


def test_a_lost_claim_records_no_picture(claimed: list[Output]) -> None:
    first, second = claimed
    collecting.record_collected([(first, collecting.fetch(first))])
    row = Output.objects.get()
    assert (row.stored_at, row.attempts) == (None, second.attempts)
    collecting.record_collected([(second, failure())])
    assert Output.objects.get().error is not None


def test_what_is_recorded_is_not_recorded_again(claimed: list[Output]) -> None:
    _, second = claimed
    stored = collecting.fetch(second)
    collecting.record_collected([(second, stored)])
    before = Output.objects.values().get()
    collecting.record_collected([(second, failure())])
    collecting.record_collected([(second, stored)])
    assert Output.objects.values().get() == before
    assert storage.stat(before["storage_key"]) is not None


def test_a_lost_claim_accepts_nothing(alice: User) -> None:
    world.opened(alice)
    [first] = leases.claim(calling.entries_to_call(), limit=1, seconds=-1)
    [second] = leases.claim(calling.entries_to_call(), limit=1)
    submission.record_accepted([(first, None)])
    assert RegisterEntry.objects.get().dispatched_at is None
    submission.give_up(first, problem=failure().error)
    assert RegisterEntry.objects.get().completed_at is None
    submission.record_accepted([(second, None)])
    assert RegisterEntry.objects.get().dispatched_at is not None


def test_a_lost_claim_finishes_no_receipt(alice: User, cdn: str) -> None:
    entry = taken(alice)
    deliver(entry, result(entry, cdn))
    [first] = leases.claim(receipts.receipts_to_apply(), limit=1, seconds=-1)
    [second] = leases.claim(receipts.receipts_to_apply(), limit=1)
    receipts.apply_together([first])
    assert Receipt.objects.get().applied_at is None
    receipts.apply_together([second])
    assert Receipt.objects.get().outcome == "repeated"
    assert Output.objects.count() == 1
