"""What is left alone because it does not answer just now: providers, their downloads, storage.

Rows that wait for it stay as they are, due and unclaimed; only their deadlines go on. When it is
tried, one row goes first, and what else was claimed is given back.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import QuerySet

from generations.models import Output, RegisterEntry
from generations.operations import polling, reaching, submission
from generations.operations.recording import IN_STORAGE
from generations.providers import PROVIDERS, inline_providers
from generations.providers.base import FoundModels, ProviderClient, ProviderError
from genproj.kernel import http, leases
from genproj.kernel.clock import now
from genproj.runtime import breakers
from genproj.runtime.breakers import STORAGE

Row = TypeVar("Row", bound=leases.Leased)


def calls_of(provider: str) -> str:
    """The breaker of a provider's own service."""
    return f"provider:{provider}"


def downloads_of(provider: str) -> str:
    """The breaker of the hosts that a provider's results are fetched from."""
    return f"download:{provider}"


def reachable(waiting: QuerySet[RegisterEntry]) -> QuerySet[RegisterEntry]:
    """Without the entries of providers that do not answer, except those whose time is over."""
    shut = {name for name in PROVIDERS if breakers.is_shut(calls_of(name))}
    if breakers.is_shut(STORAGE):
        shut |= inline_providers()  # what they answer would be lost, and paid
    return waiting.exclude(provider__in=shut, deadline_at__gt=now()) if shut else waiting


def collectable(waiting: QuerySet[Output]) -> QuerySet[Output]:
    """Without the outputs that can be neither fetched nor stored just now."""
    if breakers.is_shut(STORAGE):
        return waiting.none()
    shut = [name for name in PROVIDERS if breakers.is_shut(downloads_of(name))]
    return waiting.exclude(entry__provider__in=shut) if shut else waiting


def to_be_called(
    *, provider: str, entries: Sequence[RegisterEntry], client: ProviderClient
) -> list[RegisterEntry]:
    """Those of one provider's claimed entries that it is called about now.

    The others are given back. One whose time is over while the provider is away is closed, or, if
    the provider had accepted it, treated as one that was asked about in vain.
    """
    most = len(entries)
    if provider in inline_providers():  # what it answers has to be kept at once
        most = breakers.allowed(STORAGE, wanted=most)
    most = breakers.allowed(calls_of(provider), wanted=most)
    back = []
    for entry in entries[most:]:
        if entry.deadline_at > now():
            back.append(entry)
        elif entry.dispatched_at is None and not entry.completed_at:
            submission.close_unsent(entry, takes_task_id=client.takes_task_id)
        else:
            polling.record_silence(entry, problem=ProviderError("unreachable", url=""))
    leases.release(back)
    return list(entries[:most])


def to_be_fetched(outputs: Sequence[Output]) -> list[Output]:
    """Those of claimed outputs that are fetched and stored now; the others are given back."""
    kept = _first(outputs, STORAGE)
    by_provider: dict[str, list[Output]] = {}
    for output in kept:
        away = "" if output.url.startswith(IN_STORAGE) else output.entry.provider
        by_provider.setdefault(away, []).append(output)
    ours = by_provider.pop("", [])
    for provider, theirs in by_provider.items():
        ours += _first(theirs, downloads_of(provider))
    return ours


def _first(claimed: Sequence[Row], target: str) -> Sequence[Row]:
    most = breakers.allowed(target, wanted=len(claimed))
    leases.release(claimed[most:])
    return claimed[:most]


def note_calls(*, provider: str, problems: Iterable[ProviderError | None]) -> None:
    """Learn from what came of calls; a problem is an answer unless it is an outage."""
    said = list(problems)
    away = [problem for problem in said if problem is not None and is_outage(problem)]
    if len(away) < len(said):
        breakers.note(calls_of(provider), answered=True)
    elif away:
        breakers.note(calls_of(provider), failures=len(away), error=str(away[-1]))


def note_keeping(*, is_kept: bool, problems: Iterable[BaseException | None]) -> None:
    """Learn of storage from what came of answers that brought bytes."""
    away = [problem for problem in problems if problem and breakers.is_storage_away(problem)]
    error = str(away[-1]) if away else ""
    breakers.note(STORAGE, answered=is_kept, failures=len(away), error=error)


def is_outage(problem: ProviderError) -> bool:
    """Whether the provider gave no answer of its own: silence, or an error of its servers."""
    return not problem.permanent and (problem.status == 0 or problem.status >= 500)


def note_fetches(fetched: Iterable[tuple[str, bool, str]]) -> None:
    """Learn from fetched outputs: each one's provider, whether it is stored, and what was away."""
    tally: dict[str, list[int]] = {}
    for provider, is_stored, away in fetched:
        downloads = tally.setdefault(downloads_of(provider), [0, 0])
        if is_stored:
            tally.setdefault(STORAGE, [0, 0])[0] += 1
        if away:
            tally.setdefault(away, [0, 0])[1] += 1
        else:
            downloads[0] += 1
    for target, (answers, failures) in tally.items():
        breakers.note(target, answered=bool(answers), failures=failures, error="not reached")


def search_catalogue(*, provider: str, filters: Mapping[str, Any]) -> FoundModels:
    """What a provider's catalogue holds, narrowed in its own words.

    Raises:
        ProviderError: it cannot be asked; at once while the provider is left alone.
    """
    target = calls_of(provider)
    try:
        with breakers.through(target, trouble=ProviderError, is_outage=is_outage):
            return reaching.client_of(provider).search_models(**filters)
    except breakers.Shut:
        raise ProviderError("unreachable", url="") from None


def away_of(*, provider: str, problem: http.HttpFailure) -> str:
    """The breaker that a failed download tells about; empty when it was an answer."""
    silent = problem.kind != "refused" and (problem.status == 0 or problem.status >= 500)
    return downloads_of(provider) if silent and not problem.permanent else ""
