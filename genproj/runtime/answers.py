"""The first answer to an `Idempotency-Key`, kept in the transaction of its effect."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, OperationalError, connection
from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel import rows
from genproj.kernel.errors import Conflict, Malformed, Refusal
from genproj.runtime.models import IdempotentAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
#: attribute of an answer: names of its fields that are never stored; a repetition has null there
SHOWN_ONCE = "shown_once"
WAIT_SECONDS = 5.0
KEY = re.compile(r"[\x21-\x7e]{1,200}")
LOCK_NOT_AVAILABLE = "55P03"

T = TypeVar("T")
View = Callable[..., HttpResponse]


class KeyReused(Refusal):
    """This Idempotency-Key was used for another request."""

    code, status, title = "idempotency_key_reused", 422, "Key used for something else"


class InProgress(Conflict):
    """The first request with this Idempotency-Key is still being answered."""

    code, title, retryable = "idempotency_in_progress", "Still being answered", True


def idempotent(view: View) -> View:
    """Have a method of a door honour `Idempotency-Key`.

    Key, effect and stored answer are one transaction; a refusal rolls it back and stores nothing.
    """

    @wraps(view)
    def answer(door: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return answered(
            request,
            prepare=lambda: None,
            act=lambda _: view(door, request, *args, **kwargs),
        )

    return answer


def answered(
    request: Request, *, prepare: Callable[[], T], act: Callable[[T], HttpResponse]
) -> HttpResponse:
    """The answer of `act`, once per `Idempotency-Key`; what `prepare` does is in no transaction.

    Raises:
        KeyReused: the key stands for another body.
        InProgress: the first run did not end within five seconds.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return act(prepare())
    if not KEY.fullmatch(key):
        raise Malformed("An Idempotency-Key has 1 to 200 printable characters.")
    scope, fingerprint = scope_of(request), fingerprint_of(request)
    if found := IdempotentAnswer.objects.filter(scope=scope, key=key).first():
        return _replayed(found, fingerprint)
    prepared = prepare()
    with _turn((scope, key)):
        try:
            return _first_answer(scope, key, fingerprint, lambda: act(prepared))
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
                raise InProgress(retry_after=1) from None
            raise


def kept_result(
    *, scope: str, key: str, said: Any, act: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """What `act` gives, as JSON holds it; once per key within the scope, in one transaction.

    Args:
        said: what was asked for, as JSON; the key stands for this alone.

    Raises:
        KeyReused: the key stands for something else.
        InProgress: the first run did not end within five seconds.
    """
    fingerprint = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    with _turn((scope, key)):
        try:
            return _first_result(scope, key, fingerprint, act)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
                raise InProgress(retry_after=1) from None
            raise


@rows.atomically
def _first_result(
    scope: str, key: str, fingerprint: str, act: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    if found := _claim(scope, key, fingerprint):
        if found.fingerprint != fingerprint:
            raise KeyReused
        body = found.body
    else:
        body = JSONRenderer().render(act()).decode()
        IdempotentAnswer.objects.filter(scope=scope, key=key).update(status=200, body=body)
    return dict(json.loads(body))


def scope_of(request: Request) -> str:
    """Within what a key is unique: the person, the method and the address."""
    words = f"{request.method} {request.path}"
    if len(words) > 80:
        words = hashlib.sha256(words.encode()).hexdigest()
    return f"{request.user.pk} {words}"


def fingerprint_of(request: Request) -> str:
    """What tells one body from another, however its JSON is spaced."""
    mark = hashlib.sha256(request.META.get("QUERY_STRING", "").encode())
    body: Any = request.data
    if request.FILES:
        for name, values in sorted(body.lists()):
            for value in values:
                mark.update(f"\n{name}=".encode())
                _mix(mark, value)
    else:
        mark.update(json.dumps(body, sort_keys=True).encode())
    return mark.hexdigest()


def _mix(mark: Any, value: Any) -> None:
    if not isinstance(value, UploadedFile):
        mark.update(str(value).encode())
        return
    mark.update(f"{value.name}\n".encode())
    for chunk in value.chunks():
        mark.update(chunk)
    value.seek(0)


@rows.atomically
def _first_answer(
    scope: str, key: str, fingerprint: str, act: Callable[[], HttpResponse]
) -> HttpResponse:
    if found := _claim(scope, key, fingerprint):
        return _replayed(found, fingerprint)
    answer = act()
    data = answer.data if isinstance(answer, Response) else None
    if secrets := getattr(answer, SHOWN_ONCE, ()):
        data = {**(data or {}), **dict.fromkeys(secrets)}
    IdempotentAnswer.objects.filter(scope=scope, key=key).update(
        status=answer.status_code,
        headers={name: value for name, value in answer.items() if name != "Content-Type"},
        body=JSONRenderer().render(data).decode() if data is not None else "",
    )
    return answer


def _claim(scope: str, key: str, fingerprint: str) -> IdempotentAnswer | None:
    """Take the key; the row that already has it, if any.

    On PostgreSQL the insert waits for a transaction that holds the same key, but not for ever.
    """
    known = IdempotentAnswer.objects.filter(scope=scope, key=key)
    if found := known.first():
        return found
    _set_lock_timeout(f"'{int(WAIT_SECONDS * 1000)}ms'")
    try:
        with rows.atomic():
            IdempotentAnswer.objects.create(scope=scope, key=key, fingerprint=fingerprint)
    except IntegrityError:
        return known.get()
    _set_lock_timeout("DEFAULT")
    return None


def _set_lock_timeout(value: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout TO {value}")


def _replayed(found: IdempotentAnswer, fingerprint: str) -> HttpResponse:
    if found.fingerprint != fingerprint:
        raise KeyReused
    headers = {**found.headers, REPLAYED: "true"}
    return HttpResponse(
        found.body,
        status=found.status,
        headers=headers,
        content_type="application/json",
    )


_running: set[tuple[str, str]] = set()
_changed = threading.Condition()


@contextmanager
def _turn(name: tuple[str, str]) -> Iterator[None]:
    """Wait for the same key's first run in this process: on SQLite the wait would be for every
    writer, and on PostgreSQL a connection would be held meanwhile."""
    with _changed:
        if not _changed.wait_for(lambda: name not in _running, timeout=WAIT_SECONDS):
            raise InProgress(retry_after=1)
        _running.add(name)
    try:
        yield
    finally:
        with _changed:
            _running.discard(name)
            _changed.notify_all()
