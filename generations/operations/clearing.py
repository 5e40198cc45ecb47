"""Removes everything of people who leave, at once and for good."""

from collections.abc import Collection

from generations.models import RegisterEntry, Trash
from generations.operations import purging
from genproj.kernel import rows


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
