"""What the schema says about the doors of videos and the queue, and what their bodies may hold."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from genproj.kernel.api import describing as say
from genproj.kernel.api.describing import Decorator
from videos.states import VideoStatus

PROMPT: dict[str, Any] = {"type": "string", "minLength": 2, "maxLength": 3000, "pattern": "\\S"}
WISH: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {
        "prompt": PROMPT,
        "model": {"type": "string", "minLength": 1, "maxLength": 120},
        "parameters": {
            "type": "object",
            "default": {},
            "description": "The model's parameters, and `style` and `detail`.",
        },
        "conversation": {"type": ["string", "null"], "format": "uuid", "default": None},
    },
}
ANSWERS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["responses"],
    "properties": {
        "responses": {
            "type": "object",
            "description": "By the questions' keys; what is left out takes its default.",
        }
    },
}
CONFIRMATION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"priority": {"type": ["integer", "null"], "minimum": 0, "maximum": 10}},
}
RETRY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "edits": {
            "type": "object",
            "default": {},
            "description": "As `responses`; with edits it goes through confirmation again.",
        }
    },
}
PAUSE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "provider": {"type": "string", "maxLength": 40},
        "user": {"type": "string", "maxLength": 150},
        "reason": {"type": "string", "maxLength": 300, "default": ""},
    },
}

TAGS = ["videos"]
VIDEO = say.json_of(say.ref("Video"), "The video.")
STANDS = "Its state does not allow it."


def _act(verb: str, words: str, body: dict[str, Any] = say.NOTHING, **more: str) -> Decorator:
    decorator: Decorator = extend_schema(
        operation_id=f"videos_{verb}",
        tags=TAGS,
        summary=words,
        parameters=[say.ONCE],
        request={"application/json": body},
        responses={200: VIDEO, **say.problems(s404=say.LOST, s409=STANDS, s422=say.WRONG, **more)},
    )
    return decorator


LIST: Decorator = extend_schema(
    operation_id="videos_list",
    tags=TAGS,
    parameters=[
        *say.PAGES,
        say.query("status", enum=[status.value for status in VideoStatus]),
        say.query("conversation", "Its id.", kind=OpenApiTypes.UUID),
        say.query("created_after", kind=OpenApiTypes.DATETIME),
        say.query("created_before", kind=OpenApiTypes.DATETIME),
        say.query("trashed", "What lies in the trash instead.", kind=OpenApiTypes.BOOL),
    ],
    responses={200: say.page_of("Video"), **say.problems(s400=say.WRONG_QUERY)},
)
CREATE: Decorator = extend_schema(
    operation_id="videos_create",
    tags=TAGS,
    parameters=[say.ONCE, say.LOCATION],
    request={"application/json": WISH},
    responses={
        201: VIDEO,
        **say.problems(
            s400="Not JSON.", s404="No such conversation.", s410="Retired.", s422=say.WRONG
        ),
    },
)
DETAIL: Decorator = extend_schema(
    operation_id="videos_read",
    tags=TAGS,
    parameters=[say.IF_NONE_MATCH, say.ETAG],
    responses={200: VIDEO, 304: say.UNCHANGED, **say.problems(s404=say.LOST)},
)
STATUS: Decorator = extend_schema(
    operation_id="videos_status",
    tags=TAGS,
    parameters=[say.IF_NONE_MATCH, say.ETAG],
    responses={
        200: say.json_of(say.ref("VideoProgress"), "The little that polling needs."),
        304: say.UNCHANGED,
        **say.problems(s404=say.LOST),
    },
)
TIMELINE: Decorator = extend_schema(
    operation_id="videos_timeline",
    tags=TAGS,
    responses={
        200: say.json_of(
            {
                "type": "object",
                "required": ["results"],
                "properties": {"results": {"type": "array", "items": say.ref("VideoStep")}},
            }
        ),
        **say.problems(s404=say.LOST),
    },
)
DELETE: Decorator = extend_schema(
    operation_id="videos_delete",
    tags=TAGS,
    responses={204: say.EMPTY, **say.problems(s404=say.LOST, s409=STANDS)},
)
CLARIFY = _act("clarify", "Answer its questions, or change an answer.", ANSWERS, s410="Retired.")
CONFIRM = _act(
    "confirm",
    "Hold the money and put it into the queue.",
    CONFIRMATION,
    s402="The budget does not allow it.",
    s410="Retired.",
)
CANCEL = _act("cancel", "Give it up.")
AGAIN = _act("retry", "Try a failed one again.", RETRY, s402="The budget does not allow it.")
RESTORE = _act("restore", "Take it out of the trash.")
TO_FRONT = _act("to_front", "Have it taken next; staff.", s403="Not staff.")
QUEUE: Decorator = extend_schema(
    operation_id="queue_read",
    tags=["queue"],
    responses={200: say.json_of(say.ref("Queue"), "The queue."), **say.problems()},
)


def pausing(verb: str, words: str) -> Decorator:
    """The door that pauses or resumes."""
    decorator: Decorator = extend_schema(
        operation_id=f"queue_{verb}",
        tags=["queue"],
        summary=words,
        request={"application/json": PAUSE},
        responses={
            200: say.json_of(say.ref("Queue"), "The queue."),
            **say.problems(s403="Not staff.", s422=say.WRONG),
        },
    )
    return decorator
