"""Rows that await work: when they are due, who holds them, and when a failed one comes back."""

import random
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import OperationalError, connection, models
from django.db.models import F, Q, QuerySet

from genproj.kernel import rows
from genproj.kernel.clock import after, now

LONGEST_WAIT = 30.0


class Leased(models.Model):
    """A row that awaits work. `due_at` null: nothing to do. `attempts` is raised by each claim
    and is the fencing token; `failures` counts what the retry rule counts."""

    due_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=Leased)


def due(queryset: QuerySet[Row], at: datetime | None = None) -> QuerySet[Row]:
    """The rows that are due and that nobody holds."""
    moment = at or now()
    return queryset.filter(due_at__lte=moment).filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=moment)
    )


def claim(queryset: QuerySet[Row], *, limit: int, seconds: float | None = None) -> list[Row]:
    """Take up to `limit` due rows for `seconds` (default LEASE_SECONDS); the earliest due first.

    One short transaction; a row is never given to two claimers within its lease. Returns the
    rows as they stand after the claim, `attempts` included.
    """
    if not due(queryset).exists():
        return []  # an idle look takes no write lock
    return _claim(queryset, limit=limit, seconds=seconds or settings.LEASE_SECONDS)


@rows.atomically
def _claim(queryset: QuerySet[Row], *, limit: int, seconds: float) -> list[Row]:
    found = due(queryset).order_by("due_at")
    if rows.locks_rows():
        found = found.select_for_update(skip_locked=True, of=("self",))
    taken = list(found[:limit])
    until = after(seconds)
    queryset.model._default_manager.filter(pk__in=[row.pk for row in taken]).update(
        leased_until=until, attempts=F("attempts") + 1
    )
    for row in taken:
        row.attempts += 1
        row.leased_until = until
    return taken


def held(row: Row) -> QuerySet[Row]:
    """The row, if the claim that `row` was read by still holds it; for compare-and-set."""
    return type(row)._default_manager.filter(pk=row.pk, attempts=row.attempts)


@rows.atomically
def extend(taken: Collection[Row], seconds: float | None = None) -> None:
    """Hold rows longer while they are worked on. Attempts are not raised."""
    if taken:
        model = type(next(iter(taken)))
        fence = Q(pk__in=[])
        for row in taken:
            fence |= Q(pk=row.pk, attempts=row.attempts)
        ours = model._default_manager.filter(fence)
        if rows.locks_rows():  # in the order in which everybody locks them
            list(ours.order_by("pk").select_for_update().values_list("pk"))
        ours.update(leased_until=after(seconds or settings.LEASE_SECONDS))


def release(taken: Collection[Row]) -> None:
    """Give rows back as they are, for others to claim at once."""
    for row in taken:
        held(row).update(leased_until=None)


def finish(row: Row, **facts: Any) -> bool:
    """Record that the work is done. False if the lease was lost to another attempt."""
    return bool(held(row).update(due_at=None, leased_until=None, last_error="", **facts))


def put_off(row: Row, *, seconds: float, error: str, counts: bool = True) -> bool:
    """Give the row back, due again in `seconds`. `counts=False` for failures of our own."""
    return bool(
        held(row).update(
            due_at=after(seconds),
            leased_until=None,
            last_error=error[:2000],
            failures=F("failures") + (1 if counts else 0),
        )
    )


def backoff(failures: int, *, first: float = 1.0, longest: float = LONGEST_WAIT) -> float:
    """Seconds to wait after `failures` failures: doubling, capped, ± 20 % so that waits spread."""
    return min(first * 2.0 ** min(failures, 16), longest) * random.uniform(0.8, 1.2)


def attempt(work: Callable[[], None], *, failed: Callable[[BaseException], None]) -> bool:
    """Do one row's work; whatever it raises is given to `failed` instead of ending the batch.

    One of the two places where a broad `except` is right: a worker must outlive any row. Lost
    connections (OperationalError) are passed on: the lease brings the row back.
    """
    try:
        work()
    except OperationalError:
        connection.close_if_unusable_or_obsolete()
        raise
    except Exception as error:  # noqa: BLE001
        failed(error)
        return False
    return True


def earliest(moments: Collection[datetime | None]) -> datetime | None:
    """The first of some moments; None stands for never."""
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


def lapsed(row: Leased, *, by: timedelta = timedelta(0)) -> bool:
    """Whether somebody claimed the row and never came back."""
    return row.leased_until is not None and row.leased_until + by < now()
