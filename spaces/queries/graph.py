"""Where variants came from and what came of them, as a graph around a few of them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from spaces.errors import AssetNotFound, VariantNotFound
from spaces.models import Asset, Lineage, Variant
from spaces.queries import frames
from spaces.queries.membership import role_in

USUAL_DEPTH = 3
MOST_DEPTH = 10
MOST_NODES = 500
UP, DOWN = ("child_variant", "parent_variant"), ("parent_variant", "child_variant")


def lineage_of_variant(
    *, viewer: User, space_id: UUID, variant_id: UUID, depth: int = USUAL_DEPTH
) -> dict[str, Any]:
    """The graph around a variant, also around one that was removed but left lines behind.

    Raises:
        SpaceNotFound, VariantNotFound: it is not there for `viewer`.
    """
    role_in(viewer=viewer, space_id=space_id)
    graph = _graph(space_id, [variant_id], depth)
    if not graph["edges"] and graph["nodes"][0]["removed"]:
        raise VariantNotFound
    return {"variant_id": str(variant_id), **graph}


def lineage_of_asset(
    *, viewer: User, space_id: UUID, asset_id: UUID, depth: int = USUAL_DEPTH
) -> dict[str, Any]:
    """The graph around all variants of an asset.

    Raises:
        SpaceNotFound, AssetNotFound: it is not there for `viewer`.
    """
    role_in(viewer=viewer, space_id=space_id)
    if not Asset.objects.filter(pk=asset_id, space=space_id).exists():
        raise AssetNotFound
    own = Variant.objects.filter(asset=asset_id).values_list("pk", flat=True)
    return {"asset_id": str(asset_id), **_graph(space_id, own[:MOST_NODES], depth)}


def _graph(space_id: UUID, starts: Iterable[UUID], depth: int) -> dict[str, Any]:
    """Nodes by depth (ancestors below zero) and the lines between them.

    One query for each step up or down; it ends at `depth` or at MOST_NODES.
    """
    depths = dict.fromkeys(starts, 0)
    lines: dict[UUID, Any] = {}
    whole = True
    for near, far in (UP, DOWN):
        sign = -1 if near == UP[0] else 1
        edge = [id for id, at in depths.items() if at == 0]
        for step in range(1, depth + 2):
            found = _lines(space_id, near, edge)
            fresh = {getattr(line, far) for line in found} - depths.keys()
            # one step beyond the depth is looked at only to tell whether there is more
            if step > depth or len(depths) + len(fresh) > MOST_NODES:
                whole = whole and not fresh
                lines |= {line.id: line for line in found if getattr(line, far) in depths}
                break
            lines |= {line.id: line for line in found}
            depths |= dict.fromkeys(fresh, sign * step)
            edge = list(fresh)
            if not edge:
                break
    return {
        "nodes": _nodes(space_id, depths, lines.values()),
        "edges": [
            frames.lineage_frame(line)
            for line in sorted(lines.values(), key=lambda line: (line.created_at, line.id))
        ],
        "truncated": not whole,
    }


def _lines(space_id: UUID, near: str, edge: list[UUID]) -> list[Any]:
    found = Lineage.objects.filter(space=space_id, **{f"{near}__in": edge})
    return list(found.values_list(*frames.LINEAGE, named=True))


def _nodes(space_id: UUID, depths: dict[UUID, int], lines: Iterable[Any]) -> list[dict[str, Any]]:
    """The nodes, ancestors first; of what was removed its name is left."""
    names: dict[UUID, str] = {}
    for line in lines:
        names[line.parent_variant], names[line.child_variant] = line.parent_name, line.child_name
    known = Variant.objects.filter(space=space_id, pk__in=depths)
    living = {row.pk: row for row in known.select_related("asset", "created_by")}
    return [
        {
            "id": str(id),
            "depth": at,
            "removed": id not in living,
            "name": living[id].asset.name if id in living else names.get(id, ""),
            "variant": frames.variant_frame(living[id]) if id in living else None,
        }
        for id, at in sorted(depths.items(), key=lambda pair: (pair[1], pair[0]))
    ]
