"""Submits entries: what is sent, and what becomes of each answer."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings

from generations.errors import EntryError, error
from generations.models import RegisterEntry
from generations.operations import (
    belated,
    desk,
    naming,
    polling,
    reaching,
    references,
    settling,
)
from generations.operations.recording import record_update
from generations.operations.register import callback_wanted, is_loopback
from generations.providers.base import ProviderClient, ProviderError, Submission, Task
from genproj.kernel import figures, leases, logs, rows, storage
from genproj.kernel.clock import now, zulu
from genproj.kernel.signing import callback_token

#: a definite server error is answered this often before the entry closes
MOST_SERVER_ERRORS = 6

log = logs.component("submission")


def begin(entries: Sequence[RegisterEntry], *, client: ProviderClient) -> list[Task]:
    """Make claimed entries of one provider ready to be submitted: the tasks to be sent.

    `submit_started_at` is committed before any call. Where the provider takes our task id, a call
    whose reply was lost is repeated with that id; where it does not, it is never repeated. An
    entry that is not to be sent any more is closed here and has no task.
    """
    tasks: list[Task] = []
    for entry in entries:
        leases.attempt(
            lambda entry=entry: tasks.extend(_tasks(entry, client)),
            failed=lambda reason, entry=entry: polling.put_off([entry], reason=reason),
        )
    begun = _note_begin(tasks, entries)
    for entry in entries:
        if str(entry.pk) in begun:
            log.info("submitting", **_ids(entry), model=entry.model)
    return [task for task in tasks if task.id in begun]


def _tasks(entry: RegisterEntry, client: ProviderClient) -> list[Task]:
    """The entry's task; none when it is not to be sent, or not now."""
    lost = entry.submit_started_at is not None and not client.takes_task_id
    if lost or (entry.deadline_at <= now() and entry.last_error):
        close_unsent(entry, takes_task_id=client.takes_task_id)
        return []
    try:
        pictures = references.data_uris(entry)
    except references.ReferenceGone:
        give_up(entry, problem=_reference_gone())
        return []
    except storage.StorageFailure as problem:
        _wait_for_storage(entry, problem)
        return []
    entry.calls_back = client.kind_of_answer == "callback" and callback_wanted(
        base_url=reaching.connection_of(entry.provider).base_url
    )
    task = Task(
        id=str(entry.pk),
        kind=entry.kind,
        model=entry.model,
        input={**entry.input, "references": pictures},
        count=entry.expected_count,
        callback_url=callback_url(entry) if entry.calls_back else None,
    )
    return [task]


def close_unsent(entry: RegisterEntry, *, takes_task_id: bool) -> None:
    """Close an entry that no provider is known to have: its call was lost, or its time is over.

    What a lost call brought, and kept, is taken up instead.
    """
    lost = entry.submit_started_at is not None and not takes_task_id
    try:
        if lost and belated.take_up(entry):
            return
    except storage.StorageFailure as problem:
        if entry.deadline_at > now():
            _wait_for_storage(entry, problem)
            return
    give_up(entry, problem=_dispatch_unknown() if lost else _last_refusal(entry))


def _wait_for_storage(entry: RegisterEntry, problem: storage.StorageFailure) -> None:
    log.warning("storage_away", **_ids(entry), error=str(problem))
    wait = leases.backoff(entry.failures)
    leases.put_off(entry, seconds=wait, error=str(problem), counts=False)


@rows.atomically
def _note_begin(tasks: Sequence[Task], entries: Sequence[RegisterEntry]) -> set[str]:
    """Commit that the calls begin. The ids of those that are still ours and still wanted: one
    that was cancelled after the claim must not be paid for."""
    claims = {str(entry.pk): entry for entry in entries}
    wanted = RegisterEntry.objects.filter(
        pk__in=[task.id for task in tasks], completed_at__isnull=True
    )
    if rows.locks_rows():
        wanted = wanted.order_by("pk").select_for_update()  # as everybody locks them
    begun = {
        str(pk)
        for pk, attempts in wanted.values_list("pk", "attempts")
        if attempts == claims[str(pk)].attempts
    }
    for calls_back in {claims[id].calls_back for id in begun}:
        ids = [id for id in begun if claims[id].calls_back == calls_back]
        RegisterEntry.objects.filter(pk__in=ids).update(
            submit_started_at=now(), calls_back=calls_back
        )
    return begun


def callback_url(entry: RegisterEntry) -> str:
    """The address this entry's results are posted to, with the token that opens it."""
    base = settings.PUBLIC_URL
    if not base.startswith("https://") and not is_loopback(base):
        base = f"http://127.0.0.1:{settings.PORT}"  # the sandbox stands on this machine
    token = callback_token(settings.CALLBACK_SECRETS[0].encode(), str(entry.pk))
    query = urlencode({"generation_id": str(entry.pk), "token": token})
    return f"{base}/webhooks/{entry.provider}/?{query}"


@rows.atomically
def record_accepted(accepted: Sequence[tuple[RegisterEntry, Submission | None]]) -> None:
    """The provider has these tasks. Inline results are recorded in the same transaction, also when
    the call lasted longer than its lease: what came is kept, late if need be."""
    at = now()
    opened = desk.open_entries({entry.pk for entry, _ in accepted})
    for entry, submission in accepted:
        item = opened.get(entry.pk)
        if item is None:
            continue
        if item.entry.attempts == entry.attempts:
            _note_accepted(item, entry, submission, at=at)
        if submission is not None and submission.update is not None:
            record_update(item, update=submission.update, at=at)
        log.info("accepted", **_ids(entry))
    desk.put_back(opened.values(), at=at)


def _note_accepted(
    item: desk.Opened, entry: RegisterEntry, submission: Submission | None, *, at: datetime
) -> None:
    item.change(leased_until=None, failures=0, last_error="")
    if item.entry.dispatched_at is None:
        item.change(dispatched_at=at)
        item.notable = True
    if submission is not None and submission.ref != str(entry.pk):
        item.change(provider_ref=submission.ref)
    if item.entry.due_at is not None:
        moment = polling.next_look(item.entry, calls_back=entry.calls_back, at=at)
        item.change(due_at=moment)


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
        if not takes_task_id:
            # answered or never sent: the call has ended, another may begin
            leases.held(entry).update(submit_started_at=None)
        leases.put_off(entry, seconds=wait, error=note)


def _ids(entry: RegisterEntry) -> dict[str, str]:
    """What every line about a call names."""
    return naming.ids_of(entry) | {"provider": entry.provider}


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
    if problem.code == "model_retired":
        return error(
            EntryError.MODEL_RETIRED,
            "The provider no longer serves this model; choose another.",
            errors=problem.errors,
            status=problem.status,
        )
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
