"""Rings for rows that have come due, sends the worker's pulse, runs the sweeps.

Nothing is lost when it stops, and nothing is doubled when two of it run: rows say what is due.
"""

import contextlib
import pkgutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from genproj import schedules
from genproj.kernel import bell, logs, retention, wake

LOOK_EVERY = 1.0
#: A sweep that takes longer than this is stuck; the clock then keeps silent and is restarted.
LONGEST_ACT = 300.0

log = logs.component("clock")


def pulse_path() -> Path:
    """The file whose age tells the supervisor when a pulse was last sent to a reachable queue."""
    return Path(settings.RUN_DIR) / "pulse"


def look() -> None:
    """Ring for every job that has a due row; queue a drain when nobody hears."""
    names = wake.anything_due()
    if names and not bell.ring(wake.CHANNEL, names):
        wake.summon()


def pulse() -> None:
    """Send one pulse, if the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    wake.send_pulse()
    pulse_path().touch()


def pulse_period() -> float:
    """Seconds between two pulses. Short with Redis, where several clusters share the pulses, and
    while the worker of this host has yet to show itself."""
    if settings.REDIS_URL or not wake.beat_path("worker").exists():
        return 1.0
    return min(5.0, settings.SILENCE_SECONDS / 3)


class Act:
    """Something done again and again in a thread of its own, so that a slow one delays no other."""

    def __init__(self, name: str, run: Callable[[], object], period: Callable[[], float]) -> None:
        self.name, self.run, self.period = name, run, period
        self.began: float | None = None

    def start(self) -> None:
        """Begin; never ends by itself."""
        threading.Thread(target=self._repeat, name=self.name, daemon=True).start()

    def is_stuck(self) -> bool:
        """Whether the present run lasts longer than any healthy one."""
        began = self.began
        return began is not None and time.monotonic() - began > LONGEST_ACT

    def _repeat(self) -> None:
        last = 0.0
        while True:
            if time.monotonic() - last >= self.period():
                last = self.began = time.monotonic()
                if attempt(self.name, self.run) >= retention.MOST:
                    last -= self.period()  # more is left, and more may come than a run takes
                self.began = None
            time.sleep(0.25)


def attempt(name: str, run: Callable[[], object]) -> int:
    """Run it; a database that is away is tried again at the next turn, on a new connection.

    Returns how many rows it speaks of, if any.
    """
    count: object = None
    try:
        count = run()
    except DatabaseError as error:
        log.warning("database_away", act=name, error=str(error))
        with contextlib.suppress(DatabaseError):
            connection.close()
    except Exception as error:  # noqa: BLE001 - one broken sweep must not stop the others
        log.error("act_failed", act=name, error=repr(error))
    return count if isinstance(count, int) else 0


def acts() -> list[Act]:
    """The pulse, and every row of the table of sweeps."""
    return [
        Act("pulse", pulse, pulse_period),
        *(Act(name, _named(name), _every(period)) for name, period in schedules.SWEEPS.items()),
    ]


def _named(name: str) -> Callable[[], object]:
    return lambda: pkgutil.resolve_name(name)()


def _every(period: float) -> Callable[[], float]:
    return lambda: period


def run() -> None:
    """Tick until killed."""
    attempt("keep_schedules", wake.keep_schedules)
    running = acts()
    for act in running:
        act.start()
    beat = wake.beat_path("clock")
    while True:
        attempt("look", look)
        if not any(act.is_stuck() for act in running):
            with contextlib.suppress(OSError):
                beat.touch()
        time.sleep(LOOK_EVERY)
