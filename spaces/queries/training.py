"""Pairs that people approved, as examples to learn from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations.queries.originals import Original, originals_of
from spaces.models import Lineage, Space, Variant
from spaces.permissions import Act, require
from spaces.queries.manifest import ENDINGS, File
from spaces.queries.membership import role_in
from spaces.states import Rating, VariantStatus

FOLDER = "pictures"


@dataclass(frozen=True)
class Examples:
    """The lines of the list, and the pictures that they name."""

    name: str
    lines: Sequence[dict[str, Any]]
    files: Sequence[File]


def training_of(*, viewer: User, space_id: UUID) -> Examples:
    """Approved variants with each variant that they came from, where both have their pictures.

    Severed lines do not count.

    Raises:
        SpaceNotFound: there is none that `viewer` can see.
        Forbidden: the role does not allow it.
    """
    require(role_in(viewer=viewer, space_id=space_id), Act.EXPORT)
    name = Space.objects.values_list("name", flat=True).get(pk=space_id)
    shown = Variant.objects.filter(space=space_id, status=VariantStatus.COMPLETED)
    variants = {row.pk: row for row in shown.select_related("asset")}
    lines = Lineage.objects.filter(space=space_id, severed_at__isnull=True)
    pairs = [
        (variants[line.parent_variant], variants[line.child_variant], str(line.relation))
        for line in lines.order_by("created_at", "pk")
        if line.parent_variant in variants
        and line.child_variant in variants
        and variants[line.child_variant].rating == Rating.APPROVED
    ]
    wanted = {one.artifact for parent, child, _ in pairs for one in (parent, child) if one.artifact}
    found = originals_of(ids=wanted)
    known = [pair for pair in pairs if pair[0].artifact in found and pair[1].artifact in found]
    used = {one.artifact: found[one.artifact] for pair in known for one in pair[:2] if one.artifact}
    files = {_path(one): File(_path(one), one.key) for one in used.values()}
    return Examples(name, list(_told(known, used)), list(files.values()))


def _told(
    pairs: Sequence[tuple[Variant, Variant, str]], used: dict[UUID, Original]
) -> Iterator[dict[str, Any]]:
    for parent, child, relation in pairs:
        assert parent.artifact is not None
        assert child.artifact is not None
        yield {
            "parent": _path(used[parent.artifact]),
            "child": _path(used[child.artifact]),
            "prompt": str(child.recipe.get("prompt") or ""),
            "relation": relation,
            "model": child.recipe.get("model"),
            "asset_type": child.asset.asset_type,
            "description": child.description,
            "comment": child.comment,
        }


def _path(one: Original) -> str:
    return f"{FOLDER}/{one.sha256}.{ENDINGS.get(one.content_type, 'bin')}"
