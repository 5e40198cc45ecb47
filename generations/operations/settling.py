"""The moment of completion: set once, in the transaction that saw the last expected output."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q

from generations.models import Projection
from generations.states import Facts, derive_state
from genproj.kernel import figures, logs
from genproj.kernel.wake import wake
from genproj.projectors import PROJECTORS

if TYPE_CHECKING:
    from generations.operations.desk import Opened

log = logs.component("settling")


def settle(item: Opened, *, at: datetime) -> None:
    """Complete the entry when every slot is filled and nothing is being fetched. Safe to repeat."""
    entry = item.entry
    if item.missing == 0 and not entry.completed_at and entry.due_at is not None:
        item.change(due_at=None)  # nothing is left that the provider could tell
    if entry.completed_at or item.missing or item.collecting:
        return
    complete(item, at=at)


def complete(item: Opened, *, at: datetime) -> None:
    """Set `completed_at`, whatever is missing. Completed entries stay as they are."""
    if item.entry.completed_at:
        return
    item.change(completed_at=at)
    if not item.entry.cancelled_at:
        item.change(due_at=None)
    item.notable = True


def owe_projections(desk: Iterable[Opened], *, at: datetime) -> None:
    """Write the projection rows of every stage that this change made true."""
    owed: list[Projection] = []
    for item in desk:
        for stage in _stages(item, at=at):
            listening = [name for name, row in PROJECTORS.items() if stage in row.stages]
            owed += [
                Projection(entry=item.entry, projector=name, stage=stage, created_at=at, due_at=at)
                for name in listening
            ]
            if stage == "settled":
                _announce(item)
    if not owed:
        return
    again = [row for row in owed if row.stage == "late"]
    if again:
        # a second late result makes the stage true once more
        Projection.objects.filter(
            Q(stage="late"), entry__in=[row.entry_id for row in again]
        ).update(due_at=at, done_at=None, leased_until=None)
    Projection.objects.bulk_create(owed, ignore_conflicts=True)
    wake("generations.jobs.project")


def _stages(item: Opened, *, at: datetime) -> list[str]:
    stages = []
    if item.entry.completed_at == at:
        stages.append("settled")
    elif item.entry.completed_at and any(output.stored_at == at for output in item.outputs):
        stages.append("late")
    return stages


def _announce(item: Opened) -> None:
    entry = item.entry
    stored = sum(1 for output in item.outputs if output.stored_at)
    state = derive_state(
        Facts(entry.completed_at, entry.cancelled_at, stored, entry.expected_count)
    )
    figures.SETTLED.labels(kind=entry.kind, state=state.value).inc()
    log.info(
        "settled",
        generation=str(entry.pk),
        state=state.value,
        artifacts=stored,
        expected=entry.expected_count,
        request_id=entry.request_id,
    )
