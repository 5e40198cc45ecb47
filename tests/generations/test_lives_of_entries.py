"""Cancel, time out, come late, try again, throw away: what becomes of an entry."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations.errors import GenerationNotFound, NothingToRetry
from generations.models import (
    Artifact,
    Generation,
    Output,
    ProviderModel,
    RegisterEntry,
    Trash,
)
from generations.operations import keeping, register, replay
from generations.states import GenerationState
from genproj.events.models import Event, Stream
from genproj.kernel import storage
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid, InvalidTransition
from genproj.runtime import operations as runtime
from genproj.webhooks.models import Receipt
from tests import world
from tests.conftest import Sandbox, Web

pytestmark = pytest.mark.django_db(transaction=True)


def catalogued(entry: RegisterEntry) -> Callable[[], bool]:
    rows = RegisterEntry.objects.filter(pk=entry.pk, catalogued_at__isnull=False)
    return rows.exists


@pytest.fixture
def done(alice: User, sandbox: Sandbox, web: Web, work_until: Callable[..., Any]) -> RegisterEntry:
    entry = world.opened(alice, count=2, tags=["coast"])
    work_until(catalogued(entry))
    entry.refresh_from_db()
    return entry


def test_a_cancelled_entry_that_was_never_sent_is_over_at_once(alice: User) -> None:
    entry = world.opened(alice)
    cancelled = register.cancel_entry(actor=alice, entry_id=entry.pk)
    assert cancelled.state is GenerationState.CANCELLED
    assert cancelled.due_at is None
    again = register.cancel_entry(actor=alice, entry_id=entry.pk)
    assert again.cancelled_at == cancelled.cancelled_at


def test_what_comes_after_a_cancellation_is_kept_and_marked_late(
    alice: User, sandbox: Sandbox, web: Web, work: Any, work_until: Callable[..., Any]
) -> None:
    sandbox.faults({"fault": "slow", "seconds": 1})
    entry = world.opened(alice, count=2)
    work("call_providers")
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    work_until(lambda: Artifact.objects.filter(generation=entry.pk).count() == 2)
    entry.refresh_from_db()
    assert entry.state is GenerationState.CANCELLED
    assert set(Output.objects.filter(entry=entry).values_list("late", flat=True)) == {True}
    assert Generation.objects.get(pk=entry.pk).artifact_count == 2


def test_a_settled_entry_cannot_be_cancelled(alice: User, done: RegisterEntry) -> None:
    with pytest.raises(InvalidTransition):
        register.cancel_entry(actor=alice, entry_id=done.pk)


def test_a_result_after_the_timeout_is_attached_and_rewrites_the_count(
    alice: User, sandbox: Sandbox, web: Web, work_until: Callable[..., Any]
) -> None:
    sandbox.faults({"fault": "slow", "seconds": 4})
    entry = world.opened(alice, count=1, seconds=2)
    work_until(catalogued(entry))
    entry.refresh_from_db()
    assert entry.error["code"] == "timeout"
    assert entry.error["detail"] == {"received": 0, "expected": 1}
    assert Generation.objects.get(pk=entry.pk).artifact_count == 0
    work_until(lambda: Generation.objects.get(pk=entry.pk).artifact_count == 1)
    assert Artifact.objects.get(generation=entry.pk).late is True


def test_a_retry_asks_only_for_what_is_missing(
    alice: User, sandbox: Sandbox, web: Web, work_until: Callable[..., Any]
) -> None:
    sandbox.faults({"fault": "one_fails", "result": 2})
    entry = world.opened(alice, count=3, tags=["coast"])
    work_until(catalogued(entry))
    sandbox.faults()
    again = register.retry_entry(actor=alice, entry_id=entry.pk)
    assert again.expected_count == 1
    assert again.retry_of_id == entry.pk
    assert [tag.name for tag in again.tags.all()] == ["coast"]
    work_until(catalogued(again))
    with pytest.raises(NothingToRetry):
        register.retry_entry(actor=alice, entry_id=again.pk)


def test_others_see_nothing_of_it(bob: User, dana: User, done: RegisterEntry) -> None:
    with pytest.raises(GenerationNotFound):
        keeping.trash_entry(actor=bob, entry_id=done.pk)
    keeping.trash_entry(actor=dana, entry_id=done.pk)


def test_trash_is_purged_with_its_objects_and_late_results_are_discarded(
    alice: User, done: RegisterEntry, work: Any, sandbox: Sandbox
) -> None:
    keys = list(Output.objects.filter(entry=done).values_list("storage_key", flat=True))
    keeping.trash_entry(actor=alice, entry_id=done.pk)
    keeping.restore_entry(actor=alice, entry_id=done.pk)
    assert not Trash.objects.exists()
    keeping.trash_entry(actor=alice, entry_id=done.pk)
    work()
    assert storage.stat(keys[0]) is not None
    Trash.objects.update(due_at=now() - timedelta(seconds=1))
    work()
    assert [storage.stat(key) for key in keys] == [None, None]
    assert not Generation.objects.filter(pk=done.pk).exists()
    Receipt.objects.update(due_at=now(), applied_at=None, outcome="")
    work()
    assert set(Receipt.objects.values_list("outcome", flat=True)) == {"discarded"}
    assert not Output.objects.exists()


def test_a_receipt_applied_twice_changes_nothing(done: RegisterEntry, work: Any) -> None:
    before = list(Output.objects.order_by("pk").values())
    Receipt.objects.update(due_at=now(), applied_at=None, outcome="")
    work()
    assert list(Output.objects.order_by("pk").values()) == before
    assert set(Receipt.objects.values_list("outcome", flat=True)) == {"repeated"}


def test_a_failed_projection_waits_for_a_person_and_is_replayed(
    alice: User,
    dana: User,
    sandbox: Sandbox,
    web: Web,
    work_until: Callable[..., Any],
) -> None:
    runtime.turn("drill:projection", on=True, reason="practice")
    entry = world.opened(alice, count=2, annotations={"drill": True})
    work_until(lambda: entry.projections.filter(failed_at__isnull=False).exists())
    runtime.turn("drill:projection", on=False, reason="")
    entry.refresh_from_db()
    assert entry.state is GenerationState.COMPLETED
    assert entry.error["code"] == "projection_failed"
    assert entry.error["detail"]["projector"] == "catalogue"
    assert not Generation.objects.filter(pk=entry.pk).exists()

    failed = replay.failed_projections()
    [tried] = replay.replay(actor=dana, projections=failed, dry_run=True)
    assert (tried.outcome, tried.generations, tried.artifacts) == ("created", 1, 2)
    assert not Generation.objects.filter(pk=entry.pk).exists()
    [row] = replay.replay(actor=dana, projections=failed.all(), dry_run=False)
    assert (row.outcome, row.artifacts) == ("created", 2)
    entry.refresh_from_db()
    assert entry.error is None
    assert entry.error_history[-1]["code"] == "projection_failed"
    assert replay.replay(actor=dana, projections=failed.all(), dry_run=False) == []
    assert Artifact.objects.filter(generation=entry.pk).count() == 2


def test_resolving_a_failure_needs_a_reason(
    alice: User, dana: User, sandbox: Sandbox, web: Web, work_until: Callable[..., Any]
) -> None:
    runtime.turn("drill:projection", on=True, reason="practice")
    entry = world.opened(alice, count=1, annotations={"drill": True})
    work_until(lambda: entry.projections.filter(failed_at__isnull=False).exists())
    runtime.turn("drill:projection", on=False, reason="")
    with pytest.raises(Invalid):
        replay.resolve(actor=dana, entry_id=entry.pk, reason=" ")
    assert replay.resolve(actor=dana, entry_id=entry.pk, reason="not wanted any more") == 1
    entry.refresh_from_db()
    assert entry.error is None
    assert not replay.failed_projections().exists()


def test_an_upload_is_an_entry_settled_at_once(alice: User, work: Any) -> None:
    import io

    entry = keeping.keep_upload(
        actor=alice,
        audience=f"user:{alice.pk}",
        file=io.BytesIO(world.picture(format="JPEG")),
        filename="beach.jpg",
        tags=["own"],
    )
    work()
    entry.refresh_from_db()
    assert entry.state is GenerationState.COMPLETED
    artifact = Artifact.objects.get(generation=entry.pk)
    assert artifact.content_type == "image/jpeg"
    with pytest.raises(Invalid):
        keeping.keep_upload(
            actor=alice,
            audience=f"user:{alice.pk}",
            file=io.BytesIO(b"<html>no picture</html>"),
            filename="x.png",
        )


def test_the_owner_hears_every_change_once_and_in_order(alice: User, done: RegisterEntry) -> None:
    stream = f"user:{alice.pk}"
    seqs = list(Event.objects.filter(stream=stream).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, Stream.objects.get(pk=stream).head + 1))
    frames = Event.objects.filter(stream=stream, kind__startswith="generation:").order_by("seq")
    told = [event.data["generation"] for event in frames]
    assert told[0]["state"] == "pending"
    assert told[-1]["state"] == "completed"
    counts = [frame["artifact_count"] for frame in told]
    assert counts == sorted(counts)


def test_reference_pictures_travel_inside_the_request(
    alice: User,
    done: RegisterEntry,
    sandbox: Sandbox,
    web: Web,
    work_until: Callable[..., Any],
) -> None:
    artifact = Artifact.objects.filter(generation=done.pk).first()
    assert artifact is not None
    world.models()
    entry = register.open_entry(
        actor=alice,
        audience=f"user:{alice.pk}",
        model=ProviderModel.objects.get(pk=world.MODEL),
        input=world.wish("the same, at night", reference_artifacts=[str(artifact.pk)]),
        expected_count=1,
        deadline_seconds=60,
    )
    work_until(catalogued(entry))
    entry.refresh_from_db()
    assert entry.state is GenerationState.COMPLETED
    call = next(
        call
        for call in sandbox.get(f"/control/calls?task={entry.pk}")["calls"]
        if call["path"].startswith("/v1")
    )
    assert "data:image/png;base64," in str(call["body"])
    assert f":{web.port}/media" not in str(call["body"])


def test_a_reference_that_is_gone_refuses_the_request(alice: User, work: Any) -> None:
    world.models()
    entry = register.open_entry(
        actor=alice,
        audience=f"user:{alice.pk}",
        model=ProviderModel.objects.get(pk=world.MODEL),
        input=world.wish(reference_artifacts=["01a1f885-8e87-7193-a8d6-8c9bacdeee00"]),
        expected_count=1,
        deadline_seconds=60,
    )
    work()
    entry.refresh_from_db()
    assert entry.error["code"] == "api_rejected"
    assert entry.state is GenerationState.FAILED
