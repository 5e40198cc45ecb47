"""What doors are sent about budgets."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from genproj.kernel.api import read_body
from genproj.kernel.errors import Invalid
from genproj.usage.operations.budgets import Terms

LIMIT: dict[str, Any] = {
    "type": ["string", "number"],
    "pattern": r"^[0-9]{1,8}(\.[0-9]{1,6})?$",
    "minimum": 0,
    "maximum": 99_999_999,
    "description": 'US dollars a month, as text such as "12.50" or as a number.',
}
PERSON = {"type": "string", "minLength": 1, "maxLength": 150, "description": "A user name."}
HARD = {
    "type": "boolean",
    "default": True,
    "description": "Refuses what does not fit; a soft one only tells.",
}
MODEL = {
    "type": "string",
    "maxLength": 120,
    "default": "",
    "description": "Only of this model; empty: of all.",
}


def _new(*required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {"limit": LIMIT, "person": PERSON, "model": MODEL, "hard": HARD},
    }


OVER_A_PERSON = _new("person", "limit")
IN_A_SPACE = _new("limit")
CHANGE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {"limit": LIMIT, "hard": {"type": "boolean"}},
}


def terms_in(body: Any) -> Terms:
    """The terms of a budget of a space."""
    given = read_body(body, IN_A_SPACE)
    person = person_named(given["person"]) if given.get("person") else None
    return Terms(_amount(given["limit"]), given["hard"], person, given["model"].strip())


def person_and_terms_in(body: Any) -> tuple[User, Terms]:
    """A person and the terms of a budget over them."""
    given = read_body(body, OVER_A_PERSON)
    terms = Terms(_amount(given["limit"]), given["hard"], None, given["model"].strip())
    return person_named(given["person"]), terms


def changes_in(body: Any) -> dict[str, Any]:
    """The terms that are to change."""
    given = read_body(body, CHANGE)
    if "limit" in given:
        given["limit"] = _amount(given["limit"])
    return given


def person_named(name: str) -> User:
    """The person of this user name; Invalid when there is none."""
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise Invalid.one("/person", "unknown", "There is nobody of this name.")
    return found


def _amount(value: str | int | float) -> Decimal:
    return Decimal(str(value))
