"""TABLE: what the assistant may ask for in a space. What reads runs at once; what changes or
spends becomes a proposal that people decide on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spaces.permissions import Act

Schema = Mapping[str, Any]

UUID_TEXT = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
ASSET: Schema = {"type": "string", "pattern": UUID_TEXT, "description": "An asset's id."}
VARIANT: Schema = {"type": "string", "pattern": UUID_TEXT, "description": "A variant's id."}
PROMPT: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 4000,
    "description": "What is to be seen, in plain words.",
}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 120, "description": "A short name."}
TYPE: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 40,
    "description": "character, scene, prop, … in one word.",
}
TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 40}
RATIO: Schema = {"type": "string", "maxLength": 10, "description": "As in 16:9."}
PARENT: Schema = {
    "type": ["string", "null"],
    "pattern": UUID_TEXT,
    "description": "The id of the asset that it lies below; null for the top.",
}


def some(item: Schema, *, most: int, least: int = 0) -> Schema:
    """A list of different things."""
    return {
        "type": "array",
        "items": item,
        "minItems": least,
        "maxItems": most,
        "uniqueItems": True,
    }


class Kind(StrEnum):
    """What a tool does to a space, at worst."""

    READS = "reads"
    CHANGES = "changes"
    SPENDS = "spends"
    DELETES = "deletes"


@dataclass(frozen=True)
class Tool:
    """One tool. `runs` is the dotted name of what takes (actor, space_id, arguments)."""

    description: str
    kind: Kind
    act: Act
    runs: str
    fields: Mapping[str, Schema]
    needs: tuple[str, ...] = ()
    #: makes only what people start themselves, so that it is not asked for first
    drafts: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The schema of its arguments."""
        return {
            "type": "object",
            "properties": dict(self.fields),
            "required": list(self.needs),
            "additionalProperties": False,
        }


#: of a new picture, beside its name and its prompt
PICTURE: Mapping[str, Schema] = {
    "asset_type": TYPE,
    "reference_variant_ids": some(VARIANT, most=14),
    "reference_asset_ids": some(ASSET, most=14),
    "parent_asset_id": PARENT,
    "aspect_ratio": RATIO,
}

TABLE: dict[str, Tool] = {
    "search": Tool(
        "Look for assets of the space by words, type or tag. Without any: the newest.",
        Kind.READS,
        Act.VIEW,
        "spaces.operations.looking.search",
        {
            "query": {"type": "string", "maxLength": 200},
            "asset_type": TYPE,
            "tag": TAG,
        },
    ),
    "describe": Tool(
        "Look at the picture of a variant and say what can be seen in it.",
        Kind.READS,
        Act.DESCRIBE,
        "spaces.operations.looking.describe",
        {"variant_id": VARIANT, "question": {"type": "string", "maxLength": 500}},
        ("variant_id",),
    ),
    "compare": Tool(
        "Look at the pictures of several variants and say how they differ.",
        Kind.READS,
        Act.DESCRIBE,
        "spaces.operations.looking.compare",
        {
            "variant_ids": some(VARIANT, least=2, most=4),
            "aspects": some({"type": "string", "maxLength": 80}, most=8),
        },
        ("variant_ids",),
    ),
    "generate": Tool(
        "Make a new asset with one picture from a prompt.",
        Kind.SPENDS,
        Act.GENERATE,
        "spaces.operations.carrying.generate",
        {"name": NAME, "prompt": PROMPT, **PICTURE},
        ("name", "prompt"),
    ),
    "derive": Tool(
        "Make a new asset whose picture combines pictures of the space.",
        Kind.SPENDS,
        Act.GENERATE,
        "spaces.operations.carrying.derive",
        {
            "name": NAME,
            "prompt": PROMPT,
            **PICTURE,
            "reference_variant_ids": some(VARIANT, least=1, most=14),
        },
        ("name", "prompt", "reference_variant_ids"),
    ),
    "refine": Tool(
        "Make another variant of an asset: its active picture, changed as the prompt says.",
        Kind.SPENDS,
        Act.GENERATE,
        "spaces.operations.carrying.refine",
        {
            "asset_id": ASSET,
            "prompt": PROMPT,
            "source_variant_ids": some(VARIANT, most=14),
            "aspect_ratio": RATIO,
        },
        ("asset_id", "prompt"),
    ),
    "batch_generate": Tool(
        "Make two to eight pictures at once: `explore` makes variants of one asset, `set` makes "
        "an asset of each.",
        Kind.SPENDS,
        Act.GENERATE,
        "spaces.operations.carrying.batch_generate",
        {
            "name": NAME,
            "prompt": PROMPT,
            "count": {"type": "integer", "minimum": 2, "maximum": 8},
            "mode": {"enum": ["explore", "set"]},
            **PICTURE,
        },
        ("name", "prompt", "count"),
    ),
    "fork": Tool(
        "Make an asset of its own from the active picture of another.",
        Kind.CHANGES,
        Act.CHANGE_ASSETS,
        "spaces.operations.carrying.fork",
        {
            "name": NAME,
            "source_asset_id": ASSET,
            "source_variant_id": VARIANT,
            "asset_type": TYPE,
            "parent_asset_id": PARENT,
        },
        ("name",),
    ),
    "tag": Tool(
        "Add tags to an asset or take them off.",
        Kind.CHANGES,
        Act.CHANGE_ASSETS,
        "spaces.operations.carrying.tag",
        {"asset_id": ASSET, "add": some(TAG, most=20), "remove": some(TAG, most=20)},
        ("asset_id",),
    ),
    "move": Tool(
        "Move an asset below another, or to the top.",
        Kind.CHANGES,
        Act.CHANGE_ASSETS,
        "spaces.operations.carrying.move",
        {"asset_id": ASSET, "parent_asset_id": PARENT},
        ("asset_id", "parent_asset_id"),
    ),
    "rename": Tool(
        "Give an asset another name.",
        Kind.CHANGES,
        Act.CHANGE_ASSETS,
        "spaces.operations.carrying.rename",
        {"asset_id": ASSET, "name": NAME},
        ("asset_id", "name"),
    ),
}

STEPS: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": 20,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["tool", "arguments"],
        "properties": {
            "tool": {"enum": [name for name, tool in TABLE.items() if tool.kind != Kind.READS]},
            "arguments": {"type": "object", "description": "What that tool takes."},
            "title": {"type": "string", "maxLength": 200},
        },
    },
}
TABLE["plan"] = Tool(
    "Draft several steps that people start, pause, skip and stop themselves, in order; for what "
    "takes more than one step. Where an id is asked for, a step may name an earlier one that makes "
    "something, as `step:2`; it waits for its pictures.",
    Kind.CHANGES,
    Act.CHAT,
    "spaces.operations.plans.draft",
    {"title": NAME, "steps": STEPS},
    ("title", "steps"),
    drafts=True,
)


class Mode(StrEnum):
    """How the assistant takes part: it only looks and advises, or it also proposes."""

    ADVISOR = "advisor"
    ACTOR = "actor"

    def allows(self, kind: Kind) -> bool:
        """Whether tools of this kind are declared in it."""
        return self is Mode.ACTOR or kind == Kind.READS


def declared(mode: str) -> list[dict[str, Any]]:
    """The tools of a mode, as the model is told of them."""
    return [
        {"name": name, "description": tool.description, "input_schema": tool.schema}
        for name, tool in TABLE.items()
        if Mode(mode).allows(tool.kind)
    ]
