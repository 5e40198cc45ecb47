"""Looks for what no hint announced and no lease will bring back; each find is a fault."""

from datetime import timedelta

from generations.models import Output, Preview, Projection, RegisterEntry
from generations.operations import desk
from genproj.kernel import logs, rows, storage
from genproj.kernel.clock import after, now

log = logs.component("sweeps")


def repair_stuck() -> None:
    """Give back their due moment to open rows that have none. Safe to repeat and to run twice."""
    _wake_open_entries()
    _wake_unfetched_outputs()
    storage.tidy(older_than=3600)


@rows.atomically
def _wake_open_entries() -> None:
    """Open entries that wait for the provider, or for nothing at all, but will never be due."""
    lost = RegisterEntry.objects.filter(
        completed_at__isnull=True, due_at__isnull=True, created_at__lt=after(-60)
    ).exclude(outputs__due_at__isnull=False)
    ids = list(lost.values_list("pk", flat=True)[:100])
    if not ids:
        return
    log.error("open_entries_without_a_due_moment", count=len(ids))
    at = now()
    opened = desk.open_entries(ids)
    for item in opened.values():
        if item.missing:
            item.change(due_at=at)
    desk.put_back(opened.values(), at=at)


@rows.atomically
def _wake_unfetched_outputs() -> None:
    """Announced outputs that will never be fetched."""
    lost = Output.objects.filter(
        due_at__isnull=True,
        stored_at__isnull=True,
        error__isnull=True,
        announced_at__lt=after(-60),
        index__isnull=False,
    )
    if count := lost.update(due_at=now()):
        log.error("outputs_without_a_due_moment", count=count)


def oldest_due() -> dict[str, float]:
    """Seconds that the oldest due row of each kind of work has waited; for /metrics."""
    at = now()
    waits = {}
    for model in (RegisterEntry, Output, Projection, Preview):
        first = model.objects.filter(due_at__lte=at).order_by("due_at").first()
        waited = at - first.due_at if first and first.due_at else timedelta(0)
        waits[model.__name__] = waited.total_seconds()
    return waits
