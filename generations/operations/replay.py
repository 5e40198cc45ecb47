"""Replays failed projections: tried first if asked, a row of result each, twice changes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from generations.models import Act, Artifact, Generation, Projection, RegisterEntry
from generations.operations import projection
from genproj.kernel import logs, rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden, Invalid

log = logs.component("replay")


@dataclass(frozen=True)
class Replayed:
    """What the replay of one projection did, or would do."""

    entry: UUID
    projector: str
    stage: str
    outcome: str  # created | changed | unchanged | failed, as tried or as done
    generations: int  # catalogue rows made
    artifacts: int  # artifact rows made
    error: str


class _Undo(Exception):
    """Ends a dry run."""


def failed_projections(
    *, since: datetime | None = None, entry_id: UUID | None = None
) -> QuerySet[Projection]:
    """Projections that failed and that nobody has resolved."""
    found = Projection.objects.filter(failed_at__isnull=False, resolved_at__isnull=True)
    if since:
        found = found.filter(failed_at__gte=since)
    if entry_id:
        found = found.filter(entry_id=entry_id)
    return found.select_related("entry").order_by("failed_at")


def replay(
    *, actor: User | None, projections: Iterable[Projection], dry_run: bool
) -> list[Replayed]:
    """Run failed projections again, each in its own transaction.

    Args:
        actor: who asks; None for the command line.
        dry_run: say what would happen and leave everything as it is.
    """
    _require_staff(actor)
    answer = [_replay_one(row, actor=actor, dry_run=dry_run) for row in projections]
    if not dry_run and answer:
        projection.clear_blame({row.entry for row in answer})
    return answer


def _replay_one(row: Projection, *, actor: User | None, dry_run: bool) -> Replayed:
    before = _counts(row.entry_id)
    found: list[tuple[int, int]] = []

    def run() -> None:
        projection.run([row])
        if not dry_run:
            _note(row.entry_id, actor=actor, act="replay", reason=row.projector)
        found.append(_counts(row.entry_id))
        if dry_run:
            raise _Undo

    failure = ""
    try:
        rows.atomically(run)()
    except _Undo:
        pass
    except Exception as reason:  # noqa: BLE001 - shown in its row; the others are still replayed
        failure = str(projection.causes(reason)["error"])
        if not dry_run:
            projection.record_failure(row, reason=reason)
    after = found[0] if found else before
    made = (after[0] - before[0], after[1] - before[1])
    outcome = "failed" if failure else "created" if any(made) else "unchanged"
    log.info("tried" if dry_run else "replayed", generation=str(row.entry_id), outcome=outcome)
    return Replayed(row.entry_id, row.projector, row.stage, outcome, *made, failure)


def _counts(entry_id: UUID) -> tuple[int, int]:
    return (
        Generation.objects.filter(pk=entry_id).count(),
        Artifact.objects.filter(generation_id=entry_id).count(),
    )


@rows.atomically
def resolve(*, actor: User | None, entry_id: UUID, reason: str) -> int:
    """Mark an entry's failed projections as resolved, with a reason. Returns how many.

    Raises:
        Invalid: there is no reason.
    """
    _require_staff(actor)
    if not reason.strip():
        raise Invalid.one("/reason", "required", "Say why nothing more is to be done.")
    marked = failed_projections(entry_id=entry_id).update(
        resolved_at=now(), resolved_reason=reason.strip()[:300], due_at=None
    )
    if marked:
        _note(entry_id, actor=actor, act="resolve", reason=reason)
        projection.clear_blame([entry_id])
    return marked


def _require_staff(actor: User | None) -> None:
    if actor is not None and not actor.is_staff:
        raise Forbidden


def _note(entry_id: UUID, *, actor: User | None, act: str, reason: str) -> None:
    entry = RegisterEntry.objects.only("pk").get(pk=entry_id)
    Act.objects.create(entry=entry, actor=actor, act=act, reason=reason[:300], at=now())
