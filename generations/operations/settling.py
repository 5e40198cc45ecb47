"""The moment of completion: set once, in the transaction that saw the last expected output."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from generations.models import Projection
from generations.operations import announcing, naming
from generations.states import Facts, derive_state
from genproj.kernel import bulk, figures, logs
from genproj.kernel.wake import wake
from genproj.projectors import AGAIN, PROJECTORS, STAGES

if TYPE_CHECKING:
    from generations.operations.desk import Opened

log = logs.component("settling")


def settle(item: Opened, *, at: datetime) -> None:
    """Complete the entry when every slot is filled and nothing is being fetched. Safe to repeat."""
    entry = item.entry
    waited_for = not entry.completed_at or entry.cancelled_at
    if item.missing == 0 and waited_for and entry.due_at is not None:
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
        stages = stages_of(item, at=at)
        owed += [
            Projection(entry=item.entry, projector=name, stage=stage, created_at=at, due_at=at)
            for stage in stages
            for name in _listening(item, stage)
        ]
        if "settled" in stages:
            _announce(item)
    if not owed:
        return
    for stage in {row.stage for row in owed} & AGAIN:
        # what is true once more is looked at once more
        Projection.objects.filter(
            stage=stage, entry__in=[row.entry_id for row in owed if row.stage == stage]
        ).update(due_at=at, done_at=None, leased_until=None)
    bulk.insert_all(owed, passing_over=True)
    wake("generations.jobs.project")


def _listening(item: Opened, stage: str) -> list[str]:
    """The projectors that want to hear of this stage of this entry."""
    return [
        name
        for name, row in PROJECTORS.items()
        if stage in row.runs and (not row.only or item.entry.annotations.get(row.only))
    ]


def stages_of(item: Opened, *, at: datetime) -> list[str]:
    """The stages that the change made at `at` made true, in their order."""
    entry = item.entry
    was_open = entry.completed_at is None or entry.completed_at == at
    ended = [output for output in item.ended() if output.index is not None]
    stages = {
        "submitted": entry.dispatched_at == at,
        "progress": entry.completed_at is None and item.has_changed("progress"),
        "output": was_open and bool(ended),
        "settled": entry.completed_at == at,
        "late": not was_open and any(output.stored_at == at for output in ended),
        "final": is_final(item)
        and (entry.completed_at == at or bool(ended) or item.has_changed("due_at")),
    }
    return [stage for stage in STAGES if stages[stage]]


def is_final(item: Opened) -> bool:
    """Whether nothing more is awaited of the provider."""
    entry = item.entry
    return bool(entry.completed_at) and entry.due_at is None and not item.collecting


def _announce(item: Opened) -> None:
    entry = item.entry
    stored = sum(1 for output in item.outputs if output.stored_at)
    state = derive_state(
        Facts(entry.completed_at, entry.cancelled_at, stored, entry.expected_count)
    )
    announcing.announce_settled(item, state=state)
    figures.SETTLED.labels(kind=entry.kind, state=state.value).inc()
    log.info(
        "settled",
        **naming.ids_of(entry),
        state=state.value,
        artifacts=stored,
        expected=entry.expected_count,
    )
