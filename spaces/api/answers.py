"""How the doors of spaces answer, and how they heed the version that a caller believes in."""

import hashlib
import json
from collections.abc import Collection
from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import require_match, versioned
from genproj.kernel.errors import Invalid
from genproj.runtime.answers import SHOWN_ONCE

#: verbs without fields take whatever a plain form or client labels its empty body as
ANY_LABEL = (JSONParser, FormParser, MultiPartParser)


def mark_of(body: Any) -> str:
    """A mark that changes whenever what is shown changes."""
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()[:20]


def shown(request: Request, body: Any) -> HttpResponse:
    """The thing with its ETag, or 304."""
    return versioned(request, mark_of(body), lambda: body)


def answer(
    body: Any, *, status: int = 200, location: str = "", shown_once: Collection[str] = ()
) -> Response:
    """The thing as it is after a change. Fields that are `shown_once` are null in a repetition."""
    headers = {"ETag": f'"{mark_of(body)}"'}
    if location:
        headers["Location"] = location
    response = Response(body, status=status, headers=headers)
    setattr(response, SHOWN_ONCE, tuple(shown_once))
    return response


def expected(request: Request, body: dict[str, Any]) -> int | None:
    """The version that a change is meant for; None for any. `body` is what a GET shows now.

    Raises:
        VersionConflict: the caller believes in another.
    """
    if not request.headers.get("If-Match"):
        return None
    require_match(request, mark_of(body))
    version: int = body["version"]
    return version


def some(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a change, if it says anything."""
    if not body:
        raise Invalid.one("", "too_few", "Say what is to be changed.")
    return body
