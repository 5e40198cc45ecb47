"""Every refusal as problem+json (RFC 9457): one shape, a stable code, and nothing that leaks."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from genproj.kernel import errors, logs
from genproj.kernel.storage import StorageFailure

CONTENT_TYPE = "application/problem+json"
#: where machines ask
PREFIXES = ("/api/", "/media/", "/webhooks/")
RETRY_SECONDS = 5

log = logs.component("api")


class Unauthenticated(errors.Refusal):
    """Sign in, or send a valid key."""

    code, status, title = "unauthenticated", 401, "Not signed in"


class MethodNotAllowed(errors.Refusal):
    """This address does not take this method."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"


class NotAcceptable(errors.Refusal):
    """The answer can only be JSON."""

    code, status, title = "not_acceptable", 406, "Not acceptable"


class UnsupportedMediaType(errors.Refusal):
    """The body is not of a type that this address reads."""

    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


class InternalError(errors.Refusal):
    """Something went wrong here. It has been noted under the request's id."""

    code, status, title, retryable = "internal_error", 500, "Internal error", True


class DatabaseUnavailable(errors.Refusal):
    """The database cannot be reached just now."""

    code, status, title, retryable = "database_unavailable", 503, "Database unavailable", True


#: the framework's exceptions in our words; the first that fits
OURS: tuple[tuple[tuple[type[BaseException], ...], type[errors.Refusal]], ...] = (
    ((exceptions.NotAuthenticated, exceptions.AuthenticationFailed), Unauthenticated),
    ((exceptions.PermissionDenied, PermissionDenied), errors.Forbidden),
    ((exceptions.NotFound, Http404), errors.NotFound),
    ((exceptions.MethodNotAllowed,), MethodNotAllowed),
    ((exceptions.NotAcceptable,), NotAcceptable),
    ((exceptions.UnsupportedMediaType,), UnsupportedMediaType),
    ((exceptions.ParseError, RecursionError, SuspiciousOperation), errors.Malformed),
    ((RequestDataTooBig,), errors.TooLarge),
    ((OperationalError, InterfaceError), DatabaseUnavailable),
    ((StorageFailure,), errors.StorageUnavailable),
)


def refusal_of(error: BaseException) -> errors.Refusal:
    """The refusal that an exception amounts to."""
    if isinstance(error, errors.Refusal):
        return error
    # SuspiciousOperation is the parent of RequestDataTooBig.
    if isinstance(error, RequestDataTooBig):
        return errors.TooLarge()
    for theirs, ours in OURS:
        if isinstance(error, theirs):
            return ours()
    return InternalError()


def body_of(refusal: errors.Refusal, request: HttpRequest) -> dict[str, Any]:
    """The problem's members."""
    body: dict[str, Any] = {
        "type": f"/api/v1/docs/#problem-{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": request.path,
        "code": refusal.code,
        "retryable": refusal.retryable,
        "request_id": getattr(request, "request_id", None),
    }
    body |= {name: value for name, value in refusal.extra.items() if name not in HEADERS}
    if isinstance(refusal, errors.Invalid):
        body["errors"] = refusal.errors
    return body


#: members of `Refusal.extra` that are headers, not part of the body
HEADERS = {"retry_after": "Retry-After", "allow": "Allow"}


def headers_of(refusal: errors.Refusal) -> dict[str, str]:
    """The headers that go with it."""
    headers = {
        HEADERS[name]: str(value) for name, value in refusal.extra.items() if name in HEADERS
    }
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status in {429, 503}:
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return headers


def problem(error: Exception, context: Mapping[str, Any]) -> Response:
    """What REST framework answers when a view raises."""
    request = context["request"]._request
    refusal = refusal_of(error)
    if isinstance(error, exceptions.MethodNotAllowed):
        refusal.extra["allow"] = ", ".join(context["view"].allowed_methods)
    if isinstance(refusal, InternalError | DatabaseUnavailable):
        log.exception("failed", method=request.method, path=request.path)
    return Response(
        body_of(refusal, request),
        status=refusal.status,
        headers=headers_of(refusal),
        content_type=CONTENT_TYPE,
    )


def problem_response(request: HttpRequest, error: Exception) -> JsonResponse:
    """The same outside REST framework."""
    refusal = refusal_of(error)
    return JsonResponse(
        body_of(refusal, request),
        status=refusal.status,
        headers={"Cache-Control": "private, no-cache", **headers_of(refusal)},
        content_type=CONTENT_TYPE,
    )


def read_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Have a plain view answer other methods than GET and HEAD with the usual problem."""

    @csrf_exempt  # what changes nothing needs no token, and 403 would be the wrong word
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return problem_response(request, MethodNotAllowed(allow="GET, HEAD"))
        return view(request, *args, **kwargs)

    return answer


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler400`."""
    if request.path.startswith(PREFIXES):
        return problem_response(request, errors.Malformed())
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler403`."""
    if request.path.startswith(PREFIXES):
        return problem_response(request, errors.Forbidden())
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler404`."""
    if request.path.startswith(PREFIXES):
        return problem_response(request, errors.NotFound())
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`."""
    if request.path.startswith(PREFIXES):
        return problem_response(request, InternalError())
    return defaults.server_error(request)
