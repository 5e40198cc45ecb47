"""What the making of the demo space asks of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from generations.queries.demo import was_asked
from spaces.models import Asset, Space, Variant
from spaces.states import VariantStatus

RUNS = (VariantStatus.PENDING, VariantStatus.PROCESSING)


@dataclass(frozen=True)
class Standing:
    """How far the demo space is: its assets by name, each with the variant that stands for it."""

    space_id: UUID
    assets: Mapping[str, tuple[UUID, UUID | None]]
    is_settled: bool
    refined: bool
    spoken: bool


def is_wanted(*, request_id: str) -> bool:
    """Whether no space was ever made here: neither by a person nor under this request id."""
    return not Space.objects.exists() and not was_asked(request_id)


def standing(*, request_id: str) -> Standing | None:
    """How far it is; None when there is none, or when somebody threw it away."""
    ids = was_asked(request_id)
    made = Variant.objects.filter(generation__in=ids).values_list("space", flat=True).first()
    spaces = Space.objects.filter(trashed_at__isnull=True)
    space = spaces.filter(pk=made).first() if made else None
    return standing_of(space_id=space.pk) if space else None


def standing_of(*, space_id: UUID) -> Standing:
    """How far this space is."""
    space = Space.objects.get(pk=space_id)
    found = Asset.objects.filter(space=space).values_list("name", "pk", "active_variant")
    variants = Variant.objects.filter(space=space)
    return Standing(
        space_id=space_id,
        assets={name: (pk, active) for name, pk, active in found},
        is_settled=not variants.filter(status__in=RUNS).exists(),
        refined=any(one.get("operation") == "refine" for one in _recipes(space)),
        spoken=space.conversation_id is not None,
    )


def _recipes(space: Space) -> list[dict[str, object]]:
    return list(Variant.objects.filter(space=space).values_list("recipe", flat=True))
