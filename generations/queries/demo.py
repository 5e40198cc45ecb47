"""What the making and the removal of the demo world ask of the register."""

from collections.abc import Collection
from uuid import UUID

from generations.models import Projection, ProviderModel, RegisterEntry
from generations.states import Kind


def is_empty() -> bool:
    """Whether nothing was ever asked for."""
    return not RegisterEntry.objects.exists()


def model() -> ProviderModel:
    """The first picture model that people may use."""
    return ProviderModel.objects.filter(kind=Kind.IMAGE, enabled=True).order_by("position", "id")[0]


def are_settled(entries: Collection[UUID]) -> bool:
    """Whether nothing more is awaited from the provider."""
    return not RegisterEntry.objects.filter(pk__in=entries, completed_at__isnull=True).exists()


def has_failed_projection(entry: UUID) -> bool:
    """Whether a projection of the entry waits for a person."""
    return Projection.objects.filter(entry=entry, failed_at__isnull=False).exists()
