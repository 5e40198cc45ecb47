"""What an operation gave, as the JSON of an answer."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from django.db.models import Model

from genproj.assistant.models import Message
from genproj.assistant.queries import message_json, message_view
from spaces.models import Approval, Asset, Lineage, Member, Space, Variant
from spaces.queries import frames

#: kind of row -> the noun it is told under, and its JSON
ROWS: dict[type[Model], tuple[str, Callable[[Any], Mapping[str, Any]]]] = {
    Space: ("space", frames.space_frame),
    Member: ("member", frames.member_frame),
    Asset: ("asset", frames.asset_frame),
    Variant: ("variant", frames.variant_frame),
    Lineage: ("lineage", frames.lineage_frame),
    Approval: ("approval", frames.approval_frame),
    Message: ("message", lambda message: message_json(message_view(message))),
}


def result_json(result: Any) -> dict[str, Any]:
    """A row under its noun, a record or a mapping by its own names; nothing is nothing."""
    if result is None:
        return {}
    if type(result) in ROWS:
        return {ROWS[type(result)][0]: _json(result)}
    if is_dataclass(result):
        return {field.name: _json(getattr(result, field.name)) for field in fields(result)}
    return {name: _json(part) for name, part in result.items()}


def _json(value: Any) -> Any:
    if type(value) in ROWS:
        return ROWS[type(value)][1](value)
    if isinstance(value, list | tuple):
        return [_json(part) for part in value]
    return value
