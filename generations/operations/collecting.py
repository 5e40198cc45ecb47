"""Collects announced outputs: fetches, checks, stores and confirms each, once."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import QuerySet

from generations.errors import OutputError, error
from generations.models import Output, Preview
from generations.operations import desk, naming, outages
from generations.operations.bringing import Stored, bring
from genproj.kernel import bulk, figures, http, leases, logs, media, rows, storage
from genproj.kernel.clock import now
from genproj.kernel.wake import ending, wake
from genproj.runtime.breakers import STORAGE

BATCH = 48
FETCHERS = 4
#: seconds between looks for more while some are being fetched
LOOK_EVERY = 0.1
#: seconds that a fetched output waits for others while many more are being fetched: recorded
#: together they cost one commit, and one frame for each generation
GATHER = 0.03
#: how long an announced output is collected before it is given up
PATIENCE = timedelta(hours=24)

log = logs.component("collecting")


@dataclass(frozen=True)
class Failed:
    """Why it was not: an error that ends the output, or a reason to come back."""

    error: dict[str, object]
    is_final: bool
    counts: bool
    retry_after: float | None = None
    away: str = ""  # the breaker of what did not answer


def outputs_to_collect() -> QuerySet[Output]:
    """Announced outputs that are not stored yet."""
    waiting = Output.objects.filter(due_at__isnull=False).select_related("entry")
    return outages.collectable(waiting)


def collect_outputs() -> int:
    """Collect announced outputs until none is due, several at a time; record them as they come.

    More are claimed while some are being fetched, so one slow address holds up one thread, and
    those of one provider hold up no other's.
    When the drain is to end, only what is already being fetched is waited for.
    Returns how many were taken.
    """
    running: dict[Future[Stored | Failed], Output] = {}
    count, extended, looked = 0, now(), 0.0
    while True:
        busy = Counter(output.entry.provider for output in running.values())
        full = [provider for provider, fetches in busy.items() if fetches >= BATCH // 2]
        if ending():
            _leave_to_others(running)
        elif not (full and time.monotonic() - looked < LOOK_EVERY):
            looked = time.monotonic()
            most = BATCH - max((some for some in busy.values() if some < BATCH // 2), default=0)
            waiting = outputs_to_collect().exclude(entry__provider__in=full)
            taken = outages.to_be_fetched(leases.claim(waiting, limit=most))
            running |= {_fetchers(one.entry.provider).submit(fetch, one): one for one in taken}
            count += len(taken)
        if not running:
            return count
        done, others = wait(running, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
        if done and len(others) > 2 * FETCHERS:
            time.sleep(GATHER)
            done |= {future for future in others if future.done()}
        if done:
            _record([(running.pop(future), future.result()) for future in done])
        if (now() - extended).total_seconds() > settings.HEARTBEAT_SECONDS:
            leases.extend(running.values())
            extended = now()


def _leave_to_others(running: dict[Future[Stored | Failed], Output]) -> None:
    """Give back what nobody has begun to fetch."""
    left = [running.pop(future) for future in list(running) if future.cancel()]
    if left:
        leases.release(left)
        wake("generations.jobs.collect_outputs")


_pools: dict[tuple[int, str], ThreadPoolExecutor] = {}


def _fetchers(provider: str) -> ThreadPoolExecutor:
    """This process's threads that fetch one provider's results; kept, because each keeps its
    connections open."""
    place = (os.getpid(), provider)
    if place not in _pools:
        for others in [known for known in _pools if known[0] != place[0]]:
            del _pools[others]  # of the process that this one was forked from
        _pools[place] = ThreadPoolExecutor(FETCHERS, thread_name_prefix=f"fetch-{provider}")
    return _pools[place]


def fetch(output: Output) -> Stored | Failed:
    """Fetch one output into storage. Touches no table; what breaks is this output's failure."""
    found: list[Stored | Failed] = []
    leases.attempt(
        lambda: found.append(_fetched(output)),
        failed=lambda reason: found.append(_broken(output, reason)),
    )
    return found[0]


def _fetched(output: Output) -> Stored | Failed:
    try:
        return bring(output)
    except http.HttpFailure as problem:
        return _fetch_failed(output, problem)
    except media.NotMedia as problem:
        words = "What the provider's address holds is not a picture or film that can be kept."
        return Failed(
            error(OutputError.VALIDATION, words, issues=list(problem.issues)),
            is_final=True,
            counts=True,
        )
    except storage.KeyMissing as problem:
        words = "What was put into storage is not there any more."
        gone = error(OutputError.FETCH_FAILED, words, url=output.url, status=0, body=str(problem))
        return Failed(gone, is_final=True, counts=True)
    except storage.StorageFailure as problem:
        return _storage_failed(output, problem)


def _broken(output: Output, reason: BaseException) -> Failed:
    log.exception("fetch_broke", artifact=str(output.pk), error=repr(reason))
    return Failed(
        error(
            OutputError.FETCH_FAILED,
            "Something broke while the picture was fetched.",
            url=output.url,
            status=0,
            body=repr(reason),
        ),
        is_final=now() - output.announced_at > PATIENCE,
        counts=True,
    )


def _record(results: Sequence[tuple[Output, Stored | Failed]]) -> None:
    """Record results together; if one breaks it, each on its own."""
    outages.note_fetches(
        (row.entry.provider, isinstance(result, Stored), getattr(result, "away", ""))
        for row, result in results
    )
    if leases.attempt(lambda: record_collected(results), failed=lambda reason: None):
        return
    for result in results:
        leases.attempt(
            lambda result=result: record_collected([result]), failed=_unrecorded(result[0])
        )


def _unrecorded(output: Output) -> Callable[[BaseException], None]:
    def failed(reason: BaseException) -> None:
        broken = _broken(output, reason)
        leases.attempt(
            lambda: record_collected([(output, broken)]),
            failed=lambda again: log.exception("record_broke", artifact=str(output.pk)),
        )

    return failed


def _fetch_failed(output: Output, problem: http.HttpFailure) -> Failed:
    words = f"The picture's address {_words(problem)}."
    return Failed(
        error(
            OutputError.FETCH_FAILED,
            words,
            url=problem.url,
            status=problem.status,
            body=problem.body,
        ),
        is_final=problem.permanent or now() - output.announced_at > PATIENCE,
        counts=True,
        retry_after=problem.retry_after,
        away=outages.away_of(provider=output.entry.provider, problem=problem),
    )


def _words(problem: http.HttpFailure) -> str:
    if problem.kind == "status":
        return f"answered {problem.status}"
    return {
        "refused": "is not one that may be fetched from",
        "too_large": "holds more than is allowed",
        "timeout": "did not answer in time",
        "cut": "broke off",
    }.get(problem.kind, "could not be reached")


def _storage_failed(output: Output, problem: storage.StorageFailure) -> Failed:
    return Failed(
        error(
            OutputError.STORAGE_FAILED,
            "The picture was fetched but could not be stored.",
            key=problem.key,
            cause=str(problem.cause),
        ),
        is_final=now() - output.announced_at > PATIENCE,
        counts=False,  # our own trouble uses up nobody's patience
        away=STORAGE,
    )


@rows.atomically
def record_collected(results: Sequence[tuple[Output, Stored | Failed]]) -> None:
    """Record fetched outputs and failures in one transaction, and settle what is complete.

    An output whose lease another attempt has taken over is left to that one; the object in
    storage is the same for both. The object of an output that was purged meanwhile is deleted.
    """
    at = now()
    opened = desk.open_entries({output.entry_id for output, _ in results})
    previews: list[Preview] = []
    for claimed, result in results:
        item = opened.get(claimed.entry_id)
        row = next((row for row in item.outputs if row.pk == claimed.pk), None) if item else None
        if item is None or row is None:
            _discard(result)
            continue
        if row.attempts != claimed.attempts or row.is_terminal:
            continue
        if isinstance(result, Stored):
            _confirm(item, row, result, at=at)
            _forget_source(result)
            previews.append(_preview(row, result, at=at))
        else:
            _postpone_or_fail(item, row, result, at=at)
    if previews:  # before the frames, which tell of a film's poster
        bulk.insert_all(previews, passing_over=True)
        wake("generations.jobs.make_previews")
    desk.put_back(opened.values(), at=at)


def _preview(row: Output, result: Stored, *, at: datetime) -> Preview:
    if result.small is None:
        return Preview(output=row, due_at=at)
    return Preview(output=row, made_at=at, **result.small.columns)


def _discard(result: Stored | Failed) -> None:
    if isinstance(result, Stored):
        small = result.small.keys.values() if result.small else ()
        for key in (result.key, *small):
            rows.after_commit(partial(storage.delete, key))


def _forget_source(result: Stored) -> None:
    """Delete where the bytes lay before, once it is certain that they lie where they stay."""
    if result.source:
        rows.after_commit(lambda: storage.delete(result.source))


def _confirm(item: desk.Opened, row: Output, result: Stored, *, at: datetime) -> None:
    item.change_output(
        row,
        stored_at=at,
        storage_key=result.key,
        content_type=result.content_type,
        size=result.size,
        sha256=result.sha256,
        width=result.width,
        height=result.height,
        duration=result.duration,
        error=None,
        due_at=None,
        leased_until=None,
        last_error="",
    )
    item.notable = True
    log.info("stored", **_ids(item, row), size=result.size)
    if result.small is not None:
        log.info("poster_made", **_ids(item, row))


def _postpone_or_fail(item: desk.Opened, row: Output, result: Failed, *, at: datetime) -> None:
    words = str(result.error["message"])
    log.warning(
        "failed" if result.is_final else "postponed",
        **_ids(item, row),
        error=result.error["code"],
    )
    if result.is_final:
        item.change_output(
            row, error=result.error, due_at=None, leased_until=None, last_error=words
        )
        item.notable = True
        return
    figures.RETRIES.labels(what="fetch").inc()
    pause = min(result.retry_after or leases.backoff(row.failures), leases.LONGEST_WAIT)
    item.change_output(
        row,
        due_at=at + timedelta(seconds=pause),
        leased_until=None,
        failures=row.failures + (1 if result.counts else 0),
        last_error=words,
        error_history=[*row.error_history, result.error][-10:],
    )
    item.notable = row.failures == 1  # the first failure is news, the fifth is not


def _ids(item: desk.Opened, row: Output) -> dict[str, str]:
    """What every line about an output names."""
    return naming.ids_of(item.entry) | {"artifact": str(row.pk)}
