"""The full state of a space as text: built once for all who ask while it is the newest."""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

from genproj.events.resuming import head_of
from genproj.kernel.threads import aside
from spaces.queries.state_text import full_state_text

#: A state that took so long to build is given to others while it is young; they are given what
#: has happened since like everything that happens after it.
DEAR, YOUNG = 0.1, 2.0


@dataclass(frozen=True)
class State:
    """A state at a seq, as the inside of a JSON object."""

    seq: int
    text: str
    began: float
    took: float

    def stands_at(self, head: int) -> bool:
        """Whether somebody who asks now may have it."""
        young = self.took > DEAR and time.monotonic() - self.began < YOUNG + self.took
        return self.seq == head or young


class StateText:
    """Keeps the newest state of a space, and has it built once at a time."""

    def __init__(self, space_id: UUID) -> None:
        self.space_id = space_id
        self._kept: State | None = None
        self._turn = asyncio.Lock()

    async def newest(self) -> State:
        """A state as it stands now; the frames after its seq lead on from it."""
        head = await aside(head_of, f"space:{self.space_id}")
        if self._kept is None or not self._kept.stands_at(head):
            async with self._turn:
                if self._kept is None or not self._kept.stands_at(head):
                    self._kept = await aside(built, self.space_id)
        return self._kept


def built(space_id: UUID) -> State:
    """The state, read now."""
    began = time.monotonic()
    # The seq first: what happens in between is told twice, and never missed.
    seq = head_of(f"space:{space_id}")
    text = full_state_text(space_id)
    return State(seq, text, began, time.monotonic() - began)
