"""Films for the apps above: what may be asked for, opened here, or brought by a remote worker."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations.errors import EntryError, ModelRetired, OutputError, error
from generations.models import ProviderModel, RegisterEntry
from generations.operations import desk, register, settling
from generations.operations.recording import record_update
from generations.providers import WORKER
from generations.providers.base import ProviderUpdate, ResultError, ResultOutput
from generations.states import Kind
from genproj.kernel import rows
from genproj.kernel.api.bodies import Errors, errors_in, with_defaults
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid

#: how long a provider may take for a film
DEADLINE = 1_200
KEY_PREFIX = "videos"

PROMPT = {"type": "string", "minLength": 2, "maxLength": 3000}


@dataclass(frozen=True)
class FilmRequest:
    """A film that can be made as it is asked for; every parameter has its value."""

    model: ProviderModel
    prompt: str
    parameters: dict[str, Any]


def checked(*, model: str, prompt: str, parameters: Mapping[str, Any]) -> FilmRequest:
    """The request, its defaults filled in.

    Raises:
        Invalid: every field that is wrong, at once; /model, /prompt, /parameters/….
        ModelRetired: with its replacement.
    """
    errors = errors_in(prompt, PROMPT, "/prompt")
    if not errors and len(prompt.strip()) < 2:
        errors = [_row("/prompt", "too_short", "Must have at least 2 characters.")]
    row, about_model = _model(model)
    errors += about_model
    if not isinstance(parameters, Mapping):
        errors.append(_row("/parameters", "type", "Must be of type object."))
    elif row is not None:
        errors += errors_in(dict(parameters), _schema(row), "/parameters")
    if errors or row is None:
        raise Invalid(sorted(errors, key=lambda error: error["pointer"]))
    return FilmRequest(row, prompt.strip(), with_defaults(parameters, _schema(row)))


def _row(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


def _schema(row: ProviderModel) -> dict[str, Any]:
    return {**row.parameters, "type": "object", "additionalProperties": False}


def _model(id: Any) -> tuple[ProviderModel | None, Errors]:
    """The row of a model that makes films now, or what is wrong with it."""
    found = ProviderModel.objects.filter(pk=id) if isinstance(id, str) and "\0" not in id else None
    row = found.first() if found is not None else None
    if row is not None and row.sunset_at is not None and row.sunset_at <= now():
        raise ModelRetired(replacement=row.replacement_id)
    if row is None or not row.enabled:
        return None, [_row("/model", "unknown", "There is no such model here.")]
    if row.kind != Kind.VIDEO:
        detail = "This model makes pictures; they are asked for at /api/v1/generations/."
        return None, [_row("/model", "kind", detail)]
    return row, []


def open_film(
    *,
    actor: User,
    audience: str,
    request: FilmRequest,
    hold: str,
    annotations: Mapping[str, Any],
    request_id: str = "",
    deadline_seconds: int = DEADLINE,
) -> RegisterEntry:
    """Write a film down and have it submitted after commit. Joins the caller's transaction.

    Args:
        hold: the subject of the money that the caller holds for it, and answers for.
        annotations: what projectors know it by.
    """
    return register.open_entry(
        actor=actor,
        audience=audience,
        model=request.model,
        input={
            "prompt": request.prompt,
            "parameters": request.parameters,
            "reference_artifacts": [],
        },
        expected_count=1,
        deadline_seconds=deadline_seconds,
        request_id=request_id,
        key_prefix=KEY_PREFIX,
        annotations=annotations,
        hold=hold,
    )


@rows.atomically
def open_remote_film(
    *,
    actor: User,
    audience: str,
    request: FilmRequest,
    hold: str,
    annotations: Mapping[str, Any],
    request_id: str = "",
    deadline_seconds: int = DEADLINE,
) -> RegisterEntry:
    """Write down a film that a remote worker has taken. Nobody is called; the deadline stands."""
    model = copy(request.model)
    model.provider = WORKER
    entry = open_film(
        actor=actor,
        audience=audience,
        request=FilmRequest(model, request.prompt, request.parameters),
        hold=hold,
        annotations=annotations,
        request_id=request_id,
        deadline_seconds=deadline_seconds,
    )
    entry.due_at, entry.dispatched_at = entry.deadline_at, entry.created_at
    RegisterEntry.objects.filter(pk=entry.pk).update(
        due_at=entry.due_at, dispatched_at=entry.dispatched_at
    )
    return entry


@rows.atomically
def record_remote_film(
    *, entry_id: UUID, storage_key: str, cost: Decimal | None, seconds: float | None
) -> None:
    """A remote worker has put its film into our storage: it is collected like any other.

    Safe to repeat. The bytes decide what it is; what the worker says of them is not believed.

    Args:
        seconds: how long the worker took.
    """
    raw = {"storage_key": storage_key, "processing_seconds": seconds}
    output = ResultOutput(
        ref=storage_key, url=None, seed=None, cost=cost, raw=raw, storage_key=storage_key
    )
    _told(entry_id, ProviderUpdate(ref=None, outputs=(output,), processing=False))


@rows.atomically
def fail_remote_film(
    *, entry_id: UUID, code: str, message: str, retryable: bool | None = None
) -> None:
    """A remote worker has given up. Safe to repeat; a settled film stays as it is.

    Args:
        code: the worker's own; two are ours too: `content_blocked`, and `dispatch_unknown`, by
            which it says that the provider may have billed a film of which nothing was heard.
        retryable: whether the same may well succeed. None: as is usual.
    """
    if code == EntryError.DISPATCH_UNKNOWN:
        _close_unknown(entry_id)
        return
    failure = ResultError(
        code="provider_failed",
        message=message or "The worker could not make this film.",
        provider_code=code,
        raw={"code": code, "message": message},
        content_blocked=code == OutputError.CONTENT_BLOCKED,
        retryable=retryable,
    )
    _told(entry_id, ProviderUpdate(ref=None, errors=(failure,), processing=False))


def _close_unknown(entry_id: UUID) -> None:
    at = now()
    opened = desk.open_entries([entry_id])
    for item in opened.values():
        if not item.entry.completed_at and not item.collecting:
            item.blame(
                error(
                    EntryError.DISPATCH_UNKNOWN,
                    "The worker's call to the provider got no answer: the provider may have "
                    "billed it. It is not repeated by itself.",
                )
            )
            item.change(due_at=None)
            settling.complete(item, at=at)
    desk.put_back(opened.values(), at=at)


@rows.atomically
def note_remote_progress(*, entry_id: UUID, percent: int | None) -> None:
    """A remote worker is at work; a lower percentage than before changes nothing."""
    _told(entry_id, ProviderUpdate(ref=None, processing=True, progress=percent))


def _told(entry_id: UUID, update: ProviderUpdate) -> None:
    at = now()
    opened = desk.open_entries([entry_id])
    for item in opened.values():
        record_update(item, update=update, at=at)
    desk.put_back(opened.values(), at=at)


def drop_entry(*, entry_id: UUID) -> None:
    """Cancel a film on nobody's behalf; one that has settled stays as it is."""
    register.drop_entry(entry_id=entry_id)
