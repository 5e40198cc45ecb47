"""Tells the billing service of every line that was settled or charged: each once, in batches.

The id of a line is the id of its event, so what is sent again after a lost answer counts once.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Max, Q, QuerySet

from genproj.kernel import leases, logs, rows
from genproj.kernel.clock import now, zulu
from genproj.kernel.errors import Forbidden
from genproj.kernel.wake import ending, wake
from genproj.runtime import breakers
from genproj.usage import billing
from genproj.usage.models import ExportedLine, LedgerLine
from genproj.usage.queries.budgets import amount
from genproj.usage.queries.totals import SETTLED, SPENT

State = ExportedLine.State

JOB = "genproj.usage.jobs.export"
#: its breaker
SERVICE = "billing"
#: lines listed in one transaction
LISTED = 500
#: of a service that is away: four days at the longest pause
MOST_FAILURES = 100
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0
LONGEST_WORDS = 300

log = logs.component("billing")


def is_on() -> bool:
    """Whether there is a billing service."""
    return bool(settings.BILLING_BASE_URL)


# --- listing what is to be told -------------------------------------------------------------------


def owe_lines() -> int:
    """Sweep: list the lines that are spent and not listed yet. Returns how many.

    Safe to repeat, and for two at once.
    """
    if not is_on():
        return 0
    count = 0
    while found := list(_unlisted()[:LISTED]):
        _list(found)
        count += len(found)
    if count:
        log.info("owed", count=count)
        wake(JOB)
    return count


def _unlisted() -> "QuerySet[LedgerLine]":
    """Lines become visible in another order than they were written: the last hour of those that
    are listed is looked through again."""
    newest = ExportedLine.objects.aggregate(at=Max("written_at"))["at"]
    found = LedgerLine.objects.filter(kind__in=SPENT, exported__isnull=True)
    if newest is not None:
        found = found.filter(created_at__gte=newest - SETTLED)
    return found.order_by("created_at", "id")


@rows.atomically
def _list(lines: Sequence[LedgerLine]) -> None:
    at = now()
    ExportedLine.objects.bulk_create(
        [ExportedLine(line=line, written_at=line.created_at, due_at=at) for line in lines],
        ignore_conflicts=True,
    )


# --- telling --------------------------------------------------------------------------------------


def lines_to_tell() -> "QuerySet[ExportedLine]":
    """Lines that the billing service is to be told of."""
    waiting = ExportedLine.objects.filter(due_at__isnull=False)
    return waiting.none() if breakers.is_shut(SERVICE) else waiting


def export() -> int:
    """Tell of due lines, a batch at a time, until none is due. Returns how many were taken."""
    count = 0
    while is_on() and not ending():
        taken = leases.claim(lines_to_tell(), limit=billing.MOST, seconds=120)
        if not taken:
            break
        if not breakers.allowed(SERVICE):
            leases.release(taken)
            break
        count += len(taken)
        _tell(taken)
    return count


def _tell(taken: list[ExportedLine]) -> None:
    """Tell of a batch; one that is refused without saying for which event, in halves."""
    lines = LedgerLine.objects.in_bulk([row.line_id for row in taken])
    waiting = [taken]
    while waiting:
        batch = waiting.pop()
        connection = billing.Connection(settings.BILLING_BASE_URL, settings.BILLING_TOKEN)
        outcome = billing.tell(connection, [event_of(lines[row.line_id]) for row in batch])
        failures = 1 if outcome.is_away else 0
        breakers.note(SERVICE, answered=not failures, failures=failures, error=outcome.error)
        if outcome.divide and len(batch) > 1:
            middle = len(batch) // 2
            waiting += [batch[middle:], batch[:middle]]
        elif outcome.error:
            put_off = [row for rest in waiting for row in rest] + batch
            record_failure(put_off, error=outcome.error, retry_after=outcome.retry_after)
            return
        else:
            refused = dict(outcome.refused)
            if outcome.divide:
                refused = {0: outcome.divide}
            left = record_outcomes(batch, refused=refused)
            if left:
                waiting.append(left)


def event_of(line: LedgerLine) -> dict[str, Any]:
    """A line as the billing service takes it. Polar wants `_cost` in cents."""
    return {
        "name": f"usage.{line.what or 'other'}",
        "external_id": str(line.pk),
        "external_customer_id": f"user:{line.owner_id}" if line.owner_id else line.audience,
        "timestamp": zulu(line.created_at),
        "metadata": {
            "kind": line.kind,
            "audience": line.audience,
            "provider": line.provider,
            "model": line.model,
            "units": line.units,
            "subject": line.subject,
            "amount": amount(line.amount),
            "_cost": {"amount": float(line.amount * 100), "currency": "usd"},
        },
    }


@rows.atomically
def record_outcomes(
    batch: Sequence[ExportedLine], /, *, refused: dict[int, str]
) -> list[ExportedLine]:
    """Record each event's own outcome: what was refused is dead. Where some were refused nothing
    was taken, so the others are given back, to be sent again."""
    if not refused:
        for row in batch:
            leases.finish(row, state=State.TOLD, told_at=now(), outcome="")
        log.info("told", count=len(batch))
        return []
    for place, why in refused.items():
        row = batch[place]
        leases.finish(row, state=State.DEAD, outcome=why[:LONGEST_WORDS])
        log.warning("refused", line=str(row.line_id), reason=why[:LONGEST_WORDS])
    return [row for place, row in enumerate(batch) if place not in refused]


@rows.atomically
def record_failure(
    batch: Sequence[ExportedLine], /, *, error: str, retry_after: float | None = None
) -> None:
    """Put off what could not be told; what has failed too often is dead."""
    log.warning("failed", count=len(batch), error=error)
    for row in batch:
        if row.failures + 1 >= MOST_FAILURES:
            leases.finish(row, state=State.DEAD, outcome=error[:LONGEST_WORDS])
            continue
        pause = leases.backoff(row.failures, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        leases.put_off(row, seconds=max(pause, retry_after or 0.0), error=error)


# --- by hand --------------------------------------------------------------------------------------


@rows.atomically
def replay(*, actor: User, line_ids: Collection[UUID]) -> int:
    """Staff: tell of these lines again, told or dead. Returns how many are due.

    Raises:
        Forbidden: `actor` is not staff.
    """
    if not actor.is_staff:
        raise Forbidden
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now())
    count = ExportedLine.objects.filter(free, pk__in=line_ids).update(
        state=State.OWED, due_at=now(), leased_until=None, failures=0, outcome=""
    )
    log.info("replayed", count=count, user=actor.pk)
    wake(JOB)
    return count
