"""The catalogue's projector: settled entries become rows that the gallery queries."""

from collections.abc import Sequence
from uuid import UUID

from generations.models import Artifact, ArtifactTag, Generation, Output, RegisterEntry
from genproj.kernel import bulk, rows
from genproj.kernel.clock import now


@rows.atomically
def catalogue(entries: Sequence[RegisterEntry]) -> None:
    """Write the catalogue rows of settled entries; of the ones already there, only what is new.

    Immutable but for a late success, which adds its artifact and raises the count. Twice changes
    nothing.
    """
    outputs: dict[UUID, list[Output]] = {entry.pk: [] for entry in entries}
    for output in Output.objects.filter(entry__in=entries, stored_at__isnull=False):
        outputs[output.entry_id].append(output)
    known = dict(Generation.objects.filter(pk__in=outputs).values_list("pk", "artifact_count"))
    kept = set(Artifact.objects.filter(generation__in=known).values_list("pk", flat=True))
    bulk.insert_all(
        [_generation(entry, len(outputs[entry.pk])) for entry in entries if entry.pk not in known]
    )
    bulk.insert_all(
        [
            _artifact(entry, output)
            for entry in entries
            for output in outputs[entry.pk]
            if output.pk not in kept
        ]
    )
    for entry_id, count in known.items():
        if count < len(outputs[entry_id]):
            Generation.objects.filter(pk=entry_id).update(artifact_count=len(outputs[entry_id]))
    _pass_on_tags(entries, outputs)
    RegisterEntry.objects.filter(pk__in=outputs, catalogued_at__isnull=True).update(
        catalogued_at=now()
    )


def _generation(entry: RegisterEntry, count: int) -> Generation:
    return Generation(
        id=entry.pk,
        kind=entry.kind,
        provider=entry.provider,
        model=entry.model,
        input=entry.input,
        audience=entry.audience,
        owner_id=entry.owner_id,
        prompt=str(entry.input.get("prompt", "")),
        expected_count=entry.expected_count,
        artifact_count=count,
        cancelled_at=entry.cancelled_at,
        created_at=entry.created_at,
        completed_at=entry.completed_at,
    )


def _artifact(entry: RegisterEntry, output: Output) -> Artifact:
    return Artifact(
        id=output.pk,
        generation_id=entry.pk,
        index=output.index,
        kind=entry.kind,
        provider=entry.provider,
        model=entry.model,
        audience=entry.audience,
        owner_id=entry.owner_id,
        prompt=str(entry.input.get("prompt", "")),
        storage_key=output.storage_key,
        content_type=output.content_type,
        seed=output.seed,
        cost=output.cost,
        metadata=output.raw,
        width=output.width,
        height=output.height,
        size=output.size,
        sha256=output.sha256,
        duration=output.duration,
        late=output.late,
        created_at=output.stored_at,
    )


def _pass_on_tags(entries: Sequence[RegisterEntry], outputs: dict[UUID, list[Output]]) -> None:
    """A picture begins with its generation's words."""
    tagged = [
        ArtifactTag(output=output, name=tag.name)
        for entry in entries
        for tag in entry.tags.all()
        for output in outputs[entry.pk]
    ]
    ArtifactTag.objects.bulk_create(tagged, ignore_conflicts=True)
