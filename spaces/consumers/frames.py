"""TABLE: what a client may ask of a space over its socket, and which operation does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel.api.bodies import read_body
from genproj.kernel.errors import Forbidden
from spaces.operations.once import once
from spaces.operations.recipes import with_wish
from spaces.operations.standing import ALWAYS
from spaces.permissions import Act, require
from spaces.queries import role_in
from spaces.queries.results import result_json

Schema = Mapping[str, Any]

UUID_TEXT = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
ID: Schema = {"type": "string", "pattern": UUID_TEXT}
ID_OR_NULL: Schema = {"type": ["string", "null"], "pattern": UUID_TEXT}
IDS: Schema = {"type": "array", "items": ID, "maxItems": 14, "uniqueItems": True}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
VERSION: Schema = {"type": "integer", "minimum": 1}
COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": 8}
SEED: Schema = {"type": ["integer", "null"], "minimum": 0}
TAGS: Schema = {"type": "array", "items": TEXT, "maxItems": 50}
#: of every frame
ENVELOPE: Schema = {"type": TEXT, "request_id": {"type": ["string", "integer"]}}

CHANGES: Schema = {
    "name": TEXT,
    "asset_type": TEXT,
    "tags": TAGS,
    "parent_asset_id": ID_OR_NULL,
}
PICTURE: Schema = {
    "prompt": TEXT,
    "model": TEXT,
    "reference_asset_ids": IDS,
    "reference_variant_ids": IDS,
    "aspect_ratio": TEXT,
    "parameters": {"type": "object"},
    "disable_style": FLAG,
    "media_kind": {"enum": ["image"]},
}
NEW_PICTURE: Schema = {
    **{"name": TEXT, "asset_type": TEXT, "parent_asset_id": ID_OR_NULL},
    **PICTURE,
}


@dataclass(frozen=True)
class Row:
    """One frame: the operation by its dotted name, what it needs, the fields, and those it cannot
    do without."""

    does: str
    act: Act
    fields: Schema
    needs: tuple[str, ...] = ()
    #: only looks: a key that may not write may ask it, and nothing is kept of it
    reads: bool = False

    @property
    def arguments(self) -> set[str]:
        """What its fields are called as arguments of the operation."""
        return set(_arguments(dict.fromkeys(self.fields, {}), self, lambda _, value: value))

    @property
    def schema(self) -> dict[str, Any]:
        """The frame's JSON schema."""
        return {
            "type": "object",
            "properties": {**ENVELOPE, **self.fields},
            "required": list(self.needs),
            "additionalProperties": False,
        }


FRAMES: dict[str, Row] = {
    "asset:create": Row(
        "spaces.operations.assets.create",
        Act.CHANGE_ASSETS,
        {
            **{"name": TEXT, "asset_type": TEXT, "parent_asset_id": ID_OR_NULL, "tags": TAGS},
            "media_kind": {"enum": ["image"]},
        },
        ("name", "asset_type"),
    ),
    "asset:update": Row(
        "spaces.operations.assets.update",
        Act.CHANGE_ASSETS,
        {
            **CHANGES,
            "asset_id": ID,
            # The frame's own `type` stands beside them; within them it is the asset's.
            "changes": {
                "type": "object",
                "properties": {**CHANGES, "type": TEXT},
                "additionalProperties": False,
            },
            "version": VERSION,
        },
        ("asset_id",),
    ),
    "asset:delete": Row(
        "spaces.operations.assets.delete",
        Act.DELETE_ASSETS,
        {"asset_id": ID, "version": VERSION},
        ("asset_id",),
    ),
    "asset:setActive": Row(
        "spaces.operations.assets.set_active",
        Act.CHANGE_ASSETS,
        {"asset_id": ID, "variant_id": ID, "version": VERSION},
        ("asset_id", "variant_id"),
    ),
    "asset:fork": Row(
        "spaces.operations.making.fork",
        Act.CHANGE_ASSETS,
        {
            **{"source_asset_id": ID, "source_variant_id": ID, "name": TEXT, "asset_type": TEXT},
            **{"parent_asset_id": ID_OR_NULL, "media_kind": {"enum": ["image"]}},
        },
        ("name", "asset_type"),
    ),
    "variant:star": Row(
        "spaces.operations.variants.star",
        Act.CHANGE_VARIANTS,
        {"variant_id": ID, "starred": FLAG, "version": VERSION},
        ("variant_id", "starred"),
    ),
    "variant:rate": Row(
        "spaces.operations.variants.rate",
        Act.CHANGE_VARIANTS,
        {"variant_id": ID, "rating": {"type": ["string", "null"]}, "comment": TEXT}
        | {"version": VERSION},
        ("variant_id", "rating"),
    ),
    "variant:delete": Row(
        "spaces.operations.variants.delete",
        Act.DELETE_VARIANTS,
        {"variant_id": ID, "version": VERSION},
        ("variant_id",),
    ),
    "variant:retry": Row(
        "spaces.operations.retrying.retry", Act.GENERATE, {"variant_id": ID}, ("variant_id",)
    ),
    "lineage:sever": Row(
        "spaces.operations.lineage.sever", Act.SEVER_LINEAGE, {"lineage_id": ID}, ("lineage_id",)
    ),
    "generate:request": Row(
        "spaces.operations.making.generate",
        Act.GENERATE,
        {**NEW_PICTURE, "count": COUNT, "seed": SEED},
        ("name", "asset_type", "prompt"),
    ),
    "derive:request": Row(
        "spaces.operations.making.derive",
        Act.GENERATE,
        {**NEW_PICTURE, "count": COUNT, "seed": SEED},
        ("name", "asset_type"),
    ),
    "refine:request": Row(
        "spaces.operations.making.refine",
        Act.GENERATE,
        {
            **{**PICTURE, "count": COUNT, "seed": SEED},
            **{"asset_id": ID, "source_variant_id": ID, "source_variant_ids": IDS},
        },
        ("asset_id", "prompt"),
    ),
    "batch:request": Row(
        "spaces.operations.making.batch",
        Act.GENERATE,
        {
            **NEW_PICTURE,
            "count": {"type": "integer", "minimum": 2, "maximum": 8},
            "mode": {"enum": ["explore", "set"]},
        },
        ("name", "asset_type", "count", "mode"),
    ),
    "chat:send": Row(
        "spaces.operations.talking.send",
        Act.CHAT,
        {
            **{"content": TEXT, "mode": {"enum": ["advisor", "actor"]}},
            **{"context": {"type": "object"}, "forge_context": {"type": "object"}},
        },
        ("content",),
    ),
    "chat:history": Row(
        "spaces.queries.asked.chat_history",
        Act.VIEW,
        {"before": ID, "limit": {"type": "integer", "minimum": 1, "maximum": 200}},
        reads=True,
    ),
    "chat:clear": Row("spaces.operations.talking.clear", Act.CHAT, {}),
    "chat:stop": Row("spaces.operations.talking.stop", Act.CHAT, {}),
    "approval:approve": Row(
        "spaces.operations.approvals.approve",
        Act.DECIDE_APPROVALS,
        {"approval_id": ID, "version": VERSION, "always": ALWAYS},
        ("approval_id",),
    ),
    "approval:reject": Row(
        "spaces.operations.approvals.reject",
        Act.DECIDE_APPROVALS,
        {"approval_id": ID, "reason": TEXT, "version": VERSION},
        ("approval_id",),
    ),
    "approval:edit": Row(
        "spaces.operations.approvals.edit",
        Act.DECIDE_APPROVALS,
        {"approval_id": ID, "arguments": {"type": "object"}, "version": VERSION},
        ("approval_id", "arguments"),
    ),
    "approval:list": Row("spaces.queries.asked.approval_list", Act.VIEW, {}, reads=True),
}


def carry_out(actor: User, space_id: UUID, frame: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a frame asks for; the answer's fields. In a thread.

    Raises:
        Refusal: it is refused; nothing has happened.
    """
    row = FRAMES[frame["type"]]
    body = read_body(frame, row.schema)
    # Before anything that was answered once is repeated: the role may be another by now.
    require(role_in(viewer=actor, space_id=space_id), row.act)
    if not row.reads and not getattr(actor, "may_write", True):
        raise Forbidden("This key may only read.")
    given = _arguments(body, row, _value)
    operation = resolve_name(row.does)

    def act() -> dict[str, Any]:
        return result_json(operation(actor=actor, space_id=space_id, **given))

    request_id = body.get("request_id")
    if row.reads or request_id is None:
        return act()
    said = {name: value for name, value in body.items() if name != "request_id"}
    return once(actor=actor, space_id=space_id, request_id=str(request_id), act=act, said=said)


def _arguments(
    body: Mapping[str, Any], row: Row, read: Callable[[str, Any], Any]
) -> dict[str, Any]:
    """The frame's fields as the operation's arguments."""
    said = {name: value for name, value in body.items() if name not in ENVELOPE}
    changes = dict(said.pop("changes", {}))
    if "type" in changes:
        changes.setdefault("asset_type", changes.pop("type"))
    said |= changes
    said.pop("media_kind", None)
    if "disable_style" in said:
        said["use_style"] = not said.pop("disable_style")
    if "forge_context" in said:  # the context as it was called once
        tray = dict(said.pop("forge_context"))
        if "slot_variant_ids" in tray:
            tray["variant_ids"] = tray.pop("slot_variant_ids")
        said["context"] = {**tray, **said.get("context", {})}
    if "source_variant_id" in said and "source_variant_ids" in row.fields:
        first = said.pop("source_variant_id")
        said["source_variant_ids"] = [first, *said.get("source_variant_ids", [])]
    given = {name: read(name, value) for name, value in said.items()}
    return with_wish(given) if "prompt" in row.fields else given


def _value(name: str, value: Any) -> Any:
    if name.endswith("_id") or name == "before":
        return UUID(value) if value is not None else None
    if name.endswith("_ids"):
        return [UUID(one) for one in dict.fromkeys(value)]
    return value
