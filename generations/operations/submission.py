"""Asks providers: submits entries, and hands those already accepted to `polling`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet

from generations.errors import EntryError, error
from generations.models import RegisterEntry
from generations.operations import desk, polling, reaching, references, settling
from generations.operations.recording import record_update
from generations.operations.register import callback_wanted
from generations.providers.base import ProviderClient, ProviderError, Submission, Task
from genproj.kernel import figures, leases, logs, rows, storage
from genproj.kernel.clock import now, zulu
from genproj.kernel.signing import callback_token

BATCH = 4
#: a definite server error is answered this often before the entry closes
MOST_SERVER_ERRORS = 6

log = logs.component("submission")


def entries_to_call() -> QuerySet[RegisterEntry]:
    """Entries about which a provider is to be called."""
    return RegisterEntry.objects.filter(due_at__isnull=False)


def call_providers() -> int:
    """Submit or ask about a batch of due entries. Returns how many."""
    taken = leases.claim(entries_to_call(), limit=BATCH)
    for entry in taken:
        with logs.bound(request_id=entry.request_id):
            leases.attempt(lambda entry=entry: call_provider(entry), failed=_unexpected(entry))
    return len(taken)


def _unexpected(entry: RegisterEntry) -> Callable[[BaseException], None]:
    def failed(reason: BaseException) -> None:
        ours = isinstance(reason, storage.StorageFailure)
        if ours:
            log.warning("storage_away", generation=str(entry.pk), error=str(reason))
        else:
            log.exception("call_failed", generation=str(entry.pk), error=repr(reason))
        wait = leases.backoff(entry.failures)
        leases.put_off(entry, seconds=wait, error=repr(reason), counts=not ours)
        if not ours and now() > entry.deadline_at + timedelta(seconds=polling.GRACE):
            polling.close_overdue(entry)

    return failed


def call_provider(entry: RegisterEntry) -> None:
    """Do what a due, claimed entry waits for: submission, or the next question."""
    client = reaching.client_of(entry.provider)
    if entry.dispatched_at is None and not entry.completed_at:
        submit_entry(entry, client=client)
    else:
        polling.ask_about(entry, client=client)


@dataclass(frozen=True)
class _Answer:
    submission: Submission | None = None
    problem: ProviderError | None = None


def submit_entry(entry: RegisterEntry, *, client: ProviderClient) -> None:
    """Submit one claimed entry and record the answer.

    `submit_started_at` is committed before the call. Where the provider takes our task id, a call
    whose reply was lost is repeated with that id; where it does not, it is never repeated.
    """
    at = now()
    doubtful = entry.submit_started_at is not None and not client.takes_task_id
    if doubtful:
        give_up(entry, problem=_dispatch_unknown())
        return
    if entry.deadline_at <= at and entry.last_error:
        give_up(entry, problem=_last_refusal(entry))
        return
    try:
        pictures = references.data_uris(entry)
    except references.ReferenceGone:
        give_up(entry, problem=_reference_gone())
        return
    calls_back = callback_wanted(base_url=reaching.connection_of(entry.provider).base_url)
    # one that was cancelled after the claim must not be paid for
    waiting = leases.held(entry).filter(completed_at__isnull=True)
    if not waiting.update(submit_started_at=at, calls_back=calls_back):
        return
    log.info("submitting", **_ids(entry), model=entry.model)
    with figures.PROVIDER_SECONDS.labels(provider=entry.provider).time():
        answer = _submit(entry, client, calls_back=calls_back, pictures=pictures)
    if answer.problem is None:
        record_accepted(entry, submission=answer.submission, calls_back=calls_back)
    else:
        record_problem(entry, problem=answer.problem, takes_task_id=client.takes_task_id)


def _submit(
    entry: RegisterEntry, client: ProviderClient, *, calls_back: bool, pictures: list[str]
) -> _Answer:
    task = Task(
        id=str(entry.pk),
        kind=entry.kind,
        model=entry.model,
        input={**entry.input, "references": pictures},
        count=entry.expected_count,
        callback_url=callback_url(entry) if calls_back else None,
    )
    try:
        return _Answer(submission=client.submit(task))
    except ProviderError as problem:
        if problem.accepted:
            return _Answer()  # our own id is known there: an earlier call arrived
        return _Answer(problem=problem)


def callback_url(entry: RegisterEntry) -> str:
    """The address this entry's results are posted to, with the token that opens it."""
    base = settings.PUBLIC_URL
    if not base.startswith("https://"):
        base = f"http://127.0.0.1:{settings.PORT}"  # the sandbox stands on this machine
    token = callback_token(settings.CALLBACK_SECRETS[0].encode(), str(entry.pk))
    query = urlencode({"generation_id": str(entry.pk), "token": token})
    return f"{base}/webhooks/{entry.provider}/?{query}"


@rows.atomically
def record_accepted(
    entry: RegisterEntry, *, submission: Submission | None, calls_back: bool
) -> None:
    """The provider has the task. Inline results are recorded in the same transaction."""
    at = now()
    item = desk.open_entries([entry.pk]).get(entry.pk)
    if item is None or item.entry.attempts != entry.attempts:
        return
    item.change(leased_until=None, failures=0, last_error="")
    if item.entry.dispatched_at is None:
        item.change(dispatched_at=at)
        item.notable = True
    if item.entry.due_at is not None:
        item.change(due_at=polling.next_look(item.entry, calls_back=calls_back, at=at))
    if submission is not None and submission.update is not None:
        record_update(item, update=submission.update, at=at)
    desk.put_back([item], at=at)
    log.info("accepted", **_ids(entry))


def record_problem(entry: RegisterEntry, *, problem: ProviderError, takes_task_id: bool) -> None:
    """The call failed: close the entry for good, or come back later."""
    log.warning(
        "refused" if problem.permanent else "postponed",
        **_ids(entry),
        status=problem.status,
        error=problem.code,
    )
    if problem.in_doubt and not takes_task_id:
        give_up(entry, problem=_dispatch_unknown())
        return
    server_error = problem.status >= 500 and problem.status not in {503, 504}
    exhausted = server_error and entry.failures + 1 >= MOST_SERVER_ERRORS
    if problem.permanent or exhausted:
        give_up(entry, problem=_refusal(problem))
        return
    figures.RETRIES.labels(what="submission").inc()
    wait = problem.retry_after or leases.backoff(entry.failures)
    wait = min(wait, leases.LONGEST_WAIT)
    wait = min(wait, max((entry.deadline_at - now()).total_seconds(), 0.5))
    with rows.atomic():
        note = _note_attempt(entry, _refusal(problem))
        leases.put_off(entry, seconds=wait, error=note)


def _ids(entry: RegisterEntry) -> dict[str, str]:
    """What every line about a call names."""
    return {
        "generation": str(entry.pk),
        "provider": entry.provider,
        "request_id": entry.request_id,
    }


def _note_attempt(entry: RegisterEntry, problem: dict[str, object]) -> str:
    """Keep a failed attempt in the entry's history; the newest ten of them."""
    history = RegisterEntry.objects.values_list("error_history", flat=True).get(pk=entry.pk)
    RegisterEntry.objects.filter(pk=entry.pk).update(error_history=[*history, problem][-10:])
    return f"{problem['code']}: {problem['message']}"


@rows.atomically
def give_up(entry: RegisterEntry, *, problem: dict[str, object]) -> None:
    """Close an entry that was never accepted."""
    at = now()
    item = desk.open_entries([entry.pk]).get(entry.pk)
    if item is None or item.entry.attempts != entry.attempts or item.entry.completed_at:
        return
    item.blame(problem)
    item.change(leased_until=None, due_at=None)
    settling.complete(item, at=at)
    desk.put_back([item], at=at)


def _refusal(problem: ProviderError) -> dict[str, object]:
    if problem.errors:
        words = next(
            (str(row["message"]) for row in problem.errors if row.get("message")), str(problem)
        )
        return error(
            EntryError.API_REJECTED,
            f"The provider refused the request: {words}",
            retryable=not problem.permanent,
            errors=problem.errors,
            status=problem.status,
        )
    words = f"answered {problem.status}" if problem.status else "did not answer"
    return error(
        EntryError.HTTP_ERROR,
        f"The provider {words}.",
        url=problem.url,
        status=problem.status,
        body=problem.body,
    )


def _last_refusal(entry: RegisterEntry) -> dict[str, object]:
    """The newest refusal in the history: what the entry closes with at its deadline."""
    if entry.error_history:
        return dict(entry.error_history[-1]) | {"at": zulu(now())}
    return error(EntryError.HTTP_ERROR, "The provider could not be reached.", status=0)


def _reference_gone() -> dict[str, object]:
    return error(
        EntryError.API_REJECTED,
        "A picture this request refers to has been deleted; nothing was sent.",
        retryable=False,
    )


def _dispatch_unknown() -> dict[str, object]:
    return error(
        EntryError.DISPATCH_UNKNOWN,
        "The call to the provider got no answer, and this provider does not take our task id: "
        "the provider may have billed it. It is not repeated by itself.",
    )
