"""The words of errors as they are stored: `{code, message, retryable, at, detail}`, capped."""

from collections.abc import Mapping
from typing import Any

from generations.errors import EntryError, OutputError
from genproj.kernel.clock import now, zulu

LONGEST = 2000

RETRYABLE = {
    EntryError.HTTP_ERROR: True,
    EntryError.API_REJECTED: False,
    EntryError.DISPATCH_UNKNOWN: True,
    EntryError.TIMEOUT: True,
    EntryError.PROJECTION_FAILED: False,
    OutputError.VALIDATION: True,
    OutputError.WEBHOOK_ERROR: True,
    OutputError.FETCH_FAILED: True,
    OutputError.STORAGE_FAILED: True,
    OutputError.CONTENT_BLOCKED: False,
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
