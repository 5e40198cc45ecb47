"""The socket of a space: what is asked of it, and everything that happens in it."""

import json
from typing import ClassVar
from uuid import UUID, uuid4

from genproj.events.consumers import (
    FORBIDDEN,
    NOT_FOUND,
    Frame,
    StreamConsumer,
    echo,
)
from genproj.events.whispers import Reader
from genproj.kernel.api.bodies import read_body
from genproj.kernel.threads import Threads, aside
from spaces.consumers import rooms
from spaces.consumers.frames import ENVELOPE, FRAMES, ID_OR_NULL, carry_out
from spaces.errors import SpaceNotFound
from spaces.queries import role_in

#: Writes wait for each other in the database; more threads would only hold more connections.
ACTS = Threads("acts", 2)

LOOKS = {
    "type": "object",
    "properties": {**ENVELOPE, "viewing": ID_OR_NULL, "variant_id": ID_OR_NULL},
    "additionalProperties": False,
}


class SpaceConsumer(StreamConsumer):
    """One member's socket. Roles are asked for with every frame, never remembered."""

    TAKES: ClassVar[dict[str, str]] = {
        **StreamConsumer.TAKES,
        **dict.fromkeys(FRAMES, "act"),
        "presence:update": "look_at",
    }
    room: rooms.Room | None = None
    reader: Reader | None = None

    @property
    def stream(self) -> str:
        return f"space:{self.space_id}"

    async def admit(self) -> int | None:
        if (refused := await super().admit()) is not None:
            return refused
        try:
            self.space_id = UUID(self.scope["url_route"]["kwargs"]["space_id"])
            await aside(self._ask_role)
        except (ValueError, SpaceNotFound):
            return NOT_FOUND if self.room is None else FORBIDDEN
        return None

    def _ask_role(self) -> None:
        role_in(viewer=self.user, space_id=self.space_id)

    async def begin(self) -> None:
        self.connection = uuid4().hex[:16]
        self.room = rooms.enter(self.space_id, self.connection, self)

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        if self.room is not None:
            rooms.leave(self.room, self.connection)

    async def act(self, frame: Frame) -> None:
        """Carry out what a frame asks for, and acknowledge it."""
        try:
            answer = await ACTS.run(carry_out, self.user, self.space_id, frame)
        except SpaceNotFound as error:
            await self.tell_error(frame, error.code, error.detail)
            await self.let_go(FORBIDDEN)
            return
        await self.tell({"type": "ack", **answer, **echo(frame)})

    async def sync(self, frame: Frame) -> None:
        try:
            await aside(self._ask_role)
        except SpaceNotFound:
            await self.let_go(FORBIDDEN)
            return
        await super().sync(frame)

    async def state_text(self, frame: Frame) -> tuple[int, str]:
        assert self.room is not None
        state = await self.room.state.newest()
        more = json.dumps({"presence": self.room.presence.json(), **echo(frame)})[1:]
        head = f'{{"type": "sync:state", "seq": {state.seq}, '
        return state.seq, f"{head}{state.text}, {more}"

    # --- presence ---------------------------------------------------------------------------

    async def look_at(self, frame: Frame) -> None:
        """What this connection's person looks at; absent: as before, null: at nothing."""
        said = read_body(frame, LOOKS)
        facts = {name: value for name, value in said.items() if name not in ENVELOPE}
        if self.room is not None and self.connection in self.room.seats:
            self.room.look_at(self.connection, facts)
        if "request_id" in said:
            await self.tell({"type": "ack", **echo(frame)})

    def show_presence(self) -> None:
        """Have the socket tell who is present once it has told what waits."""
        if self.reader is not None and not self._shows:
            self._shows = True
            self.reader.offer([""])

    _shows = False

    async def repeat(self, reader: Reader) -> None:
        self.reader = reader
        async for text in reader:
            if not text:
                self._shows = False
            await self.tell_text(text or self._presence_text())

    def _presence_text(self) -> str:
        assert self.room is not None
        return self.room.presence_text


__all__ = ["ACTS", "FRAMES", "SpaceConsumer"]
