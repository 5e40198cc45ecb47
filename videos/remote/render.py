"""Renders one film with the worker's own provider; whatever is paid for is written down first."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from generations.providers.base import (
    Connection,
    ProviderClient,
    ProviderError,
    ProviderUpdate,
    ResultOutput,
    Task,
    UnknownTask,
)
from genproj.kernel import http, logs
from genproj.kernel.clock import now, zulu
from videos.remote.client import pause_after
from videos.remote.journal import Journal, Record

#: seconds between questions to the provider; the last for ever
PAUSES = (1.0, 2.0, 3.0, 5.0, 5.0, 10.0)
#: a definite refusal that may pass is answered this often before the film is given up
MOST_REFUSALS = 6
LIMITS = http.Limits(connect=5, read=30, total=900, max_bytes=1024 * 2**20)

log = logs.component("worker")


class Failed(Exception):
    """The film cannot be made; `code` says why in the API's words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def named(order: Record) -> dict[str, str]:
    """What each line of the log about a film names, here as on the server."""
    return {name: order[name] for name in ("video", "job", "generation")}


@dataclass(frozen=True)
class Film:
    """A film that was made, as it lies on this machine's disk."""

    path: Path
    size: int
    cost: Decimal | None


@dataclass(frozen=True)
class Provider:
    """The provider that a film is asked of."""

    client: ProviderClient
    connection: Connection


@dataclass(frozen=True)
class Studio:
    """What rendering needs beside the film's record.

    `wait` sleeps, and raises when the film is not wanted any more; `progress` tells how far it is.
    """

    journal: Journal
    provider: Provider
    folder: Path
    wait: Callable[[float], None]
    progress: Callable[[int], None]


def render(studio: Studio, record: Record) -> Film:
    """The film of a record, from wherever an earlier process left off.

    Raises:
        Failed: it cannot be made.
    """
    if record["file"] and Path(record["file"]["path"]).exists():
        known = record["file"]
        cost = None if known["cost"] is None else Decimal(known["cost"])
        return Film(Path(known["path"]), known["size"], cost)
    update = None if record["ref"] else _submitted(studio, record)
    if update is None or not (update.outputs or update.errors):
        update = _finished(studio, record)
    if not update.outputs:
        raise _failure(update)
    return _fetched(studio, record, update.outputs[0])


# --- asking for it --------------------------------------------------------------------------------


def _submitted(studio: Studio, record: Record) -> ProviderUpdate | None:
    """Hand the film to the provider, once; what it said along with taking it."""
    client, order = studio.provider.client, record["order"]
    if record["sent_at"] and not client.takes_task_id:
        raise _unknown()  # an earlier process called, and no answer was written down
    task = Task(
        id=record["task"],
        kind="video",
        model=order["model"],
        input={"prompt": order["prompt"], "parameters": order["parameters"], "references": []},
        count=1,
    )
    for tries in range(MOST_REFUSALS):
        studio.wait(0)
        studio.journal.note(sent_at=zulu(now()))
        try:
            submission = client.submit(task)
        except ProviderError as problem:
            if problem.accepted:
                studio.journal.note(ref=task.id)
                return None
            _weigh(studio, problem)
            studio.wait(problem.retry_after or pause_after(tries))
        else:
            studio.journal.note(ref=submission.ref)
            log.info("submitted", **named(order), provider=order["provider"])
            return submission.update
    raise Failed("http_error", "The provider refused it again and again.")


def _weigh(studio: Studio, problem: ProviderError) -> None:
    """Return where another try does no harm; Failed otherwise."""
    takes_task_id = studio.provider.client.takes_task_id
    log.warning("refused", code=problem.code, status=problem.status, in_doubt=problem.in_doubt)
    if problem.in_doubt and not takes_task_id:
        raise _unknown()
    if problem.permanent:
        code = "content_blocked" if problem.content_blocked else problem.code
        words = str(problem.errors[0]["message"] if problem.errors else problem)
        raise Failed(code, words)
    if not takes_task_id:
        studio.journal.note(sent_at=None)  # it said itself that it took nothing


def _unknown() -> Failed:
    words = "The call to the provider got no answer; the provider may have billed it."
    return Failed("dispatch_unknown", words)


def _finished(studio: Studio, record: Record) -> ProviderUpdate:
    """Ask until there is a result or none can come any more."""
    told, number = -1, 0
    while True:
        studio.wait(PAUSES[min(number, len(PAUSES) - 1)])
        number += 1
        ref = (studio.journal.film or record)["ref"]
        try:
            update = studio.provider.client.ask(ref)
        except UnknownTask:
            if not studio.provider.client.takes_task_id:
                raise Failed("task_vanished", "The provider has lost this film.") from None
            studio.journal.note(ref=None)
            _submitted(studio, studio.journal.film or record)
            continue
        except ProviderError as problem:
            log.warning("no_answer", code=problem.code, status=problem.status)
            studio.wait(min(problem.retry_after or 0, 30.0))
            continue
        if update.outputs or (update.errors and update.processing is not True):
            return update
        if update.progress is not None and update.progress > told:
            told = update.progress
            studio.progress(told)


def _failure(update: ProviderUpdate) -> Failed:
    worst = update.errors[-1] if update.errors else None
    if worst is None:
        return Failed("no_result", "The provider ended without a film.")
    if worst.content_blocked:
        return Failed("content_blocked", worst.message)
    code = worst.code if worst.retryable is not False else "api_rejected"
    return Failed(code, worst.message)


# --- bringing it here -----------------------------------------------------------------------------


def _fetched(studio: Studio, record: Record, output: ResultOutput) -> Film:
    """Fetch the film to disk; tried again until its address is gone."""
    order, tries = record["order"], 0
    studio.folder.mkdir(parents=True, exist_ok=True)
    path = studio.folder / f"{order['job']}-{order['attempt']}.mp4"
    while True:
        try:
            _write(studio, output, path)
        except http.HttpFailure as failure:
            if failure.permanent:
                words = "The film's address holds nothing that can be fetched."
                raise Failed("fetch_failed", words) from failure
            log.warning("not_fetched", **named(order), reason=str(failure))
            studio.wait(failure.retry_after or pause_after(tries))
            tries += 1
        else:
            break
    size = path.stat().st_size
    cost = None if output.cost is None else str(output.cost)
    studio.journal.note(file={"path": str(path), "size": size, "cost": cost})
    return Film(path, size, output.cost)


def _write(studio: Studio, output: ResultOutput, path: Path) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        if output.data is not None:
            file.write(output.data)
        else:
            address = studio.provider.client.address_of(output.url or "")
            if address is None:
                words = "not an address of the provider's"
                raise http.HttpFailure("refused", output.url or "", words, permanent=True)
            http.download(
                address.url,
                guard=studio.provider.connection.downloads,
                limits=LIMITS,
                into=file,
                headers=address.headers,
            )
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def forget(record: Record) -> None:
    """Remove what was fetched."""
    known: dict[str, Any] | None = record.get("file")
    if known:
        Path(known["path"]).unlink(missing_ok=True)
