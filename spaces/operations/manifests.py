"""Reads the manifest of an exported space, which anybody may have written, before a row is."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from django.utils.dateparse import parse_datetime

from genproj.kernel.api import bodies
from genproj.kernel.errors import Invalid
from spaces.operations.style import (
    LONGEST_SNIPPET,
    LONGEST_SNIPPET_NAME,
    LONGEST_STYLE,
    MOST_ARTIFACTS,
    MOST_SNIPPETS,
)
from spaces.operations.talking import LONGEST_WORDS
from spaces.operations.variants import FARTHEST, LONGEST_COMMENT, LONGEST_DESCRIPTION, LONGEST_LABEL
from spaces.operations.words import LONGEST_NAME, LONGEST_TAG, LONGEST_TYPE, MOST_TAGS
from spaces.queries.manifest import ENDINGS, FOLDER, FORMAT, MOST_MESSAGES, VERSION
from spaces.states import Rating, Relation, VariantStatus

Schema = dict[str, Any]
MOST_ASSETS = 10_000
MOST_VARIANTS = 10_000
MOST_LINES = 100_000
#: characters of a recipe or an error as JSON
LARGEST_RECIPE = 64 * 1024
LARGEST_ERROR = 16 * 1024
MOST_ERRORS = 20
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)

ID: Schema = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$",
}
MAYBE_ID: Schema = {"anyOf": [ID, {"type": "null"}]}
HASH: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
MOMENT: Schema = {"type": "string", "maxLength": 40, "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"}
WHO: Schema = {"type": ["string", "null"], "maxLength": 150}
FLAG: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}


def _text(longest: int, least: int = 0) -> Schema:
    return {"type": "string", "maxLength": longest, "minLength": least}


def _word(words: Sequence[str]) -> Schema:
    return {"enum": [str(word) for word in words]}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _row(**fields: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(fields),
        "properties": fields,
    }


def _rows(most: int, **fields: Schema) -> Schema:
    return {"type": "array", "maxItems": most, "items": _row(**fields)}


REFERENCE: Schema = {
    "type": "object",
    "properties": {
        "role": _text(40),
        "artifact": MAYBE_ID,
        "variant": MAYBE_ID,
        "name": _maybe(_text(LONGEST_NAME)),
    },
}
#: what pages and retries read of a recipe; the rest of it is only shown
RECIPE: Schema = {
    "type": "object",
    "properties": {
        "version": {"type": "integer"},
        "operation": _text(40),
        "prompt": _text(10_000),
        "model": _text(200),
        "aspect_ratio": _text(40),
        "parameters": OBJECT,
        "references": {"type": "array", "maxItems": 50, "items": REFERENCE},
        "style": _maybe({"type": "object", "properties": {"description": _text(10_000)}}),
        "sent": OBJECT,
        "filename": _text(300),
    },
}
ERROR: Schema = {
    "type": "object",
    "properties": {
        "code": _text(80),
        "message": _text(10_000),
        "retryable": FLAG,
    },
}
MADE: dict[str, Schema] = {"created_by": WHO, "created_at": MOMENT}
CHANGED: dict[str, Schema] = {**MADE, "updated_at": MOMENT}
MANIFEST = _row(
    format={"const": FORMAT},
    version={"const": VERSION},
    exported_at=MOMENT,
    files=_rows(
        2 * MOST_VARIANTS,
        path={"type": "string", "pattern": rf"^{FOLDER}/[0-9a-f]{{64}}\.[a-z0-9]{{2,5}}$"},
        sha256=HASH,
        size={"type": "integer", "minimum": 1},
        content_type=_word(list(ENDINGS)),
    ),
    artifacts=_rows(2 * MOST_VARIANTS, id=ID, sha256=HASH, prompt=_text(10_000)),
    space=_row(
        id=ID,
        name=_text(LONGEST_NAME, 1),
        **MADE,
        style=_row(
            description=_text(LONGEST_STYLE),
            artifacts={"type": "array", "maxItems": MOST_ARTIFACTS, "items": ID},
            enabled=FLAG,
        ),
    ),
    assets=_rows(
        MOST_ASSETS,
        id=ID,
        name=_text(LONGEST_NAME, 1),
        asset_type=_text(LONGEST_TYPE, 1),
        parent_asset_id=MAYBE_ID,
        active_variant_id=MAYBE_ID,
        tags={"type": "array", "maxItems": MOST_TAGS, "items": _text(LONGEST_TAG, 1)},
        **CHANGED,
    ),
    variants=_rows(
        MOST_VARIANTS,
        id=ID,
        asset_id=ID,
        status=_word([VariantStatus.COMPLETED, VariantStatus.FAILED]),
        error=_maybe(ERROR),
        artifact=MAYBE_ID,
        recipe=RECIPE,
        batch=MAYBE_ID,
        starred=FLAG,
        rating=_maybe(_word(list(Rating))),
        comment=_text(LONGEST_COMMENT),
        rated_by=WHO,
        label=_text(LONGEST_LABEL),
        position={"type": "number", "minimum": -FARTHEST, "maximum": FARTHEST},
        description=_text(LONGEST_DESCRIPTION),
        attempt={"type": "integer", "minimum": 1, "maximum": 1_000_000},
        **CHANGED,
    ),
    lineage=_rows(
        MOST_LINES,
        id=ID,
        parent_variant_id=ID,
        child_variant_id=ID,
        parent_name=_text(LONGEST_NAME),
        child_name=_text(LONGEST_NAME),
        relation=_word(list(Relation)),
        created_at=MOMENT,
        severed_at=_maybe(MOMENT),
    ),
    snippets=_rows(
        MOST_SNIPPETS,
        id=ID,
        name=_text(LONGEST_SNIPPET_NAME, 1),
        text=_text(LONGEST_SNIPPET, 1),
        **MADE,
    ),
    chat=_maybe(
        _rows(
            MOST_MESSAGES,
            id=ID,
            role=_word(["user", "assistant"]),
            content=_text(max(LONGEST_WORDS, 100_000), 1),
            author=WHO,
            created_at=MOMENT,
        )
    ),
)


def refused(*, code: str, detail: str, pointer: str = "/file") -> Invalid:
    """An archive that is not taken in; `code` says why."""
    return Invalid.one(pointer, code, detail)


def manifest_in(text: bytes) -> dict[str, Any]:
    """The manifest, if all of it is as an export writes it and agrees with itself.

    Raises:
        Invalid: each error with its place, as `/manifest/assets/3/name`.
    """
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_number)
    except (ValueError, RecursionError):
        detail = "Its manifest is no JSON."
        raise refused(code="bad_manifest", detail=detail, pointer="/manifest") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        detail = "This is no exported space."
        raise refused(code="unknown_format", detail=detail, pointer="/manifest/format")
    if found.get("version") != VERSION or found["version"] is True:
        detail = f"Only exports of version {VERSION} can be read here."
        raise refused(code="unknown_version", detail=detail, pointer="/manifest/version")
    if errors := bodies.errors_in(found, MANIFEST, "/manifest"):
        raise Invalid(errors[:MOST_ERRORS])
    if errors := [error for check in CHECKS for error in check(found)]:
        raise Invalid(errors[:MOST_ERRORS])
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _number(word: str) -> float:
    value = float(word)
    return value if math.isfinite(value) else _no_number(word)


Errors = Iterator[dict[str, str]]


def _error(place: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/manifest/{place}", "code": code, "detail": detail}


def _repeated(found: Mapping[str, Any]) -> Errors:
    """The same id, hash or name twice."""
    keys = [("files", "sha256"), ("snippets", "name")]
    keys += [(kind, "id") for kind in ("artifacts", "assets", "variants", "lineage", "snippets")]
    for kind, key in keys:
        seen: set[str] = set()
        for place, row in enumerate(found[kind]):
            if row[key] in seen:
                yield _error(f"{kind}/{place}/{key}", "repeated", "It is there twice.")
            seen.add(row[key])
    lines: set[tuple[str, str, str]] = set()
    for place, row in enumerate(found["lineage"]):
        line = (row["parent_variant_id"], row["child_variant_id"], row["relation"])
        if line in lines:
            yield _error(f"lineage/{place}", "repeated", "It is there twice.")
        lines.add(line)


def _dangling(found: Mapping[str, Any]) -> Errors:
    """What is named and not there."""
    ids = {kind: {row["id"] for row in found[kind]} for kind in ("artifacts", "assets", "variants")}
    files = {file["sha256"] for file in found["files"]}
    asset_of = {row["id"]: (row["asset_id"], row["status"]) for row in found["variants"]}
    missing = "It names something that is not in the export."
    for place, row in enumerate(found["artifacts"]):
        if row["sha256"] not in files:
            yield _error(f"artifacts/{place}/sha256", "not_found", missing)
    for place, row in enumerate(found["files"]):
        if row["sha256"] != row["path"].partition("/")[2].partition(".")[0]:
            yield _error(f"files/{place}/path", "checksum", "Its name is not its checksum.")
    for place, id in enumerate(found["space"]["style"]["artifacts"]):
        if id not in ids["artifacts"]:
            yield _error(f"space/style/artifacts/{place}", "not_found", missing)
    for place, row in enumerate(found["variants"]):
        if row["asset_id"] not in ids["assets"]:
            yield _error(f"variants/{place}/asset_id", "not_found", missing)
        if row["artifact"] is not None and row["artifact"] not in ids["artifacts"]:
            yield _error(f"variants/{place}/artifact", "not_found", missing)
        if row["status"] == VariantStatus.COMPLETED and row["artifact"] is None:
            yield _error(f"variants/{place}/artifact", "required", "It has no picture.")
    for place, row in enumerate(found["assets"]):
        active, here = row["active_variant_id"], (row["id"], VariantStatus.COMPLETED)
        if active is not None and asset_of.get(active) != here:
            yield _error(f"assets/{place}/active_variant_id", "not_found", missing)
        if row["parent_asset_id"] is not None and row["parent_asset_id"] not in ids["assets"]:
            yield _error(f"assets/{place}/parent_asset_id", "not_found", missing)


def _circles(found: Mapping[str, Any]) -> Errors:
    """Assets that lie below themselves."""
    above = {row["id"]: row["parent_asset_id"] for row in found["assets"]}
    sound: set[str] = set()
    for place, row in enumerate(found["assets"]):
        way: set[str] = set()
        step: str | None = row["id"]
        while step is not None and step not in sound:
            if step in way:
                yield _error(
                    f"assets/{place}/parent_asset_id", "cycle_detected", "It lies below itself."
                )
                break
            way.add(step)
            step = above.get(step)
        sound |= way


def _unfit(found: Mapping[str, Any]) -> Errors:
    """Recipes that are too large, and moments that are none."""
    for place, row in enumerate(found["variants"]):
        for key, most in (("recipe", LARGEST_RECIPE), ("error", LARGEST_ERROR)):
            if len(json.dumps(row[key])) > most:
                yield _error(f"variants/{place}/{key}", "too_long", "It is too large.")
    kinds = ("assets", "variants", "lineage", "snippets")
    rows = [(f"{kind}/{place}", row) for kind in kinds for place, row in enumerate(found[kind])]
    rows += [(f"chat/{place}", row) for place, row in enumerate(found["chat"] or ())]
    for where, row in [("space", found["space"]), *rows]:
        for key in ("created_at", "updated_at", "severed_at"):
            if row.get(key) is not None and moment_of(row[key]) is None:
                yield _error(f"{where}/{key}", "format", "Must be a moment with its zone.")


CHECKS = (_repeated, _dangling, _circles, _unfit)


def moment_of(text: str) -> datetime | None:
    """The moment; None when it is none, or lies before all spaces."""
    try:
        moment = parse_datetime(text)
        if moment is None or moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= OLDEST else None


class NewIds:
    """Gives everything a new id, the same for each mention, whatever the old one names here: an
    archive reaches nothing that is already in this installation."""

    def __init__(self, known: Mapping[UUID, UUID], make: Any) -> None:
        self._ids = dict(known)
        self._make = make

    def of(self, id: str) -> UUID:
        """The new id of an old one, also of what is no more."""
        old = UUID(id)
        if old not in self._ids:
            self._ids[old] = self._make()
        return self._ids[old]

    def maybe(self, id: str | None) -> UUID | None:
        """The same; None of None."""
        return None if id is None else self.of(id)

    def within(self, value: Any) -> Any:
        """The value with every id in it renewed, however it is written."""
        if isinstance(value, dict):
            return {key: self.within(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.within(one) for one in value]
        if isinstance(value, str) and 32 <= len(value) <= 45:
            try:
                return str(self.of(value))
            except ValueError:
                return value
        return value
