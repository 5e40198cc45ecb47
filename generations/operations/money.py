"""The money of entries: held when one is opened, closed when nothing more is awaited for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from generations.models import Output, ProviderModel, RegisterEntry
from generations.operations import settling
from generations.queries.costs import MILLIONTH, estimate, price_of_one, subject_of
from generations.states import Kind
from genproj.kernel import rows
from genproj.usage import operations as ledger
from genproj.usage import queries as lines
from genproj.usage.operations import Cost

if TYPE_CHECKING:
    from generations.operations.desk import Opened

#: kind of an entry -> what its lines in the ledger are for
WHAT = {Kind.IMAGE.value: "images", Kind.VIDEO.value: "videos"}


def hold_for(entry: RegisterEntry, *, model: ProviderModel) -> Cost | None:
    """What is to be held for a new entry; None when an app has done so and answers for it."""
    if entry.hold:
        return None
    entry.hold = subject_of(entry.pk)
    amount = estimate(model, entry.input, count=entry.expected_count)
    cost = _cost(entry, amount or Decimal(0), "asked for", units=entry.expected_count)
    return replace(cost, priced=amount is not None)


@rows.atomically
def hold(entry: RegisterEntry, *, cost: Cost | None) -> None:
    """Hold it under the entry's own id, in the transaction that opens the entry."""
    if cost is not None:
        ledger.hold_first({entry.pk: cost})


def close(desk: Iterable[Opened], *, at: datetime) -> None:
    """Close the holds of entries for which nothing more is awaited; charge what came after that.

    Called under the entries' locks, by the change made at `at`. Each stored output is paid once:
    with the hold while that is open, else by a charge of its own.
    """
    ours = [item for item in desk if _is_ours(item.entry) and _concerns(item, at=at)]
    if not ours:
        return
    prices = _prices(ours)
    costs = {
        item.entry.pk: _cost(
            item.entry,
            _total(item.outputs, item.entry, prices),
            _why(item.entry),
            units=len(_kept(item.outputs)),
        )
        for item in ours
        if settling.is_final(item)
    }
    # Of an entry that is completed by this very change, the hold cannot have been closed before.
    first = {item.entry.pk for item in ours if item.entry.completed_at == at}
    ledger.close_first({id: cost for id, cost in costs.items() if id in first})
    later = [item for item in ours if item.entry.pk not in first]
    if later:
        _close_later(later, costs, prices)


def _close_later(
    desk: Sequence[Opened], costs: Mapping[UUID, Cost], prices: Mapping[str, ProviderModel]
) -> None:
    """Entries that were settled before: their holds may be open, or long closed."""
    final = [costs[item.entry.pk] for item in desk if item.entry.pk in costs]
    closed = ledger.close_all(
        costs={cost.subject: cost.amount for cost in final},
        reasons={cost.subject: cost.reason for cost in final},
        units={cost.subject: cost.units for cost in final},
    )
    done = {line.subject for line in closed}
    for item in desk:
        stored = [output for output in item.ended() if output.stored_at]
        if stored and item.entry.hold not in done and lines.open_hold(item.entry.hold) is None:
            _charge(item.entry, stored, prices)


@rows.atomically
def close_purged(entry: RegisterEntry) -> None:
    """Close the hold of an entry that is about to lose its content, at what has come of it."""
    if _is_ours(entry) and lines.open_hold(entry.hold) is not None:
        outputs = list(entry.outputs.all())
        model = ProviderModel.objects.filter(pk=entry.model).first()
        prices = {entry.model: model} if model else {}
        ledger.settle(subject=entry.hold, cost=_total(outputs, entry, prices), reason="purged")


def _is_ours(entry: RegisterEntry) -> bool:
    """Whether the engine holds the money of this entry, and no app does."""
    return bool(entry.hold) and entry.hold == subject_of(entry.pk)


def _concerns(item: Opened, *, at: datetime) -> bool:
    """Whether this change made the entry final, or brought something to one that is settled."""
    entry = item.entry
    if entry.completed_at is None:
        return False
    return entry.completed_at == at or item.has_changed("due_at") or bool(item.ended())


def _prices(desk: Sequence[Opened]) -> dict[str, ProviderModel]:
    """The models whose price is needed, because a provider did not say what an output cost."""
    unknown = {
        item.entry.model
        for item in desk
        if any(output.stored_at and output.cost is None for output in item.outputs)
    }
    return ProviderModel.objects.in_bulk(unknown) if unknown else {}


def _total(
    outputs: Iterable[Output], entry: RegisterEntry, prices: Mapping[str, ProviderModel]
) -> Decimal:
    """What the kept outputs cost."""
    return sum((_price(output, entry, prices) for output in _kept(outputs)), Decimal(0))


def _kept(outputs: Iterable[Output]) -> list[Output]:
    """The outputs that are paid for. One deleted by now was kept, too."""
    return [output for output in outputs if output.stored_at or _was_deleted(output)]


def _was_deleted(output: Output) -> bool:
    return output.error is not None and output.error["code"] == "purged"


def _price(output: Output, entry: RegisterEntry, prices: Mapping[str, ProviderModel]) -> Decimal:
    """The provider's own word, as the output's row keeps it; else the registry's price."""
    if output.cost is not None:
        said: Decimal = output.cost
        return said.quantize(MILLIONTH)
    model = prices.get(entry.model)
    price = price_of_one(model, entry.input, seconds=output.duration) if model else None
    return price or Decimal(0)


def _charge(
    entry: RegisterEntry, stored: Iterable[Output], prices: Mapping[str, ProviderModel]
) -> None:
    for output in stored:
        ledger.charge(
            subject=entry.hold,
            key=str(output.pk),
            amount=_price(output, entry, prices),
            audience=entry.audience,
            owner=entry.owner,
            provider=entry.provider,
            model=entry.model,
            reason="came late",
            what=WHAT.get(entry.kind, ""),
            units=1,
        )


def _cost(entry: RegisterEntry, amount: Decimal, reason: str, *, units: int) -> Cost:
    return Cost(
        subject=entry.hold,
        audience=entry.audience,
        owner_id=entry.owner_id,
        amount=amount,
        provider=entry.provider,
        model=entry.model,
        reason=reason,
        what=WHAT.get(entry.kind, ""),
        units=units,
    )


def _why(entry: RegisterEntry) -> str:
    """Why its hold is closed, in a word."""
    if entry.cancelled_at:
        return "cancelled"
    return str(entry.error["code"]) if entry.error else "settled"
