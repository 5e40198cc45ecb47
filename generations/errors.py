"""What generations refuse, and the words for what goes wrong in one."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from genproj.kernel.clock import now, zulu
from genproj.kernel.errors import Forbidden, Gone, InvalidTransition, NotFound


class EntryError(StrEnum):
    """Errors of a whole generation; `generations.queries` shows them with these codes."""

    HTTP_ERROR = "http_error"
    API_REJECTED = "api_rejected"
    DISPATCH_UNKNOWN = "dispatch_unknown"
    TIMEOUT = "timeout"
    PROJECTION_FAILED = "projection_failed"
    MODEL_RETIRED = "model_retired"
    TASK_VANISHED = "task_vanished"


class OutputError(StrEnum):
    """Errors of one output."""

    VALIDATION = "validation"
    WEBHOOK_ERROR = "webhook_error"
    FETCH_FAILED = "fetch_failed"
    STORAGE_FAILED = "storage_failed"
    CONTENT_BLOCKED = "content_blocked"
    NO_RESULT = "no_result"
    PROVIDER_FAILED = "provider_failed"


class GenerationNotFound(NotFound):
    """There is no such generation, or you may not see it."""


class ArtifactNotFound(NotFound):
    """There is no such artifact, or you may not see it."""


class ModelRetired(Gone):
    """The provider no longer serves this model; the replacement does the same job."""

    code = "model_retired"
    title = "Model retired"


class NothingToRetry(InvalidTransition):
    """Every picture that was asked for has come."""


class FilmOfAVideo(InvalidTransition):
    """A film belongs to its video, which is retried instead."""


class PictureOfAVariant(InvalidTransition):
    """A picture belongs to its variant, which is retried instead."""


class NotYours(Forbidden):
    """Only its owner or staff may do this."""


# --- errors as they are stored: {code, message, retryable, at, detail}, capped ------------------

#: characters kept of any text in an error
LONGEST = 2000

RETRYABLE = {
    EntryError.HTTP_ERROR: True,
    EntryError.API_REJECTED: False,
    EntryError.DISPATCH_UNKNOWN: True,
    EntryError.TIMEOUT: True,
    EntryError.PROJECTION_FAILED: False,
    EntryError.MODEL_RETIRED: False,
    EntryError.TASK_VANISHED: True,
    OutputError.VALIDATION: True,
    OutputError.WEBHOOK_ERROR: True,
    OutputError.FETCH_FAILED: True,
    OutputError.STORAGE_FAILED: True,
    OutputError.CONTENT_BLOCKED: False,
    OutputError.NO_RESULT: True,
    OutputError.PROVIDER_FAILED: True,
}


def capped(value: Any) -> Any:
    """`value` with every text in it cut to a length that fits a row."""
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, Mapping):
        return {str(name)[:80]: capped(part) for name, part in list(value.items())[:50]}
    if isinstance(value, list | tuple):
        return [capped(part) for part in value[:50]]
    return value


def error(
    code: EntryError | OutputError, message: str, *, retryable: bool | None = None, **detail: Any
) -> dict[str, Any]:
    """An error as it is stored on an entry or an output."""
    return {
        "code": code.value,
        "message": message[:500],
        "retryable": RETRYABLE[code] if retryable is None else retryable,
        "at": zulu(now()),
        "detail": capped(detail),
    }
