"""The named shapes of conversations and notices."""

from genproj.openapi.shapes import (
    ANY,
    FLAG,
    MOMENT,
    NUMBER,
    TEXT,
    URL,
    UUID,
    Schema,
    maybe,
    several,
    shape,
    words,
)

ROLES = ("user", "assistant")
STATES = ("complete", "working", "interrupted", "stopped", "failed")
TYPES = ("text", "clarification", "confirmation", "progress", "generation_result", "error")

SHAPES: dict[str, Schema] = {
    "Conversation": shape(
        "A talk with the assistant. `working`: an answer is being worked out; `unread_count` is "
        "the caller's own; `preview` is how the last message begins.",
        id=UUID,
        title=TEXT,
        owner=maybe(TEXT),
        working=FLAG,
        message_count=NUMBER,
        unread_count=NUMBER,
        preview=TEXT,
        version=NUMBER,
        created_at=MOMENT,
        updated_at=MOMENT,
        trashed_at=maybe(MOMENT),
        urls=shape("", self=URL, messages=URL),
    ),
    "Message": shape(
        "Something that was said; `video` is the video it is about. An answer is `working` while "
        "it comes; `calls` are the tools that the model asked for in it, `context` what somebody "
        "sent beside their words. `waiting`: the answer goes on once people have decided on its "
        "open calls.",
        id=UUID,
        conversation=UUID,
        role=words(*ROLES),
        type=words(*TYPES),
        content=TEXT,
        video=maybe(UUID),
        state=words(*STATES),
        author=maybe(TEXT),
        context=ANY,
        calls=several(
            shape(
                "",
                id=TEXT,
                tool=TEXT,
                arguments=ANY,
                state=words("open", "done", "failed"),
            )
        ),
        waiting=FLAG,
        version=NUMBER,
        created_at=MOMENT,
    ),
    "Notice": shape(
        "A line for one person: what happened (`kind` is the event's name), and where to look.",
        id=UUID,
        kind=TEXT,
        title=TEXT,
        url=URL,
        created_at=MOMENT,
        read_at=maybe(MOMENT),
    ),
    "NoticesRead": shape("What is left.", read=NUMBER, unread_count=NUMBER),
}
