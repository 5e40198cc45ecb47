"""Asks providers about accepted entries; at the deadline, after one last question, closes them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from generations.errors import EntryError, error
from generations.models import RegisterEntry
from generations.operations import desk, naming, settling
from generations.operations.recording import close_missing, record_update
from generations.providers.base import ProviderError, ProviderUpdate
from genproj.kernel import figures, leases, logs, rows
from genproj.kernel.clock import now

#: seconds between looks while a webhook is awaited: at 5, 10 and 20 s, then every 30 s
WITH_CALLBACK = (5.0, 5.0, 10.0, 30.0)
#: seconds a provider that cannot be reached at the deadline is still given
GRACE = 90.0

log = logs.component("polling")


def next_look(entry: RegisterEntry, *, calls_back: bool, at: datetime) -> datetime:
    """When the provider is asked next, but not after the deadline."""
    if calls_back:
        wait = WITH_CALLBACK[min(entry.polls, len(WITH_CALLBACK) - 1)]
    else:
        wait = min(1.5 ** min(entry.polls, 10), 10.0)
    moment = at + timedelta(seconds=wait)
    return min(moment, entry.deadline_at) if entry.deadline_at > at else moment


@rows.atomically
def record_answers(answers: Sequence[tuple[RegisterEntry, ProviderUpdate]]) -> None:
    """Record what providers said; an older answer that comes late changes nothing."""
    at = now()
    opened = desk.open_entries({entry.pk for entry, _ in answers})
    for entry, update in answers:
        if item := opened.get(entry.pk):
            record_update(item, update=update, at=at)
            _look_again(item, entry, at=at)
    desk.put_back(opened.values(), at=at)


@rows.atomically
def record_unknown(entry: RegisterEntry, *, takes_task_id: bool) -> None:
    """The provider does not know the task. Where it takes our task id, the task is submitted again
    under the same id; elsewhere it might be made and paid twice, and the entry is closed."""
    at = now()
    item = desk.open_entries([entry.pk]).get(entry.pk)
    if item is None:
        return
    log.warning("unknown_task", **naming.ids_of(entry), provider=entry.provider)
    item.change(polls=item.entry.polls + 1, leased_until=None)
    if item.entry.completed_at:
        item.change(due_at=None)  # it was given up before; nothing is left to hope for
    elif item.entry.deadline_at <= at:
        _close(item, at=at)
    elif not takes_task_id and not item.collecting:
        item.blame(_vanished())
        item.change(due_at=None)
        settling.complete(item, at=at)
    elif not item.outputs:
        item.change(dispatched_at=None, due_at=at + timedelta(seconds=leases.backoff(0)))
    else:
        _look_again(item, entry, at=at)
    desk.put_back([item], at=at)


@rows.atomically
def record_silence(entry: RegisterEntry, *, problem: ProviderError) -> None:
    """The provider could not be asked: later again, and past the deadline for a while."""
    at = now()
    item = desk.open_entries([entry.pk]).get(entry.pk)
    if item is None:
        return
    figures.RETRIES.labels(what="poll").inc()
    log.warning("unanswered", **naming.ids_of(entry), status=problem.status, error=problem.code)
    item.change(last_error=str(problem)[:2000])
    patience = item.entry.deadline_at + timedelta(seconds=GRACE)
    if item.entry.due_at and item.entry.deadline_at <= at < patience:
        again = at + timedelta(seconds=leases.backoff(1, longest=10.0))
        item.change(polls=item.entry.polls + 1, leased_until=None, due_at=again)
    else:
        _look_again(item, entry, at=at)
    desk.put_back([item], at=at)


def put_off(entries: Iterable[RegisterEntry], *, reason: BaseException) -> None:
    """Something broke while claimed entries were worked on: later again, but not for ever."""
    for entry in entries:
        log.exception("call_failed", generation=str(entry.pk), error=repr(reason))
        leases.put_off(entry, seconds=leases.backoff(entry.failures), error=repr(reason))
        if now() > entry.deadline_at + timedelta(seconds=GRACE):
            close_overdue(entry)


def wait_for_workers(entries: Iterable[RegisterEntry]) -> None:
    """Nobody is asked about what a remote worker brings: it is waited for until the deadline."""
    at = now()
    for entry in entries:
        if entry.deadline_at <= at or entry.completed_at:
            close_overdue(entry)
        else:
            wait = (entry.deadline_at - at).total_seconds()
            leases.put_off(entry, seconds=wait, error="", counts=False)


@rows.atomically
def close_overdue(entry: RegisterEntry) -> None:
    """Close an entry whose time is over and about which nothing more can be learned."""
    at = now()
    item = desk.open_entries([entry.pk]).get(entry.pk)
    if item is None or item.entry.attempts != entry.attempts:
        return
    item.change(leased_until=None)
    _close(item, at=at)
    desk.put_back([item], at=at)


def _look_again(item: desk.Opened, asked: RegisterEntry, *, at: datetime) -> None:
    """Set the next look, or close the entry when its time is over."""
    if item.entry.attempts == asked.attempts:
        item.change(polls=item.entry.polls + 1, leased_until=None, asked_at=at)
    if item.entry.due_at is None:
        return
    if item.entry.completed_at and not item.entry.cancelled_at:
        item.change(due_at=None)  # it was asked about once more; a cancelled one is until the end
    elif item.entry.deadline_at <= at:
        _close(item, at=at)
    else:
        moment = next_look(item.entry, calls_back=item.entry.calls_back, at=at)
        item.change(due_at=moment)


def _vanished() -> dict[str, object]:
    return error(
        EntryError.TASK_VANISHED,
        "The provider has lost this task. It is not submitted again by itself, because the "
        "provider may have billed it.",
    )


def _close(item: desk.Opened, *, at: datetime) -> None:
    """The deadline has come and the provider was asked: close what is still missing."""
    if item.entry.completed_at:
        item.change(due_at=None)
        return
    close_missing(item, at=at)
    if not item.missing:
        return
    if item.collecting:
        # what was announced is fetched first; only then is it known what is missing
        recent = at < item.entry.deadline_at + timedelta(seconds=GRACE)
        item.change(due_at=at + timedelta(seconds=5 if recent else leases.LONGEST_WAIT))
        return
    received = sum(1 for output in item.outputs if output.stored_at)
    expected = item.entry.expected_count
    item.blame(
        error(
            EntryError.TIMEOUT,
            f"The provider did not answer in time: {received} of {expected} came.",
            received=received,
            expected=expected,
        )
    )
    item.change(due_at=None)
    settling.complete(item, at=at)
