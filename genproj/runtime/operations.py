"""Writes signs of life, switches, and forgets what nobody will ask for again."""

import os
import socket
import time
from datetime import datetime

from django.conf import settings
from django.contrib.sessions.models import Session

from genproj.kernel import retention, rows
from genproj.kernel.clock import after, now
from genproj.runtime.models import Heartbeat, IdempotentAnswer, Switch

BEATS_KEPT_SECONDS = 3600
SWITCH_CACHED_SECONDS = 1.0

_first_beat_of: int | None = None
_started_at: datetime | None = None
_switches: dict[str, tuple[bool, float]] = {}


def beat() -> None:
    """Record that this process works. Its first beat also forgets processes long gone, since
    every recycled worker leaves a row."""
    global _first_beat_of, _started_at
    pid, at = os.getpid(), now()
    if pid != _first_beat_of:  # also after a fork
        _first_beat_of, _started_at = pid, at
        forget_old_beats()
    name = f"{socket.gethostname()}:{os.environ.get('GENPROJ_CLUSTER', 'worker')}:{pid}"
    started = _started_at or at
    if not Heartbeat.objects.filter(name=name).update(last_at=at, started_at=started):
        Heartbeat.objects.update_or_create(
            name=name,
            defaults={
                "kind": "worker",
                "host": socket.gethostname()[:80],
                "pid": pid,
                "started_at": started,
                "last_at": at,
            },
        )


def forget_old_beats() -> int:
    """Sweep: delete the rows of processes that have not shown themselves for an hour."""
    silent = Heartbeat.objects.filter(last_at__lt=after(-BEATS_KEPT_SECONDS))
    return retention.forget(silent, by="last_at")


def forget_old_answers() -> int:
    """Sweep: delete stored answers that no client repeats its request for any more."""
    oldest = after(-settings.KEEP_ANSWERS_DAYS * 86_400)
    return retention.forget(IdempotentAnswer.objects.filter(created_at__lt=oldest), by="created_at")


def forget_old_sessions() -> int:
    """Sweep: delete the sessions of people whose sign-in has ended."""
    return retention.forget(Session.objects.filter(expire_date__lt=now()), by="expire_date")


def is_on(name: str) -> bool:
    """Whether a switch is on; one nobody ever turned is off. At most a second old."""
    known = _switches.get(name)
    if known is not None and known[1] > time.monotonic():
        return known[0]
    on = Switch.objects.filter(name=name, on=True).exists()
    _switches[name] = (on, time.monotonic() + SWITCH_CACHED_SECONDS)
    return on


def turn(name: str, *, on: bool, reason: str) -> None:
    """Turn a switch; other processes follow within a second. Safe to repeat."""
    with rows.atomic():
        Switch.objects.update_or_create(name=name, defaults={"on": on, "reason": reason[:300]})
        rows.after_commit(lambda: _forget_cached(name))


def _forget_cached(name: str) -> None:
    _switches.pop(name, None)
