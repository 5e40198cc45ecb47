"""Writes the ledger: holds, what closes them, and charges. Its lines are never changed.

The holds of a subject are numbered, and a number is taken once. The next one is written only by
who has seen the one before it closed, so of two at once the second finds the first's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import bulk, logs, rows
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.usage.models import LedgerLine
from genproj.usage.operations import budgets
from genproj.usage.operations.costs import Cost, exact

Kind = LedgerLine.Kind

log = logs.component("ledger")


@rows.atomically
def hold(
    *,
    subject: str,
    audience: str,
    owner: User | None,
    amount: Decimal,
    provider: str,
    model: str,
    reason: str,
    what: str = "",
    units: int = 0,
    priced: bool = True,
) -> LedgerLine:
    """Set an amount aside. A subject whose hold is open keeps that one, as it is.

    Safe to repeat. Who closes the hold at the same time comes before or after, never between.

    Args:
        what: what it is for (`LedgerLine.What`), and `units`: how many of them.
        priced: false, when nobody knows what it will cost.

    Raises:
        AmountRefused: the ledger cannot write this amount down exactly.
        BudgetExhausted: it does not fit into a budget.
        PriceUnknown: it has no price, and a budget covers it.
    """
    cost = Cost(
        *(subject, audience, _pk(owner), exact(amount), provider, model, reason),
        *(what, units, priced),
    )
    budgets.lock_budgets(audience=audience, owner_id=cost.owner_id)
    while True:
        held = _holds([subject])
        if held.open:
            return held.open[0]
        budgets.admit([cost])
        line = _line(Kind.HOLD, cost, key=str(held.count + 1))
        if (written := _written_once(line)).pk == line.pk:
            _announce([written])
            return written


@rows.atomically
def hold_first(costs: Mapping[UUID, Cost], /) -> None:
    """Set amounts aside for subjects that were made in this very transaction: one statement.

    Each hold is written under the id that its maker knows it by.

    Raises:
        IntegrityError: one of them has been held before.
        BudgetExhausted, PriceUnknown: as for `hold`; then none of them is.
    """
    budgets.admit(list(costs.values()))
    bulk.insert_all([_line(Kind.HOLD, cost, key="1", id=id) for id, cost in costs.items()])


@rows.atomically
def close_first(costs: Mapping[UUID, Cost], /) -> None:
    """Close holds by their ids, without a look at them, at what they cost; 0 releases.

    For who is sure that they are open: the maker of these holds, who closes them only under the
    lock of what they are for. One that is closed all the same stays as it is.
    """
    bulk.insert_all([_closing(id, cost) for id, cost in costs.items()], passing_over=True)


@rows.atomically
def settle(*, subject: str, cost: Decimal, reason: str) -> LedgerLine | None:
    """Close the open hold of a subject at the real cost, which may exceed it.

    None when none is open: of two who close at once, the second gets None. A cost of 0 releases.

    Raises:
        AmountRefused: the ledger cannot write this amount down exactly.
    """
    return next(iter(close_all(costs={subject: cost}, reasons={subject: reason})), None)


@rows.atomically
def release(*, subject: str, reason: str) -> LedgerLine | None:
    """Close the open hold of a subject at nothing. None when none is open."""
    return next(iter(close_all(costs={subject: Decimal(0)}, reasons={subject: reason})), None)


@rows.atomically
def close_all(
    *,
    costs: Mapping[str, Decimal],
    reasons: Mapping[str, str],
    units: Mapping[str, int] | None = None,
) -> list[LedgerLine]:
    """Close the open holds of many subjects at their real costs; 0 releases.

    Returns the closing lines; a subject without an open hold has none among them. `units` says
    how many have come; by default as many as were held for, and of a released one none.
    """
    amounts = {subject: exact(cost) for subject, cost in costs.items()}
    return _close(_holds(amounts, only_open=True).open, amounts, reasons, units or {})


@rows.atomically
def charge(
    *,
    subject: str,
    key: str,
    amount: Decimal,
    audience: str,
    owner: User | None,
    provider: str,
    model: str,
    reason: str,
    what: str = "",
    units: int = 0,
) -> LedgerLine:
    """Write down a cost that no hold is open for. Repeated with the same key: the first line.

    Raises:
        AmountRefused: the ledger cannot write this amount down exactly.
    """
    if not key:
        raise ValueError("A charge needs the key that makes it happen once.")
    cost = Cost(subject, audience, _pk(owner), amount, provider, model, reason, what, units)
    line = _line(Kind.CHARGE, cost, key=key)
    if (written := _written_once(line)).pk == line.pk:
        _announce([line])
    return written


def _announce(lines: Sequence[LedgerLine]) -> None:
    """Log what was written, once it is for good."""
    for line in lines:
        write = partial(log.info, line.kind, subject=line.subject, amount=str(line.amount))
        rows.after_commit(logs.carried(write))


def _pk(owner: User | None) -> int | None:
    return owner.pk if owner else None


@dataclass(frozen=True)
class _Held:
    open: list[LedgerLine]
    count: int


def _holds(subjects: Iterable[str], *, only_open: bool = False) -> _Held:
    """The holds of subjects, locked, and those of them that nothing has closed."""
    found = LedgerLine.objects.filter(subject__in=list(subjects), kind=Kind.HOLD).order_by("id")
    if only_open:
        found = found.filter(closed_by__isnull=True)
    if rows.locks_rows():
        found = found.select_for_update(of=("self",))
    lines = list(found)
    if not lines or (only_open and not rows.locks_rows()):
        return _Held(open=lines, count=len(lines))
    # A second statement, because who waited for the lock has read what closed them too early.
    closed = set(
        LedgerLine.objects.filter(closes__in=[line.pk for line in lines]).values_list(
            "closes_id", flat=True
        )
    )
    return _Held(open=[line for line in lines if line.pk not in closed], count=len(lines))


def _close(
    held: Sequence[LedgerLine],
    costs: Mapping[str, Decimal],
    reasons: Mapping[str, str],
    units: Mapping[str, int],
) -> list[LedgerLine]:
    lines = [
        _closing(
            line.pk,
            Cost(
                subject=line.subject,
                audience=line.audience,
                owner_id=line.owner_id,
                amount=costs[line.subject],
                provider=line.provider,
                model=line.model,
                reason=reasons[line.subject],
                what=line.what,
                units=units.get(line.subject, line.units if costs[line.subject] else 0),
            ),
        )
        for line in held
    ]
    _announce(lines)
    return LedgerLine.objects.bulk_create(lines) if lines else []


def _closing(hold_id: UUID, cost: Cost) -> LedgerLine:
    line = _line(Kind.SETTLE if cost.amount else Kind.RELEASE, cost)
    line.closes_id = hold_id
    return line


def _line(kind: str, cost: Cost, *, key: str = "", id: UUID | None = None) -> LedgerLine:
    return LedgerLine(
        id=id or uuid7(),
        kind=kind,
        subject=cost.subject,
        key=key,
        amount=exact(cost.amount),
        audience=cost.audience,
        owner_id=cost.owner_id,
        provider=cost.provider,
        model=cost.model,
        reason=cost.reason[:200],
        what=cost.what,
        units=cost.units,
        created_at=now(),
    )


def _written_once(line: LedgerLine) -> LedgerLine:
    """The line, or the one that took its key before it."""
    LedgerLine.objects.bulk_create([line], ignore_conflicts=True)
    return LedgerLine.objects.get(subject=line.subject, kind=line.kind, key=line.key)
