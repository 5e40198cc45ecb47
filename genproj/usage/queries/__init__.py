"""What is held, what was spent, and what may still be, read off the ledger's lines."""

from genproj.usage.queries.lines import (
    LineView,
    held_by,
    lines_of,
    open_among,
    open_hold,
    open_subjects,
    spent_by,
)

__all__ = [
    "LineView",
    "held_by",
    "lines_of",
    "open_among",
    "open_hold",
    "open_subjects",
    "spent_by",
]
