"""Appends events to streams and reads them back; the only writer of both tables."""

import json
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Max

from genproj.events.models import Event, Stream
from genproj.kernel import bell, bulk, retention, rows
from genproj.kernel.clock import now

CHANNEL = "push"

#: one statement, because every write that a person could notice waits for it
ADVANCE = """
    INSERT INTO events_stream (name, head) VALUES (%s, %s)
    ON CONFLICT (name) DO UPDATE SET head = events_stream.head + excluded.head
    RETURNING head
"""

_local = threading.local()


@dataclass(frozen=True)
class Frame:
    """One event as a reader gets it."""

    stream: str
    seq: int
    kind: str
    data: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        """The frame as it goes over a socket."""
        return {"type": self.kind, "seq": self.seq, **self.data}

    @cached_property
    def text(self) -> str:
        """The frame as text, made once for all the sockets that it goes to."""
        return json.dumps(self.wire())


def append(stream: str, kind: str, **data: Any) -> None:
    """Add one event. Call it inside the transaction that made it true.

    Frames are collected and written last, streams in name order, under the lock of each stream's
    row while `seq` is taken; so order of `seq` is order of visibility and a reader's cursor can
    never skip an event that commits late. The doorbell rings after commit.
    """
    rows.last("events", append_all, undo=forget_waiting)
    waiting: list[tuple[str, str, dict[str, Any]]] = getattr(_local, "waiting", None) or []
    waiting.append((stream, kind, data))
    _local.waiting = waiting


def append_all() -> None:
    """Write every collected frame; run by the transaction itself, last."""
    waiting: list[tuple[str, str, dict[str, Any]]] = getattr(_local, "waiting", None) or []
    _local.waiting = None
    if not waiting:
        return
    by_stream: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for stream, kind, data in waiting:
        by_stream.setdefault(stream, []).append((kind, data))
    at, events = now(), []
    for name in sorted(by_stream):
        frames = by_stream[name]
        head = _advance(name, len(frames))
        events += [
            Event(
                stream_id=name,
                seq=head - len(frames) + place,
                kind=kind,
                data=data,
                created_at=at,
            )
            for place, (kind, data) in enumerate(frames, start=1)
        ]
    bulk.insert_all(events)
    names = set(by_stream)
    rows.after_commit(lambda: ring(names))


def _advance(name: str, by: int) -> int:
    """Raise the stream's head by `by`, holding its row's lock to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(ADVANCE, [name, by])
        return int(cursor.fetchone()[0])


def forget_waiting() -> None:
    """Drop frames of a transaction that was rolled back."""
    _local.waiting = None


def _so_far() -> Callable[[], None]:
    """Drops the frames that came after now: of a savepoint that was rolled back."""
    count = len(getattr(_local, "waiting", None) or ())

    def drop() -> None:
        if waiting := getattr(_local, "waiting", None):
            del waiting[count:]

    return drop


rows.at_savepoints(_so_far)


def ring(names: Collection[str]) -> None:
    """Tell the relays that these streams have moved. May be lost; the relays look each second."""
    bell.ring(CHANNEL, names)


def head_of(stream: str) -> int:
    """The last `seq` of a stream; 0 when nothing ever happened in it."""
    return Stream.objects.filter(name=stream).values_list("head", flat=True).first() or 0


def heads_of(streams: Collection[str]) -> dict[str, int]:
    """The last `seq` of several streams in one query."""
    return dict(Stream.objects.filter(name__in=list(streams)).values_list("name", "head"))


def since(stream: str, seq: int, *, limit: int = 1000) -> list[Frame] | None:
    """The events after `seq`, oldest first; None when they are not all kept any more (or `seq`
    lies beyond the head), so that the reader begins anew from a full state."""
    head = head_of(stream)
    if seq > head:
        return None
    if seq == head:
        return []
    found = list(
        Event.objects.filter(stream_id=stream, seq__gt=seq)
        .order_by("seq")
        .values_list("seq", "kind", "data")[:limit]
    )
    if not found or found[0][0] != seq + 1:
        return None
    return [Frame(stream, number, kind, data) for number, kind, data in found]


def forget_before(moment: Any) -> int:
    """Delete events older than `moment`. Returns how many. Readers with an older cursor reload.

    What goes is always the beginning of a stream, though clocks be moved: a reader takes a gap
    for the beginning, but would not see a hole.
    """
    last = Event.objects.filter(created_at__lt=moment).aggregate(last=Max("id"))["last"]
    return 0 if last is None else retention.forget(Event.objects.filter(id__lte=last), by="id")


def wires(frames: Iterable[Frame]) -> list[dict[str, Any]]:
    """Frames as they go over a socket."""
    return [frame.wire() for frame in frames]
