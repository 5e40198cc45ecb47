"""Deletes spaces that have lain in the trash for their time, with everything in them."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef

from generations.operations import uses
from generations.operations.clearing import throw_away_everything_of
from genproj.assistant.operations.clearing import forget_everything_in
from genproj.kernel import logs, rows
from genproj.kernel.clock import after, now
from spaces.models import Member, Space, Variant
from spaces.operations.entering import locked
from spaces.operations.parting import RUNS, part

TRASH_DAYS = 30
BATCH = 10

log = logs.component("spaces")


def purge_trashed() -> int:
    """Sweep: purge what is due. Safe to repeat, and when two run at once. Returns how many."""
    due = Space.objects.filter(trashed_at__lt=after(-TRASH_DAYS * 86400))
    return sum(purge_space(space_id=id) for id in list(due.values_list("pk", flat=True)[:BATCH]))


@rows.atomically
def purge_space(*, space_id: UUID) -> bool:
    """Delete a trashed space with its talk, and owe its pictures' objects to the engine's purge.

    Not to be undone. Whether it was there; one that was restored meanwhile stays.
    """
    space = locked(space_id)
    if space is None or space.trashed_at is None:
        return False
    for variant in Variant.objects.filter(space=space, status__in=RUNS).order_by("pk"):
        part(variant)
    uses.forget_audience(audience=f"space:{space_id}")
    throw_away_everything_of(audience=f"space:{space_id}")
    forget_everything_in(audience=f"space:{space_id}")
    space.delete()
    rows.after_commit(lambda: log.info("purged", space=str(space_id)))
    return True


def forget_everything_of(*, owner_ids: Collection[int]) -> int:
    """Delete the spaces that nobody but these people is in. Not to be undone. How many."""
    others = Member.objects.filter(space=OuterRef("pk")).exclude(user__in=owner_ids)
    found = Space.objects.filter(~Exists(others))
    return sum(_delete_now(space_id=id) for id in list(found.values_list("pk", flat=True)))


@rows.atomically
def _delete_now(*, space_id: UUID) -> bool:
    space = locked(space_id)
    if space is not None and space.trashed_at is None:
        Space.objects.filter(pk=space_id).update(trashed_at=now())
    return purge_space(space_id=space_id)
