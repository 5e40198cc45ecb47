"""Makes assets, changes them, moves them in their tree, and deletes them."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid
from genproj.kernel.ids import uuid7
from spaces.errors import cycle
from spaces.models import Asset, Variant
from spaces.operations import words
from spaces.operations.entering import Here, asset_in, change, entered, expect
from spaces.operations.parting import part
from spaces.operations.settling import gone
from spaces.operations.telling import tell_asset, tell_deleted
from spaces.permissions import Act
from spaces.states import VariantStatus


class Absent(Enum):
    """What a caller did not say, where null says something."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@rows.atomically
def create(
    *,
    actor: User,
    space_id: UUID,
    name: str,
    asset_type: str,
    parent_asset_id: UUID | None = None,
    tags: Sequence[str] = (),
) -> Asset:
    """Make an asset without pictures.

    Raises:
        Invalid: a field is not acceptable, or the parent is not of this space.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_ASSETS)
    asset = open_asset(
        here, name=name, asset_type=asset_type, parent_asset_id=parent_asset_id, tags=tags
    )
    tell_asset(asset, kind="asset:created")
    return asset


def open_asset(
    here: Here,
    *,
    name: str,
    asset_type: str,
    parent_asset_id: UUID | None = None,
    tags: Sequence[str] = (),
) -> Asset:
    """The row of a new asset, for whoever tells of it in their own way."""
    parent = _parent(here, parent_asset_id)
    at = now()
    asset = Asset(
        id=uuid7(),
        space=here.space,
        name=words.name(name),
        asset_type=words.asset_type(asset_type),
        parent=parent,
        tags=words.tags(tags),
        created_by=here.actor,
        created_at=at,
        updated_at=at,
    )
    asset.save(force_insert=True)
    return asset


@rows.atomically
def update(
    *,
    actor: User,
    space_id: UUID,
    asset_id: UUID,
    name: str | None = None,
    asset_type: str | None = None,
    tags: Sequence[str] | None = None,
    parent_asset_id: UUID | None | Absent = ABSENT,
    version: int | None = None,
) -> Asset:
    """Change what is given; a null parent moves the asset to the top. Nothing new: no change.

    Of two moves that would only together make a cycle the second is refused, because both hold
    the space's lock while they look.

    Raises:
        Invalid: a field is not acceptable; `cycle_detected` when it would lie below itself.
        VersionConflict: it is not at `version` any more.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_ASSETS)
    asset = asset_in(here, asset_id=asset_id)
    expect(asset, version=version)
    facts: dict[str, Any] = {}
    if name is not None:
        facts["name"] = words.name(name)
    if asset_type is not None:
        facts["asset_type"] = words.asset_type(asset_type)
    if tags is not None:
        facts["tags"] = words.tags(tags)
    if parent_asset_id is not ABSENT:
        facts["parent_id"] = _new_parent(here, asset, parent_asset_id)
    _change(asset, facts)
    return asset


def _change(asset: Asset, facts: Mapping[str, Any]) -> None:
    """Change and tell what really is new."""
    new = {field: value for field, value in facts.items() if getattr(asset, field) != value}
    if new:
        change(asset, facts=new)
        tell_asset(asset, kind="asset:updated")


def _parent(here: Here, parent_id: UUID | None) -> Asset | None:
    if parent_id is None:
        return None
    parent = Asset.objects.filter(pk=parent_id, space=here.space).first()
    if parent is None:
        raise Invalid.one("/parent_asset_id", "not_found", "There is no such asset here.")
    return parent


def _new_parent(here: Here, asset: Asset, parent_id: UUID | None) -> UUID | None:
    """The parent's id, if the asset may lie below it."""
    if parent_id is None:
        return None
    _parent(here, parent_id)
    above = dict(Asset.objects.filter(space=here.space).values_list("pk", "parent_id"))
    place: UUID | None = parent_id
    while place is not None:
        if place == asset.pk:
            raise cycle()
        place = above.get(place)
    return parent_id


@rows.atomically
def set_active(
    *, actor: User, space_id: UUID, asset_id: UUID, variant_id: UUID, version: int | None = None
) -> Asset:
    """Have a completed variant of the asset stand for it.

    Raises:
        Invalid: it is not this asset's, or has no picture yet.
        VersionConflict: the asset is not at `version` any more.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_ASSETS)
    asset = asset_in(here, asset_id=asset_id)
    expect(asset, version=version)
    variant = Variant.objects.filter(pk=variant_id, asset=asset).first()
    if variant is None:
        raise Invalid.one("/variant_id", "not_found", "The asset has no such variant.")
    if variant.status != VariantStatus.COMPLETED:
        raise Invalid.one("/variant_id", "not_completed", "It has no picture yet.")
    _change(asset, {"active_variant_id": variant.pk})
    return asset


@rows.atomically
def delete(*, actor: User, space_id: UUID, asset_id: UUID, version: int | None = None) -> None:
    """Delete an asset with its variants; what lay below it moves up to where it lay.

    Lineage stays. Variants that are being made are cancelled.

    Raises:
        VersionConflict: it is not at `version` any more.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.DELETE_ASSETS)
    asset = asset_in(here, asset_id=asset_id)
    expect(asset, version=version)
    for child in Asset.objects.filter(parent=asset).select_related("created_by").order_by("pk"):
        change(child, facts={"parent_id": asset.parent_id})
        tell_asset(child, kind="asset:updated")
    variants = Variant.objects.filter(asset=asset).order_by("pk")
    if rows.locks_rows():
        variants = variants.select_for_update(of=("self",))
    for variant in variants:
        part(variant)
        tell_deleted(space_id=space_id, kind="variant:deleted", id=variant.pk)
    Asset.objects.filter(pk=asset.pk).delete()
    tell_deleted(space_id=space_id, kind="asset:deleted", id=asset.pk)
    gone(variants)
