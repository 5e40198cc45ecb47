"""Writes what is said, in an order that never changes, and tells who follows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pkgutil import resolve_name
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.assistant import queries
from genproj.assistant.models import Conversation, Message, Turn
from genproj.events import log
from genproj.kernel import logs, rows
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.talks import TALKS

lines = logs.component("assistant")


@rows.atomically
def add(
    *,
    conversation_id: UUID,
    type: str,
    content: str,
    about: str = "",
    role: str = Message.Role.ASSISTANT,
) -> Message:
    """Say something in a conversation; joins the caller's transaction.

    Raises:
        Conversation.DoesNotExist: it was deleted in the meantime.
    """
    conversation = locked(conversation_id)
    if conversation is None:
        raise Conversation.DoesNotExist(str(conversation_id))
    message = write(conversation, role=role, type=type, content=content, about=about)
    tell(message, kind="message:created")
    facts = {"conversation": str(conversation_id), "message": str(message.pk), "type": str(type)}
    rows.after_commit(logs.carried(lambda: lines.info("said", **facts, about=about or None)))
    return message


@rows.atomically
def change(*, message_id: UUID, content: str) -> Message:
    """Put other words into a message, such as the present progress. Repeated it changes nothing.

    Raises:
        Message.DoesNotExist: it was deleted in the meantime.
    """
    message = Message.objects.select_related("conversation").get(pk=message_id)
    if message.content != content:
        revise(message, content=content)
    return message


def locked(conversation_id: UUID) -> Conversation | None:
    """The conversation's row, held to the end of the transaction."""
    found = Conversation.objects.filter(pk=conversation_id)
    if rows.locks_rows():
        found = found.select_for_update(no_key=True)
    return found.first()


def write(
    conversation: Conversation,
    *,
    role: str,
    type: str,
    content: str,
    about: str = "",
    author: User | None = None,
    context: Mapping[str, Any] | None = None,
    turn: Turn | None = None,
    state: str = Message.State.COMPLETE,
) -> Message:
    """Add a message to a locked conversation.

    Its moment is later than that of every message before it, whatever the clocks say, so that a
    reader who asks for what came after a message never misses one.
    """
    at = max(now(), conversation.updated_at + timedelta(microseconds=1))
    message = Message.objects.create(
        id=uuid7(),
        conversation=conversation,
        role=role,
        type=type,
        content=content,
        author=author,
        about=about,
        state=state,
        of_turn=turn,
        context=dict(context or {}),
        created_at=at,
        updated_at=at,
    )
    conversation.updated_at = at
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=at)
    return message


def revise(
    message: Message,
    *,
    content: str,
    state: str = Message.State.COMPLETE,
    type: str = "",
    blocks: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Put what a message now says into it, and tell; what its calls brought stays."""
    message.content, message.state, message.updated_at = content, state, now()
    message.type = type or message.type
    message.blocks = [dict(block) for block in blocks]
    message.version += 1
    fields = ["content", "state", "type", "blocks", "version", "updated_at"]
    message.save(update_fields=fields)
    tell(message, kind="message:updated")


def answer_calls(message: Message, *, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep what some of a message's tool calls brought. The first result of a call stays."""
    message.results = {**results, **message.results}
    message.updated_at = now()
    message.version += 1
    message.save(update_fields=["results", "version", "updated_at"])
    tell(message, kind="message:updated")


def tell_waiting(turn: Turn) -> None:
    """Tell the newest message of a turn, which waits for people from now on, or no more."""
    found = Message.objects.filter(of_turn=turn).select_related("conversation", "of_turn")
    message = found.order_by("-created_at", "-id").first()
    if message is None:
        return
    message.version, message.updated_at = message.version + 1, now()
    message.save(update_fields=["version", "updated_at"])
    tell(message, kind="message:updated")


def tell(message: Message, *, kind: str) -> None:
    """Append a frame to the stream of those who may see the conversation."""
    row = TALKS.get(message.conversation.talk)
    if row is not None and row.tells:
        tells: Callable[[Message], None] = resolve_name(row.tells)
        tells(message)
        return
    log.append(
        message.conversation.audience,
        kind,
        message=queries.message_json(queries.message_view(message)),
        conversation=queries.outline(message.conversation),
    )
