"""What may be sent to the doors of endpoints, and its fields in our types."""

from datetime import datetime
from typing import Any
from uuid import UUID

from genproj.kernel.api.bodies import errors_in, with_defaults
from genproj.kernel.errors import Invalid
from genproj.kernel.ids import is_uuid
from genproj.webhooks.types import TYPES

Schema = dict[str, Any]

MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
FIELDS: dict[str, Schema] = {
    "url": {"type": "string", "minLength": 1, "maxLength": 2000, "description": "Public https."},
    "types": {
        "type": "array",
        "uniqueItems": True,
        "maxItems": len(TYPES),
        "items": {"type": "string", "enum": list(TYPES)},
        "description": "What it listens to; empty: everything.",
    },
    "description": {"type": "string", "maxLength": 200},
    "conversation": {
        "type": ["string", "null"],
        "format": "uuid",
        "description": "Only what belongs to this conversation.",
    },
}


def _schema(fields: dict[str, Schema], *required: str) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": fields,
    }


NEW = _schema(FIELDS, "url")
CHANGES = _schema(
    FIELDS
    | {
        "enabled": {"type": "boolean", "description": "`true` gives up what was held meanwhile."},
    }
)
ENABLE = _schema(
    {"replay_since": {**MOMENT, "description": "Send what was not received since then."}}
)
REPLAY = _schema(
    {
        "since": {**MOMENT, "type": "string"},
        "until": MOMENT,
        "delivered": {"type": "boolean", "default": False, "description": "What was, too."},
    },
    "since",
)
NOTHING = _schema({})


def read(given: Any, schema: Schema) -> dict[str, Any]:
    """The fields, moments and ids in our types; Invalid with every error at once."""
    errors = errors_in(given, schema)
    wrong = {row["pointer"] for row in errors}
    fields: dict[str, Any] = {}
    for name, value in (with_defaults(given, schema) if "" not in wrong else {}).items():
        kind = schema["properties"].get(name, {}).get("format")
        if f"/{name}" in wrong or value is None or kind is None:
            fields[name] = value
            continue
        fields[name] = _moment(value) if kind == "date-time" else _uuid(value)
        if fields[name] is None:
            detail = "Must be a UUID." if kind == "uuid" else "Must be like 2030-01-31T12:00:00Z."
            errors.append({"pointer": f"/{name}", "code": "format", "detail": detail})
    if errors:
        raise Invalid(sorted(errors, key=lambda row: row["pointer"]))
    return fields


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # the first and last years have no place in every zone
    return moment if moment.tzinfo and 1900 < moment.year < 9000 else None


def _uuid(text: str) -> UUID | None:
    return UUID(text) if is_uuid(text) else None
