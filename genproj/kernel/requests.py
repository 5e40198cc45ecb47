"""Gives every request an id, and every answer of the API its caching rule."""

import re
import time
from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware

from genproj.kernel import logs
from genproj.kernel.ids import uuid7

HEADER = "X-Request-Id"
#: requests that change nothing are logged only when the server failed
QUIET = frozenset({"GET", "HEAD", "OPTIONS"})
ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,80}")

log = logs.component("web")


class RequestIdMiddleware:
    """Takes the caller's X-Request-Id or makes one; logs, jobs and problems carry it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request_id = given if ACCEPTABLE.fullmatch(given) else str(uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]
        began = time.monotonic()
        with logs.bound(request_id=request_id):
            response = self.get_response(request)
            note = log.debug if request.method in QUIET and response.status_code < 500 else log.info
            note(
                "answered",
                method=request.method,
                path=getattr(request, "logged_path", request.path),
                status=response.status_code,
                ms=round((time.monotonic() - began) * 1000),
            )
        response[HEADER] = request_id
        # Whatever comes from here is somebody's; what everybody may keep says so itself.
        if "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-cache"
        return response


class SlashMiddleware(CommonMiddleware):
    """Leads to the address with its slash, and has a body sent along (a 301 drops it)."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = cast(HttpResponse, super().__call__(request))
        if response.status_code == 301 and request.method not in QUIET:
            response.status_code = 308
        return response
