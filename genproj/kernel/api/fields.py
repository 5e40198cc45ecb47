"""Reads the fields of plain forms, where anybody may have typed anything."""

from uuid import UUID

from genproj.kernel.errors import Invalid

#: digits of the largest number that a column holds for certain
MOST_DIGITS = 18


def uuid_in(text: str | None, *, at: str) -> UUID:
    """The id that a field holds; Invalid at its name when it is none."""
    try:
        return UUID(text or "")
    except ValueError:
        raise Invalid.one(f"/{at}", "format", "Choose one.") from None


def number_in(text: str | None, *, at: str) -> int:
    """The whole number that a field holds; Invalid at its name when it is none."""
    digits = text or ""
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS):
        raise Invalid.one(f"/{at}", "format", "Must be a whole number.")
    return int(digits)
