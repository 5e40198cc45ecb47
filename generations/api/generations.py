"""Doors of generations: ask for one, look, cancel, retry, replay, throw away, take back."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from generations import queries
from generations.api import docs
from generations.api.filters import generation_filters
from generations.operations import asking, keeping, register, replay
from generations.queries import GenerationView, generation_json
from genproj.kernel.api import (
    PAGING,
    Door,
    cursor_of,
    page_answer,
    read_body,
    require_match,
    size_of,
)
from genproj.kernel.api.doors import names_version
from genproj.runtime.answers import answered, idempotent

#: tells the server in front which stream to follow while a client waits (`Prefer: wait`)
FOLLOW = "X-Follow"
#: verbs without fields take whatever a plain form or client labels its empty body as
ANY_LABEL = (JSONParser, FormParser, MultiPartParser)
NOTHING = {"type": "object", "additionalProperties": False, "properties": {}}


def headers_of(view: GenerationView) -> dict[str, str]:
    """The headers of an answer that holds a single generation."""
    headers = {"ETag": f'"{view.version}"'}
    if view.owner_id is not None:
        headers[FOLLOW] = f"user:{view.owner_id}"
    return headers


def answer(request: Request, id: UUID, *, status: int = 200) -> Response:
    """The generation as it is now."""
    return shown(request, queries.generation_view(viewer=request.user, id=id), status=status)


def shown(request: Request, view: GenerationView, *, status: int = 200) -> Response:
    """A single generation; a new one also tells where it is."""
    body, headers = generation_json(view, request.user), headers_of(view)
    if status != 200:
        headers["Location"] = body["urls"]["self"]
    return Response(body, status=status, headers=headers)


def no_body(request: Request) -> None:
    """Refuse fields where none are known."""
    read_body(request.data or {}, NOTHING)


class GenerationList(Door):
    """All generations that one may see, newest first; and the door for new ones."""

    query = PAGING | {
        *("state", "model", "provider", "kind", "tag", "q"),
        *("created_after", "created_before", "has_artifacts", "owner", "trashed"),
    }

    @docs.GENERATION_LIST
    def get(self, request: Request) -> Response:
        """A page."""
        page = queries.generation_page(
            viewer=request.user,
            filters=generation_filters(request),
            cursor=cursor_of(request),
            size=size_of(request),
        )
        return page_answer(request, page, lambda view: generation_json(view, request.user))

    @docs.GENERATION_CREATE
    def post(self, request: Request) -> HttpResponse:
        """Ask for one."""

        def act(wish: asking.Request) -> Response:
            entry = asking.ask(actor=request.user, request=wish)
            view = queries.new_generation_view(viewer=request.user, entry=entry, tags=wish.tags)
            return shown(request, view, status=202)

        # checking may ask the provider's catalogue, which must not happen in a transaction
        return answered(
            request,
            prepare=lambda: asking.checked(actor=request.user, body=request.data),
            act=act,
        )


#: the newest answers of this process, by id and version; most looks find nothing new
_answers: OrderedDict[tuple[UUID, str], tuple[bytes, dict[str, str]]] = OrderedDict()
MOST_ANSWERS = 1000


def _current(request: Request, id: UUID, version: str) -> tuple[bytes, dict[str, str]]:
    """The body and headers of one version, made once; `version` tells who may read it, too."""
    if (found := _answers.get((id, version))) is not None:
        return found
    view = queries.generation_view(viewer=request.user, id=id)
    made = JSONRenderer().render(generation_json(view, request.user)), headers_of(view)
    _answers[id, view.version] = made
    while len(_answers) > MOST_ANSWERS:
        _answers.popitem(last=False)
    return made


class GenerationDetail(Door):
    """One generation."""

    @docs.GENERATION_DETAIL
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Look at it."""
        version = queries.generation_version(viewer=request.user, id=id)
        if names_version(request.headers.get("If-None-Match", ""), f'"{version}"'):
            return HttpResponse(status=304, headers={"ETag": f'"{version}"'})
        body, headers = _current(request, id, version)
        return HttpResponse(body, content_type="application/json", headers=headers)

    @docs.GENERATION_DELETE
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Move it to the trash."""
        if request.headers.get("If-Match"):
            require_match(request, queries.generation_version(viewer=request.user, id=id))
        keeping.trash_entry(actor=request.user, entry_id=id)
        return HttpResponse(status=204)


class _Act(Door):
    """A verb on one generation, answered with the generation as it is then."""

    parser_classes = ANY_LABEL
    verb: Callable[..., Any]

    def act(self, request: Request, id: UUID) -> Response:
        no_body(request)
        type(self).verb(actor=request.user, entry_id=id)
        return answer(request, id)


class GenerationCancel(_Act):
    """Stop waiting for it."""

    verb = staticmethod(register.cancel_entry)

    @docs.GENERATION_CANCEL
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Cancel it."""
        return self.act(request, id)


class GenerationRestore(_Act):
    """Take it out of the trash."""

    verb = staticmethod(keeping.restore_entry)

    @docs.GENERATION_RESTORE
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Restore it."""
        return self.act(request, id)


class GenerationRetry(Door):
    """Ask again for what is missing."""

    parser_classes = ANY_LABEL

    @docs.GENERATION_RETRY
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Open a new generation for it."""
        no_body(request)
        entry = register.retry_entry(actor=request.user, entry_id=id)
        return answer(request, entry.pk, status=202)


class GenerationReplay(Door):
    """Run failed projections once more; staff."""

    permission_classes = (IsAuthenticated, IsAdminUser)
    parser_classes = ANY_LABEL

    @docs.GENERATION_REPLAY
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Replay them, or with `{"dry_run": true}` say what would happen."""
        body = read_body(request.data or {}, docs.REPLAY_REQUEST)
        queries.generation_version(viewer=request.user, id=id)
        rows = replay.replay(
            actor=request.user,
            projections=replay.failed_projections(entry_id=id),
            dry_run=body["dry_run"],
        )
        return Response({"results": [docs.replay_json(row) for row in rows]})


class GenerationTimeline(Door):
    """What happened to it, and when."""

    @docs.GENERATION_TIMELINE
    def get(self, request: Request, id: UUID) -> Response:
        """Every step, oldest first."""
        steps = queries.timeline(viewer=request.user, id=id)
        return Response({"results": [queries.step_json(step) for step in steps]})
