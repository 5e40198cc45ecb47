"""The arguments of a proposed call as people read and change them: fields out of its schema."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spaces.queries.proposals import Named
from spaces.tools import TABLE

#: what a field's name begins with in a form
PREFIX = "a."
#: the top of the tree, which is not the same as not saying where
TOP = "top"
LABELS = {
    "asset_id": "Asset",
    "asset_type": "Type",
    "parent_asset_id": "Below",
    "reference_variant_ids": "Reference pictures",
    "reference_asset_ids": "Reference assets",
    "source_variant_ids": "Pictures to start from",
    "source_variant_id": "Picture",
    "source_asset_id": "Asset to copy",
    "aspect_ratio": "Aspect",
    "count": "How many",
    "mode": "Made as",
    "add": "Add tags",
    "remove": "Take off tags",
}
MODES = {"explore": "variants of one asset", "set": "an asset each"}
ASPECTS = ("1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9")
LONG = 200
GONE = "something that is gone"
ABSENT = object()


@dataclass(frozen=True)
class Choice:
    """One answer to choose."""

    value: str
    label: str
    is_chosen: bool
    thumb_url: str = ""


@dataclass(frozen=True)
class Field:
    """One argument in a form. `kind` is long | text | number | choice | one | some | words."""

    key: str
    label: str
    kind: str
    value: Any
    needed: bool
    choices: Sequence[Choice] = ()
    offered: Sequence[Choice] = ()
    suggestions: Sequence[str] = ()
    low: int | None = None
    high: int | None = None
    most: int | None = None

    @property
    def name(self) -> str:
        """Its name in the form."""
        return PREFIX + self.key

    @property
    def pointer(self) -> str:
        """Where an error of it points to."""
        return f"/{self.key}"


@dataclass(frozen=True)
class Row:
    """One argument as it is read: words, or pictures of what it names; and what it was before."""

    label: str
    words: str
    pictures: Sequence[Named] = ()
    before: str = ""
    is_changed: bool = False


def label_of(key: str) -> str:
    """What an argument is called."""
    return LABELS.get(key, key.replace("_", " ").capitalize())


def ids_in(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Every id of an asset or a variant among arguments."""
    for key, value in arguments.items():
        if key.endswith("_id") and isinstance(value, str):
            yield value
        elif key.endswith("_ids") and isinstance(value, list):
            yield from (one for one in value if isinstance(one, str))


def rows_of(
    now: Mapping[str, Any], before: Mapping[str, Any], names: Mapping[str, Named], apart: set[str]
) -> list[Row]:
    """Arguments as they stand, what was changed of them beside; those `apart` are said elsewhere
    unless they were changed."""
    rows = []
    for key in dict.fromkeys([*now, *before]):
        changed = now.get(key) != before.get(key)
        if key in apart and not changed:
            continue
        many = now.get(key) if key.endswith("_ids") else None
        pictures = [names[one] for one in many or () if one in names]
        rows.append(
            Row(
                label=label_of(key),
                words="" if pictures else words_of(key, now, names),
                pictures=pictures,
                before=words_of(key, before, names) if changed else "",
                is_changed=changed,
            )
        )
    return rows


def words_of(key: str, arguments: Mapping[str, Any], names: Mapping[str, Named]) -> str:
    """An argument in words."""
    value = arguments.get(key, "")
    if value in ("", []):
        return "nothing"
    if key == "parent_asset_id" and value is None:
        return "the top"
    if key.endswith("_id"):
        return names[value].name if value in names else GONE
    if key.endswith("_ids"):
        return ", ".join(names[one].name if one in names else GONE for one in value)
    if key == "mode":
        return MODES.get(value, str(value))
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)


def fields_of(
    tool: str,
    arguments: Mapping[str, Any],
    *,
    names: Mapping[str, Named],
    offered: Iterable[Named],
) -> list[Field]:
    """The form of a tool, as it stands; `offered` are the assets of the space."""
    row, assets = TABLE[tool], list(offered)
    fields = []
    for key, schema in row.fields.items():
        plain = {"key": key, "label": label_of(key), "needed": key in row.needs}
        value = arguments.get(key, ABSENT)
        if key.endswith("_ids") or key.endswith("variant_id"):
            more = _named(key, schema, arguments.get(key), names, assets)
        elif key.endswith("asset_id"):
            more = {"kind": "one", "choices": _assets(key, value, assets)}
        else:
            more = _plain(key, schema, arguments.get(key))
        fields.append(Field(**{"value": arguments.get(key), **plain, **more}))
    return fields


def _plain(key: str, schema: Mapping[str, Any], value: Any) -> dict[str, Any]:
    if "enum" in schema:
        choices = [Choice(one, MODES.get(one, one), one == value) for one in schema["enum"]]
        return {"kind": "choice", "choices": choices}
    if schema["type"] == "integer":
        return {"kind": "number", "low": schema.get("minimum"), "high": schema.get("maximum")}
    if schema["type"] == "array":
        return {"kind": "words", "value": ", ".join(value or ())}
    return {
        "kind": "long" if schema.get("maxLength", 0) > LONG else "text",
        "value": value or "",
        "suggestions": ASPECTS if key == "aspect_ratio" else (),
        "most": schema.get("maxLength"),
    }


def _named(
    key: str,
    schema: Mapping[str, Any],
    value: Any,
    names: Mapping[str, Named],
    assets: Sequence[Named],
) -> dict[str, Any]:
    """What is referred to, each of which can be left out; and what can be added where there may be
    several."""
    several = key.endswith("_ids")
    known = [names[one] for one in (value or () if several else [value]) if one in names]
    without = {one.id for one in known}
    offered = _offered(assets, variants=key.endswith("variant_ids")) if several else []
    return {
        "kind": "some",
        "choices": [Choice(one.id, one.name, bool(one), one.thumb_url) for one in known],
        "offered": [one for one in offered if one.value not in without],
        "most": schema.get("maxItems", 1),
    }


def _assets(key: str, value: Any, assets: Sequence[Named]) -> list[Choice]:
    """The assets to choose one of; where it may lie at the top, or nothing needs be said, too."""
    first = []
    if key == "parent_asset_id":
        first = [
            Choice("", "Where it comes to lie by itself", value is ABSENT),
            Choice(TOP, "The top", value is None),
        ]
    elif value is ABSENT:
        first = [Choice("", "None", value is ABSENT)]
    return [*first, *(Choice(one.id, one.name, one.id == value) for one in assets)]


def _offered(assets: Sequence[Named], *, variants: bool) -> list[Choice]:
    """What can be added to a list: assets, or the pictures that stand for them."""
    pairs = [(one.shown if variants else one.id, one.name) for one in assets]
    return [Choice(id, name, is_chosen=False) for id, name in pairs if id]


def arguments_in(form: Any, tool: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """What a form says, in the types of the tool's schema; an empty field says nothing."""
    given: dict[str, Any] = {}
    for key, schema in TABLE[tool].fields.items():
        texts = [text.replace("\0", "").strip() for text in form.getlist(PREFIX + key)]
        texts = [text for text in texts if text]
        if key.endswith("_ids"):
            if texts or key in before:
                given[key] = list(dict.fromkeys(texts))
        elif schema.get("type") == "array":
            parts = [part.strip() for part in ",".join(texts).split(",") if part.strip()]
            if parts or key in before:
                given[key] = list(dict.fromkeys(parts))
        elif texts:
            given[key] = _typed(key, texts[-1], schema)
    return given


def _typed(key: str, text: str, schema: Mapping[str, Any]) -> Any:
    """As its schema's type; as it is where it cannot be, so that it is refused by name."""
    if key == "parent_asset_id" and text == TOP:
        return None
    if schema.get("type") == "integer" and text.lstrip("-").isdecimal() and len(text) < 19:
        return int(text)
    return text
