"""Gives every request an id, and every answer of the API its caching rule."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from genproj.kernel import logs
from genproj.kernel.ids import uuid7

HEADER = "X-Request-Id"
ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,80}")


class RequestIdMiddleware:
    """Takes the caller's X-Request-Id or makes one; logs, jobs and problems carry it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request_id = given if ACCEPTABLE.fullmatch(given) else str(uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]
        with logs.bound(request_id=request_id):
            response = self.get_response(request)
        response[HEADER] = request_id
        if request.path.startswith("/api/") and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-cache"
        return response
