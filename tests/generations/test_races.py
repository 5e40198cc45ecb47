"""Two at once: purge and restore, cancel and submit, late results and projections."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from generations.errors import ArtifactNotFound, GenerationNotFound
from generations.models import (
    Artifact,
    Generation,
    Output,
    Preview,
    Projection,
    RegisterEntry,
    Trash,
)
from generations.operations import (
    calling,
    cataloguing,
    collecting,
    frames,
    keeping,
    polling,
    previews,
    projection,
    purging,
    reaching,
    register,
    replay,
)
from generations.providers.base import ProviderError, ProviderUpdate
from genproj.kernel import leases, storage
from genproj.kernel.clock import now
from genproj.runtime import operations as runtime
from tests import world
from tests.conftest import Sandbox
from tests.generations.test_bad_rows import deliver, lapse, result, taken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def here(cdn: str, settings: Any) -> str:
    """The provider's address is the one that serves pictures."""
    settings.RUNWARE_BASE_URL = f"{cdn}/v1"
    return cdn


@pytest.fixture
def uploaded(alice: User, work: Callable[..., int]) -> RegisterEntry:
    entry = keeping.keep_upload(
        actor=alice,
        audience=f"user:{alice.pk}",
        file=io.BytesIO(world.picture()),
        filename="beach.png",
    )
    work()
    return entry


@contextmanager
def beside(act: Callable[[], Any]) -> Iterator[threading.Thread]:
    """Something done by another thread, on a connection of its own."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


def everything_due() -> None:
    Trash.objects.update(due_at=now() - timedelta(seconds=1))


def test_what_is_being_purged_cannot_be_restored_and_what_was_restored_stays(
    alice: User, uploaded: RegisterEntry
) -> None:
    [key] = uploaded.outputs.values_list("storage_key", flat=True)
    keeping.trash_entry(actor=alice, entry_id=uploaded.pk)
    everything_due()
    [row] = leases.claim(purging.trash_to_purge(), limit=1)
    with pytest.raises(GenerationNotFound):
        keeping.restore_entry(actor=alice, entry_id=uploaded.pk)
    Trash.objects.all().delete()
    purging.purge_one(row)
    assert storage.stat(key) is not None


def test_a_picture_that_is_being_purged_cannot_be_restored(
    alice: User, uploaded: RegisterEntry, work: Callable[..., int]
) -> None:
    [output] = uploaded.outputs.all()
    keeping.trash_artifact(actor=alice, artifact_id=output.pk)
    keeping.restore_artifact(actor=alice, artifact_id=output.pk)
    keeping.trash_artifact(actor=alice, artifact_id=output.pk)
    everything_due()
    [row] = leases.claim(purging.trash_to_purge(), limit=1)
    with pytest.raises(ArtifactNotFound):
        keeping.restore_artifact(actor=alice, artifact_id=output.pk)
    purging.purge_one(row)
    assert list(storage.keys()) == []
    assert not Preview.objects.exists()


def test_a_result_stored_while_its_generation_is_purged_leaves_nothing(
    alice: User, here: str, work: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = taken(alice)
    deliver(entry, result(entry, here), result(entry, here))
    work("apply_receipts")
    first, second = leases.claim(collecting.outputs_to_collect(), limit=2)
    collecting.record_collected([(first, collecting.fetch(first))])
    keeping.trash_entry(actor=alice, entry_id=entry.pk)
    everything_due()
    delete = storage.delete

    def meanwhile(key: str) -> None:
        monkeypatch.setattr(storage, "delete", delete)
        collecting.record_collected([(second, collecting.fetch(second))])
        delete(key)

    monkeypatch.setattr(storage, "delete", meanwhile)
    work("purge")
    assert list(storage.keys()) == []
    assert not Output.objects.exists()


def test_a_result_stored_after_its_generation_was_purged_leaves_nothing(
    alice: User, here: str, work: Callable[..., int]
) -> None:
    entry = taken(alice, count=1)
    deliver(entry, result(entry, here))
    work("apply_receipts")
    [output] = leases.claim(collecting.outputs_to_collect(), limit=1)
    stored = collecting.fetch(output)
    keeping.trash_entry(actor=alice, entry_id=entry.pk)
    everything_due()
    work("purge")
    collecting.record_collected([(output, stored)])
    assert list(storage.keys()) == []


def test_small_pictures_made_while_their_original_is_purged_leave_nothing(
    alice: User, here: str, work: Callable[..., int]
) -> None:
    entry = taken(alice, count=1)
    deliver(entry, result(entry, here))
    work("apply_receipts", "collect_outputs", "project")
    [preview] = leases.claim(previews.previews_to_make(), limit=1)
    keeping.trash_entry(actor=alice, entry_id=entry.pk)
    everything_due()
    record = previews.record_preview

    def later(*args: Any, **facts: Any) -> None:
        work("purge")
        record(*args, **facts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(previews, "record_preview", later)
        previews.make_preview(preview)
    assert list(storage.keys()) == []


def test_a_delivery_applied_while_its_generation_is_purged_leaves_nothing(
    alice: User, here: str, work: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = taken(alice)
    keeping.trash_entry(actor=alice, entry_id=entry.pk)
    everything_due()
    deliver(entry, result(entry, here))
    inside, go_on, tell = threading.Event(), threading.Event(), frames.tell

    def slowly(desk: Any) -> None:
        inside.set()
        go_on.wait(60)
        tell(desk)

    monkeypatch.setattr(frames, "tell", slowly)
    with beside(lambda: work("apply_receipts")):
        assert inside.wait(60)
        monkeypatch.setattr(frames, "tell", tell)
        threading.Timer(0.5, go_on.set).start()
        work("purge")
    work("purge", "apply_receipts", "collect_outputs")
    entry.refresh_from_db()
    assert entry.purged_at is not None
    assert not Output.objects.exists()
    assert not Trash.objects.exists()
    assert list(storage.keys()) == []


def test_what_was_cancelled_before_it_was_sent_is_never_sent(
    alice: User, sandbox: Sandbox, work: Callable[..., int]
) -> None:
    entry = world.opened(alice, count=1)
    [claimed] = leases.claim(calling.entries_to_call(), limit=1)
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    assert calling.calls_for([claimed]) == []
    assert sandbox.tasks() == []
    lapse()
    work()
    assert sandbox.tasks() == []


def test_of_two_retries_at_once_one_is_paid_for(alice: User, here: str) -> None:
    entry = taken(alice)
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    opened: list[RegisterEntry] = []

    def retry() -> None:
        opened.append(register.retry_entry(actor=alice, entry_id=entry.pk))

    with beside(retry), beside(retry):
        retry()
    assert len(opened) == 3
    assert len({one.pk for one in opened}) == 1
    register.cancel_entry(actor=alice, entry_id=opened[0].pk)
    retry()
    assert len({one.pk for one in opened}) == 2


def test_an_answer_that_comes_after_the_end_wakes_nobody(
    alice: User, here: str, work: Callable[..., int]
) -> None:
    entry = taken(alice, count=1)
    deliver(entry, result(entry, here))
    work("apply_receipts", "collect_outputs", "project")
    RegisterEntry.objects.update(deadline_at=now())
    away = ProviderError("unreachable", url="")
    polling.record_silence(entry, problem=away)
    assert RegisterEntry.objects.get().due_at is None
    RegisterEntry.objects.update(due_at=now(), deadline_at=now() + timedelta(seconds=90))
    polling.record_answers([(entry, ProviderUpdate(ref=None, processing=True))])
    assert RegisterEntry.objects.get().due_at is None


def test_while_a_result_is_fetched_for_hours_the_provider_is_not_pestered(
    alice: User, here: str, work: Callable[..., int]
) -> None:
    entry = taken(alice)
    deliver(entry, result(entry, here))
    work("apply_receipts")
    for past, wait in ((5, 5), (600, 30)):
        RegisterEntry.objects.update(deadline_at=now() - timedelta(seconds=past))
        polling.record_answers([(entry, ProviderUpdate(ref=None, processing=True))])
        entry.refresh_from_db()
        assert entry.completed_at is None
        assert entry.due_at is not None
        assert wait - 2 < (entry.due_at - now()).total_seconds() <= wait


def test_a_late_result_mends_a_failed_late_projection(
    alice: User, here: str, work: Callable[..., int]
) -> None:
    entry = taken(alice)
    entry.annotations = {"drill": True}
    entry.save()
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    work("project")
    runtime.turn("drill:projection", on=True, reason="practice")
    deliver(entry, result(entry, here))
    work("apply_receipts", "collect_outputs", "project")
    runtime.turn("drill:projection", on=False, reason="")
    entry.refresh_from_db()
    assert entry.error["code"] == "projection_failed"
    deliver(entry, result(entry, here))
    work("apply_receipts", "collect_outputs", "project")
    entry.refresh_from_db()
    assert Artifact.objects.filter(generation=entry.pk).count() == 2
    assert not Projection.objects.filter(failed_at__isnull=False).exists()
    assert entry.error is None


def test_a_projection_that_fails_again_after_it_was_resolved_waits_again(
    alice: User, dana: User, here: str, work: Callable[..., int]
) -> None:
    entry = taken(alice)
    entry.annotations = {"drill": True}
    entry.save()
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    work("project")
    runtime.turn("drill:projection", on=True, reason="practice")
    for number in range(2):
        deliver(entry, result(entry, here))
        work("apply_receipts", "collect_outputs", "project")
        assert replay.failed_projections().count() == 1
        if number == 0:
            replay.resolve(actor=dana, entry_id=entry.pk, reason="not wanted")
    runtime.turn("drill:projection", on=False, reason="")
    replay.replay(actor=dana, projections=replay.failed_projections(), dry_run=False)
    assert Generation.objects.get(pk=entry.pk).artifact_count == 2


def test_a_projector_runs_once_for_a_stage_whoever_asks(
    alice: User,
    here: str,
    work: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = taken(alice)
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    ran: list[int] = []
    catalogue = cataloguing.catalogue

    def counted(entries: Any) -> None:
        ran.append(len(entries))
        catalogue(entries)

    monkeypatch.setattr(cataloguing, "catalogue", counted)
    [first] = leases.claim(projection.projections_to_run(), limit=1, seconds=-1)
    [second] = leases.claim(projection.projections_to_run(), limit=1)
    projection.run_one(first)
    assert ran == []
    projection.run_one(second)
    projection.run_one(second)
    assert ran == [1]
    assert reaching.is_sandbox("runware")
