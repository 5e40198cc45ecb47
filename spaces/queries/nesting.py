"""Lines of descent as a nested list: what came from what, roots first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from spaces.models import Lineage, Variant


@dataclass
class Root:
    """A variant in the list, with what came from it. One that is gone has no picture."""

    id: UUID
    name: str
    relation: str
    severed: bool
    is_focus: bool
    removed: bool
    asset: UUID | None
    thumb_url: str
    children: list["Root"] = field(default_factory=list)


def nested(*, space_id: UUID, lines: Sequence[Lineage], focus: UUID) -> list[Root]:
    """Each variant below every one it came from; a second time without what came from it."""
    if not lines:
        return []
    below: dict[UUID, list[Lineage]] = defaultdict(list)
    names: dict[UUID, str] = {}
    for line in lines:
        below[line.parent_variant].append(line)
        names[line.parent_variant], names[line.child_variant] = line.parent_name, line.child_name
    born = {line.child_variant for line in lines}
    rows = Variant.objects.filter(space=space_id, pk__in=names).select_related("asset")
    known = {row.pk: row for row in rows}
    told: set[UUID] = set()

    def root(id: UUID, line: Lineage | None) -> Root:
        row = known.get(id)
        made = Root(
            id=id,
            name=row.asset.name if row else names[id],
            relation=str(line.relation) if line else "",
            severed=bool(line and line.severed_at),
            is_focus=id == focus,
            removed=row is None,
            asset=row.asset_id if row else None,
            thumb_url=f"/media/{row.artifact}/thumb" if row and row.artifact else "",
        )
        if id not in told:
            told.add(id)
            made.children = [root(one.child_variant, one) for one in below[id]]
        return made

    return [root(id, None) for id in names if id not in born]
