"""Doors of videos: wish, look, answer, confirm, cancel, retry, throw away, take back."""

import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import (
    PAGING,
    Door,
    bodies,
    cursor_of,
    page_answer,
    read_body,
    size_of,
    versioned,
)
from genproj.kernel.api.describing import NOTHING
from genproj.kernel.errors import Invalid
from genproj.kernel.figures import STATUS_READS
from genproj.runtime.answers import idempotent
from videos import queries
from videos.api import docs
from videos.operations import gates, wishes
from videos.queries import VideoFilters, status_json, video_json
from videos.states import VideoStatus

#: verbs without fields take whatever a plain form or client labels its empty body as
ANY_LABEL = (JSONParser, FormParser, MultiPartParser)


def version_of(body: Any) -> str:
    """A mark that changes whenever what is shown changes; places and progress are part of it."""
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()[:20]


def answer(request: Request, id: UUID, *, status: int = 200) -> Response:
    """The video as it is now."""
    body = video_json(queries.video_of(viewer=request.user, id=id))
    headers = {"ETag": f'"{version_of(body)}"'}
    if status == 201:
        headers["Location"] = body["urls"]["self"]
    return Response(body, status=status, headers=headers)


class VideoList(Door):
    """All videos that one may see, newest first; and the door for new wishes."""

    query = PAGING | {"status", "conversation", "created_after", "created_before", "trashed"}

    @docs.LIST
    def get(self, request: Request) -> Response:
        """A page."""
        query = request.query_params
        filters = VideoFilters(
            status=bodies.choice(query, "status", [status.value for status in VideoStatus]),
            conversation=bodies.identifier(query, "conversation"),
            created_after=bodies.moment(query, "created_after"),
            created_before=bodies.moment(query, "created_before"),
            trashed=bodies.flag(query, "trashed") or False,
        )
        page = queries.video_page(
            viewer=request.user, filters=filters, cursor=cursor_of(request), size=size_of(request)
        )
        return page_answer(request, page, video_json)

    @docs.CREATE
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Wish for one; nothing is spent before it is confirmed."""
        body = read_body(request.data, docs.WISH)
        video = wishes.open_video(
            actor=request.user,
            prompt=body["prompt"],
            model=body.get("model", ""),
            choices=body["parameters"],
            conversation_id=_identifier(body["conversation"]),
        )
        return answer(request, video.pk, status=201)


def _identifier(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid.one("/conversation", "format", "Must be a UUID.") from None


class VideoDetail(Door):
    """One video."""

    @docs.DETAIL
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Look at it."""
        body = video_json(queries.video_of(viewer=request.user, id=id))
        return versioned(request, version_of(body), lambda: body)

    @docs.DELETE
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Move it to the trash; one that still waits for its owner is cancelled."""
        gates.trash(actor=request.user, video_id=id)
        return HttpResponse(status=204)


class VideoProgress(Door):
    """The little of a video that a polling client needs."""

    @docs.STATUS
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Look at it; poll until `is_final`."""
        body = status_json(queries.video_of(viewer=request.user, id=id))
        answer = versioned(request, version_of(body), lambda: body)
        STATUS_READS.labels(answer=str(answer.status_code)).inc()
        return answer


class VideoTimeline(Door):
    """What happened to a video, and when."""

    @docs.TIMELINE
    def get(self, request: Request, id: UUID) -> Response:
        """Every step, oldest first."""
        lines = queries.timeline(viewer=request.user, id=id)
        return Response({"results": [line.json() for line in lines]})


class VideoClarify(Door):
    """Answer its questions."""

    @docs.CLARIFY
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Answer; `{}` takes the defaults."""
        body = read_body(request.data, docs.ANSWERS)
        wishes.clarify(actor=request.user, video_id=id, responses=body["responses"])
        return answer(request, id)


class VideoConfirm(Door):
    """Spend the money."""

    parser_classes = ANY_LABEL

    @docs.CONFIRM
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Confirm it."""
        body = read_body(request.data or {}, docs.CONFIRMATION)
        gates.confirm(actor=request.user, video_id=id, priority=body.get("priority"))
        return answer(request, id)


class VideoRetry(Door):
    """Try a failed one again."""

    parser_classes = ANY_LABEL

    @docs.AGAIN
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Retry it, as it was or with edits."""
        body = read_body(request.data or {}, docs.RETRY)
        gates.retry(actor=request.user, video_id=id, edits=body["edits"])
        return answer(request, id)


class _Act(Door):
    """A verb without fields, answered with the video as it is then."""

    parser_classes = ANY_LABEL
    verb: Callable[..., Any]

    def act(self, request: Request, id: UUID) -> Response:
        read_body(request.data or {}, NOTHING)
        type(self).verb(actor=request.user, video_id=id)
        return answer(request, id)


class VideoCancel(_Act):
    """Give it up."""

    verb = staticmethod(gates.cancel)

    @docs.CANCEL
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Cancel it."""
        return self.act(request, id)


class VideoRestore(_Act):
    """Take it out of the trash."""

    verb = staticmethod(gates.restore)

    @docs.RESTORE
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Restore it."""
        return self.act(request, id)


class VideoToFront(_Act):
    """Have it taken next."""

    verb = staticmethod(gates.move_to_front)

    @docs.TO_FRONT
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Move it to the front of the queue; staff."""
        return self.act(request, id)
