"""The lane that calls providers: several calls at a time, their answers recorded together."""

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from generations.models import RegisterEntry
from generations.operations import inline, naming, outages, polling, reaching, submission
from generations.providers import PROVIDERS, WORKER, inline_providers
from generations.providers.base import (
    ProviderClient,
    ProviderError,
    ProviderUpdate,
    Submission,
    Task,
    UnknownTask,
)
from genproj.kernel import figures, leases, logs
from genproj.kernel.clock import now
from genproj.kernel.wake import ending

#: calls of one provider at a time, so that a stuck one holds up no other; no more are claimed, so
#: that none waits between its beginning and its call
CALLERS = 8
#: seconds between looks for more while some providers think
LOOK_EVERY = 0.1
#: seconds that the first answer waits for others, to be recorded with them
GATHER = 0.02

log = logs.component("polling")


@dataclass(frozen=True)
class Call:
    """One call to be made about a claimed entry; without a task it is a question."""

    entry: RegisterEntry
    client: ProviderClient
    task: Task | None


@dataclass(frozen=True)
class Answer:
    """What came of a call."""

    submission: Submission | None = None
    update: ProviderUpdate | None = None
    problem: ProviderError | None = None
    unknown: bool = False


def entries_to_call() -> QuerySet[RegisterEntry]:
    """Entries about which a provider is to be called that answers soon."""
    waiting = RegisterEntry.objects.filter(due_at__isnull=False)
    return outages.reachable(waiting.exclude(provider__in=inline_providers()))


def entries_to_paint() -> QuerySet[RegisterEntry]:
    """Entries about which a provider is to be called that answers when it has the result."""
    waiting = RegisterEntry.objects.filter(due_at__isnull=False)
    return outages.reachable(waiting.filter(provider__in=inline_providers()))


def call_providers() -> int:
    """Call providers about due entries until none is due. Returns how many were taken."""
    return _call(entries_to_call)


def paint() -> int:
    """The same with those that paint while they are called: a lane of its own, because a drain
    that ends waits for them, and polls and submissions to others must not."""
    return _call(entries_to_paint)


def _call(waiting: Callable[[], QuerySet[RegisterEntry]]) -> int:
    """Call about these, CALLERS of a provider at a time, as long as any is due."""
    running: dict[Future[Answer], Call] = {}
    count, extended, looked = 0, now(), 0.0
    while True:
        busy = Counter(call.entry.provider for call in running.values())
        full = [provider for provider, calls in busy.items() if calls >= CALLERS]
        if not ending() and not (full and time.monotonic() - looked < LOOK_EVERY):
            looked = time.monotonic()
            most = CALLERS - max((calls for calls in busy.values() if calls < CALLERS), default=0)
            taken = leases.claim(waiting().exclude(provider__in=full), limit=most)
            running |= {_callers().submit(make, call): call for call in calls_for(taken)}
            count += len(taken)
        if not running:
            return count
        done, others = wait(running, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
        if done and others:
            time.sleep(GATHER)
            done |= {future for future in others if future.done()}
        if done:
            record([(running.pop(future), future) for future in done])
        if (now() - extended).total_seconds() > settings.HEARTBEAT_SECONDS:
            leases.extend([call.entry for call in running.values()])
            extended = now()


_pools: dict[int, ThreadPoolExecutor] = {}


def _callers() -> ThreadPoolExecutor:
    """This process's calling threads; kept, because each keeps its connections open."""
    if os.getpid() not in _pools:
        _pools.clear()
        threads = CALLERS * len(PROVIDERS)
        _pools[os.getpid()] = ThreadPoolExecutor(threads, thread_name_prefix="call")
    return _pools[os.getpid()]


def calls_for(entries: Sequence[RegisterEntry]) -> list[Call]:
    """What claimed entries wait for: submission, or the next question."""
    calls: list[Call] = []
    for provider in {entry.provider for entry in entries}:
        if provider == WORKER:
            polling.wait_for_workers([entry for entry in entries if entry.provider == provider])
            continue
        own = [entry for entry in entries if entry.provider == provider]
        leases.attempt(
            lambda provider=provider, own=own: calls.extend(_calls_to(provider, own)),
            failed=lambda reason, own=own: polling.put_off(own, reason=reason),
        )
    return calls


def _calls_to(provider: str, entries: Sequence[RegisterEntry]) -> list[Call]:
    client = reaching.client_of(provider)
    entries = outages.to_be_called(provider=provider, entries=entries, client=client)
    unknown = [row for row in entries if not _can_be_called(row, client)]
    for row in unknown:
        polling.record_unknown(row, takes_task_id=False)
    entries = [row for row in entries if row not in unknown]
    own = {str(entry.pk): entry for entry in entries}
    new = [row for row in entries if row.dispatched_at is None and not row.completed_at]
    tasks = submission.begin(new, client=client)
    calls = [Call(own[task.id], client, task) for task in tasks]
    return calls + [Call(row, client, None) for row in entries if row not in new]


def _can_be_called(entry: RegisterEntry, client: ProviderClient) -> bool:
    """Whether there is anything to say: a provider with ids of its own can be asked only about
    what it has answered."""
    return client.takes_task_id or bool(entry.provider_ref) or entry.completed_at is None


def make(call: Call) -> Answer:
    """Make one call; bytes that come along are kept. Touches no table."""
    seconds = figures.PROVIDER_SECONDS.labels(provider=call.entry.provider)
    with logs.bound(request_id=call.entry.request_id), seconds.time():
        try:
            if call.task is not None:
                submission = call.client.submit(call.task)
                return Answer(submission=inline.kept_with(submission, entry_id=call.entry.pk))
            log.info("asking", **naming.ids_of(call.entry), poll=call.entry.polls + 1)
            ref = call.entry.provider_ref or str(call.entry.pk)
            return Answer(update=inline.kept(call.client.ask(ref), entry_id=call.entry.pk))
        except UnknownTask:
            return Answer(unknown=True)
        except ProviderError as problem:
            if problem.accepted and call.task is not None:
                return Answer()  # our own id is known there: an earlier call arrived
            return Answer(problem=problem)


def record(done: Sequence[tuple[Call, Future[Answer]]]) -> None:
    """Record answers: those that tell no trouble together, the others each on its own."""
    accepted: list[tuple[Call, Future[Answer]]] = []
    said: list[tuple[Call, Future[Answer]]] = []
    alone: list[tuple[Call, Future[Answer]]] = []
    for call, future in done:
        answer = None if future.exception() else future.result()
        if answer is None or answer.problem is not None or answer.unknown:
            alone.append((call, future))
        else:
            (said if call.task is None else accepted).append((call, future))
    for group in (accepted, said):
        if group and not leases.attempt(
            lambda group=group: _record_group(group), failed=lambda reason: None
        ):
            alone += group
    for call, future in alone:
        leases.attempt(
            lambda call=call, future=future: _record_one(call, future.result()),
            failed=lambda reason, call=call: polling.put_off([call.entry], reason=reason),
        )
    for provider in {call.entry.provider for call, _ in done}:
        ended = [its for call, its in done if call.entry.provider == provider]
        told = [its.result().problem for its in ended if not its.exception()]
        outages.note_calls(provider=provider, problems=told)
    outages.note_keeping(
        is_kept=any(not its.exception() and _is_kept(its.result()) for _, its in done),
        problems=[its.exception() for _, its in done],
    )


def _is_kept(answer: Answer) -> bool:
    """Whether bytes came along, which lie in storage now."""
    update = answer.submission.update if answer.submission else answer.update
    return update is not None and any(output.storage_key for output in update.outputs)


def _record_group(group: Sequence[tuple[Call, Future[Answer]]]) -> None:
    if group[0][0].task is not None:
        taken = [(call.entry, future.result().submission) for call, future in group]
        submission.record_accepted(taken)
    else:
        told = [(call.entry, future.result().update) for call, future in group]
        polling.record_answers([(entry, update) for entry, update in told if update])


def _record_one(call: Call, answer: Answer) -> None:
    if answer.unknown:
        polling.record_unknown(call.entry, takes_task_id=call.client.takes_task_id)
    elif answer.problem is not None and call.task is not None:
        submission.record_problem(
            call.entry, problem=answer.problem, takes_task_id=call.client.takes_task_id
        )
    elif answer.problem is not None:
        polling.record_silence(call.entry, problem=answer.problem)
    elif answer.update is not None:
        polling.record_answers([(call.entry, answer.update)])
    else:
        submission.record_accepted([(call.entry, answer.submission)])
