"""What the adapters of Google's APIs have in common: the call, its limits, and Google's errors."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from generations.providers.base import (
    MESSAGE_KEPT,
    Connection,
    Failure,
    ProviderError,
    ResultError,
    Task,
    Unparsable,
    clean,
    read_json,
)
from genproj.kernel import http

NOT_FOUND = "NOT_FOUND"
RETRYABLE_STATUS = frozenset({408, 425, 429})
DELAY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")
DATA_URI = re.compile(r"data:(image/[a-z0-9.+-]{1,40});base64,([A-Za-z0-9+/=]+)")
# A gateway's word for "the other side may have heard it".
PASSED_ON = frozenset({502, 504})

T = TypeVar("T")


def headers(connection: Connection) -> dict[str, str]:
    """What opens Google's doors."""
    return {"x-goog-api-key": connection.api_key}


def call(
    connection: Connection, method: str, path: str, body: Any = None, *, limits: http.Limits
) -> http.Answer:
    """One call, answered with whatever status; ProviderError when there was no answer."""
    try:
        return http.call(
            method,
            f"{connection.base_url}/{path}",
            json=body,
            headers=headers(connection),
            guard=connection.guard,
            limits=limits,
        )
    except http.HttpFailure as failure:
        raise ProviderError.of(failure) from failure


def send(
    connection: Connection,
    task: Task,
    *,
    verb: str,
    write: Callable[[Task], Any],
    read: Callable[[Any], T],
    limits: http.Limits,
) -> T:
    """Send a task to its model and read the answer.

    Raises ProviderError; `in_doubt` when the reply was lost or unreadable.
    """
    try:
        body = write(task)
    except ValueError as error:
        raise unsendable(connection, str(error)) from error
    answer = call(connection, "POST", f"models/{task.model}:{verb}", body, limits=limits)
    if not answer.ok:
        raise refusal(connection, answer, of_model=True)
    try:
        return read(read_json(answer.body))
    except Unparsable as error:
        raise unreadable(connection, answer, in_doubt=True) from error


def refusal(
    connection: Connection, answer: http.Answer, *, of_model: bool = False
) -> ProviderError:
    """A status outside 2xx: Google's own error, or somebody's page on the way there.

    `of_model`: the call was for a model, so that what is not found is the model.
    """
    try:
        message = read_json(answer.body)
    except Unparsable:
        message = None
    told = error_in(message)
    if told is None:
        return unreadable(connection, answer)
    retired = of_model and answer.status == 404 and told.provider_code == NOT_FOUND
    return ProviderError(
        "model_retired" if retired else "api_rejected",
        url=connection.base_url,
        status=answer.status,
        body=answer.text,
        errors=[told],
        permanent=is_permanent(answer.status),
        retry_after=retry_delay(message) or http.retry_after(answer.headers),
    )


def unreadable(
    connection: Connection, answer: http.Answer, *, in_doubt: bool = False
) -> ProviderError:
    """An answer that Google does not give: a gateway's page, half a body, another shape."""
    return ProviderError(
        "http_error",
        url=connection.base_url,
        status=answer.status,
        body=clean(answer.text),
        permanent=not answer.ok and is_permanent(answer.status),
        in_doubt=in_doubt or answer.status in PASSED_ON,
        retry_after=http.retry_after(answer.headers),
    )


def unsendable(connection: Connection, words: str) -> ProviderError:
    """A request that is not sent at all, because it would be refused."""
    told = failed("validation", words, "unsendable", {})
    return ProviderError("api_rejected", url=connection.base_url, errors=[told], permanent=True)


def failed(
    code: Failure,
    message: str,
    provider_code: str,
    raw: Mapping[str, Any],
    *,
    retryable: bool | None = None,
) -> ResultError:
    """A failed result, its words no longer than is kept."""
    return ResultError(
        code=code,
        message=message[:MESSAGE_KEPT],
        provider_code=provider_code[:100],
        raw=raw,
        content_blocked=code == "content_blocked",
        retryable=retryable,
    )


def error_in(message: Any) -> ResultError | None:
    """The error that Google wrote; None when the message is nothing of the kind."""
    told = message.get("error") if isinstance(message, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        return None
    status = told.get("status")
    name = status if isinstance(status, str) else str(told.get("code") or "unknown")
    return failed("webhook_error", words_of(told), name, told)


def words_of(told: Mapping[str, Any]) -> str:
    """The message of an error of Google's."""
    message = told.get("message")
    return message if isinstance(message, str) and message else "The provider gave no reason."


def retry_delay(message: Any) -> float | None:
    """Seconds that Google asks to wait (RetryInfo, a duration such as "17s")."""
    told = message.get("error") if isinstance(message, dict) else None
    details = told.get("details") if isinstance(told, dict) else None
    for one in details if isinstance(details, list) else ():
        delay = one.get("retryDelay") if isinstance(one, dict) else None
        if isinstance(delay, str) and (found := DELAY.fullmatch(delay)):
            return min(float(found[1]), 3_600.0)
    return None


def is_permanent(status: int) -> bool:
    """Whether the same call cannot succeed later."""
    return not (status in RETRYABLE_STATUS or status >= 500)
