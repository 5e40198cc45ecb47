"""Records what a provider said about an entry, however often and in whatever order it says it."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

from generations.errors import OutputError, error
from generations.models import Output
from generations.operations.desk import Opened
from generations.providers.base import ProviderUpdate, ResultError, ResultOutput
from genproj.kernel.ids import uuid7
from genproj.kernel.wake import wake

#: refs of rows that stand for an error, not for a result
ERROR = "error:"
REMARK = "remark:"
LONGEST_REF = 120
#: begins the url of an output whose bytes lie in our storage already
IN_STORAGE = "storage:"


def record_update(item: Opened, *, update: ProviderUpdate, at: datetime) -> None:
    """Record results and errors once each; safe to repeat, in any order.

    A result takes the first free slot, or that of an error which named no result: an error that
    was retried with success is no error. An error that names no result closes nothing while
    more than one slot is empty: the provider is asked at once, and the empty slots close with it
    when the provider has nothing in the works any more.
    """
    known = {output.ref for output in item.outputs}
    slots = _slots_for_results(item)
    for result in update.outputs:
        ref = short_ref(result.ref)
        if ref not in known:
            known.add(ref)
            _announce(item, result, ref=ref, index=next(slots), at=at)
    if not item.entry.completed_at:
        for failure in update.errors:
            _note_error(item, failure, known=known, at=at)
        if item.missing == 1 or update.processing is False:
            close_missing(item, at=at)
        elif waiting_errors(item) and update.processing is None:
            item.change(due_at=at)
            wake("generations.jobs.call_providers")
    elif item.entry.cancelled_at and update.processing is False:
        item.change(due_at=None)  # its last word
    if update.progress is not None and update.progress > (item.entry.progress or 0):
        item.change(progress=min(update.progress, 100))
        item.notable = True
    if (update.outputs or update.errors or update.processing) and not item.entry.dispatched_at:
        item.change(dispatched_at=at)  # it answers, so it has accepted


def waiting_errors(item: Opened) -> list[Output]:
    """Provider errors that no slot has been given to."""
    return [
        output for output in item.outputs if output.index is None and output.ref.startswith(ERROR)
    ]


def close_missing(item: Opened, *, at: datetime) -> None:
    """Fill the empty slots with the errors that named no result; nothing if there are none."""
    waiting = waiting_errors(item)
    if not waiting:
        return
    pattern = waiting[-1]
    copies = sum(1 for output in item.outputs if output.ref.startswith(f"{pattern.ref}#"))
    while item.missing:
        index = _free_slot(item)
        if waiting:
            item.change_output(waiting.pop(0), index=index)
        else:
            copies += 1
            item.add(_row(item, f"{pattern.ref}#{copies}", at=at, index=index, error=pattern.error))
    item.notable = True


def remark(item: Opened, *, mark: bytes, issues: list[Any], at: datetime) -> None:
    """Note a delivery that cannot be read: an error that fills no slot."""
    ref = REMARK + hashlib.sha256(mark).hexdigest()[:24]
    if any(output.ref == ref for output in item.outputs):
        return
    problem = error(
        OutputError.VALIDATION, "The provider sent something that cannot be read.", issues=issues
    )
    item.add(_row(item, ref, at=at, error=problem))
    item.notable = True


def short_ref(ref: str) -> str:
    """A provider's id of a result as its row keeps it: short, and never one of our own marks."""
    if len(ref) <= LONGEST_REF and not ref.startswith((ERROR, REMARK)):
        return ref
    return f"sha256:{hashlib.sha256(ref.encode()).hexdigest()}"


def _url_of(result: ResultOutput) -> str:
    """Where the bytes are. That they lie in our storage is our own word, never a provider's."""
    if result.storage_key:
        return IN_STORAGE + result.storage_key
    announced = result.url or ""
    return f"refused:{announced}" if announced.startswith(IN_STORAGE) else announced


def _announce(item: Opened, result: ResultOutput, *, ref: str, index: int, at: datetime) -> None:
    output = _row(item, ref, at=at, index=index)
    output.url = _url_of(result)
    output.seed = result.seed
    output.cost = result.cost
    output.raw = dict(result.raw)
    output.late = item.entry.completed_at is not None
    output.due_at = at
    item.add(output)
    item.notable = True
    wake("generations.jobs.collect_outputs")


def _note_error(item: Opened, failure: ResultError, *, known: set[str], at: datetime) -> None:
    words = f"{failure.provider_code}\n{failure.message}"
    ref = ERROR + hashlib.sha256(words.encode()).hexdigest()[:24]
    if ref in known:
        return
    known.add(ref)
    problem = error(
        OutputError.CONTENT_BLOCKED if failure.content_blocked else OutputError(failure.code),
        failure.message or "The provider could not make it.",
        retryable=failure.retryable,
        provider_code=failure.provider_code,
        errors=[dict(failure.raw)],
    )
    item.add(_row(item, ref, at=at, error=problem))
    item.notable = True


def _row(item: Opened, ref: str, *, at: datetime, **facts: Any) -> Output:
    return Output(id=uuid7(), entry=item.entry, ref=ref, announced_at=at, **facts)


def _free_slot(item: Opened) -> int | None:
    taken = {output.index for output in item.filled}
    return next((index for index in range(item.entry.expected_count) if index not in taken), None)


def _slots_for_results(item: Opened) -> Iterator[int]:
    """Where results go: empty slots, then those of errors, which give them up, then beyond."""
    taken = {output.index for output in item.filled}
    yield from (index for index in range(item.entry.expected_count) if index not in taken)
    for output in item.filled:
        if output.ref.startswith(ERROR) and output.index is not None:
            index: int = output.index
            item.change_output(output, index=None)
            yield index
    yield from count(max((output.index or 0 for output in item.filled), default=-1) + 1)
