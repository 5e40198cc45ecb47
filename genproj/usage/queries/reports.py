"""A month of money: by day, person, audience, model and kind; what cost most; line by line."""

import calendar
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from genproj import audiences
from genproj.kernel import paging
from genproj.kernel.clock import now, zulu
from genproj.kernel.errors import Malformed
from genproj.kernel.paging import Cursor
from genproj.usage.models import LedgerLine
from genproj.usage.queries.budgets import amount
from genproj.usage.queries.totals import MILLIONTHS, SPENT, Scope, dollars, month_of, scoped

Kind = LedgerLine.Kind

WHATS = tuple(LedgerLine.What.values)
TOP = 10
NOBODY = ""
#: how a cell may begin that a spreadsheet would take for a formula
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Whose:
    """Whose money is looked at: that of a scope, or everybody's."""

    scope: Scope | None

    @property
    def lines(self) -> "QuerySet[LedgerLine]":
        if self.scope is None:
            return LedgerLine.objects.all()
        return LedgerLine.objects.filter(scoped(self.scope))


@dataclass(frozen=True)
class Month:
    """A calendar month in UTC."""

    begin: datetime
    end: datetime

    @property
    def name(self) -> str:
        return f"{self.begin:%Y-%m}"

    @property
    def length(self) -> int:
        return calendar.monthrange(self.begin.year, self.begin.month)[1]

    @property
    def is_now(self) -> bool:
        return self.begin <= now() < self.end


@dataclass(frozen=True)
class Part:
    """One share of what was spent. `units` counts pictures, films or tokens, where that says
    anything."""

    key: str
    name: str
    spent: Decimal
    units: int


@dataclass(frozen=True)
class Report:
    """What a month cost. `projected`: at its end, if it goes on as it went so far."""

    month: Month
    spent: Decimal
    held: Decimal
    projected: Decimal
    days: list[tuple[date, Decimal]]
    people: list[Part]
    audiences: list[Part]
    models: list[Part]
    kinds: list[Part]
    top: list[tuple[str, Decimal]]


@dataclass(frozen=True)
class LineRow:
    """A line of the ledger with the name of whose it is."""

    line: LedgerLine
    person: str | None
    held: Decimal | None


@dataclass(frozen=True)
class LinePage:
    """One page of lines and the cursors of its neighbours."""

    results: list[LineRow]
    next: str | None
    previous: str | None


def whose(audience: str) -> Whose:
    """The money of an audience; of a person, all that they asked for."""
    return Whose(Scope(audience))


def everybody() -> Whose:
    """All money, for staff."""
    return Whose(None)


def month_named(name: str | None) -> Month:
    """The month `2026-11`; without a name the present one.

    Raises:
        Malformed: there is no such month.
    """
    if not name:
        return Month(*month_of(now()))
    try:
        year, _, number = name.partition("-")
        if len(name) != 7 or not (year + number).isdecimal():
            raise ValueError(name)
        return Month(*month_of(datetime(int(year), int(number), 1, tzinfo=UTC)))
    except (ValueError, OverflowError):
        raise Malformed("month must be a month such as 2026-01.") from None


def report(of: Whose, month: Month) -> Report:
    """Everything about one month."""
    lines = of.lines.filter(
        kind__in=SPENT, created_at__gte=month.begin, created_at__lt=month.end
    ).order_by()
    days = _days(lines, month)
    spent = sum((paid for _, paid in days), Decimal(0))
    return Report(
        month=month,
        spent=spent,
        held=_held(of),
        projected=_projected(spent, month),
        days=days,
        people=_people(lines),
        audiences=_audiences(lines),
        models=_parts(lines, "model"),
        kinds=_parts(lines, "what"),
        top=_top(lines),
    )


def _held(of: Whose) -> Decimal:
    found = of.lines.filter(kind=Kind.HOLD, closed_by__isnull=True)
    return dollars(found.aggregate(total=Sum(MILLIONTHS))["total"])


def _days(lines: "QuerySet[LedgerLine]", month: Month) -> list[tuple[date, Decimal]]:
    by_day = lines.annotate(day=TruncDate("created_at", tzinfo=UTC)).values("day")
    paid = {row["day"]: dollars(row["paid"]) for row in by_day.annotate(paid=Sum(MILLIONTHS))}
    first = month.begin.date()
    every = (first + timedelta(days=number) for number in range(month.length))
    return [(day, paid.get(day, Decimal(0))) for day in every]


def _projected(spent: Decimal, month: Month) -> Decimal:
    if not month.is_now:
        return spent
    # on the first day a month's projection would be a wild guess
    gone = max((now() - month.begin) / timedelta(days=1), 1.0)
    return (spent * month.length / Decimal(gone)).quantize(Decimal("0.01"))


def _grouped(lines: "QuerySet[LedgerLine]", column: str) -> list[tuple[Any, Decimal, int]]:
    found = lines.values(column).annotate(paid=Sum(MILLIONTHS), count=Sum("units"))
    rows = [(row[column], dollars(row["paid"]), row["count"] or 0) for row in found]
    return sorted(rows, key=lambda row: (-row[1], str(row[0])))


def _parts(lines: "QuerySet[LedgerLine]", column: str) -> list[Part]:
    return [Part(str(key), str(key), spent, units) for key, spent, units in _grouped(lines, column)]


def _people(lines: "QuerySet[LedgerLine]") -> list[Part]:
    rows = _grouped(lines, "owner")
    ids = [key for key, *_ in rows if key is not None]
    names = dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
    return [
        Part("" if key is None else str(key), names.get(key, NOBODY), spent, units)
        for key, spent, units in rows
    ]


def _audiences(lines: "QuerySet[LedgerLine]") -> list[Part]:
    rows = _grouped(lines, "audience")
    names = audiences.names_of([key for key, *_ in rows])
    return [Part(key, names.get(key, key), spent, units) for key, spent, units in rows]


def _top(lines: "QuerySet[LedgerLine]") -> list[tuple[str, Decimal]]:
    found = lines.values("subject").annotate(paid=Sum(MILLIONTHS)).order_by("-paid", "subject")
    return [(row["subject"], dollars(row["paid"])) for row in found[:TOP]]


# --- line by line ---------------------------------------------------------------------------------


def line_page(
    of: Whose, month: Month, *, what: str | None, cursor: Cursor | None, size: int
) -> LinePage:
    """A page of the month's lines, newest first."""
    found = of.lines.filter(_within(month, what))
    slice = paging.merge([paging.keys(found, cursor, size)], cursor, size)
    by_id = LedgerLine.objects.select_related("closes", "owner").in_bulk(slice.ids)
    rows = [_row(by_id[id]) for id in slice.ids if id in by_id]
    return LinePage(rows, slice.next, slice.previous)


def _within(month: Month, what: str | None) -> Q:
    found = Q(created_at__gte=month.begin, created_at__lt=month.end)
    return found & Q(what=what) if what else found


def _row(line: LedgerLine) -> LineRow:
    return LineRow(
        line=line,
        person=line.owner.get_username() if line.owner else None,
        held=line.closes.amount if line.closes else None,
    )


def line_json(row: LineRow) -> dict[str, Any]:
    """A line as programs see it."""
    line = row.line
    return {
        "id": str(line.pk),
        "kind": line.kind,
        "what": line.what,
        "units": line.units,
        "amount": amount(line.amount),
        "held": None if row.held is None else amount(row.held),
        "subject": line.subject,
        "audience": line.audience,
        "person": row.person,
        "provider": line.provider,
        "model": line.model,
        "reason": line.reason,
        "created_at": zulu(line.created_at),
    }


def report_json(found: Report) -> dict[str, Any]:
    """A month as programs see it."""
    return {
        "month": found.month.name,
        "currency": "USD",
        "spent": amount(found.spent),
        "held": amount(found.held),
        "projected": amount(found.projected),
        "days": [{"day": f"{day}", "spent": amount(paid)} for day, paid in found.days],
        "people": [_part_json(part) for part in found.people],
        "audiences": [_part_json(part) for part in found.audiences],
        "models": [_part_json(part) for part in found.models],
        "kinds": [_part_json(part) for part in found.kinds],
        "top": [{"subject": subject, "spent": amount(paid)} for subject, paid in found.top],
    }


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "key": part.key,
        "name": part.name,
        "spent": amount(part.spent),
        "units": part.units,
    }


def csv_of(of: Whose, month: Month, *, what: str | None = None) -> str:
    """The month's lines as a table for spreadsheets, oldest first."""
    file = io.StringIO()
    writer = csv.writer(file)
    for place, row in enumerate(_told(of, month, what)):
        if place == 0:
            writer.writerow(row)
        writer.writerow([_harmless(value) for value in row.values()])
    return file.getvalue()


def _told(of: Whose, month: Month, what: str | None) -> Iterator[dict[str, Any]]:
    found = of.lines.filter(_within(month, what)).select_related("closes", "owner")
    for line in found.order_by("created_at", "id").iterator(2000):
        yield line_json(_row(line))


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return value
