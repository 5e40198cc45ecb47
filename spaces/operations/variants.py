"""What people do with variants: star, rate, name, order, delete."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import rows
from genproj.kernel.errors import Invalid
from spaces.models import Asset, Variant
from spaces.operations import words
from spaces.operations.entering import change, entered, expect, variant_in
from spaces.operations.parting import part
from spaces.operations.settling import gone
from spaces.operations.telling import tell_asset, tell_deleted, tell_variant
from spaces.permissions import Act
from spaces.states import Rating, VariantStatus

LONGEST_COMMENT = 1000
LONGEST_LABEL = 120
LONGEST_DESCRIPTION = 10_000
FARTHEST = 1e12


class Unrated(Enum):
    """A rating that a caller did not say, where null takes it back."""

    UNSAID = "unsaid"


UNSAID: Final = Unrated.UNSAID


@rows.atomically
def update(
    *,
    actor: User,
    space_id: UUID,
    variant_id: UUID,
    starred: bool | None = None,
    rating: str | None | Unrated = UNSAID,
    comment: str | None = None,
    label: str | None = None,
    position: float | None = None,
    version: int | None = None,
) -> Variant:
    """Change what is given; a null rating takes it back with its comment. Nothing new: no change.

    Raises:
        Invalid: a field is not acceptable, or a comment without a rating.
        VersionConflict: it is not at `version` any more.
    """
    variant = _opened(actor, space_id, variant_id, version)
    facts: dict[str, Any] = {}
    if starred is not None:
        facts["starred"] = starred
    if label is not None:
        facts["label"] = words.line(
            label, pointer="/label", longest=LONGEST_LABEL, may_be_empty=True
        )
    if position is not None:
        facts["position"] = _place(position)
    judged = _judged(variant, rating, comment)
    if _new(variant, judged):
        facts |= {**judged, "rated_by": actor if judged["rating"] else None}
    return _changed(variant, facts)


def _judged(variant: Variant, rating: str | None | Unrated, comment: str | None) -> dict[str, str]:
    """The rating and its comment as they will be; a new rating without words has none."""
    if rating is UNSAID:
        if comment is None:
            return {}
        if not variant.rating:
            raise Invalid.one("/comment", "needs_rating", "A comment goes with a rating.")
        rating = variant.rating
    if rating is None:
        return {"rating": "", "comment": ""}
    if rating not in set(Rating):
        choices = ", ".join(Rating)
        raise Invalid.one("/rating", "choice", f"Must be one of {choices}, or null.")
    said = words.paragraph(comment or "", pointer="/comment", longest=LONGEST_COMMENT)
    return {"rating": str(rating), "comment": said}


def _place(position: float) -> float:
    if not abs(position) < FARTHEST:  # also refuses what is no number
        raise Invalid.one("/position", "max", "Must lie between -1e12 and 1e12.")
    return float(position)


@rows.atomically
def star(
    *, actor: User, space_id: UUID, variant_id: UUID, starred: bool, version: int | None = None
) -> Variant:
    """Star a variant, or take the star off."""
    return update(
        actor=actor, space_id=space_id, variant_id=variant_id, starred=starred, version=version
    )


@rows.atomically
def rate(
    *,
    actor: User,
    space_id: UUID,
    variant_id: UUID,
    rating: str | None,
    comment: str = "",
    version: int | None = None,
) -> Variant:
    """Say what one thinks of a variant; None takes the rating and its comment back."""
    return update(
        actor=actor,
        space_id=space_id,
        variant_id=variant_id,
        rating=rating,
        comment=comment,
        version=version,
    )


@rows.atomically
def label(
    *, actor: User, space_id: UUID, variant_id: UUID, label: str, version: int | None = None
) -> Variant:
    """Give a variant a name of its own; an empty one takes it away."""
    return update(
        actor=actor, space_id=space_id, variant_id=variant_id, label=label, version=version
    )


@rows.atomically
def move(
    *, actor: User, space_id: UUID, variant_id: UUID, position: float, version: int | None = None
) -> Variant:
    """Place a variant among those of its asset: they are shown by ascending position."""
    return update(
        actor=actor, space_id=space_id, variant_id=variant_id, position=position, version=version
    )


@rows.atomically
def describe_as(
    *, actor: User, space_id: UUID, variant_id: UUID, description: str, version: int | None = None
) -> Variant:
    """Keep what can be seen in a variant's picture, in words."""
    variant = _opened(actor, space_id, variant_id, version)
    text = words.paragraph(description, pointer="/description", longest=LONGEST_DESCRIPTION)
    return _changed(variant, {"description": text})


@rows.atomically
def delete(*, actor: User, space_id: UUID, variant_id: UUID, version: int | None = None) -> None:
    """Delete a variant; its lineage stays, and one that is being made is cancelled.

    Where it stood for its asset, the newest completed one does, or none.

    Raises:
        VersionConflict: it is not at `version` any more.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.DELETE_VARIANTS)
    variant = variant_in(here, variant_id=variant_id)
    expect(variant, version=version)
    asset = Asset.objects.select_related("created_by").get(pk=variant.asset_id)
    part(variant)
    if asset.active_variant_id == variant.pk:
        others = Variant.objects.filter(asset=asset, status=VariantStatus.COMPLETED)
        newest = others.exclude(pk=variant.pk).order_by("-created_at", "-id").first()
        change(asset, facts={"active_variant_id": newest.pk if newest else None})
        tell_asset(asset, kind="asset:updated")
    Variant.objects.filter(pk=variant.pk).delete()
    tell_deleted(space_id=space_id, kind="variant:deleted", id=variant_id)
    gone([variant])


def _opened(actor: User, space_id: UUID, variant_id: UUID, version: int | None) -> Variant:
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_VARIANTS)
    variant = variant_in(here, variant_id=variant_id)
    expect(variant, version=version)
    return variant


def _new(variant: Variant, facts: Mapping[str, Any]) -> bool:
    return any(getattr(variant, name) != value for name, value in facts.items())


def _changed(variant: Variant, facts: Mapping[str, Any]) -> Variant:
    """Change and tell, if anything really is new."""
    if _new(variant, facts):
        change(variant, facts=facts)
        tell_variant(variant, kind="variant:updated")
    return variant
