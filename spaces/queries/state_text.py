"""The state of a space as JSON text, for sockets: thousands of rows without an object for each.

What it says is what `full_state_of` says; a test holds the two together. Rows are taken as the
driver gives them, and JSON columns are passed on as they are stored.
"""

import json
from collections.abc import Callable, Iterable
from datetime import UTC
from json.encoder import encode_basestring_ascii as quoted
from typing import Any
from uuid import UUID

from django.db import connection

from genproj.kernel.clock import zulu
from spaces.models import Asset, Lineage, Space, Variant
from spaces.queries.state import small_state_of

Write = Callable[[Any], str]


def _id(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):  # SQLite keeps the digits alone
        parts = (value[:8], value[8:12], value[12:16], value[16:20], value[20:])
        return f'"{"-".join(parts)}"'
    return f'"{value}"'


def _moment(value: Any) -> str:
    if value is None:
        return "null"
    if value.tzinfo in {None, UTC}:  # SQLite keeps UTC and does not say so
        return f'"{value.isoformat(timespec="milliseconds")[:23]}Z"'
    return f'"{zulu(value)}"'


def _text(value: str | None) -> str:
    return "null" if value is None else str(quoted(value))


def _word(value: str | None) -> str:
    return str(quoted(value)) if value else "null"


def _json(value: Any) -> str:
    if value is None:
        return "null"
    return value if isinstance(value, str) else json.dumps(value)


def _flag(value: Any) -> str:
    return "true" if value else "false"


def _picture(name: str) -> Write:
    def write(value: Any) -> str:
        return "null" if value is None else f'"/media/{_id(value)[1:-1]}/{name}"'

    return write


#: name in the frame, column, how it is written
Columns = tuple[tuple[str, str, Write], ...]
MADE: Columns = (
    ("created_by", "created_by__username", _text),
    ("created_at", "created_at", _moment),
    ("updated_at", "updated_at", _moment),
    ("version", "version", str),
)
ASSET: Columns = (
    ("id", "id", _id),
    ("name", "name", _text),
    ("asset_type", "asset_type", _text),
    ("parent_asset_id", "parent_id", _id),
    ("active_variant_id", "active_variant_id", _id),
    ("tags", "tags", _json),
    *MADE,
)
VARIANT: Columns = (
    ("id", "id", _id),
    ("asset_id", "asset_id", _id),
    ("status", "status", _text),
    ("error", "error", _json),
    ("artifact", "artifact", _id),
    ("image_url", "artifact", _picture("original")),
    ("thumb_url", "artifact", _picture("thumb")),
    ("recipe", "recipe", _json),
    ("batch", "batch", _id),
    ("starred", "starred", _flag),
    ("rating", "rating", _word),
    ("comment", "comment", _text),
    ("label", "label", _text),
    ("position", "position", repr),
    ("description", "description", _text),
    ("attempt", "attempt", str),
    ("generation", "generation", _id),
    *MADE,
)
LINEAGE: Columns = (
    ("id", "id", _id),
    ("parent_variant_id", "parent_variant", _id),
    ("child_variant_id", "child_variant", _id),
    ("parent_name", "parent_name", _text),
    ("child_name", "child_name", _text),
    ("relation", "relation", _text),
    ("severed_at", "severed_at", _moment),
    ("created_at", "created_at", _moment),
)


def full_state_text(space_id: UUID) -> str:
    """The inside of the state's JSON object, without its `seq` and without who is present."""
    small = json.dumps(small_state_of(Space.objects.select_related("created_by").get(pk=space_id)))
    parts = [small[1:-1]]
    for name, model, columns in (
        ("assets", Asset, ASSET),
        ("variants", Variant, VARIANT),
        ("lineage", Lineage, LINEAGE),
    ):
        parts.append(f'"{name}": [{", ".join(_things(model, space_id, columns))}]')
    return ", ".join(parts)


def _things(model: Any, space_id: UUID, columns: Columns) -> Iterable[str]:
    wanted = list(dict.fromkeys(column for _, column, _ in columns))
    found = model.objects.filter(space=space_id).order_by("created_at", "id").values_list(*wanted)
    places = [(f'"{name}": ', wanted.index(column), write) for name, column, write in columns]
    with connection.cursor() as cursor:
        cursor.execute(*found.query.sql_with_params())
        for row in cursor.fetchall():
            yield f"{{{', '.join([name + write(row[place]) for name, place, write in places])}}}"
