"""The tests' space: Alice owns it, Bob edits, Vera looks on, Charlie is not in it."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User

from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces.models import Asset, Lineage, Member, Space, Variant
from spaces.operations import assets, lineage, spaces
from spaces.states import Relation, VariantStatus
from tests import world


def space_of(owner: User, *, name: str = "Lighthouse", **roles: User) -> Space:
    """A space; `roles` as in `editor=bob`."""
    space = spaces.create(actor=owner, name=name)
    for role, person in roles.items():
        Member.objects.create(space=space, user=person, role=role, created_at=now())
    return space


def lighthouse() -> Space:
    """Alice's space with Bob as its editor and Vera as its viewer."""
    return space_of(world.person("alice"), editor=world.person("bob"), viewer=world.person("vera"))


def asset_in(
    space: Space, name: str = "Keeper", *, parent: Asset | None = None, tags: tuple[str, ...] = ()
) -> Asset:
    """An asset that the space's maker made."""
    return assets.create(
        actor=space.created_by,
        space_id=space.pk,
        name=name,
        asset_type="character",
        parent_asset_id=parent.pk if parent else None,
        tags=tags,
    )


def variant_of(
    asset: Asset,
    *,
    status: str = VariantStatus.COMPLETED,
    artifact: UUID | None = None,
    active: bool = False,
    **facts: Any,
) -> Variant:
    """A variant as it lies in its table; a completed one has a picture that nobody made."""
    at = now()
    if status == VariantStatus.COMPLETED:
        artifact = artifact or uuid4()
    given = {"space": asset.space, "created_by": asset.created_by, "recipe": {"prompt": "fog"}}
    variant = Variant.objects.create(
        **{**given, "id": uuid7(), "asset": asset, "status": status, "artifact": artifact},
        **{"created_at": at, "updated_at": at, **facts},
    )
    if active:
        Asset.objects.filter(pk=asset.pk).update(active_variant=variant)
        asset.refresh_from_db()
    return variant


def line_between(
    parent: Variant, child: Variant, *, relation: Relation = Relation.DERIVED
) -> Lineage:
    """That `child` came from `parent`."""
    with rows.atomic():
        return lineage.record(child, parent=parent, relation=relation)
