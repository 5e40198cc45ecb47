"""Which pictures belong to whom."""

from collections.abc import Collection
from uuid import UUID

from generations.models import ArtifactUse, Output, Trash


def artifacts_of(*, audience: str, ids: Collection[UUID]) -> set[UUID]:
    """Which of these are stored, are no films, lie in no trash, and were made for this audience."""
    found = Output.objects.filter(pk__in=ids, stored_at__isnull=False, entry__audience=audience)
    found = found.filter(entry__purged_at__isnull=True).exclude(entry__kind="video")
    known = dict(found.values_list("pk", "entry_id"))
    trash = Trash.objects.filter(entry__in=set(known.values()))
    gone = {output or entry for output, entry in trash.values_list("output_id", "entry_id")}
    return {id for id, entry in known.items() if not gone & {id, entry}}


def held_by(holder: str) -> set[UUID]:
    """The pictures that a thing of another app needs, which no purge takes from it."""
    return set(ArtifactUse.objects.filter(holder=holder).values_list("output_id", flat=True))


def is_trashed(*, output_id: UUID, entry_id: UUID) -> bool:
    """Whether the picture, or all of its generation, lies in the trash."""
    trash = Trash.objects.filter(entry=entry_id).values_list("output_id", flat=True)
    return any(id is None or id == output_id for id in trash)
