"""What the making and the removal of the demo world ask of the register."""

from collections.abc import Collection
from uuid import UUID

from generations.models import Projection, ProviderModel, RegisterEntry
from generations.states import GenerationState, Kind

#: more than the demo world has
MOST = 100


def was_asked(request_id: str) -> list[UUID]:
    """The entries that were opened under this request id, tombstones included."""
    found = RegisterEntry.objects.filter(request_id=request_id)
    return list(found.values_list("pk", flat=True)[:MOST])


def standing(*, beside: Collection[str] = ()) -> dict[str, tuple[UUID, GenerationState]] | None:
    """What was made of the demo world, by prompt; None where anything else was ever asked for.

    What was purged counts as something else: what people removed is not made again. `beside` are
    the requests whose entries belong to the demo world too, and are not among these pictures.
    """
    found = RegisterEntry.objects.filter(retry_of__isnull=True).order_by("id")
    entries = list(found.exclude(request_id__in=beside)[:MOST])
    if not all(entry.annotations.get("demo") for entry in entries):
        return None
    return {entry.input["prompt"]: (entry.pk, entry.state) for entry in entries}


def model() -> ProviderModel:
    """The first picture model that people may use."""
    return ProviderModel.objects.filter(kind=Kind.IMAGE, enabled=True).order_by("position", "id")[0]


def are_settled(entries: Collection[UUID]) -> bool:
    """Whether nothing more is awaited from the provider."""
    return not RegisterEntry.objects.filter(pk__in=entries, completed_at__isnull=True).exists()


def has_failed_projection(entry: UUID) -> bool:
    """Whether a projection of the entry waits for a person."""
    return Projection.objects.filter(entry=entry, failed_at__isnull=False).exists()
