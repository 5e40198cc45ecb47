"""What people may write into the fields of a space: trimmed, bounded, each refusal at its field."""

from collections.abc import Sequence

from genproj.kernel.errors import Invalid

LONGEST_NAME = 120
LONGEST_TYPE = 40
LONGEST_TAG = 40
MOST_TAGS = 20


def name(text: str) -> str:
    """The name of a space or an asset."""
    return line(text, pointer="/name", longest=LONGEST_NAME)


def line(text: str, *, pointer: str, longest: int, may_be_empty: bool = False) -> str:
    """One line of text without blanks around it.

    Raises:
        Invalid: it is empty or too long.
    """
    text = " ".join(text.split())
    if not text and not may_be_empty:
        raise Invalid.one(pointer, "too_short", "Must not be empty.")
    return paragraph(text, pointer=pointer, longest=longest)


def paragraph(text: str, *, pointer: str, longest: int) -> str:
    """Text without blanks around it.

    Raises:
        Invalid: it is too long, or has a character that no database keeps.
    """
    text = text.strip()
    if len(text) > longest:
        raise Invalid.one(pointer, "too_long", f"Must have at most {longest} characters.")
    if "\x00" in text:
        raise Invalid.one(pointer, "characters", "Contains a character that cannot be kept.")
    return text


def asset_type(text: str) -> str:
    """What kind of thing an asset is; any word that the team likes."""
    return line(text, pointer="/asset_type", longest=LONGEST_TYPE)


def tags(names: Sequence[str]) -> list[str]:
    """Tags, each once, in the order given."""
    if len(names) > MOST_TAGS:
        raise Invalid.one("/tags", "too_many", f"Must have at most {MOST_TAGS} items.")
    trimmed = (
        line(name, pointer=f"/tags/{place}", longest=LONGEST_TAG)
        for place, name in enumerate(names)
    )
    return list(dict.fromkeys(trimmed))
