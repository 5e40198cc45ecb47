"""What is held and what was spent, read off the ledger's lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import BigIntegerField, F, QuerySet, Sum
from django.db.models.functions import Cast, Round

from genproj.usage.models import LedgerLine

Kind = LedgerLine.Kind


@dataclass(frozen=True)
class LineView:
    """One movement of money, as pages and programs see it."""

    kind: str  # hold, settle, release, charge
    subject: str
    amount: Decimal
    held: Decimal | None  # what the closed hold had set aside
    audience: str
    owner_id: int | None
    provider: str
    model: str
    reason: str
    at: datetime

    @property
    def is_spent(self) -> bool:
        """Whether this money is gone."""
        return self.kind in {Kind.SETTLE, Kind.CHARGE}


def open_hold(subject: str) -> LedgerLine | None:
    """The hold of a subject that nothing has closed yet."""
    return _open_holds().filter(subject=subject).first()


def lines_of(subject: str) -> list[LineView]:
    """Every movement of a subject's money, oldest first."""
    found = LedgerLine.objects.filter(subject=subject).select_related("closes")
    return [_view(line) for line in found.order_by("created_at", "id")]


def held_by(audience: str) -> Decimal:
    """What is set aside for an audience just now."""
    return _sum(_open_holds().filter(audience=audience))


def spent_by(audience: str, since: datetime, until: datetime) -> Decimal:
    """What an audience really paid from one moment up to, but not at, another."""
    return _sum(
        LedgerLine.objects.filter(
            audience=audience,
            kind__in=[Kind.SETTLE, Kind.CHARGE],
            created_at__gte=since,
            created_at__lt=until,
        )
    )


def open_subjects(prefix: str) -> Iterable[str]:
    """The subjects of this kind (`entry:`) whose hold is open."""
    found = _open_holds().filter(subject__startswith=prefix)
    return found.values_list("subject", flat=True).order_by("subject")


def open_among(subjects: Iterable[str]) -> set[str]:
    """Those of some subjects whose hold is open."""
    found = _open_holds().filter(subject__in=list(subjects))
    return set(found.values_list("subject", flat=True))


def _open_holds() -> QuerySet[LedgerLine]:
    return LedgerLine.objects.filter(kind=Kind.HOLD, closed_by__isnull=True)


def _sum(lines: QuerySet[LedgerLine]) -> Decimal:
    """Added up in whole millionths, because SQLite adds decimals as floats."""
    millionths = Cast(Round(F("amount") * 1_000_000), BigIntegerField())
    total = lines.aggregate(total=Sum(millionths))["total"] or 0
    return Decimal(total).scaleb(-6)


def _view(line: LedgerLine) -> LineView:
    return LineView(
        kind=line.kind,
        subject=line.subject,
        amount=line.amount,
        held=line.closes.amount if line.closes else None,
        audience=line.audience,
        owner_id=line.owner_id,
        provider=line.provider,
        model=line.model,
        reason=line.reason,
        at=line.created_at,
    )
