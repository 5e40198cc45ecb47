"""Purges what has lain in the trash long enough: objects first, then rows, the tombstone last."""

from collections.abc import Callable, Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from generations.models import (
    Artifact,
    ArtifactUse,
    Generation,
    Output,
    Preview,
    RegisterEntry,
    Trash,
)
from generations.operations import money
from genproj.kernel import leases, logs, rows, storage
from genproj.kernel.clock import now

BATCH = 20

log = logs.component("purging")


def trash_to_purge() -> QuerySet[Trash]:
    """Things whose time in the trash is over, and which nothing needs."""
    alone = Exists(ArtifactUse.objects.filter(output=OuterRef("output_id")))
    within = Exists(ArtifactUse.objects.filter(output__entry=OuterRef("entry_id")))
    needed = alone | (Q(output__isnull=True) & within)
    return Trash.objects.filter(due_at__isnull=False).exclude(needed)


def purge() -> int:
    """Purge a batch. A thing restored in the meantime stays."""
    taken = leases.claim(trash_to_purge(), limit=BATCH)
    for row in taken:
        leases.attempt(lambda row=row: purge_one(row), failed=_failed(row))
    return len(taken)


def _failed(row: Trash) -> Callable[[BaseException], None]:
    def failed(reason: BaseException) -> None:
        log.warning("purge_failed", generation=str(row.entry_id), error=repr(reason))
        leases.put_off(row, seconds=leases.backoff(row.failures), error=repr(reason))

    return failed


def purge_one(row: Trash) -> None:
    """Delete a trashed thing's objects and rows. Safe to repeat.

    Of a whole generation the entry stays as a tombstone without content, so that late results
    are recognised and discarded. What is stored meanwhile goes, too.
    """
    if row.pk and not leases.held(row).exists():
        return  # restored, or another's by now
    deleted: set[str] = set()
    while left := _forget(row, deleted=deleted):
        for key in left:
            storage.delete(key)  # whatever the breaker says: of a full disk this makes room
        deleted |= left
    log.info("purged", generation=str(row.entry_id), artifact=str(row.output_id or ""))


@rows.atomically
def _forget(row: Trash, *, deleted: Collection[str]) -> set[str]:
    """Remove the rows, unless they speak of objects that are not `deleted`: those are answered.

    Holds the entry's lock, so nothing is recorded of it between the look and the end.
    """
    entry = RegisterEntry.objects.filter(pk=row.entry_id)
    list(entry.select_for_update() if rows.locks_rows() else entry)
    if row.pk and not deleted and _is_needed(row):
        leases.held(row).update(attempts=0, leased_until=None)  # it is needed since the claim
        return set()
    outputs = Output.objects.filter(entry_id=row.entry_id, stored_at__isnull=False)
    if row.output_id:
        outputs = outputs.filter(pk=row.output_id)
    kept = {key for output in outputs.select_related("preview") for key in _keys_of(output)}
    if left := kept.difference(deleted):
        return left
    if row.output_id:
        _forget_output(row.output_id)
    else:
        _forget_entry(row.entry_id)
    return set()


def _is_needed(row: Trash) -> bool:
    needed = ArtifactUse.objects.filter(output__entry=row.entry_id)
    return (needed.filter(output=row.output_id) if row.output_id else needed).exists()


def _keys_of(output: Output) -> list[str]:
    preview = getattr(output, "preview", None)
    small = (
        [preview.thumb_key, preview.preview_key, preview.poster_key] if preview is not None else []
    )
    return [key for key in (output.storage_key, *small) if key]


def _forget_output(output_id: UUID) -> None:
    Preview.objects.filter(pk=output_id).delete()
    Artifact.objects.filter(pk=output_id).delete()
    # the row stays, so that a repeated delivery is recognised; its content goes
    Output.objects.filter(pk=output_id).update(
        stored_at=None,
        storage_key="",
        sha256="",
        url="",
        raw={},
        error={
            "code": "purged",
            "message": "It was deleted.",
            "retryable": False,
            "at": now().isoformat(),
            "detail": {},
        },
    )
    Trash.objects.filter(output_id=output_id).delete()


def _forget_entry(entry_id: UUID) -> None:
    at = now()
    entry = RegisterEntry.objects.get(pk=entry_id)
    money.close_purged(entry)
    Generation.objects.filter(pk=entry_id).delete()
    entry.outputs.all().delete()
    entry.projections.all().delete()
    entry.tags.all().delete()
    RegisterEntry.objects.filter(pk=entry_id).update(
        purged_at=at,
        completed_at=entry.completed_at or at,
        due_at=None,
        input={},
        annotations={},
        error=None,
        error_history=[],
    )
    Trash.objects.filter(entry_id=entry_id).delete()
