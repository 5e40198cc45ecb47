"""Cursors: a place in a list by (created_at, id), newest first, that inserts do not move."""

import base64
import binascii
import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from genproj.kernel.errors import Malformed

LARGEST_PAGE = 200
USUAL_PAGE = 50
NO_CURSOR = "The cursor is not one that was handed out here."

Key = tuple[datetime, UUID]
Rows = TypeVar("Rows", bound="QuerySet[Any]")
Row = TypeVar("Row")


@dataclass(frozen=True)
class Cursor:
    """The row that a page lies behind: older than it, or (`back`) newer."""

    at: datetime
    id: UUID
    back: bool = False

    def __str__(self) -> str:
        text = json.dumps([self.at.isoformat(), self.id.hex, int(self.back)])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """The cursor that was handed out as `text`; Malformed for anything else."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            at, row, back = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None:
                raise ValueError("a moment without a zone")
            return cls(moment, UUID(row), bool(back))
        except (ValueError, TypeError, AttributeError, binascii.Error):
            raise Malformed(NO_CURSOR) from None


@dataclass(frozen=True)
class Slice:
    """The keys of one page, newest first, and the cursors of its neighbours."""

    keys: list[Key]
    next: str | None
    previous: str | None

    @property
    def ids(self) -> list[UUID]:
        return [key[1] for key in self.keys]


@dataclass(frozen=True)
class Part(Generic[Row]):
    """A page of a list that is at hand whole."""

    results: Sequence[Row]
    next: str | None
    previous: str | None


def behind(rows: Rows, cursor: Cursor | None, *, at: str = "created_at", id: str = "id") -> Rows:
    """`rows` beyond the cursor, nearest first.

    The redundant bound on the moment alone is what the index can seek to.
    """
    if cursor is None:
        return rows.order_by(f"-{at}", f"-{id}")
    way, sign = ("gt", "") if cursor.back else ("lt", "-")
    beyond = Q(**{f"{at}__{way}e": cursor.at}) & (
        Q(**{f"{at}__{way}": cursor.at}) | Q(**{f"{id}__{way}": cursor.id})
    )
    return rows.filter(beyond).order_by(f"{sign}{at}", f"{sign}{id}")


def keys(
    rows: "QuerySet[Any]",
    cursor: Cursor | None,
    size: int,
    *,
    at: str = "created_at",
    id: str = "id",
    few: bool = False,
) -> list[Key]:
    """The keys of up to one row more than a page needs, nearest first.

    `few`: the rows are named one by one. They are sorted here, because a planner that sees an
    ORDER BY with a LIMIT walks the list's index instead of looking them up.
    """
    found = behind(rows, cursor, at=at, id=id)
    if not few:
        return list(found.values_list(at, id)[: size + 1])
    back = cursor is not None and cursor.back
    return sorted(found.order_by().values_list(at, id), reverse=not back)[: size + 1]


def merge(sources: Iterable[Sequence[Key]], cursor: Cursor | None, size: int) -> Slice:
    """One page out of several sources, each nearest first; a row found twice is shown once."""
    back = cursor is not None and cursor.back
    merged = heapq.merge(*sources, reverse=not back)
    keys = list(islice(dict.fromkeys(merged), size + 1))
    more = len(keys) > size
    keys = keys[:size]
    if back:
        keys.reverse()
    older = bool(keys) and (more or back)
    newer = bool(keys) and (more if back else cursor is not None)
    return Slice(
        keys=keys,
        next=str(Cursor(*keys[-1])) if older else None,
        previous=str(Cursor(*keys[0], back=True)) if newer else None,
    )


def part(rows: Sequence[Row], cursor: str | None, size: int) -> Part[Row]:
    """One page of a list that is at hand whole, with the cursors of its neighbours.

    Raises:
        Malformed: the cursor was not handed out for such a list.
    """
    start = _place(cursor) if cursor else 0
    end = start + size
    return Part(
        results=rows[start:end],
        next=_cursor(end) if end < len(rows) else None,
        previous=_cursor(max(start - size, 0)) if start else None,
    )


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"[{place}]".encode()).decode().rstrip("=")


def _place(text: str) -> int:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        [place] = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise Malformed(NO_CURSOR) from None
    if type(place) is not int or not 0 <= place < 10**6:
        raise Malformed(NO_CURSOR)
    return place
