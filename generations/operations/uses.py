"""Which pictures the things of other apps need: no purge takes them, their audience sees them."""

from collections.abc import Collection
from uuid import UUID

from generations.errors import ArtifactNotFound
from generations.models import ArtifactUse, Output, RegisterEntry, Trash
from genproj.kernel import rows
from genproj.kernel.clock import now


@rows.atomically
def use(*, holder: str, audience: str, artifact_ids: Collection[UUID]) -> None:
    """Write down that `holder` needs these pictures, and who may therefore see them. Safe to
    repeat; joins the caller's transaction. Whether the actor may see them is the caller's affair.

    Raises:
        ArtifactNotFound: one of them is not there any more, or is being purged.
    """
    wanted = set(artifact_ids)
    found = Output.objects.filter(pk__in=wanted)
    entries = RegisterEntry.objects.filter(pk__in=found.values("entry_id")).order_by("pk")
    if rows.locks_rows():  # against a purge, which holds the same lock while it looks
        list(entries.select_for_update(no_key=True).values_list("pk"))
    stored = dict(found.filter(stored_at__isnull=False).values_list("pk", "entry_id"))
    going = Trash.objects.filter(entry_id__in=set(stored.values()), attempts__gt=0)
    gone = {row.output_id or row.entry_id for row in going}
    if any(id not in stored or gone & {id, stored[id]} for id in wanted):
        raise ArtifactNotFound
    at = now()
    ArtifactUse.objects.bulk_create(
        [
            ArtifactUse(output_id=id, holder=holder, audience=audience, since=at)
            for id in sorted(wanted)
        ],
        ignore_conflicts=True,
    )


@rows.atomically
def release(*, holder: str, artifact_ids: Collection[UUID] | None = None) -> None:
    """`holder` needs these pictures no more; None: none at all. Safe to repeat."""
    held = ArtifactUse.objects.filter(holder=holder)
    (held if artifact_ids is None else held.filter(output__in=artifact_ids)).delete()


@rows.atomically
def settle_uses(*, holder: str, audience: str, artifact_ids: Collection[UUID]) -> None:
    """`holder` needs exactly these pictures from now on.

    Raises:
        ArtifactNotFound: one of them is not there any more, or is being purged.
    """
    wanted = set(artifact_ids)
    ArtifactUse.objects.filter(holder=holder).exclude(output__in=wanted).delete()
    use(holder=holder, audience=audience, artifact_ids=wanted)


@rows.atomically
def forget_audience(*, audience: str) -> None:
    """Nothing of this audience needs anything any more: it is about to be deleted."""
    ArtifactUse.objects.filter(audience=audience).delete()
