"""One bad row, one bad address, one bad word: it fails alone and in the end it does end."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from generations.models import Artifact, Output, Projection, RegisterEntry
from generations.operations import collecting, polling
from generations.states import GenerationState
from genproj.kernel import media
from genproj.kernel.clock import now
from genproj.webhooks.inbox import inbox
from genproj.webhooks.models import Receipt
from tests import world
from tests.conftest import Sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def accepted(alice: User, cdn: str, settings: Any) -> RegisterEntry:
    """An entry of two that the provider has."""
    settings.RUNWARE_BASE_URL = f"{cdn}/v1"
    return taken(alice)


def taken(owner: User, *, count: int = 2) -> RegisterEntry:
    entry = world.opened(owner, count=count)
    at = now()
    RegisterEntry.objects.filter(pk=entry.pk).update(
        submit_started_at=at, dispatched_at=at, due_at=at + timedelta(seconds=5), calls_back=True
    )
    entry.refresh_from_db()
    return entry


def result(entry: RegisterEntry, cdn: str, ref: str = "", **facts: Any) -> dict[str, Any]:
    ref = ref or str(uuid4())
    return {
        "taskType": "imageInference",
        "taskUUID": str(entry.pk),
        "imageUUID": ref,
        "imageURL": f"{cdn}/{ref[-60:]}.png",
    } | facts


def deliver(entry: RegisterEntry, *results: dict[str, Any], **message: Any) -> None:
    body = json.dumps({"data": list(results)} | message).encode()
    inbox.keep_now(
        source="runware", subject=str(entry.pk), delivery_id=uuid4().hex, headers={}, body=body
    )


def outcomes() -> list[str]:
    return list(Receipt.objects.order_by("received_at").values_list("outcome", flat=True))


def lapse() -> None:
    """Let every lease lapse and every wait end."""
    for model in (RegisterEntry, Output, Projection, Receipt):
        held = model._default_manager.filter(due_at__isnull=False)  # type: ignore[attr-defined]
        held.update(due_at=now(), leased_until=None)


def test_a_result_with_a_long_id_is_told_twice_and_kept_once(
    accepted: RegisterEntry, cdn: str, work: Callable[..., int]
) -> None:
    first, second = "a" * 150 + "-1", "a" * 150 + "-2"
    deliver(accepted, result(accepted, cdn, first))
    work("apply_receipts")
    deliver(accepted, result(accepted, cdn, first), result(accepted, cdn, second))
    work("apply_receipts", "collect_outputs", "project")
    assert outcomes() == ["applied", "applied"]
    accepted.refresh_from_db()
    assert accepted.state is GenerationState.COMPLETED
    assert Artifact.objects.filter(generation=accepted.pk).count() == 2


def test_a_result_named_like_an_error_keeps_its_place(
    accepted: RegisterEntry, cdn: str, work: Callable[..., int]
) -> None:
    deliver(accepted, result(accepted, cdn, "error:1"), result(accepted, cdn, "error:2"))
    deliver(accepted, result(accepted, cdn, "third"))
    work("apply_receipts", "collect_outputs", "project")
    accepted.refresh_from_db()
    assert accepted.state is GenerationState.COMPLETED
    assert sorted(Artifact.objects.values_list("index", flat=True)) == [0, 1, 2]


def test_what_breaks_while_it_is_fetched_fails_alone(
    alice: User,
    accepted: RegisterEntry,
    cdn: str,
    work: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = taken(alice, count=1)
    measure = media.measure

    def breaks(file: Any, **limits: Any) -> media.Measured:
        found = measure(file, **limits)
        if found.width == 99:
            raise MemoryError
        return found

    monkeypatch.setattr(media, "measure", breaks)
    deliver(other, result(other, cdn))
    deliver(accepted, result(accepted, cdn, "wide-99"), result(accepted, cdn, "b"))
    work("apply_receipts", "collect_outputs", "project")
    other.refresh_from_db()
    assert other.state is GenerationState.COMPLETED
    bad = Output.objects.get(ref="wide-99")
    assert bad.due_at is not None
    assert bad.leased_until is None
    assert bad.failures == 1
    assert "MemoryError" in bad.error_history[-1]["detail"]["body"]
    Output.objects.update(announced_at=now() - timedelta(hours=25))
    lapse()
    work("collect_outputs", "project")
    accepted.refresh_from_db()
    assert accepted.state is GenerationState.PARTIAL


def test_what_breaks_when_it_is_recorded_fails_alone(
    alice: User,
    accepted: RegisterEntry,
    cdn: str,
    work: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = taken(alice, count=1)
    measure = media.measure

    def breaks(file: Any, **limits: Any) -> media.Measured:
        found = measure(file, **limits)
        if found.width == 99:
            return media.Measured(**{**vars(found), "content_type": None})  # no column takes it
        return found

    monkeypatch.setattr(media, "measure", breaks)
    deliver(other, result(other, cdn))
    deliver(accepted, result(accepted, cdn, "wide-99"), result(accepted, cdn, "b"))
    work("apply_receipts", "collect_outputs", "project")
    other.refresh_from_db()
    assert other.state is GenerationState.COMPLETED
    bad = Output.objects.get(ref="wide-99")
    assert bad.due_at is not None
    assert bad.leased_until is None
    assert bad.failures == 1


def test_a_drain_that_ends_leaves_to_others_what_it_has_not_begun(
    accepted: RegisterEntry,
    cdn: str,
    work: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = [result(accepted, cdn, f"slow-{number}") for number in range(20)]
    deliver(accepted, *slow)
    work("apply_receipts")
    wishes = iter([False])
    monkeypatch.setattr(collecting, "ending", lambda: next(wishes, True))
    assert collecting.collect_outputs() == 20
    left = Output.objects.filter(stored_at__isnull=True)
    assert 12 <= left.count() <= 16
    assert not left.filter(leased_until__isnull=False).exists()
    assert left.filter(due_at__lte=now()).count() == left.count()


def test_a_request_that_cannot_be_built_fails_alone(
    alice: User, sandbox: Sandbox, work: Callable[..., int]
) -> None:
    bad, good = world.opened(alice, count=1), world.opened(alice, count=1)
    strange = world.opened(alice, count=1)
    bad.input["reference_artifacts"] = ["no id"]
    bad.save()
    RegisterEntry.objects.filter(pk=strange.pk).update(provider="nobody")
    work("call_providers")
    assert [task["taskUUID"] for task in sandbox.tasks()] == [str(good.pk)]
    for entry in (bad, strange):
        entry.refresh_from_db()
        assert entry.failures == 1
        assert entry.leased_until is None
        assert entry.submit_started_at is None


def test_an_entry_whose_answer_cannot_be_recorded_ends_after_its_deadline(
    accepted: RegisterEntry, work: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*args: Any, **facts: Any) -> None:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(polling, "record_silence", breaks)
    RegisterEntry.objects.update(due_at=now())
    work("call_providers")
    accepted.refresh_from_db()
    assert accepted.completed_at is None
    assert accepted.due_at is not None
    past = now() - timedelta(seconds=polling.GRACE + 1)
    RegisterEntry.objects.update(due_at=now(), deadline_at=past)
    work("call_providers", "project")
    accepted.refresh_from_db()
    assert accepted.state is GenerationState.FAILED
    assert accepted.error["code"] == "timeout"
    assert accepted.due_at is None
