"""A whole space in words that another installation understands, and the files that go with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations.queries.originals import Original, originals_of
from genproj.assistant.models import Message
from genproj.kernel.clock import now
from genproj.kernel.ids import is_uuid
from spaces.models import Asset, Lineage, Snippet, Space, Variant
from spaces.permissions import Act, require
from spaces.queries.frames import name_of
from spaces.queries.membership import role_in
from spaces.states import VariantStatus

FORMAT, VERSION = "genproj-space", 1
FOLDER = "originals"
MOST_MESSAGES = 5000
#: what was still being made cannot go on elsewhere
UNFINISHED = {
    "code": "unfinished",
    "message": "It was still being made when the space was exported.",
    "retryable": False,
}
ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
}


@dataclass(frozen=True)
class File:
    """A file of the archive, and where its bytes are kept."""

    path: str
    key: str


@dataclass(frozen=True)
class Exported:
    """What goes into the archive."""

    name: str
    manifest: dict[str, Any]
    files: Sequence[File]


def export_of(*, viewer: User, space_id: UUID, chat: bool = False) -> Exported:
    """Everything in a space but its people, its doors and its money.

    What changes meanwhile is in it as it was before or after, never half.

    Raises:
        SpaceNotFound: there is none that `viewer` can see.
        Forbidden: the role does not allow it.
    """
    require(role_in(viewer=viewer, space_id=space_id), Act.EXPORT)
    space = Space.objects.select_related("created_by").get(pk=space_id)
    found = Variant.objects.filter(space=space).select_related("created_by", "rated_by")
    variants = list(found.order_by("created_at", "pk"))
    things = Asset.objects.filter(space=space).select_related("created_by")
    assets = list(things.order_by("created_at", "pk"))
    known = {asset.pk for asset in assets}
    variants = [variant for variant in variants if variant.asset_id in known]
    originals = originals_of(ids=set(_needed(space, variants)))
    shown = {variant.pk for variant in variants}
    files = _files(originals.values())
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": _moment(now()),
        "files": list(files.values()),
        "artifacts": [
            {"id": str(one.id), "sha256": one.sha256, "prompt": one.prompt}
            for one in originals.values()
        ],
        "space": _space(space, originals),
        "assets": [_asset(asset, known, shown) for asset in assets],
        "variants": [_variant(variant, originals) for variant in variants],
        "lineage": [_line(line) for line in _lines(space)],
        "snippets": [_snippet(one) for one in _snippets(space)],
        "chat": list(_said(space)) if chat else None,
    }
    keys = {one.sha256: one.key for one in originals.values()}
    listed = [File(file["path"], keys[sha256]) for sha256, file in files.items()]
    return Exported(space.name, manifest, listed)


def _needed(space: Space, variants: Iterable[Variant]) -> Iterator[UUID]:
    """The pictures of variants, of their recipes (whose variants may be gone) and of the style."""
    yield from (UUID(id) for id in space.style_artifacts)
    for variant in variants:
        if variant.artifact:
            yield variant.artifact
        yield from artifacts_in(variant.recipe)


def artifacts_in(recipe: Mapping[str, Any]) -> Iterator[UUID]:
    """The pictures that a recipe refers to."""
    for reference in recipe.get("references") or ():
        if is_uuid(str(reference.get("artifact"))):
            yield UUID(reference["artifact"])


def _files(originals: Iterable[Original]) -> dict[str, dict[str, Any]]:
    """Each content once, however often it is used."""
    return {
        one.sha256: {
            "path": f"{FOLDER}/{one.sha256}.{ENDINGS.get(one.content_type, 'bin')}",
            "sha256": one.sha256,
            "size": one.size,
            "content_type": one.content_type,
        }
        for one in originals
    }


def _space(space: Space, originals: Mapping[UUID, Original]) -> dict[str, Any]:
    return {
        "id": str(space.pk),
        "name": space.name,
        "created_by": name_of(space.created_by),
        "created_at": _moment(space.created_at),
        "style": {
            "description": space.style_description,
            "artifacts": [id for id in space.style_artifacts if UUID(id) in originals],
            "enabled": space.style_enabled,
        },
    }


def _asset(asset: Asset, known: set[UUID], shown: set[UUID]) -> dict[str, Any]:
    return {
        "id": str(asset.pk),
        "name": asset.name,
        "asset_type": asset.asset_type,
        "parent_asset_id": _id(asset.parent_id if asset.parent_id in known else None),
        "active_variant_id": _id(
            asset.active_variant_id if asset.active_variant_id in shown else None
        ),
        "tags": asset.tags,
        "created_by": name_of(asset.created_by),
        "created_at": _moment(asset.created_at),
        "updated_at": _moment(asset.updated_at),
    }


def _variant(variant: Variant, originals: Mapping[UUID, Original]) -> dict[str, Any]:
    status, error = str(variant.status), variant.error
    artifact = variant.artifact if variant.artifact in originals else None
    if status not in {VariantStatus.COMPLETED, VariantStatus.FAILED} or (
        status == VariantStatus.COMPLETED and artifact is None
    ):
        status, error = str(VariantStatus.FAILED), UNFINISHED
    return {
        "id": str(variant.pk),
        "asset_id": str(variant.asset_id),
        "status": status,
        "error": error,
        "artifact": _id(artifact),
        "recipe": variant.recipe,
        "batch": _id(variant.batch),
        "starred": variant.starred,
        "rating": variant.rating or None,
        "comment": variant.comment,
        "rated_by": name_of(variant.rated_by),
        "label": variant.label,
        "position": variant.position,
        "description": variant.description,
        "attempt": variant.attempt,
        "created_by": name_of(variant.created_by),
        "created_at": _moment(variant.created_at),
        "updated_at": _moment(variant.updated_at),
    }


def _lines(space: Space) -> Iterable[Lineage]:
    return Lineage.objects.filter(space=space).order_by("created_at", "pk")


def _line(line: Lineage) -> dict[str, Any]:
    return {
        "id": str(line.pk),
        "parent_variant_id": str(line.parent_variant),
        "child_variant_id": str(line.child_variant),
        "parent_name": line.parent_name,
        "child_name": line.child_name,
        "relation": str(line.relation),
        "created_at": _moment(line.created_at),
        "severed_at": _moment(line.severed_at) if line.severed_at else None,
    }


def _snippets(space: Space) -> Iterable[Snippet]:
    found = Snippet.objects.filter(space=space).select_related("created_by")
    return found.order_by("created_at", "pk")


def _snippet(one: Snippet) -> dict[str, Any]:
    return {
        "id": str(one.pk),
        "name": one.name,
        "text": one.text,
        "created_by": name_of(one.created_by),
        "created_at": _moment(one.created_at),
    }


def _said(space: Space) -> Iterator[dict[str, Any]]:
    """What can be read in the chat; what the model and its tools told each other stays here."""
    if space.conversation_id is None:
        return
    found = Message.objects.filter(conversation=space.conversation_id).exclude(content="")
    newest = found.select_related("author").order_by("-created_at", "-pk")[:MOST_MESSAGES]
    for message in reversed(newest):
        yield {
            "id": str(message.pk),
            "role": str(message.role),
            "content": message.content,
            "author": name_of(message.author) or message.context.get("said_by"),
            "created_at": _moment(message.created_at),
        }


def _moment(moment: datetime) -> str:
    """A moment to the microsecond: order hangs on it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _id(value: UUID | None) -> str | None:
    return str(value) if value else None
