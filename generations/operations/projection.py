"""Runs projectors: each (entry, projector, stage) once; together, and each alone if that fails."""

import pkgutil
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.db.models import QuerySet

from generations.errors import EntryError, error
from generations.models import Projection, RegisterEntry
from generations.operations import announcing, desk, naming
from genproj.kernel import figures, leases, logs, rows
from genproj.kernel.clock import now
from genproj.projectors import PROJECTORS, STAGES
from genproj.runtime.operations import is_on

BATCH = 100
#: while this switch is on, entries opened for a drill fail to be projected
DRILL = "drill:projection"

log = logs.component("projection")


class ProjectionDrill(Exception):
    """Staff practise: the drill switch is on, and this entry was opened for the drill."""


def projections_to_run() -> QuerySet[Projection]:
    """Stages that a projector has not seen yet."""
    return Projection.objects.filter(due_at__isnull=False).select_related("entry")


def project() -> int:
    """Run a batch of due projections: together, and each on its own if that fails."""
    taken = leases.claim(projections_to_run(), limit=BATCH)
    groups: dict[tuple[str, str], list[Projection]] = {}
    for row in sorted(taken, key=_place):
        groups.setdefault((row.projector, row.stage), []).append(row)
    for group in groups.values():
        if len(group) == 1 or not _ran_together(group):
            for row in group:
                run_one(row)
    return len(taken)


def _place(row: Projection) -> int:
    """Earlier stages are looked at first, as far as they were taken together."""
    return STAGES.index(row.stage) if row.stage in STAGES else len(STAGES)


def _ran_together(group: Sequence[Projection]) -> bool:
    return leases.attempt(lambda: run(group), failed=lambda reason: None)


@rows.atomically
def run(group: Sequence[Projection]) -> None:
    """Run one stage of one projector over several entries and mark it done, in one transaction.

    Rows that another attempt has taken over, or has done, are left out.
    """
    at = now()
    row = PROJECTORS[group[0].projector]
    projector: Callable[[list[RegisterEntry]], None] = pkgutil.resolve_name(
        row.runs[group[0].stage]
    )
    if row.locks:
        pkgutil.resolve_name(row.locks)(sorted({row.entry_id for row in group}))
    entries = _entries_of(group)
    group = _still_ours(group)
    if not group:
        return
    ours = {row.entry_id for row in group}
    entries = [entry for entry in entries if entry.pk in ours]
    if is_on(DRILL) and any(entry.annotations.get("drill") for entry in entries):
        raise ProjectionDrill("The drill switch is on.")
    projector(entries)
    Projection.objects.filter(pk__in=[row.pk for row in group]).update(
        due_at=None, leased_until=None, last_error="", done_at=at, failed_at=None, cause=None
    )
    if failed := {row.entry_id for row in group if row.failed_at}:
        clear_blame(failed)
    rows.after_commit(lambda: _announce(group))


def _still_ours(group: Sequence[Projection]) -> list[Projection]:
    """The rows as they stand under the lock of their entries, if their claims still hold them."""
    claims = {(row.pk, row.attempts) for row in group}
    found = Projection.objects.filter(
        pk__in=[row.pk for row in group], done_at__isnull=True
    ).select_related("entry")
    return [row for row in found if (row.pk, row.attempts) in claims]


def _announce(group: Sequence[Projection]) -> None:
    for row in group:
        log.info("projected", **_ids(row))


def _ids(row: Projection) -> dict[str, str]:
    """What every line about a projection names."""
    return naming.ids_of(row.entry) | {"projector": row.projector, "stage": row.stage}


def _entries_of(group: Sequence[Projection]) -> list[RegisterEntry]:
    """The entries as they are now, once each, locked in id order."""
    found = RegisterEntry.objects.filter(
        pk__in={row.entry_id for row in group}, purged_at__isnull=True
    ).order_by("pk")
    if rows.locks_rows():
        found = found.select_for_update()
    return list(found.prefetch_related("tags"))


def run_one(row: Projection) -> bool:
    """Run one projection on its own; what it raises is recorded and waits for a person.

    Only a lost database connection is different: it is passed on, and the lease brings the row
    back. Returns whether it succeeded.
    """
    try:
        run([row])
    except OperationalError:
        raise
    except Exception as reason:  # noqa: BLE001 - a projector is another app's code
        record_failure(row, reason=reason)
        return False
    return True


@rows.atomically
def record_failure(row: Projection, *, reason: BaseException) -> None:
    """Leave the failure on the projection and on its entry, whose state does not change."""
    at = now()
    figures.PROJECTION_FAILURES.labels(projector=row.projector).inc()
    cause = causes(reason)
    log.error(
        "projection_failed",
        **_ids(row),
        error=str(cause["error"]),
    )
    if not leases.finish(row, failed_at=at, cause=cause, resolved_at=None, resolved_reason=""):
        return
    item = desk.open_entries([row.entry_id]).get(row.entry_id)
    if item is None:
        return
    before = item.entry.error
    if before and before.get("code") == EntryError.PROJECTION_FAILED:
        before = before.get("before")
    problem = error(
        EntryError.PROJECTION_FAILED,
        "It is complete, but could not be written to the catalogue.",
        projector=row.projector,
        cause=cause,
    )
    item.blame(problem | {"before": before})
    item.notable = True
    announcing.announce_projection_failed(row, entry=item.entry)
    desk.put_back([item], at=at)


def causes(reason: BaseException) -> dict[str, Any]:
    """An exception with its chain and where it was raised, as it is kept for staff."""
    chain: list[str] = []
    link: BaseException | None = reason
    while link is not None and len(chain) < 5:
        chain.append(f"{type(link).__name__}: {link}"[:500])
        link = link.__cause__ or link.__context__
    last = traceback.extract_tb(reason.__traceback__)[-1:]
    where = [f"{frame.name} line {frame.lineno}" for frame in last]
    return {"error": chain[0], "chain": chain[1:], "where": where[0] if where else ""}


@rows.atomically
def clear_blame(entry_ids: Iterable[UUID]) -> None:
    """Take `projection_failed` off entries of which no projection is failed any more; the error
    that stood there before comes back, and the cleared one becomes history."""
    at = now()
    still = set(
        Projection.objects.filter(
            entry__in=list(entry_ids), failed_at__isnull=False, resolved_at__isnull=True
        ).values_list("entry_id", flat=True)
    )
    opened = desk.open_entries(set(entry_ids) - still)
    for item in opened.values():
        problem = item.entry.error
        if problem and problem.get("code") == EntryError.PROJECTION_FAILED:
            item.change(error_history=[*item.entry.error_history, problem])
            item.change(error=problem.get("before"))
            item.notable = True
    desk.put_back(opened.values(), at=at)
