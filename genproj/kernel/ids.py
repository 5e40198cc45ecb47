"""Makes ids that sort by time and do not tell how many there are (UUID version 7, RFC 9562)."""

import secrets
import threading
import time
from datetime import datetime
from uuid import UUID

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """A new UUIDv7; within one process each is greater than the one before."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 of sub-millisecond order, kept strictly growing.
        moment = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
        _last = moment
    value = (moment >> 12) << 80 | 0x7 << 76 | (moment & 0xFFF) << 64
    value |= 0b10 << 62 | secrets.randbits(62)
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
