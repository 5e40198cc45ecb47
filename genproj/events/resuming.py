"""Reads a stream for those who ask for it now and then: what was missed, or what happened."""

import re
from dataclasses import dataclass
from typing import Any

from genproj.events import log
from genproj.events.models import Event
from genproj.kernel.clock import zulu
from genproj.kernel.errors import Malformed

#: who missed more than this is better off with a state
LONGEST_DELTA = 1000
CURSOR = re.compile(r"([ab])(\d{1,18})")


@dataclass(frozen=True)
class Page:
    """Events, the newest first, and the cursors of the neighbours."""

    results: list[dict[str, Any]]
    next: str | None
    previous: str | None


def head_of(stream: str) -> int:
    """The seq of the last event; 0 when nothing ever happened."""
    return log.head_of(stream)


def missed(stream: str, since: int) -> list[dict[str, Any]] | None:
    """The very frames after `since`; None when a full state is called for."""
    frames = log.since(stream, since, limit=LONGEST_DELTA + 1)
    return None if frames is None or len(frames) > LONGEST_DELTA else log.wires(frames)


def event_page(stream: str, *, cursor: str | None, size: int) -> Page:
    """A page of what happened, as far back as events are kept.

    Raises:
        Malformed: the cursor is none that was handed out.
    """
    found, back = Event.objects.filter(stream_id=stream), False
    if cursor is not None:
        read = CURSOR.fullmatch(cursor)
        if read is None:
            raise Malformed("The cursor is not one that was handed out here.")
        back, seq = read[1] == "a", int(read[2])
        found = found.filter(seq__gt=seq) if back else found.filter(seq__lt=seq)
    rows = list(found.order_by("seq" if back else "-seq")[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if back:
        rows.reverse()
    older, newer = (bool(rows), more) if back else (more, cursor is not None and bool(rows))
    return Page(
        results=[
            {"type": row.kind, "seq": row.seq, "at": zulu(row.created_at), **row.data}
            for row in rows
        ],
        next=f"b{rows[-1].seq}" if older and rows else None,
        previous=f"a{rows[0].seq}" if newer and rows else None,
    )
