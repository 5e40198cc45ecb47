"""What every door of the JSON API has in common: strict queries, limits, pages, versions."""

from collections.abc import Callable, Collection, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genproj.kernel import paging
from genproj.kernel.api import bodies, limits
from genproj.kernel.errors import Malformed, VersionConflict

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PAGING = frozenset({"cursor", "page_size"})


class ByAccept(DefaultContentNegotiation):
    """Only the Accept header chooses: `?format=` is a parameter like any other."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=None)


class Door(APIView):
    """One address of the API. `query` names the parameters that its GET knows."""

    content_negotiation_class: type[DefaultContentNegotiation] = ByAccept

    query: ClassVar[Collection[str]] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who knocks, how often, and with which parameters."""
        super().initial(request, *args, **kwargs)
        scope = "read" if request.method in SAFE else "create"
        self.allowance = limits.use(scope, str(request.user.pk))
        if self.allowance:
            self.allowance.require()
        try:
            known = self.query if request.method in SAFE else frozenset()
            bodies.known_query(request.query_params, known)
        except TooManyFieldsSent:
            raise Malformed from None

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell what is left of the limit."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if allowance := getattr(self, "allowance", None):
            for name, value in allowance.headers.items():
                response[name] = value
        return response


def cursor_of(request: Request) -> paging.Cursor | None:
    """The cursor that was asked for; Malformed when it is none."""
    text = request.query_params.get("cursor")
    return paging.Cursor.read(text) if text else None


def size_of(request: Request) -> int:
    """The page size that was asked for."""
    return bodies.number(
        request.query_params,
        "page_size",
        default=paging.USUAL_PAGE,
        most=paging.LARGEST_PAGE,
    )


def page_answer(request: Request, page: Any, to_json: Callable[[Any], Any]) -> Response:
    """A page `{next, previous, results}` with the addresses of its neighbours."""
    return Response(
        {
            "next": _neighbour(request, page.next),
            "previous": _neighbour(request, page.previous),
            "results": [to_json(view) for view in page.results],
        }
    )


def whole_list_answer(
    request: Request, rows: Sequence[Any], to_json: Callable[[Any], Any], **more: Any
) -> Response:
    """A page of a list that is at hand whole, for lists that are never long."""
    page = paging.part(rows, request.query_params.get("cursor"), size_of(request))
    answer = page_answer(request, page, to_json)
    answer.data |= more
    return answer


def _neighbour(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def versioned(
    request: Request, version: str, build: Callable[[], Any], **headers: str
) -> HttpResponse:
    """The object with its ETag, or 304 without building it."""
    tag = f'"{version}"'
    if names_version(request.headers.get("If-None-Match", ""), tag):
        return HttpResponse(status=304, headers={"ETag": tag, **headers})
    return Response(build(), headers={"ETag": tag, **headers})


def require_match(request: Request, version: str) -> None:
    """VersionConflict when the caller believes in another version (If-Match)."""
    given = request.headers.get("If-Match", "")
    if given and not names_version(given, f'"{version}"'):
        raise VersionConflict


def names_version(header: str, tag: str) -> bool:
    """Whether a conditional header names this version."""
    named = {one.strip().removeprefix("W/") for one in header.split(",")}
    return tag in named or "*" in named


def client_address(request: HttpRequest) -> str:
    """The address that knocks, as the server before us saw it."""
    return str(request.META.get("REMOTE_ADDR", ""))
