"""Reads bodies and queries strictly: every wrong field at once, nothing unknown let through."""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from genproj.kernel.errors import Invalid, Malformed

Errors = list[dict[str, str]]

#: beyond it a float does not stand for a single whole number
LARGEST_EXACT = 2**53

#: JSON schema's keyword -> the code of the error
CODES = {
    "required": "required",
    "additionalProperties": "unknown",
    "type": "type",
    "enum": "choice",
    "const": "choice",
    "minimum": "min",
    "exclusiveMinimum": "min",
    "maximum": "max",
    "exclusiveMaximum": "max",
    "minLength": "too_short",
    "maxLength": "too_long",
    "minItems": "too_few",
    "maxItems": "too_many",
    "multipleOf": "multiple_of",
    "pattern": "format",
    "format": "format",
    "uniqueItems": "repeated",
}

WORDS = {
    "required": "This field is required.",
    "additionalProperties": "This field is not known here.",
    "type": "Must be of type {value}.",
    "enum": "Must be one of {value}.",
    "const": "Must be {value}.",
    "minimum": "Must be at least {value}.",
    "maximum": "Must be at most {value}.",
    "minLength": "Must have at least {value} characters.",
    "maxLength": "Must have at most {value} characters.",
    "minItems": "Must have at least {value} items.",
    "maxItems": "Must have at most {value} items.",
    "multipleOf": "Must be a multiple of {value}.",
    "uniqueItems": "Must not repeat an item.",
}


def read_body(body: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the schema's defaults filled in; Invalid with every error at once."""
    if found := errors_in(body, schema):
        raise Invalid(found)
    return with_defaults(body, schema)


def with_defaults(body: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The body's fields, those left out with their defaults."""
    given = {
        name: deepcopy(field["default"])
        for name, field in schema.get("properties", {}).items()
        if "default" in field
    }
    return {**given, **{name: whole(value) for name, value in body.items()}}


def whole(value: Any) -> Any:
    """The value with 4.0 as 4: JSON schema takes both for an integer, columns do not."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_EXACT:
        return int(value)
    if isinstance(value, list):
        return [whole(part) for part in value]
    if isinstance(value, dict):
        return {name: whole(part) for name, part in value.items()}
    return value


def errors_in(body: Any, schema: Mapping[str, Any], pointer: str = "") -> Errors:
    """Everything about `body` that the schema does not allow, once per field."""
    found: dict[str, dict[str, str]] = {}
    validator = Draft202012Validator(dict(schema))
    for error in validator.iter_errors(body):
        for row in _rows(error, pointer):
            found.setdefault(row["pointer"], row)
    for row in _unwritable(body, pointer):
        found.setdefault(row["pointer"], row)
    return sorted(found.values(), key=lambda row: row["pointer"])


def _rows(error: ValidationError, pointer: str) -> Iterable[dict[str, str]]:
    place = pointer + "".join(f"/{escaped(part)}" for part in error.absolute_path)
    keyword, value = str(error.validator), error.validator_value
    code = CODES.get(keyword, "invalid")
    if isinstance(value, list):
        value = ", ".join("null" if one is None else str(one) for one in value)
    words = WORDS.get(keyword, "This value is not acceptable.").format(value=str(value)[:300])
    if keyword == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return [_row(f"{place}/{escaped(name)}", code, words) for name in missing]
    if keyword == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = [name for name in error.instance if name not in known]
        return [_row(f"{place}/{escaped(name)}", code, words) for name in unknown]
    return [_row(place, code, words)]


def _row(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


def escaped(part: Any) -> str:
    """One part of a JSON pointer (RFC 6901)."""
    return str(part)[:100].replace("~", "~0").replace("/", "~1")


def is_writable(text: str) -> bool:
    """Whether every database can store it: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _unwritable(value: Any, pointer: str) -> Iterable[dict[str, str]]:
    if isinstance(value, str):
        if not is_writable(value):
            yield _row(pointer, "characters", "Contains a character that cannot be kept.")
    elif isinstance(value, dict):
        for name, part in value.items():
            if not is_writable(name):
                yield _row(pointer, "characters", "Contains a character that cannot be kept.")
                continue
            yield from _unwritable(part, f"{pointer}/{escaped(name)}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _unwritable(part, f"{pointer}/{index}")


# --- queries --------------------------------------------------------------------------------


def known_query(query: QueryDict, allowed: Collection[str]) -> None:
    """Refuse what this address does not know, and what is said twice."""
    for name, values in query.lists():
        if name not in allowed:
            raise Malformed(f"The query parameter {name[:60]!r} is not known here.")
        if len(values) > 1:
            raise Malformed(f"The query parameter {name!r} is given more than once.")
        if not is_writable(values[0]):
            raise Malformed(f"The query parameter {name!r} has an unacceptable character.")


def choice(query: QueryDict, name: str, choices: Collection[str]) -> str | None:
    """One of a few words; None when it is not given."""
    value = query.get(name) or None
    if value is not None and value not in choices:
        raise Malformed(f"{name} must be one of: {', '.join(choices)}.")
    return value


def flag(query: QueryDict, name: str) -> bool | None:
    """true or false; None when it is not given."""
    value = choice(query, name, ("true", "false", "1", "0"))
    return None if value is None else value in {"true", "1"}


def moment(query: QueryDict, name: str) -> datetime | None:
    """A moment (ISO 8601; UTC when it names no zone); None when it is not given."""
    text = query.get(name) or None
    if text is None:
        return None
    try:
        # a `+` that was not escaped arrives as a blank
        value = parse_datetime(text.replace(" ", "+") if "T" in text else text)
        if value is None:
            value = datetime.fromisoformat(text)
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Malformed(f"{name} must be a moment such as 2026-01-31T12:00:00Z.") from None


def number(query: QueryDict, name: str, *, default: int, most: int) -> int:
    """A number from 1 to `most`."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise Malformed(f"{name} must be a number from 1 to {most}.")
    return int(text)


def identifier(query: QueryDict, name: str) -> str | None:
    """A UUID; None when it is not given."""
    text = query.get(name) or None
    if text is None:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        raise Malformed(f"{name} must be a UUID.") from None
