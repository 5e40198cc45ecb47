"""Who is in a space just now and what they look at: one line for each connection, for a while."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from genproj.kernel.clock import after, zulu

#: A connection that shows no life for so long is not shown.
LIFE = 30.0
#: Shown at most; the newest.
MOST = 100


@dataclass(frozen=True)
class Line:
    """One connection. `seen_at` is this process's monotonic clock."""

    connection: str
    user_id: int
    username: str
    seen_at: float
    viewing: str | None = None
    variant_id: str | None = None

    def json(self) -> dict[str, Any]:
        """As clients get it."""
        return {
            "connection": self.connection,
            "user_id": self.user_id,
            "username": self.username,
            "viewing": self.viewing,
            "variant_id": self.variant_id,
            "last_seen": zulu(after(self.seen_at - time.monotonic())),
        }

    def told(self) -> list[Any]:
        """As other processes get it: clocks differ, so it says how long ago."""
        age = round(time.monotonic() - self.seen_at, 1)
        return [
            *(self.connection, self.user_id, self.username, age),
            *(self.viewing, self.variant_id),
        ]


def heard(told: Iterable[Any]) -> Line:
    """The line that another process told."""
    connection, user_id, username, age, viewing, variant_id = told
    return Line(connection, user_id, username, time.monotonic() - age, viewing, variant_id)


class Presence:
    """The lines of one space, of this process and of others."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def put(self, line: Line) -> bool:
        """Take a line. Whether that is to be seen: a mere sign of life is not."""
        before = self._lines.get(line.connection)
        self._lines[line.connection] = line
        return before is None or replace(before, seen_at=line.seen_at) != line

    def drop(self, connection: str) -> bool:
        """Forget a connection. Whether it was there."""
        return self._lines.pop(connection, None) is not None

    def get(self, connection: str) -> Line | None:
        """The line of a connection."""
        return self._lines.get(connection)

    def expire(self) -> bool:
        """Forget who shows no life. Whether there was somebody."""
        oldest = time.monotonic() - LIFE
        stale = [name for name, line in self._lines.items() if line.seen_at < oldest]
        for name in stale:
            del self._lines[name]
        return bool(stale)

    def __len__(self) -> int:
        return len(self._lines)

    def json(self) -> list[dict[str, Any]]:
        """All of it, the newest connections, in the order of their coming."""
        return [line.json() for line in list(self._lines.values())[-MOST:]]
