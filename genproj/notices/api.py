"""Doors of notices: look, and say that one has."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, Door, bodies, cursor_of, page_answer, read_body, size_of
from genproj.kernel.api import describing as say
from genproj.kernel.errors import Invalid
from genproj.kernel.ids import is_uuid
from genproj.notices import operations, queries
from genproj.runtime.answers import idempotent

COUNT = {"type": "integer", "description": "Of all notices, not only of this page."}
READ: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "ids": {
            "type": "array",
            "maxItems": 200,
            "items": {"type": "string", "format": "uuid"},
            "description": "Left out: all.",
        }
    },
}


class NoticeList(Door):
    """One's own notices, newest first."""

    query = PAGING | {"unread"}

    @extend_schema(
        operation_id="notices_list",
        tags=["notices"],
        parameters=[
            *say.PAGES,
            say.query("unread", "Only those, or only the others.", kind=OpenApiTypes.BOOL),
        ],
        responses={
            200: say.page_of("Notice", unread_count=COUNT),
            **say.problems(s400=say.WRONG_QUERY),
        },
    )
    def get(self, request: Request) -> Response:
        """A page, and how many are unread in all."""
        page = queries.notice_page(
            owner=request.user,
            cursor=cursor_of(request),
            size=size_of(request),
            unread=bodies.flag(request.query_params, "unread"),
        )
        answer = page_answer(request, page, queries.notice_json)
        answer.data["unread_count"] = queries.unread_count(owner_id=request.user.pk)
        return answer


class NoticesRead(Door):
    """Say which notices one knows of."""

    @extend_schema(
        operation_id="notices_mark_read",
        tags=["notices"],
        parameters=[say.ONCE],
        request={"application/json": READ},
        responses={
            200: say.json_of(say.ref("NoticesRead"), "How many were new to the caller."),
            **say.problems(s422=say.WRONG),
        },
    )
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Mark these read, or all. Others' are passed over; repeated it changes nothing."""
        ids = read_body(request.data, READ).get("ids")
        if wrong := [place for place, id in enumerate(ids or []) if not is_uuid(id)]:
            words = "Must be a UUID."
            raise Invalid(
                [{"pointer": f"/ids/{place}", "code": "format", "detail": words} for place in wrong]
            )
        known = None if ids is None else [UUID(id) for id in ids]
        read = operations.mark_read(actor=request.user, ids=known)
        unread = queries.unread_count(owner_id=request.user.pk)
        return Response({"read": read, "unread_count": unread})
