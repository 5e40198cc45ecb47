"""What waits to be worked, for staff: by kind of work, the earliest due first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from generations.models import Output, Preview, Projection, RegisterEntry
from genproj.kernel.clock import now
from genproj.webhooks.models import Receipt

#: kind -> (heading, its rows, the field that names the entry, its page in the admin)
KINDS: dict[str, tuple[str, type[Model], str, str]] = {
    "entries": ("Calls to providers", RegisterEntry, "pk", "generations_registerentry_change"),
    "outputs": ("Outputs to collect", Output, "entry_id", "generations_registerentry_change"),
    "projections": ("Projections to run", Projection, "entry_id", "generations_projection_change"),
    "previews": ("Previews to make", Preview, "output__entry_id", ""),
    "receipts": ("Deliveries to apply", Receipt, "subject", "webhooks_receipt_change"),
}


@dataclass(frozen=True)
class WaitingRow:
    """One row that awaits work."""

    id: Any
    words: str
    entry: str
    due_at: datetime
    is_overdue: bool
    is_held: bool
    leased_until: datetime | None
    attempts: int
    failures: int
    last_error: str


@dataclass(frozen=True)
class WaitingGroup:
    """The rows of one kind of work; `count` counts also those that are not listed."""

    kind: str
    heading: str
    count: int
    rows: tuple[WaitingRow, ...]


def waiting_work(*, most: int) -> list[WaitingGroup]:
    """All that has a due moment, and the small pictures that were given up."""
    at = now()
    return [
        _group(kind, heading, model, entry, most, at)
        for kind, (heading, model, entry, _page) in KINDS.items()
    ]


def _group(
    kind: str, heading: str, model: type[Model], entry: str, most: int, at: datetime
) -> WaitingGroup:
    found = model._default_manager.filter(due_at__isnull=False).order_by("due_at")
    if model is Preview:
        found = found.select_related("output")
    rows = tuple(_row(row, kind, at) for row in found[:most])
    count = len(rows) if len(rows) < most else found.count()
    return WaitingGroup(kind, heading, count, rows)


def _row(row: Any, kind: str, at: datetime) -> WaitingRow:
    entry = {
        "entries": lambda: row.pk,
        "outputs": lambda: row.entry_id,
        "projections": lambda: row.entry_id,
        "previews": lambda: row.output.entry_id,
        "receipts": lambda: row.subject,
    }[kind]()
    held = row.leased_until is not None and row.leased_until > at
    return WaitingRow(
        id=row.pk,
        words=str(row),
        entry=str(entry),
        due_at=row.due_at,
        is_overdue=row.due_at <= at and not held,
        is_held=held,
        leased_until=row.leased_until,
        attempts=row.attempts,
        failures=row.failures,
        last_error=row.last_error,
    )
