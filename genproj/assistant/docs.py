"""What the schema says about the doors of conversations, and what their bodies may hold."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from genproj.kernel.api import describing as say
from genproj.kernel.api.describing import Decorator

TITLE: dict[str, Any] = {"type": "string", "maxLength": 200}
NEW: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"title": {**TITLE, "default": ""}},
}
CHANGES: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title"],
    "properties": {"title": TITLE},
}
SAID: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["content"],
    "properties": {"content": {"type": "string", "minLength": 1, "maxLength": 10_000}},
}

CONVERSATION = say.json_of(say.ref("Conversation"), "The conversation.")
TAGS = ["conversations"]

LIST: Decorator = extend_schema(
    operation_id="conversations_list",
    tags=TAGS,
    parameters=[
        *say.PAGES,
        say.query("q", "Words of the title or of what was said."),
        say.query("trashed", "What lies in the trash instead.", kind=OpenApiTypes.BOOL),
        say.query("owner", "`me`: one's own, for staff, who see all.", enum=["me"]),
    ],
    responses={200: say.page_of("Conversation"), **say.problems(s400=say.WRONG_QUERY)},
)
CREATE: Decorator = extend_schema(
    operation_id="conversations_create",
    tags=TAGS,
    parameters=[say.ONCE, say.LOCATION],
    request={"application/json": NEW},
    responses={201: CONVERSATION, **say.problems(s400="Not JSON.", s422=say.WRONG)},
)
DETAIL: Decorator = extend_schema(
    operation_id="conversations_read",
    tags=TAGS,
    parameters=[say.IF_NONE_MATCH, say.ETAG],
    responses={200: CONVERSATION, 304: say.UNCHANGED, **say.problems(s404=say.LOST)},
)
CHANGE: Decorator = extend_schema(
    operation_id="conversations_change",
    tags=TAGS,
    parameters=[say.IF_MATCH, say.ETAG],
    request={"application/json": CHANGES},
    responses={
        200: CONVERSATION,
        **say.problems(s404=say.LOST, s412="It has changed.", s422=say.WRONG),
    },
)
DELETE: Decorator = extend_schema(
    operation_id="conversations_trash",
    tags=TAGS,
    description="It goes to the trash; after 30 days it is deleted with what was said in it.",
    parameters=[say.IF_MATCH],
    responses={204: say.EMPTY, **say.problems(s404=say.LOST, s412="It has changed.")},
)


def _act(name: str, words: str) -> Decorator:
    decorate: Decorator = extend_schema(
        operation_id=f"conversations_{name}",
        tags=TAGS,
        description=words,
        parameters=[say.ONCE],
        request=None,
        responses={200: CONVERSATION, **say.problems(s404=say.LOST)},
    )
    return decorate


RESTORE = _act("restore", "Take it out of the trash. Repeated, it answers 200 all the same.")
READ = _act("mark_read", "Everything said in it so far counts as read by the caller.")
MESSAGES: Decorator = extend_schema(
    operation_id="messages_list",
    tags=TAGS,
    description="Oldest first: `next` leads to newer messages, `previous` to older ones.",
    parameters=[
        *say.PAGES,
        say.query("q", "Words of what was said."),
        say.query("after", "A message's id: begin behind it.", kind=OpenApiTypes.UUID),
        say.query("newest", "Begin with the last page.", kind=OpenApiTypes.BOOL),
    ],
    responses={
        200: say.page_of("Message"),
        **say.problems(s400=say.WRONG_QUERY, s404=say.LOST),
    },
)
SAY: Decorator = extend_schema(
    operation_id="messages_create",
    tags=TAGS,
    description="Say something. The conversation is `working` until the assistant has answered; "
    "messages are answered one after the other.",
    parameters=[say.ONCE],
    request={"application/json": SAID},
    responses={
        201: say.json_of(say.ref("Message"), "The message as it is kept."),
        **say.problems(
            s400="Not JSON.",
            s404=say.LOST,
            s409="`invalid_transition`: the conversation lies in the trash.",
            s422=say.WRONG,
        ),
    },
)
