"""Places what wishes ask for in a space: assets, placeholders, lineage and news of them.

In the transaction of whoever asks, with the space locked: all of it comes about, or nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from genproj.kernel import logs, rows
from genproj.kernel.errors import Invalid
from genproj.kernel.ids import uuid7
from spaces.models import Asset, Lineage, Variant
from spaces.operations import recipes
from spaces.operations.assets import ABSENT, Absent, open_asset
from spaces.operations.entering import Here
from spaces.operations.opening import open_lines, open_picture_of
from spaces.operations.recipes import Recipe, Wish
from spaces.operations.telling import tell_asset, tell_lineage, tell_variant

FEWEST, MOST = 2, 8

log = logs.component("spaces")


@dataclass(frozen=True)
class Made:
    """What one request has made: placeholders, until their pictures come."""

    asset: Asset
    assets: tuple[Asset, ...]
    variants: tuple[Variant, ...]
    lineage: tuple[Lineage, ...]


def counted(count: int, *, fewest: int) -> int:
    """The number, if so many pictures may be asked for at once."""
    if not fewest <= count <= MOST:
        raise Invalid.one("/count", "range", f"Must be {fewest} to {MOST}.")
    return count


def made_of(
    here: Here,
    *,
    name: str,
    asset_type: str,
    parent: UUID | None | Absent,
    wishes: Sequence[Wish],
    apart: bool = False,
) -> Made:
    """Resolve wishes, each once, and make what they ask for: of a new asset, or of one each."""
    different = {id(wish): wish for wish in wishes}
    by_wish = {key: recipes.resolved(here.space, wish=wish) for key, wish in different.items()}
    found = [by_wish[id(wish)] for wish in wishes]
    first = found[0].parents[0].asset_id if found[0].parents else None
    parent_id = first if parent is ABSENT else parent
    names = [f"{name} {number + 1}" for number in range(len(found))] if apart else [name]
    opened = [
        open_asset(here, name=one, asset_type=asset_type, parent_asset_id=parent_id)
        for one in names
    ]
    for asset in opened:
        tell_asset(asset, kind="asset:created")
    groups = (
        [(asset, [one]) for asset, one in zip(opened, found, strict=True)]
        if apart
        else [(opened[0], found)]
    )
    return placed(here, groups=groups, batch=uuid7() if len(found) > 1 else None)


def placed(
    here: Here, *, groups: Sequence[tuple[Asset, Sequence[Recipe]]], batch: UUID | None
) -> Made:
    """Open the variants of some assets and tell of them."""
    variants: list[Variant] = []
    lines: list[Lineage] = []
    for asset, recipe in [(asset, one) for asset, many in groups for one in many]:
        variant = open_picture_of(here, asset=asset, recipe=recipe, batch=batch)
        tell_variant(variant, kind="variant:created")
        variants.append(variant)
        for line in open_lines(variant, recipe=recipe):
            tell_lineage(line, kind="lineage:created")
            lines.append(line)
    opened = tuple(asset for asset, _ in groups)
    space, user = str(here.space.pk), here.actor.pk
    facts = {"space": space, "user": user, "variants": len(variants)}
    rows.after_commit(lambda: log.info("asked", **facts, asset=str(opened[0].pk)))
    return Made(opened[0], opened, tuple(variants), tuple(lines))
