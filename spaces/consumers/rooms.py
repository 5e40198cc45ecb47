"""What the sockets of one space share in one process: its members, its state, who is present."""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID, uuid4

from django.db import Error

from genproj.events.consumers import FORBIDDEN, NOT_FOUND
from genproj.events.whispers import whisper, whispers
from genproj.kernel.logs import component
from genproj.kernel.threads import aside
from spaces.consumers.presence import LIFE, Line, Presence, heard
from spaces.consumers.states import StateText
from spaces.permissions import Role
from spaces.queries.asked import roster_of

LOOK_EVERY = 1.0
BEAT_EVERY = 10.0
#: Lines in one whisper.
TOGETHER = 25
#: Changes of presence are gathered so long; where many come and go, longer.
GATHER, GATHER_MANY, MANY = 0.1, 1.0, 30

journal = component("room")


class Seat(Protocol):
    """A socket in a room."""

    user: Any
    heard_at: float

    async def let_go(self, code: int) -> None:
        """Close it."""

    def show_presence(self) -> None:
        """Have it tell who is present."""


class Room:
    """One space in this process. It lives as long as somebody is in it."""

    def __init__(self, space_id: UUID) -> None:
        self.space_id = space_id
        self.seats: dict[str, Seat] = {}
        self.presence = Presence()
        #: the frame that says who is present, as it was last told
        self.presence_text = ""
        self.state = StateText(space_id)
        self._name = uuid4().hex[:12]
        self._stream = f"presence:{space_id}"
        self._spreading: asyncio.Task[None] | None = None
        self._tasks = [asyncio.create_task(self._look()), asyncio.create_task(self._hear())]
        self._saying: set[asyncio.Task[None]] = set()
        self._beaten = time.monotonic()

    # --- who is here ------------------------------------------------------------------------

    def enter(self, connection: str, seat: Seat) -> None:
        """Take a seat; everybody sees it."""
        self.seats[connection] = seat
        user = seat.user
        self.show(Line(connection, user.pk, user.get_username(), seat.heard_at))

    def leave(self, connection: str) -> None:
        """Give the seat up."""
        self.seats.pop(connection, None)
        if self.presence.drop(connection):
            self._spread()
            self._say(gone=[connection])

    def look_at(self, connection: str, facts: Mapping[str, Any]) -> None:
        """What a connection looks at; what `facts` does not name stays as it was."""
        seat = self.seats[connection]
        line = self.presence.get(connection)
        if line is None:  # it had been silent
            user = seat.user
            line = Line(connection, user.pk, user.get_username(), seat.heard_at)
        self.show(replace(line, seen_at=seat.heard_at, **facts))

    def show(self, line: Line) -> None:
        """Have everybody see a line of this process."""
        if self.presence.put(line):
            self._spread()
            self._say(lines=[line.told()])

    def _spread(self) -> None:
        """Tell this process's sockets soon, once for all that changes meanwhile."""
        if self._spreading is None or self._spreading.done():
            self._spreading = asyncio.create_task(self._spread_soon())

    async def _spread_soon(self) -> None:
        await asyncio.sleep(GATHER if len(self.presence) < MANY else GATHER_MANY)
        self._spreading = None
        shown = {"type": "presence:update", "presence": self.presence.json()}
        self.presence_text = json.dumps(shown)
        for seat in list(self.seats.values()):
            seat.show_presence()

    # --- other processes --------------------------------------------------------------------

    def _say(self, **words: Any) -> None:
        task = asyncio.create_task(self._whisper(words))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _whisper(self, words: Mapping[str, Any]) -> None:
        frame = {"room": self._name, **words}
        with contextlib.suppress(Error):
            await aside(lambda: whisper(stream=self._stream, frame=frame))

    async def _hear(self) -> None:
        async with whispers.follow(self._stream) as reader:
            self._say(ask=True)
            async for text in reader:
                words = json.loads(text)
                if words["room"] == self._name:
                    continue
                changed = [self.presence.put(heard(one)) for one in words.get("lines", ())]
                changed += [self.presence.drop(one) for one in words.get("gone", ())]
                if any(changed):
                    self._spread()
                if words.get("ask"):
                    self._beat()

    def _beat(self) -> None:
        """Show other processes that this one's people are still here."""
        self._beaten = time.monotonic()
        alive = []
        for connection, seat in self.seats.items():
            if time.monotonic() - seat.heard_at >= LIFE:
                continue
            line = self.presence.get(connection)
            if line is None:
                self.look_at(connection, {})
                continue
            line = replace(line, seen_at=seat.heard_at)
            self.presence.put(line)
            alive.append(line.told())
        for start in range(0, len(alive), TOGETHER):
            self._say(lines=alive[start : start + TOGETHER])

    # --- who may be here --------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                roster = await aside(roster_of, self.space_id)
            except Error:
                continue  # a database that is away throws nobody out
            await self._let_go(roster)
            if time.monotonic() - self._beaten >= BEAT_EVERY:
                self._beat()
            if self.presence.expire():
                self._spread()

    async def _let_go(self, roster: dict[int, Role] | None) -> None:
        """Close the sockets of who may not be here any more."""
        code = NOT_FOUND if roster is None else FORBIDDEN
        for connection, seat in list(self.seats.items()):
            if roster is not None and (seat.user.is_staff or seat.user.pk in roster):
                continue
            self.leave(connection)
            await seat.let_go(code)

    def close(self) -> None:
        """Nobody is here any more. What is being said is still said."""
        for task in [*self._tasks, *filter(None, [self._spreading])]:
            task.cancel()


_rooms: dict[tuple[asyncio.AbstractEventLoop, UUID], Room] = {}


def enter(space_id: UUID, connection: str, seat: Seat) -> Room:
    """The room of a space, with the seat taken."""
    key = (asyncio.get_running_loop(), space_id)
    room = _rooms.get(key)
    if room is None:
        room = _rooms[key] = Room(space_id)
    room.enter(connection, seat)
    return room


def leave(room: Room, connection: str) -> None:
    """Give the seat up; the last one closes the room."""
    room.leave(connection)
    if not room.seats:
        room.close()
        key = (asyncio.get_running_loop(), room.space_id)
        if _rooms.get(key) is room:
            del _rooms[key]
