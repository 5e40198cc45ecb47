"""Doors of conversations: begin, look, name, throw away, take back, read; and of what is said."""

import hashlib
import json
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.assistant import docs, queries
from genproj.assistant.operations import conversations
from genproj.assistant.queries import ConversationFilters, ConversationView, conversation_json
from genproj.kernel.api import (
    PAGING,
    Door,
    bodies,
    cursor_of,
    page_answer,
    read_body,
    require_match,
    size_of,
    versioned,
)
from genproj.kernel.api.describing import NOTHING
from genproj.kernel.errors import Invalid
from genproj.runtime.answers import idempotent

#: verbs without fields take whatever a plain form or client labels its empty body as
ANY_LABEL = (JSONParser, FormParser, MultiPartParser)


def version_of(view: ConversationView) -> str:
    """A mark that changes whenever the JSON of the conversation changes for its viewer."""
    return hashlib.sha256(json.dumps(conversation_json(view)).encode()).hexdigest()[:20]


def answer(request: Request, id: UUID, *, status: int = 200) -> Response:
    """The conversation as it is now."""
    view = queries.conversation_view(viewer=request.user, id=id)
    body, headers = conversation_json(view), {"ETag": f'"{version_of(view)}"'}
    if status == 201:
        headers["Location"] = body["urls"]["self"]
    return Response(body, status=status, headers=headers)


def expected(request: Request, id: UUID) -> int | None:
    """The version that the change is meant for (`If-Match`); None for any."""
    if not request.headers.get("If-Match"):
        return None
    view = queries.conversation_view(viewer=request.user, id=id)
    require_match(request, version_of(view))
    return view.version


def filters_of(request: Request) -> ConversationFilters:
    """The filters of a list of conversations."""
    query = request.query_params
    mine = bodies.choice(query, "owner", ["me"])
    return ConversationFilters(
        q=query.get("q") or None,
        trashed=bodies.flag(query, "trashed") or False,
        owner_id=request.user.pk if mine else None,
    )


class ConversationList(Door):
    """All conversations that one may see, the newest talk first; and the door for new ones."""

    query = PAGING | {"q", "trashed", "owner"}

    @docs.LIST
    def get(self, request: Request) -> Response:
        """A page."""
        page = queries.conversation_page(
            viewer=request.user,
            filters=filters_of(request),
            cursor=cursor_of(request),
            size=size_of(request),
        )
        return page_answer(request, page, conversation_json)

    @docs.CREATE
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Begin one."""
        body = read_body(request.data, docs.NEW)
        conversation = conversations.begin(actor=request.user, title=body["title"].strip())
        return answer(request, conversation.pk, status=201)


class ConversationDetail(Door):
    """One conversation."""

    @docs.DETAIL
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Look at it."""
        view = queries.conversation_view(viewer=request.user, id=id)
        return versioned(request, version_of(view), lambda: conversation_json(view))

    @docs.CHANGE
    def patch(self, request: Request, id: UUID) -> Response:
        """Give it another title."""
        body = read_body(request.data, docs.CHANGES)
        conversations.rename(
            actor=request.user,
            conversation_id=id,
            title=body["title"].strip(),
            version=expected(request, id),
        )
        return answer(request, id)

    @docs.DELETE
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Move it to the trash."""
        conversations.trash(actor=request.user, conversation_id=id, version=expected(request, id))
        return HttpResponse(status=204)


class ConversationRestore(Door):
    """Take it out of the trash."""

    parser_classes = ANY_LABEL

    @docs.RESTORE
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Restore it."""
        read_body(request.data, NOTHING)
        conversations.restore(actor=request.user, conversation_id=id)
        return answer(request, id)


class ConversationRead(Door):
    """Record that one has read it."""

    parser_classes = ANY_LABEL

    @docs.READ
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Mark it read."""
        read_body(request.data, NOTHING)
        conversations.mark_read(actor=request.user, conversation_id=id)
        return answer(request, id)


class MessageList(Door):
    """What is said in a conversation, oldest first; and the door for saying something."""

    query = PAGING | {"q", "after", "newest"}

    @docs.MESSAGES
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        query = request.query_params
        after = bodies.identifier(query, "after")
        page = queries.message_page(
            viewer=request.user,
            conversation_id=id,
            cursor=cursor_of(request),
            size=size_of(request),
            q=query.get("q") or None,
            after=UUID(after) if after else None,
            newest=bodies.flag(query, "newest") or False,
        )
        return page_answer(request, page, queries.message_json)

    @docs.SAY
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Say something; it is kept before anybody answers."""
        body = said(request.data)
        message = conversations.say(actor=request.user, conversation_id=id, content=body["content"])
        return Response(queries.message_json(queries.message_view(message)), status=201)


def said(given: Any) -> dict[str, Any]:
    """The body of a message; Invalid when there is nothing in it."""
    body = read_body(given, docs.SAID)
    if not body["content"].strip():
        raise Invalid.one("/content", "too_short", "A message needs words.")
    return body
