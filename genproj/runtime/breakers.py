"""Breakers: what does not answer is left alone for a while, so that it slows only its own work.

Closed: it is asked. After BREAKER_FAILURES failures in a row it opens and nobody asks. When its
pause is over it is half open: one caller tries, and the answer closes or opens it again. All
processes read the same rows, at most a second old; a healthy target costs no write at all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from genproj.kernel import logs, rows
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Forbidden
from genproj.kernel.leases import LONGEST_WAIT
from genproj.kernel.memory import remembered
from genproj.kernel.storage import KeyMissing, StorageFailure
from genproj.runtime.models import Breaker

STORAGE = "storage"
#: seconds that are waited at least before the next try, and at most: as long as it has been open
FIRST_PAUSE, LONGEST_PAUSE = 5.0, LONGEST_WAIT
#: seconds after which a try that told nothing is made again by another
PROBE_SECONDS = 15.0
LONGEST_ERROR = 300

E = TypeVar("E", bound=Exception)

log = logs.component("breaker")


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Shut(Exception):
    """The target is not asked just now."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__(f"{target} is not asked just now, because it did not answer")


def state_of(row: Breaker | None, *, at: datetime | None = None) -> State:
    """Read off the facts; what nobody ever saw fail is closed."""
    if row is None or row.mode == Breaker.Mode.CLOSED:
        return State.CLOSED
    if row.mode == Breaker.Mode.OPEN:
        return State.OPEN
    if row.opened_at is None:
        return State.CLOSED
    return State.HALF_OPEN if (row.probe_at or row.opened_at) <= (at or now()) else State.OPEN


@remembered(1.0)
def known() -> dict[str, Breaker]:
    """The rows by target: a handful, read at most once a second."""
    return {row.target: row for row in Breaker.objects.all()}


def is_shut(target: str) -> bool:
    """Whether the target is not to be asked just now."""
    return state_of(known().get(target)) is State.OPEN


def allowed(target: str, *, wanted: int = 1) -> int:
    """How many of `wanted` calls may be made now: all, none, or, half open, one by one caller.

    Who is allowed tells afterwards what came of it (`note`).
    """
    row = known().get(target)
    state = state_of(row)
    if row is None or state is State.CLOSED or wanted == 0:
        return wanted
    if state is State.OPEN:
        return 0
    mine = Breaker.objects.filter(
        pk=row.pk, mode=Breaker.Mode.AUTO, opened_at__isnull=False, probe_at__lte=now()
    ).update(probe_at=after(PROBE_SECONDS))
    forget()
    if mine:
        log.info("trying", target=target)
        return 1
    return wanted if state_of(known().get(target)) is State.CLOSED else 0


def note(target: str, *, answered: bool = False, failures: int = 0, error: str = "") -> None:
    """What came of calls: an answer, even a refusal, closes; failures in a row open."""
    if answered:
        _note_answer(target)
    elif failures:
        _note_failures(target, failures, error)


def _note_answer(target: str) -> None:
    row = known().get(target)
    if row is None or (not row.failures and row.opened_at is None):
        return
    failed = Q(failures__gt=0) | Q(opened_at__isnull=False)
    changed = Breaker.objects.filter(failed, target=target).update(
        failures=0, opened_at=None, probe_at=None
    )
    forget()
    if changed and row.opened_at is not None:
        log.info("closed", target=target)


@rows.atomically
def _note_failures(target: str, failures: int, error: str) -> None:
    Breaker.objects.bulk_create([Breaker(target=target)], ignore_conflicts=True)
    found = Breaker.objects.filter(target=target)
    row = (found.select_for_update() if rows.locks_rows() else found).get()
    at = now()
    count = row.failures + failures
    facts: dict[str, Any] = {"failures": count, "failed_at": at}
    facts["last_error"] = error[:LONGEST_ERROR]
    if count >= settings.BREAKER_FAILURES:
        opened_at = row.opened_at or at
        facts |= {"opened_at": opened_at, "probe_at": at + _pause(at - opened_at)}
        if row.opened_at is None:
            log.warning("opened", target=target, failures=count, error=error)
    found.update(**facts)
    rows.after_commit(forget)


def _pause(open_for: timedelta) -> timedelta:
    """As long as it has been open: so what comes back is noticed within twice its absence."""
    return min(max(open_for, timedelta(seconds=FIRST_PAUSE)), timedelta(seconds=LONGEST_PAUSE))


def forget() -> None:
    """Read the rows anew at the next look of this process."""
    known.forget()  # type: ignore[attr-defined]


@contextmanager
def through(
    target: str, *, trouble: type[E], is_outage: Callable[[E], bool] = lambda problem: True
) -> Iterator[None]:
    """Ask a target within this block, and learn from whether trouble is raised in it.

    Raises:
        Shut: it is not asked just now; the block is not entered.
    """
    if not allowed(target):
        raise Shut(target)
    try:
        yield
    except trouble as problem:
        if is_outage(problem):
            note(target, failures=1, error=str(problem))
        else:
            note(target, answered=True)
        raise
    else:
        note(target, answered=True)


@contextmanager
def storage_asked() -> Iterator[None]:
    """Read or write storage within this block.

    Raises:
        StorageFailure: it failed, or is not asked just now; then the block is not entered.
    """
    try:
        with through(STORAGE, trouble=StorageFailure, is_outage=is_storage_away):
            yield
    except Shut as shut:
        raise StorageFailure("", str(shut)) from None


def is_storage_away(problem: BaseException) -> bool:
    """Whether storage failed as such; an object that is not there is an answer."""
    return isinstance(problem, StorageFailure) and not isinstance(problem, KeyMissing)


def force(*, actor: User, target: str, mode: str, reason: str = "") -> Breaker:
    """Staff: keep a breaker open or closed, or let it act by itself, beginning anew.

    Other processes follow within a second. Safe to repeat.

    Raises:
        Forbidden: `actor` is not staff.
        ValueError: there is no such mode.
    """
    if not actor.is_staff:
        raise Forbidden
    fresh: dict[str, Any] = {"mode": Breaker.Mode(mode), "reason": reason[:LONGEST_ERROR]}
    fresh |= {"failures": 0, "opened_at": None, "probe_at": None}
    with rows.atomic():
        row, _ = Breaker.objects.update_or_create(target=target, defaults=fresh)
        rows.after_commit(forget)
    log.warning("forced", target=target, mode=mode, user=actor.pk, reason=reason)
    return row
