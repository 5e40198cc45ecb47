"""Makes ids that sort by time and do not tell how many there are (UUID version 7, RFC 9562)."""

import os
import threading
import time
from datetime import datetime
from uuid import UUID

#: bytes of chance taken from the system at a time: each taking gives the interpreter away
AT_ONCE = 4096

_lock = threading.Lock()
_last = 0
_chance = memoryview(b"")


def _forget_chance() -> None:
    """Two processes must not draw the same."""
    global _chance, _lock
    _chance, _lock = memoryview(b""), threading.Lock()


os.register_at_fork(after_in_child=_forget_chance)


def uuid7() -> UUID:
    """A new UUIDv7; within one process each is greater than the one before."""
    global _last, _chance
    with _lock:
        # 48 bits of milliseconds and 12 of sub-millisecond order, kept strictly growing.
        moment = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
        _last = moment
        if not _chance:
            _chance = memoryview(os.urandom(AT_ONCE))
        drawn, _chance = _chance[:8], _chance[8:]
    value = (moment >> 12) << 80 | 0x7 << 76 | (moment & 0xFFF) << 64
    value |= 0b10 << 62 | int.from_bytes(drawn) >> 2
    return UUID(int=value)


def first_of(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: with it a primary key is searched by time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its canonical form."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
