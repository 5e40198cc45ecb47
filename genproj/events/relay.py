"""Brings what was appended to streams to this process's readers; one relay per web process."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from django.db import Error, connection
from django.db.models import Max

from genproj.events import log
from genproj.events.models import Event
from genproj.kernel import bell
from genproj.kernel.logs import component
from genproj.kernel.threads import aside

LOOK_EVERY = 1.0
#: What a reader may lag behind before it reads the log by its own cursor.
WAITING_FRAMES = 256
BATCH = 1000

journal = component("relay")


class TooOld(Exception):
    """The log does not hold all that lies after the reader's cursor; it begins anew."""


class Follower:
    """One reader of one stream, with a cursor of its own: frames in order, no gap, none twice."""

    def __init__(self, relay: "Relay", stream: str, after: int | None) -> None:
        self.stream = stream
        self.cursor = after
        self.loop = asyncio.get_running_loop()
        self._relay = relay
        self._ready: deque[log.Frame] = deque()
        self._woken = asyncio.Event()
        self._behind = True

    def offer(self, frames: Iterable[log.Frame]) -> None:
        """Take frames from the relay; too many make the reader read for itself."""
        for frame in frames:
            if len(self._ready) >= WAITING_FRAMES:
                self._behind = True
                break
            self._ready.append(frame)
        self._woken.set()

    def fall_behind(self) -> None:
        """Have the reader look for itself."""
        self._behind = True
        self._woken.set()

    def __aiter__(self) -> "Follower":
        return self

    async def __anext__(self) -> log.Frame:
        while True:
            while self._ready:
                frame = self._ready.popleft()
                if self.cursor is None or frame.seq > self.cursor + 1:
                    self._behind = True
                    break
                if frame.seq == self.cursor + 1:
                    self.cursor = frame.seq
                    return frame
            if self._behind:
                await self.catch_up()
                continue
            self._woken.clear()
            await self._woken.wait()

    async def catch_up(self) -> None:
        """Read the log after the cursor (with no cursor yet: take the head as it is now)."""
        self._behind = False
        self._ready.clear()
        try:
            if self.cursor is None:
                self.cursor = await aside(log.head_of, self.stream)
                frames: list[log.Frame] | None = []
            else:
                frames = await aside(_since, self.stream, self.cursor)
        except Error:
            self._behind = True
            await asyncio.sleep(LOOK_EVERY / 2)
            return
        if frames is None:
            raise TooOld(self.stream)
        self._ready.extendleft(reversed(frames))
        read_to = frames[-1].seq if frames else self.cursor
        if len(frames) >= BATCH or self._relay.joined(self.stream, read_to):
            self._behind = True


def _since(stream: str, seq: int) -> list[log.Frame] | None:
    return log.since(stream, seq, limit=BATCH)


class Everything:
    """A reader of `(kind, id)` of whatever happens in any stream; it may miss some."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._ready: deque[tuple[str, Any]] = deque(maxlen=WAITING_FRAMES)
        self._woken = asyncio.Event()

    def offer(self, news: Iterable[tuple[str, Any]]) -> None:
        """Take news; the oldest give way."""
        self._ready.extend(news)
        self._woken.set()

    def __aiter__(self) -> "Everything":
        return self

    async def __anext__(self) -> tuple[str, Any]:
        while not self._ready:
            self._woken.clear()
            await self._woken.wait()
        return self._ready.popleft()


class _Followed:
    def __init__(self) -> None:
        self.cursor: int | None = None
        self.rung = False
        self.followers: set[Follower] = set()


class Relay:
    """Hears the doorbell, reads each moved stream once, and hands its frames to its followers.

    Rings may be lost: once a second the heads of all followed streams are compared.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followed: dict[str, _Followed] = {}
        self._everything: set[Everything] = set()
        self._last_id: int | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @asynccontextmanager
    async def follow(self, stream: str, *, after: int | None = None) -> AsyncIterator[Follower]:
        """The frames of `stream` after seq `after` (None: from now on), for ever.

        Raises (while iterating):
            TooOld: they are not all kept any more.
        """
        self.start()
        follower = Follower(self, stream, after)
        with self._lock:
            self._followed.setdefault(stream, _Followed()).followers.add(follower)
        try:
            if after is None:
                while follower.cursor is None:
                    await follower.catch_up()
            yield follower
        finally:
            with self._lock:
                followed = self._followed[stream]
                followed.followers.discard(follower)
                if not followed.followers:
                    del self._followed[stream]

    @asynccontextmanager
    async def everything(self) -> AsyncIterator[Everything]:
        """News of all streams, from about now on."""
        self.start()
        reader = Everything()
        with self._lock:
            self._everything.add(reader)
        try:
            yield reader
        finally:
            with self._lock:
                self._everything.discard(reader)

    def joined(self, stream: str, seq: int) -> bool:
        """A follower has read up to `seq`. True: there was a ring meanwhile, so read again."""
        with self._lock:
            followed = self._followed.get(stream)
            if followed is None or followed.cursor is not None:
                return False
            followed.cursor = seq
            rung, followed.rung = followed.rung, False
            return rung

    def start(self) -> None:
        """Begin to listen, unless it already does."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop listening and give the connection back."""
        thread = self._thread
        if thread is not None:
            self._stopping.set()
            thread.join(5)

    def _run(self) -> None:
        listener = bell.listen(log.CHANNEL)
        looked = 0.0
        try:
            while not self._stopping.is_set():
                rung = listener.wait(LOOK_EVERY / 4)
                due = time.monotonic() - looked >= LOOK_EVERY
                if not rung and not due:
                    continue
                try:
                    self._look(None if due else rung)
                except Error as error:
                    journal.warning("database_away", error=str(error))
                    connection.close()
                    self._stopping.wait(LOOK_EVERY / 4)
                    continue  # not looked: the heads are compared as soon as it is back
                if due:
                    looked = time.monotonic()
        finally:
            listener.close()
            connection.close()

    def _look(self, rung: set[str] | None) -> None:
        """Read the streams that were rung for; with None, those whose head has moved."""
        with self._lock:
            cursors: dict[str, int] = {}
            for name, followed in self._followed.items():
                if followed.cursor is not None:
                    cursors[name] = followed.cursor
                elif rung is None or name in rung:
                    followed.rung = True
            watched = bool(self._everything)
        if rung is not None:
            moved = [name for name in cursors if name in rung]
        else:
            heads = log.heads_of(cursors) if cursors else {}
            moved = [name for name, cursor in cursors.items() if heads.get(name, 0) != cursor]
        for name in moved:
            self._read(name, cursors[name])
        if watched:
            self._read_everything()

    def _read(self, name: str, cursor: int) -> None:
        frames: list[log.Frame] | None
        while frames := log.since(name, cursor, limit=BATCH):
            cursor = frames[-1].seq
            with self._lock:
                readers = self._set_cursor(name, cursor)
            self._hand(readers, "offer", frames)
        if frames is None:  # swept, or the stream was put back: each reader finds out by itself
            head = log.head_of(name)
            with self._lock:
                readers = self._set_cursor(name, head)
            self._hand(readers, "fall_behind")

    def _set_cursor(self, name: str, cursor: int) -> list[Follower]:
        followed = self._followed.get(name)
        if followed is None:
            return []
        followed.cursor = cursor
        return list(followed.followers)

    def _read_everything(self) -> None:
        if self._last_id is None:
            self._last_id = Event.objects.aggregate(last=Max("id"))["last"] or 0
            return
        rows = list(
            Event.objects.filter(id__gt=self._last_id)
            .order_by("id")
            .values_list("id", "kind", "data")[:BATCH]
        )
        if rows:
            self._last_id = rows[-1][0]
            news = [(kind, id_in(kind, data)) for _, kind, data in rows]
            with self._lock:
                readers = list(self._everything)
            self._hand(readers, "offer", news)

    @staticmethod
    def _hand(readers: Iterable[Any], verb: str, *args: Any) -> None:
        """Call a verb of each reader in its own loop; one crossing per loop."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Any]] = {}
        for reader in readers:
            by_loop.setdefault(reader.loop, []).append(reader)
        for loop, theirs in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_tell, theirs, verb, args)


def _tell(readers: Iterable[Any], verb: str, args: tuple[Any, ...]) -> None:
    for reader in readers:
        getattr(reader, verb)(*args)


def id_in(kind: str, data: dict[str, Any]) -> Any:
    """The id of what a frame is about: it stands under the frame's noun."""
    thing = data.get(kind.split(":")[0])
    return thing.get("id") if isinstance(thing, dict) else None


#: This process's own.
relay = Relay()
