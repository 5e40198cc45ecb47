"""A page and the parts of it that the browser asks for again are one door: `?part=` names one."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from genproj.kernel.errors import NotFound


def shown(
    request: HttpRequest, page: str, context: dict[str, Any], *, parts: Mapping[str, str]
) -> HttpResponse:
    """The page, or the one part of it that was asked for. Parts are never stored by a cache."""
    part = request.GET.get("part")
    if part is not None and part not in parts:
        raise Http404
    response = render(request, parts[part] if part else page, context)
    response["Cache-Control"] = "no-store" if part else "private, no-cache"
    return response


def hides_missing(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What one may not see is a plain 404."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound:
            raise Http404 from None

    return wrapped
