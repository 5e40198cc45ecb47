"""What happened to a generation and when: one list, read off the facts of five tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations.models import Act, Output, Projection, RegisterEntry
from generations.queries.building import error_view, state_of
from generations.queries.costs import subject_of
from generations.queries.entries import visible_entry
from generations.queries.views import Step
from genproj.usage import queries as ledger
from genproj.webhooks.models import Receipt

LONGEST_BODY = 20_000
#: what a movement of its money is called
MONEY = {
    "hold": "Held {} USD",
    "settle": "Paid {} USD",
    "release": "Released what was held",
    "charge": "Paid {} USD for what came late",
}


@dataclass(frozen=True)
class _Fact:
    at: datetime
    order: int  # of facts with the same moment
    step: str
    title: str
    actor: str = "system"
    failed: bool = False
    detail: dict[str, Any] | None = None


def timeline(*, viewer: User, id: UUID | str) -> list[Step]:
    """Every step of a generation, oldest first; GenerationNotFound as for the generation."""
    entry = visible_entry(viewer, id)
    outputs = list(Output.objects.filter(entry=entry).order_by("announced_at", "id"))
    facts = [
        *_of_entry(entry, outputs),
        *_of_receipts(entry),
        *(fact for output in outputs for fact in _of_output(output, viewer)),
        *_of_errors(entry, viewer),
        *_of_projections(entry),
        *_of_money(entry),
        *_of_staff(entry),
    ]
    facts.sort(key=lambda fact: (fact.at, fact.order))
    steps: list[Step] = []
    before: datetime | None = None
    for fact in facts:
        steps.append(
            Step(
                at=fact.at,
                step=fact.step,
                title=fact.title,
                seconds=round((fact.at - before).total_seconds(), 3) if before else None,
                actor=fact.actor,
                failed=fact.failed,
                detail=fact.detail if viewer.is_staff else None,
            )
        )
        before = fact.at
    return steps


def _of_entry(entry: RegisterEntry, outputs: list[Output]) -> Iterator[_Fact]:
    owner = entry.owner.get_username() if entry.owner else "somebody"
    yield _Fact(entry.created_at, 0, "created", "Asked for", owner, detail={"input": entry.input})
    if entry.submit_started_at:
        yield _Fact(entry.submit_started_at, 1, "submitting", "Sent to the provider")
    if entry.dispatched_at:
        yield _Fact(entry.dispatched_at, 2, "accepted", "Accepted", entry.provider)
    if entry.cancelled_at:
        yield _Fact(entry.cancelled_at, 8, "cancelled", "Cancelled", owner)
    if entry.completed_at:
        stored = sum(1 for output in outputs if output.stored_at)
        state = state_of(entry, stored)
        title = f"Settled: {state.value}, {stored} of {entry.expected_count}"
        yield _Fact(entry.completed_at, 9, "settled", title, failed=state.value == "failed")


def _of_receipts(entry: RegisterEntry) -> Iterator[_Fact]:
    for receipt in Receipt.objects.filter(subject=str(entry.pk)).order_by("received_at")[:200]:
        body = bytes(receipt.body[:LONGEST_BODY]).decode("utf-8", "replace")
        detail = {"outcome": receipt.outcome, "body": body}
        yield _Fact(
            receipt.received_at,
            3,
            "receipt",
            "The provider called back",
            receipt.source,
            failed=receipt.outcome == "unparsable",
            detail=detail,
        )


def _of_output(output: Output, viewer: User) -> Iterator[_Fact]:
    number = "A remark" if output.index is None else f"Picture {output.index + 1}"
    if not output.ref.startswith(("error:", "remark:")):
        detail = {"ref": output.ref, "url": output.url, "raw": output.raw}
        yield _Fact(output.announced_at, 4, "announced", f"{number} announced", detail=detail)
    if output.stored_at:
        title = f"{number} stored" + (", late" if output.late else "")
        detail = {"storage_key": output.storage_key, "size": output.size}
        yield _Fact(output.stored_at, 5, "stored", title, detail=detail)
    for error in [*output.error_history, *([output.error] if output.error else [])]:
        if view := error_view(error, viewer):
            title = f"{number}: {view.message}"
            yield _Fact(view.at, 6, view.code, title, failed=True, detail=view.detail)


def _of_errors(entry: RegisterEntry, viewer: User) -> Iterator[_Fact]:
    for error in [*entry.error_history, *([entry.error] if entry.error else [])]:
        if view := error_view(error, viewer):
            yield _Fact(view.at, 7, view.code, view.message, failed=True, detail=view.detail)


def _of_projections(entry: RegisterEntry) -> Iterator[_Fact]:
    for row in Projection.objects.filter(entry=entry):
        name = f"{row.projector} ({row.stage})"
        if row.failed_at:
            detail = {"cause": row.cause}
            title = f"Projection failed: {name}"
            yield _Fact(row.failed_at, 10, "projection", title, failed=True, detail=detail)
        if row.done_at:
            yield _Fact(row.done_at, 11, "projected", f"Projected: {name}")
        if row.resolved_at:
            title = f"Marked as resolved: {name}"
            detail = {"reason": row.resolved_reason}
            yield _Fact(row.resolved_at, 12, "resolved", title, "staff", detail=detail)


def _of_money(entry: RegisterEntry) -> Iterator[_Fact]:
    if entry.hold != subject_of(entry.pk):
        return  # an app's money: several entries may have been paid with it
    for line in ledger.lines_of(entry.hold):
        title = MONEY[line.kind].format(f"{line.amount:f}".rstrip("0").rstrip(".") or "0")
        detail = {"amount": str(line.amount), "reason": line.reason}
        yield _Fact(line.at, 14, line.kind, title, detail=detail)


def _of_staff(entry: RegisterEntry) -> Iterator[_Fact]:
    for act in Act.objects.filter(entry=entry).select_related("actor"):
        actor = act.actor.get_username() if act.actor else "staff"
        yield _Fact(act.at, 13, f"act_{act.act}", act.act, actor, detail={"reason": act.reason})
