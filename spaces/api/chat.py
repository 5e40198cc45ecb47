"""Doors of a space's conversation, and of what its assistant sees in pictures."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.assistant.queries import message_json, message_view
from genproj.kernel.api import PAGING, bodies, cursor_of, page_answer, read_body, size_of
from genproj.kernel.api.describing import NOTHING
from genproj.runtime.answers import answered, idempotent
from spaces.api import docs
from spaces.api.acting import given
from spaces.api.answers import ANY_LABEL
from spaces.api.doors import SpaceDoor
from spaces.operations import describing, talking
from spaces.permissions import Act
from spaces.queries import talk
from spaces.tools import Mode

SAID = docs.body(
    "content",
    content={"type": "string", "minLength": 1, "maxLength": talking.LONGEST_WORDS},
    mode={"type": "string", "enum": [mode.value for mode in Mode], "default": Mode.ACTOR.value},
    context={**talking.TRAY, "default": {}},
)
DESCRIBE = docs.body(
    "variant_id",
    variant_id=docs.ID,
    focus={"type": "string", "maxLength": 200, "default": ""},
    question={"type": "string", "maxLength": 1000, "default": ""},
)
COMPARE = docs.body(
    "variant_ids",
    variant_ids={"type": "array", "items": docs.ID, "minItems": 2, "maxItems": 4}
    | {"uniqueItems": True},
    aspects={"type": "array", "items": {"type": "string", "maxLength": 80}, "maxItems": 8}
    | {"default": []},
)
MESSAGE = docs.one_of("Message", "The message.")
LIMITED = {
    "s409": "`not_completed`: it has no picture yet.",
    "s429": "The day's calls, or the money for them, are used up.",
    "s503": "The model cannot be reached.",
}


class Chat(SpaceDoor):
    """What is said in a space, and the door for saying something."""

    needs = {"POST": Act.CHAT}
    query = PAGING | {"newest"}

    @docs.pages(
        "chat",
        "Its conversation, oldest first; beside the page, who may speak and what is left today.",
        "Message",
        docs.flag("newest", "Begin with the last page."),
    )
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        page = talk.chat_page(
            viewer=request.user,
            space_id=id,
            cursor=cursor_of(request),
            size=size_of(request),
            newest=bodies.flag(request.query_params, "newest") or False,
        )
        answer = page_answer(request, page, message_json)
        answer.data |= talk.chat_facts(viewer=request.user, space_id=id)
        return answer

    @docs.act(
        "chat_send",
        "Say something. The assistant answers in messages that grow; an `advisor` changes nothing.",
        MESSAGE,
        takes=SAID,
        statuses=[201],
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Say it; it is kept before anybody answers."""
        body = read_body(request.data, SAID)
        message = talking.send(actor=request.user, space_id=id, **body)
        return Response(message_json(message_view(message)), status=201)


class ChatStop(SpaceDoor):
    """The end of an answer."""

    needs = {"POST": Act.CHAT}
    parser_classes = ANY_LABEL

    @docs.act("chat_stop", "End the answer that is being worked out; what was said of it stays.")
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Stop it; 200 with the message that was cut short, or null."""
        read_body(request.data, NOTHING)
        message = talking.stop(actor=request.user, space_id=id)
        return Response({"message": message and message_json(message_view(message))})


class ChatRetry(SpaceDoor):
    """Another attempt at an answer."""

    needs = {"POST": Act.CHAT}
    parser_classes = ANY_LABEL

    @docs.act(
        "chat_retry",
        "Have the last answer gone on with, if it was stopped, was interrupted or failed.",
        s409="`invalid_transition`: it came to its end.",
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Go on."""
        read_body(request.data, NOTHING)
        talking.retry(actor=request.user, space_id=id)
        return Response(talk.chat_facts(viewer=request.user, space_id=id))


class ChatClear(SpaceDoor):
    """A new beginning."""

    needs = {"POST": Act.CHAT}
    parser_classes = ANY_LABEL

    @docs.act("chat_clear", "Begin a new conversation; what waits in the old one is rejected.")
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Begin anew."""
        read_body(request.data, NOTHING)
        talking.clear(actor=request.user, space_id=id)
        return Response(talk.chat_facts(viewer=request.user, space_id=id))


class _Look(SpaceDoor):
    """Has the model look, answered with what it says."""

    needs = {"POST": Act.DESCRIBE}
    looks: Callable[..., describing.Seen]
    takes: docs.Schema

    def look(self, request: Request, id: UUID) -> HttpResponse:
        return answered(request, prepare=lambda: self._seen(request, id), act=Response)

    def _seen(self, request: Request, id: UUID) -> dict[str, Any]:
        body = given(read_body(request.data, self.takes))
        seen = type(self).looks(actor=request.user, space_id=id, **body)
        return {"text": seen.text, "kept": seen.kept}


class Describe(_Look):
    """What can be seen in a picture."""

    looks, takes = staticmethod(describing.describe), DESCRIBE

    @docs.act(
        "describe",
        "What can be seen in a variant's picture; kept on the variant.",
        docs.one_of("Seen"),
        takes=DESCRIBE,
        **LIMITED,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Look."""
        return self.look(request, id)


class Compare(_Look):
    """How pictures differ."""

    looks, takes = staticmethod(describing.compare), COMPARE

    @docs.act(
        "compare",
        "How the pictures of two to four variants differ.",
        docs.one_of("Seen"),
        takes=COMPARE,
        **LIMITED,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Look."""
        return self.look(request, id)
