"""Sums over the ledger for one audience, person or model: exact, and quick in a long month."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import BigIntegerField, F, Min, Q, QuerySet, Sum
from django.db.models.functions import Cast, Round

from genproj.kernel.clock import now
from genproj.kernel.memory import remembered
from genproj.usage.models import LedgerLine

Kind = LedgerLine.Kind
SPENT = (Kind.SETTLE, Kind.CHARGE)
#: longer than any transaction: what was written before it is there to be read
SETTLED = timedelta(hours=1)
#: `amount` as whole millionths, because SQLite adds decimals as floats
MILLIONTHS = Cast(Round(F("amount") * 1_000_000), BigIntegerField())


@dataclass(frozen=True)
class Scope:
    """Whose money is meant. `user:5` is all that person 5 asks for, in spaces too."""

    audience: str
    person_id: int | None = None
    model: str = ""


@dataclass(frozen=True)
class Used:
    """What was spent since the month began, and what is set aside just now."""

    spent: Decimal
    held: Decimal

    @property
    def total(self) -> Decimal:
        return self.spent + self.held


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """The calendar month (UTC) that a moment lies in: its beginning and its end."""
    begin = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return begin, (begin + timedelta(days=32)).replace(day=1)


def scoped(scope: Scope) -> Q:
    """The lines of a scope."""
    kind, _, key = scope.audience.partition(":")
    found = Q(audience=scope.audience)
    if kind == "user" and key.isdecimal():
        found |= Q(owner=int(key))
    if scope.person_id is not None:
        found &= Q(owner=scope.person_id)
    return found & Q(model=scope.model) if scope.model else found


def used(scope: Scope) -> Used:
    """What is used of this month.

    What is held is read before what was spent: of a hold that is closed in between, the money is
    then counted twice instead of not at all.
    """
    moment = now()
    held = held_in(scope)
    begin, _ = month_of(moment)
    known = max(begin, moment.replace(minute=0, second=0, microsecond=0) - SETTLED)
    spent = _spent_long_ago(scope, begin, known) if known > begin else Decimal(0)
    return Used(spent=spent + spent_in(scope, known, None), held=held)


def spent_in(scope: Scope, since: datetime, until: datetime | None) -> Decimal:
    """What was really paid from one moment up to, but not at, another."""
    found = LedgerLine.objects.filter(scoped(scope), kind__in=SPENT, created_at__gte=since)
    if until is not None:
        found = found.filter(created_at__lt=until)
    return summed(found)


@remembered(3600.0)
def _spent_long_ago(scope: Scope, since: datetime, until: datetime) -> Decimal:
    """Lines are never changed, so the sum of those that are an hour old stays what it is."""
    return spent_in(scope, since, until)


def held_in(scope: Scope) -> Decimal:
    """What is set aside just now."""
    return summed(_open(scope).filter(created_at__gte=_oldest_open(scope)))


@remembered(60.0)
def _oldest_open(scope: Scope) -> datetime:
    """Before it every hold is closed, and a closed one stays so."""
    oldest = _open(scope).aggregate(oldest=Min("created_at"))["oldest"]
    return min(oldest or now(), now()) - SETTLED


def _open(scope: Scope) -> "QuerySet[LedgerLine]":
    return LedgerLine.objects.filter(scoped(scope), kind=Kind.HOLD, closed_by__isnull=True)


def summed(lines: "QuerySet[LedgerLine]") -> Decimal:
    """The lines' amounts, exactly."""
    return dollars(lines.aggregate(total=Sum(MILLIONTHS))["total"])


def dollars(millionths: int | None) -> Decimal:
    """Whole millionths as an amount."""
    return Decimal(millionths or 0).scaleb(-6)
