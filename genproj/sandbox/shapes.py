"""A value for any JSON schema: as near as possible to what is wanted, valid in any case."""

import math
import re
from collections.abc import Iterator
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as patterns  # type: ignore[attr-defined]
from typing import Any

import jsonschema

Schema = Any
NOTHING = object()
DEEP = 8
FORMATS = {
    "date-time": "2026-11-20T12:00:00Z",
    "date": "2026-11-20",
    "time": "12:00:00Z",
    "duration": "PT8S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def shaped(schema: Schema, wanted: Any = NOTHING) -> Any:
    """An instance of a schema. Parts of `wanted` that do not fit are left out or bent."""
    shape = _Shape(schema)
    for wish in (wanted, NOTHING):
        for value in shape.offers(schema, wish, 0):
            if shape.fits(value, schema):
                return value
    return next(shape.offers(schema, NOTHING, 0))


class _Shape:
    def __init__(self, root: Schema) -> None:
        self._root = root
        self._validator = jsonschema.Draft202012Validator(root)

    def fits(self, value: Any, schema: Schema) -> bool:
        try:
            return bool(self._validator.evolve(schema=schema).is_valid(value))
        except RecursionError:
            return False

    def best(self, schema: Schema, wanted: Any, depth: int) -> Any:
        """The first offer that fits; else the first of all."""
        first = NOTHING
        for value in self.offers(schema, wanted, depth):
            if self.fits(value, schema):
                return value
            first = value if first is NOTHING else first
        return first

    def offers(self, schema: Schema, wanted: Any, depth: int) -> Iterator[Any]:
        """Values to be tried in turn."""
        schema = self._resolved(schema, depth)
        if not isinstance(schema, dict) or not schema:
            yield "" if wanted is NOTHING else wanted
            return
        if wanted is not NOTHING and not isinstance(wanted, dict | list):
            yield wanted
        if "const" in schema:
            yield schema["const"]
        yield from _nearest(schema.get("enum", ()), wanted)
        for name in ("anyOf", "oneOf"):
            choices = schema.get(name, ())
            rest = {key: value for key, value in schema.items() if key != name}
            # Deep down the plainest choice ends what refers to itself.
            for choice in sorted(choices, key=_plainness) if depth > DEEP else choices:
                yield from self.offers(_merged(rest, self._resolved(choice, depth)), wanted, depth)
        for kind in self._types(schema, wanted):
            yield from self._of(kind, schema, wanted, depth)
        if "default" in schema:
            yield schema["default"]
        yield from (one for one in schema.get("examples", ()))

    def _resolved(self, schema: Schema, depth: int) -> Schema:
        for _ in range(20):
            if not isinstance(schema, dict):
                return schema
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = _merged(rest, self._target(schema["$ref"]))
            elif "allOf" in schema:
                merged = {key: value for key, value in schema.items() if key != "allOf"}
                for one in schema["allOf"]:
                    merged = _merged(merged, self._resolved(one, depth))
                schema = merged
            else:
                return schema
        return schema

    def _target(self, ref: str) -> Schema:
        found = self._root
        for part in ref.removeprefix("#").split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            found = found.get(part, {}) if isinstance(found, dict) else {}
        return found

    def _types(self, schema: dict[str, Any], wanted: Any) -> list[str]:
        told = schema.get("type")
        if isinstance(told, str):
            return [told]
        if isinstance(told, list):
            return sorted(told, key=lambda kind: (not _is(wanted, kind), kind == "null"))
        for kind, words in (
            ("object", ("properties", "required", "minProperties")),
            ("array", ("items", "prefixItems", "minItems", "contains")),
            ("string", ("pattern", "minLength", "maxLength", "format")),
            ("number", ("minimum", "maximum", "multipleOf", "exclusiveMinimum")),
        ):
            if any(word in schema for word in words):
                return [kind]
        if any(word in schema for word in ("const", "enum", "anyOf", "oneOf")):
            return []
        return ["string", "null", "integer", "boolean", "object", "array"]

    def _of(self, kind: str, schema: dict[str, Any], wanted: Any, depth: int) -> Iterator[Any]:
        match kind:
            case "object":
                yield self._object(schema, wanted, depth)
                yield self._object(schema, NOTHING, depth)
            case "array":
                yield self._array(schema, wanted, depth)
                yield self._array(schema, NOTHING, depth)
            case "string":
                yield from _strings(schema, wanted)
            case "integer" | "number":
                yield from _numbers(schema, wanted, whole=kind == "integer")
            case "boolean":
                yield from (False, True)
            case "null":
                yield None

    def _object(self, schema: dict[str, Any], wanted: Any, depth: int) -> dict[str, Any]:
        given = wanted if isinstance(wanted, dict) else {}
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        made = {}
        for name in [*properties, *(one for one in required if one not in properties)]:
            part = properties.get(name, True)
            value = (
                self.best(part, given.get(name, NOTHING), depth + 1) if name in given else NOTHING
            )
            if name in given and _bends(given[name], value) and self.fits(value, part):
                made[name] = value
            elif name in required:
                made[name] = self.best(part, NOTHING, depth + 1)
        least = schema.get("minProperties", 0)
        for name in [*properties, *(f"more_{number}" for number in range(least))]:
            if len(made) >= least:
                break
            part = properties.get(name, schema.get("additionalProperties", True))
            made.setdefault(name, self.best(part, NOTHING, depth + 1))
        return made

    def _array(self, schema: dict[str, Any], wanted: Any, depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        rest = schema.get("items", True)
        made: list[Any] = [self.best(one, NOTHING, depth + 1) for one in first]
        for one in wanted if isinstance(wanted, list) and not first else ():
            value = self.best(rest, one, depth + 1)
            if _bends(one, value) and self.fits(value, rest):
                made.append(value)
        if "contains" in schema and not any(self.fits(one, schema["contains"]) for one in made):
            made.append(self.best(schema["contains"], NOTHING, depth + 1))
        if schema.get("uniqueItems"):
            made = [one for at, one in enumerate(made) if one not in made[:at]]
        spare = self._different(rest, depth)
        for _ in range(schema.get("minItems", 0) - len(made)):
            value = next((one for one in spare if one not in made), NOTHING) \
                if schema.get("uniqueItems") else NOTHING  # fmt: skip
            made.append(self.best(rest, NOTHING, depth + 1) if value is NOTHING else value)
        return made[: schema.get("maxItems", len(made))]

    def _different(self, schema: Schema, depth: int) -> Iterator[Any]:
        for value in self.offers(schema, NOTHING, depth + 1):
            if self.fits(value, schema):
                yield value
        for number in range(1, 100):
            for value in (number, f"more {number}"):
                if self.fits(value, schema):
                    yield value


def _strings(schema: dict[str, Any], wanted: Any) -> Iterator[str]:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    words = wanted if isinstance(wanted, str) else FORMATS.get(schema.get("format", ""), "text")
    if "pattern" in schema and not re.search(schema["pattern"], words):
        yield from (_matching(schema["pattern"], least) for least in (0, 1, low, low + 1))
    words = words.ljust(low, ".")
    yield words if high is None else words[:high]
    yield from ("", "a", "a" * (low + 1))


def _numbers(schema: dict[str, Any], wanted: Any, *, whole: bool) -> Iterator[Any]:
    step = schema.get("multipleOf", 1 if whole else None)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    near = wanted if _is(wanted, "number") else (low if low is not None else 1)
    near = max(near, low) if low is not None else near
    near = min(near, high) if high is not None else near
    for value in (near, low, high, 0, 1):
        if value is None:
            continue
        if step:
            below = math.floor(value / step) * step
            yield from (int(one) if whole else one for one in (below, below + step, below - step))
        else:
            yield from (value, value + 1, value - 1)
            if low is not None and high is not None:
                yield (low + high) / 2


def _matching(pattern: str, least: int) -> str:
    """A text that a pattern matches, as far as its plain parts go."""
    try:
        return "".join(_piece(one, least) for one in patterns.parse(pattern))
    except (re.error, RecursionError):
        return ""


def _piece(part: tuple[Any, Any], least: int) -> str:
    kind, value = part
    if kind is kinds.LITERAL:
        return chr(value)
    if kind is kinds.NOT_LITERAL:
        return "b" if value == ord("a") else "a"
    if kind is kinds.ANY:
        return "a"
    if kind is kinds.IN:
        return _member(value)
    if kind is kinds.BRANCH:
        return "".join(_piece(one, least) for one in value[1][0])
    if kind is kinds.SUBPATTERN:
        return "".join(_piece(one, least) for one in value[-1])
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        low, high, inner = value
        times = min(max(low, least), int(high))
        return "".join(_piece(one, least) for one in inner) * times
    return ""


def _member(choices: list[tuple[Any, Any]]) -> str:
    fits = re.compile(_class_of(choices))
    return next((one for one in map(chr, range(32, 0x250)) if fits.fullmatch(one)), "")


def _class_of(choices: list[tuple[Any, Any]]) -> str:
    categories = {
        kinds.CATEGORY_DIGIT: r"\d", kinds.CATEGORY_NOT_DIGIT: r"\D",
        kinds.CATEGORY_WORD: r"\w", kinds.CATEGORY_NOT_WORD: r"\W",
        kinds.CATEGORY_SPACE: r"\s", kinds.CATEGORY_NOT_SPACE: r"\S",
    }  # fmt: skip
    inside = ""
    for kind, value in choices:
        if kind is kinds.NEGATE:
            inside += "^"
        elif kind is kinds.LITERAL:
            inside += re.escape(chr(value))
        elif kind is kinds.RANGE:
            inside += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        elif kind is kinds.CATEGORY:
            inside += categories[value]
    return f"[{inside}]"


def _merged(one: Schema, other: Schema) -> Schema:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one if other is True else other
    both = {**one, **other}
    if "properties" in one and "properties" in other:
        both["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        both["required"] = [*one["required"], *other["required"]]
    return both


def _nearest(choices: Any, wanted: Any) -> list[Any]:
    """The choices, those next to a wanted number first."""
    if not _is(wanted, "number"):
        return list(choices)
    return sorted(choices, key=lambda one: abs(one - wanted) if _is(one, "number") else math.inf)


def _bends(wanted: Any, value: Any) -> bool:
    """Whether a value still says what was wanted, only within its bounds."""
    if isinstance(wanted, str):
        return isinstance(value, str) and (wanted.startswith(value) or value.startswith(wanted))
    if _is(wanted, "number"):
        return _is(value, "number")
    return isinstance(wanted, dict | list) or wanted == value


def _plainness(schema: Schema) -> int:
    kind = schema.get("type") if isinstance(schema, dict) else None
    return ("null", "boolean", "string", "integer", "number").index(kind) if kind in (
        "null", "boolean", "string", "integer", "number") else 9  # fmt: skip


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    types: dict[str, Any] = {
        "string": str, "integer": int, "number": (int, float), "object": dict, "array": list,
        "null": type(None),
    }  # fmt: skip
    return kind in types and isinstance(value, types[kind])
