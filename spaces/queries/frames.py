"""Each thing of a space as JSON: the same in frames, full states and answers."""

from collections.abc import Mapping
from typing import Any

from generations.queries import money
from genproj.kernel.clock import zulu
from spaces import tools
from spaces.models import Approval, Asset, Member, Snippet, Space, Variant

#: what a frame of a row reads; bulk readers ask for these and no more
ASSET = (
    *("id", "name", "asset_type", "parent_id", "active_variant_id", "tags"),
    *("created_at", "updated_at", "version"),
)
VARIANT = (
    *("id", "asset_id", "status", "error", "artifact", "recipe", "batch", "starred", "rating"),
    *("comment", "label", "position", "description", "attempt", "generation"),
    *("created_at", "updated_at", "version"),
)
LINEAGE = (
    *("id", "parent_variant", "child_variant", "parent_name", "child_name", "relation"),
    *("created_at", "severed_at"),
)


def asset_frame(asset: Asset) -> dict[str, Any]:
    """An asset."""
    return asset_json(asset, name_of(asset.created_by))


def asset_json(row: Any, created_by: str | None) -> dict[str, Any]:
    """An asset, of a row that has at least the fields of ASSET."""
    return {
        "id": str(row.id),
        "name": row.name,
        "asset_type": row.asset_type,
        "parent_asset_id": _id(row.parent_id),
        "active_variant_id": _id(row.active_variant_id),
        "tags": row.tags,
        "created_by": created_by,
        "created_at": zulu(row.created_at),
        "updated_at": zulu(row.updated_at),
        "version": row.version,
    }


def variant_frame(variant: Variant) -> dict[str, Any]:
    """A variant."""
    return variant_json(variant, name_of(variant.created_by))


def variant_json(row: Any, created_by: str | None) -> dict[str, Any]:
    """A variant, of a row that has at least the fields of VARIANT."""
    picture = f"/media/{row.artifact}" if row.artifact else None
    return {
        "id": str(row.id),
        "asset_id": str(row.asset_id),
        "status": str(row.status),
        "error": row.error,
        "artifact": _id(row.artifact),
        "image_url": f"{picture}/original" if picture else None,
        "thumb_url": f"{picture}/thumb" if picture else None,
        "recipe": row.recipe,
        "batch": _id(row.batch),
        "starred": row.starred,
        "rating": row.rating or None,
        "comment": row.comment,
        "label": row.label,
        "position": row.position,
        "description": row.description,
        "attempt": row.attempt,
        "generation": _id(row.generation),
        "created_by": created_by,
        "created_at": zulu(row.created_at),
        "updated_at": zulu(row.updated_at),
        "version": row.version,
    }


def lineage_frame(line: Any) -> dict[str, Any]:
    """A line of descent, of a row that has at least the fields of LINEAGE."""
    return {
        "id": str(line.id),
        "parent_variant_id": str(line.parent_variant),
        "child_variant_id": str(line.child_variant),
        "parent_name": line.parent_name,
        "child_name": line.child_name,
        "relation": str(line.relation),
        "severed_at": zulu(line.severed_at),
        "created_at": zulu(line.created_at),
    }


def approval_frame(approval: Approval) -> dict[str, Any]:
    """A proposed call of the assistant."""
    return {
        "id": str(approval.id),
        "tool": approval.tool,
        "kind": str(tools.TABLE[approval.tool].kind) if approval.tool in tools.TABLE else None,
        "message": _id(approval.message),
        "call": approval.call_id or None,
        "arguments": approval.arguments,
        "original_arguments": approval.original_arguments,
        "cost": money(approval.cost),
        "status": str(approval.status),
        "requested_by": name_of(approval.requested_by),
        "decided_by": name_of(approval.decided_by),
        "decided_at": zulu(approval.decided_at),
        "reason": approval.reason,
        "expires_at": zulu(approval.expires_at),
        "result": approval.result,
        "created_at": zulu(approval.created_at),
        "updated_at": zulu(approval.updated_at),
        "version": approval.version,
    }


def member_frame(member: Member) -> dict[str, Any]:
    """Somebody's place; `id` is the person's."""
    return {
        "id": member.user_id,
        "username": member.user.get_username(),
        "role": str(member.role),
        "created_at": zulu(member.created_at),
    }


def left_frame(member: Member) -> dict[str, Any]:
    """Somebody who is no longer a member: without a role."""
    return {**member_frame(member), "role": None}


def space_frame(space: Space) -> dict[str, Any]:
    """A space, as all its members see it."""
    return {
        "id": str(space.id),
        "name": space.name,
        "conversation": _id(space.conversation_id),
        "style": style_json(space),
        "created_by": name_of(space.created_by),
        "created_at": zulu(space.created_at),
        "updated_at": zulu(space.updated_at),
        "trashed_at": zulu(space.trashed_at),
        "version": space.version,
    }


def style_json(space: Space) -> Mapping[str, Any]:
    """What every new picture of the space is made to look like."""
    return {
        "description": space.style_description,
        "artifacts": space.style_artifacts,
        "enabled": space.style_enabled,
        "version": space.style_version,
    }


def name_of(person: Any) -> str | None:
    """The user name; None for somebody who is gone."""
    return person.get_username() if person is not None else None


def _id(value: Any) -> str | None:
    return str(value) if value else None


def snippet_json(snippet: Snippet) -> dict[str, Any]:
    """Words kept under a name."""
    return {
        "id": str(snippet.id),
        "name": snippet.name,
        "text": snippet.text,
        "created_by": name_of(snippet.created_by),
        "created_at": zulu(snippet.created_at),
    }
