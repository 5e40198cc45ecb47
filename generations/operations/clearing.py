"""Removes everything of people who leave, and of places that are no more, for good."""

from collections.abc import Collection

from generations.models import RegisterEntry, Trash
from generations.operations import purging
from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.wake import wake


def forget_everything_of(*, owner_ids: Collection[int]) -> int:
    """Delete the objects and rows of all entries of these people. Returns how many entries.

    Not to be undone, and safe to repeat: tombstones stay, so late results are discarded.
    """
    entries = RegisterEntry.objects.filter(owner_id__in=owner_ids, purged_at__isnull=True)
    found = list(entries.order_by("id"))
    for entry in found:
        purging.purge_one(Trash(entry=entry))
    _forget_tombstones_of(owner_ids=owner_ids)
    return len(found)


@rows.atomically
def _forget_tombstones_of(*, owner_ids: Collection[int]) -> None:
    """Take names and words off what stays."""
    RegisterEntry.objects.filter(owner_id__in=owner_ids).update(owner=None, request_id="")


@rows.atomically
def throw_away_everything_of(*, audience: str) -> int:
    """Have the purge take all entries of an audience, one after the other. Returns how many.

    Joins the caller's transaction, so they are owed to the purge as soon as their place is gone.
    """
    entries = RegisterEntry.objects.filter(audience=audience, purged_at__isnull=True)
    at, ids = now(), list(entries.values_list("pk", flat=True))
    Trash.objects.filter(entry__in=ids, output__isnull=True, attempts=0).update(due_at=at)
    Trash.objects.bulk_create(
        [Trash(entry_id=id, trashed_at=at, due_at=at) for id in ids],
        ignore_conflicts=True,
    )
    if ids:
        wake("generations.jobs.purge")
    return len(ids)
