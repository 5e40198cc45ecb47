"""Judges what the model asks for: its word is taken for nothing but a name and some JSON."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from pkgutil import resolve_name
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel.api import bodies
from genproj.kernel.errors import Forbidden, Invalid, Refusal
from spaces import queries
from spaces.errors import SpaceNotFound
from spaces.models import Asset, Variant
from spaces.operations import carrying
from spaces.permissions import Act, allows
from spaces.tools import TABLE, Kind, Mode, Tool

LONGEST_RESULT = 12_000
Result = dict[str, Any]


class UnknownTool(Invalid):
    """There is no such tool here."""


def tool_of(name: str, *, mode: str = Mode.ACTOR) -> Tool:
    """The tool of a name, if it was declared in this mode.

    Raises:
        UnknownTool: it was not.
    """
    tool = TABLE.get(name)
    if tool is None or not Mode(mode).allows(tool.kind):
        raise UnknownTool([], f"There is no tool of this name: {name[:64]}")
    return tool


def checked(tool: Tool, *, arguments: Mapping[str, Any], space_id: UUID) -> dict[str, Any]:
    """The arguments, if they fit the tool's schema and every id is of this very space.

    Raises:
        Invalid: every field that is wrong.
    """
    given = bodies.read_body(dict(arguments), tool.schema)
    if errors := strangers(given, space_id=space_id):
        raise Invalid(errors)
    return given


def strangers(
    given: Mapping[str, Any], *, space_id: UUID, pointer: str = ""
) -> list[dict[str, str]]:
    """An error for each id of an asset or a variant that is not in the space."""
    found = [*_missing(given, space_id, Asset), *_missing(given, space_id, Variant)]
    return [{**error, "pointer": pointer + error["pointer"]} for error in found]


def _missing(
    given: Mapping[str, Any], space_id: UUID, model: type[Asset] | type[Variant]
) -> list[dict[str, str]]:
    """Errors of the ids that name no row of the model in this space."""
    noun = model.__name__.lower()
    named: dict[str, str] = {}
    for field, value in given.items():
        if value is None or not field.endswith((f"{noun}_id", f"{noun}_ids")):
            continue
        several = value if isinstance(value, list) else [value]
        place = "/{}" if isinstance(value, list) else ""
        named |= {f"/{field}{place.format(at)}": one for at, one in enumerate(several)}
    ids = {UUID(one) for one in named.values()}
    here = set(
        model._default_manager.filter(space=space_id, pk__in=ids).values_list("pk", flat=True)
    )
    return [
        {"pointer": pointer, "code": "not_found", "detail": f"There is no such {noun} here."}
        for pointer, one in named.items()
        if UUID(one) not in here
    ]


def require_rights(*, person: User | None, space_id: UUID, act: Act) -> User:
    """The person, if they are still here and may do it.

    Raises:
        Forbidden: they may not, or are gone.
    """
    if person is None:
        raise Forbidden("Whoever asked for or approved this is gone.")
    try:
        role = queries.role_in(viewer=person, space_id=space_id)
    except SpaceNotFound:
        role = None
    if not allows(role, act):
        raise Forbidden(f"{person.get_username()} may not do this here.")
    return person


def run(
    tool: Tool, *, actor: User, space_id: UUID, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Do what a tool does. Raises whatever its operation refuses."""
    operation = resolve_name(tool.runs)
    done: Mapping[str, Any] = operation(actor=actor, space_id=space_id, arguments=arguments)
    return done


def price_of(
    tool: Tool, *, actor: User, space_id: UUID, given: Mapping[str, Any]
) -> Decimal | None:
    """What a call would cost; None when it costs nothing, or nobody knows."""
    if tool.kind != Kind.SPENDS:
        return None
    return carrying.cost_of(actor=actor, space_id=space_id, arguments=given)


def hash_of(name: str, *, arguments: Mapping[str, Any]) -> str:
    """A mark of a tool and its arguments."""
    text = json.dumps([name, arguments], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def good(value: Any) -> Result:
    """A tool result for the model."""
    return {"content": _text(value)}


def bad(refusal: Refusal) -> Result:
    """A tool error for the model."""
    return {"content": _text({"error": told_of(refusal)}), "is_error": True}


def told_of(refusal: Refusal) -> dict[str, Any]:
    """Why a call was refused; every field that was wrong."""
    told: dict[str, Any] = {"code": refusal.code, "detail": refusal.detail}
    if isinstance(refusal, Invalid) and refusal.errors:
        told["errors"] = refusal.errors
    return told


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)[:LONGEST_RESULT]
