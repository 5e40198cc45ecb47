"""Carries out what the assistant's tools propose, once people have approved it; in the
transaction of whoever approves, as the one who asked."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from spaces.models import Asset
from spaces.operations import assets, making, references
from spaces.operations.assets import ABSENT, Absent
from spaces.operations.placing import Made
from spaces.operations.recipes import Wish

USUAL_TYPE = "picture"
USUAL_MODE = "explore"
Arguments = Mapping[str, Any]


def generate(*, actor: User, space_id: UUID, arguments: Arguments) -> dict[str, Any]:
    """A new asset with a picture to come."""
    return _made(making.generate(actor=actor, space_id=space_id, **_new(arguments)))


def derive(*, actor: User, space_id: UUID, arguments: Arguments) -> dict[str, Any]:
    """A new asset from others."""
    return _made(making.derive(actor=actor, space_id=space_id, **_new(arguments)))


def refine(*, actor: User, space_id: UUID, arguments: Arguments) -> dict[str, Any]:
    """Another variant of an asset."""
    made = making.refine(
        actor=actor,
        space_id=space_id,
        asset_id=UUID(arguments["asset_id"]),
        wish=_wish(arguments),
    )
    return _made(made)


def batch_generate(*, actor: User, space_id: UUID, arguments: Arguments) -> dict[str, Any]:
    """Several pictures at once."""
    made = making.batch(
        actor=actor,
        space_id=space_id,
        count=arguments["count"],
        mode=arguments.get("mode", USUAL_MODE),
        **_new(arguments),
    )
    return _made(made)


def fork(*, actor: User, space_id: UUID, arguments: Arguments) -> dict[str, Any]:
    """A copy under a name of its own."""
    parent = arguments.get("parent_asset_id")
    forked = making.fork(
        actor=actor,
        space_id=space_id,
        name=arguments["name"],
        asset_type=arguments.get("asset_type", USUAL_TYPE),
        source_asset_id=_id(arguments, "source_asset_id"),
        source_variant_id=_id(arguments, "source_variant_id"),
        parent_asset_id=UUID(parent) if parent else None,
    )
    return {**_asset(forked.asset), "variant_ids": [str(forked.variant.pk)]}


def tag(*, actor: User, space_id: UUID, arguments: Arguments) -> dict[str, Any]:
    """Other tags for an asset."""
    asset_id = UUID(arguments["asset_id"])
    now = Asset.objects.filter(pk=asset_id, space=space_id).values_list("tags", flat=True).first()
    removed = set(arguments.get("remove", ()))
    kept = [name for name in [*(now or ()), *arguments.get("add", ())] if name not in removed]
    asset = assets.update(
        actor=actor, space_id=space_id, asset_id=asset_id, tags=list(dict.fromkeys(kept))
    )
    return {**_asset(asset), "tags": asset.tags}


def move(*, actor: User, space_id: UUID, arguments: Arguments) -> dict[str, Any]:
    """Another place in the tree for an asset."""
    asset = assets.update(
        actor=actor,
        space_id=space_id,
        asset_id=UUID(arguments["asset_id"]),
        parent_asset_id=_id(arguments, "parent_asset_id"),
    )
    return {**_asset(asset), "parent_asset_id": arguments["parent_asset_id"]}


def rename(*, actor: User, space_id: UUID, arguments: Arguments) -> dict[str, Any]:
    """Another name for an asset."""
    asset = assets.update(
        actor=actor,
        space_id=space_id,
        asset_id=UUID(arguments["asset_id"]),
        name=arguments["name"],
    )
    return _asset(asset)


def cost_of(*, actor: User, space_id: UUID, arguments: Arguments) -> Decimal | None:
    """What a tool that spends would cost, as far as prices are known; nothing is made. What an
    earlier step of its plan is to make counts as one picture.

    Raises:
        Invalid: it would be refused.
    """
    coming = sum(not place.startswith("/parent_") for place in references.steps_in(arguments))
    arguments = references.left_out(arguments)
    wish = replace(_wish(arguments), to_come=coming)
    if not wish.source_variant_ids and arguments.get("asset_id"):
        found = Asset.objects.filter(pk=arguments["asset_id"], space=space_id)
        active = [one for one in found.values_list("active_variant", flat=True) if one]
        wish = replace(wish, source_variant_ids=active)
    count = arguments.get("count", 1)
    return making.estimate(actor=actor, space_id=space_id, wish=wish, count=count).cost


def _new(arguments: Arguments) -> dict[str, Any]:
    """Of everything that makes a new asset with pictures."""
    return {
        "name": arguments["name"],
        "asset_type": arguments.get("asset_type", USUAL_TYPE),
        "wish": _wish(arguments),
        "parent_asset_id": _parent(arguments),
    }


def _wish(arguments: Arguments) -> Wish:
    return Wish(
        prompt=arguments["prompt"],
        source_variant_ids=_ids(arguments, "source_variant_ids"),
        reference_variant_ids=_ids(arguments, "reference_variant_ids"),
        reference_asset_ids=_ids(arguments, "reference_asset_ids"),
        aspect_ratio=arguments.get("aspect_ratio", ""),
    )


def _made(made: Made) -> dict[str, Any]:
    return {**_asset(made.asset), "variant_ids": [str(one.pk) for one in made.variants]}


def _asset(asset: Asset) -> dict[str, Any]:
    return {"asset_id": str(asset.pk), "name": asset.name, "url": f"/assets/{asset.pk}/"}


def _ids(arguments: Arguments, name: str) -> list[UUID]:
    return [UUID(one) for one in arguments.get(name, ())]


def _id(arguments: Arguments, name: str) -> UUID | None:
    return UUID(arguments[name]) if arguments.get(name) else None


def _parent(arguments: Arguments) -> UUID | None | Absent:
    """Where a new asset lies; not said is not the same as the top."""
    return _id(arguments, "parent_asset_id") if "parent_asset_id" in arguments else ABSENT
