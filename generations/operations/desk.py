"""Opens entries to be changed: locked in id order, with their outputs, written back together.

Every operation that changes an entry does so here, so that completion, projection, frames and
the next look at the provider are decided in one place, in the transaction of the change.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from generations.models import Output, RegisterEntry
from generations.operations import frames, money, settling
from genproj.kernel import bulk, rows
from genproj.kernel.clock import now


class Opened:
    """One entry on the desk: its row, its outputs, and what of both has been changed."""

    def __init__(self, entry: RegisterEntry, outputs: list[Output]) -> None:
        self.entry = entry
        self.outputs = outputs
        self.added: list[Output] = []
        self.notable = False  # whether a person could notice the change
        self.entry_changes: dict[str, Any] = {}
        self.output_changes: dict[UUID, dict[str, Any]] = {}

    def change(self, **facts: Any) -> None:
        """Change facts of the entry."""
        for name, value in facts.items():
            if getattr(self.entry, name) != value:
                setattr(self.entry, name, value)
                self.entry_changes[name] = value

    def change_output(self, output: Output, **facts: Any) -> None:
        """Change facts of one of its outputs."""
        for name, value in facts.items():
            setattr(output, name, value)
        if output not in self.added:
            self.output_changes.setdefault(output.pk, {}).update(facts)

    def has_changed(self, name: str) -> bool:
        """Whether this fact of the entry was changed on the desk."""
        return name in self.entry_changes

    def ended(self) -> list[Output]:
        """The outputs that were stored or failed on the desk."""
        changed = [
            output
            for output in self.outputs
            if self.output_changes.get(output.pk, {}).keys() & {"stored_at", "error"}
        ]
        return [output for output in (*changed, *self.added) if output.is_terminal]

    def add(self, output: Output) -> None:
        """Add an output."""
        self.outputs.append(output)
        self.added.append(output)

    def blame(self, error: dict[str, Any]) -> None:
        """Set the entry's error; the one that stood there becomes history."""
        if self.entry.error:
            self.change(error_history=[*self.entry.error_history, self.entry.error])
        self.change(error=error)

    @property
    def filled(self) -> list[Output]:
        """The outputs that take a slot."""
        return [output for output in self.outputs if output.index is not None]

    @property
    def missing(self) -> int:
        """How many of the expected slots nothing has filled."""
        taken = {output.index for output in self.filled}
        return sum(1 for index in range(self.entry.expected_count) if index not in taken)

    @property
    def collecting(self) -> bool:
        """Whether an announced output still waits to be fetched."""
        return any(not output.is_terminal for output in self.filled)


def open_entries(ids: Collection[UUID]) -> dict[UUID, Opened]:
    """Lock entries in id order and read their outputs. Call it inside a transaction.

    Purged and unknown entries are not among the answer.
    """
    found = RegisterEntry.objects.filter(pk__in=ids, purged_at__isnull=True).order_by("pk")
    if rows.locks_rows():
        found = found.select_for_update()
    opened = {entry.pk: Opened(entry, []) for entry in found}
    for output in Output.objects.filter(entry_id__in=opened).order_by("pk"):
        opened[output.entry_id].outputs.append(output)
    return opened


def put_back(opened: Iterable[Opened], *, at: datetime | None = None) -> None:
    """Settle what is complete, write everything, and tell who follows. Ends the change."""
    moment, desk = at or now(), list(opened)
    for item in desk:
        settling.settle(item, at=moment)
    _write(desk)
    money.close(desk, at=moment)
    settling.owe_projections(desk, at=moment)
    frames.tell(desk)


def _write(desk: Sequence[Opened]) -> None:
    """Write what was changed; outputs that give up their slot go before those that take it."""
    changed = [line for item in desk for line in item.output_changes.items()]
    releases = [(key, facts) for key, facts in changed if facts.get("index", 0) is None]
    others = [(key, facts) for key, facts in changed if facts.get("index", 0) is not None]
    bulk.update_each(Output, releases)
    bulk.update_each(Output, others)
    bulk.update_each(RegisterEntry, [(item.entry.pk, item.entry_changes) for item in desk])
    bulk.insert_all([output for item in desk for output in item.added])
