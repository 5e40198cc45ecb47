"""What people do with their conversations: begin, say something, name, read, throw away."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F

from genproj import audiences
from genproj.assistant.errors import (
    ConversationNotFound,
    ConversationTrashed,
    SharedConversation,
)
from genproj.assistant.models import Conversation, Message, ReadMark, Turn
from genproj.assistant.operations import messages
from genproj.kernel import logs, rows
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Forbidden, VersionConflict
from genproj.kernel.ids import uuid7
from genproj.kernel.wake import wake

#: how long a conversation lies in the trash before it is deleted
TRASH_DAYS = 30
LONGEST_TITLE = 60

log = logs.component("assistant")


@rows.atomically
def begin(*, actor: User, talk: str = "video", title: str = "", audience: str = "") -> Conversation:
    """Open a conversation, of the person alone unless `audience` names others."""
    at = now()
    return Conversation.objects.create(
        id=uuid7(),
        talk=talk,
        audience=audience or f"user:{actor.pk}",
        owner=actor,
        title=title,
        created_at=at,
        updated_at=at,
    )


@rows.atomically
def say(
    *,
    actor: User,
    conversation_id: UUID,
    content: str,
    context: Mapping[str, Any] | None = None,
    audience: str = "",
) -> Message:
    """Keep what a person says, and owe the assistant's turn after it, in one transaction.

    Args:
        context: what goes with the words, for the one who answers.
        audience: of those who share it, when it is not a person's own.

    Raises:
        ConversationNotFound: there is none that `actor` may see.
        ConversationTrashed: nothing is said in the trash.
        SharedConversation: it is shared with others than `audience`.
    """
    conversation = find_for_act(actor=actor, conversation_id=conversation_id, audience=audience)
    if conversation.trashed_at:
        raise ConversationTrashed
    if not conversation.title:
        _name(conversation, title=title_of(content))
    message = messages.write(
        conversation,
        role=Message.Role.USER,
        type=Message.Type.TEXT,
        content=content,
        author=actor,
        context=context,
    )
    Turn.objects.create(
        id=uuid7(),
        conversation=conversation,
        asked=message,
        created_at=message.created_at,
        due_at=message.created_at,
        request_id=(logs.request_id.get() or "")[:80],
    )
    _mark(conversation, actor=actor)
    messages.tell(message, kind="message:created")
    facts = {"conversation": str(conversation_id), "message": str(message.pk), "user": actor.pk}
    rows.after_commit(logs.carried(lambda: log.info("heard", **facts)))
    wake("genproj.assistant.jobs.answer_turns")
    return message


@rows.atomically
def rename(
    *, actor: User, conversation_id: UUID, title: str, version: int | None = None
) -> Conversation:
    """Give a conversation another title.

    Raises:
        VersionConflict: it is not at `version` any more.
    """
    conversation = find_for_act(actor=actor, conversation_id=conversation_id)
    _require(conversation, version=version)
    if conversation.title != title:
        _name(conversation, title=title)
    return conversation


@rows.atomically
def trash(*, actor: User, conversation_id: UUID, version: int | None = None) -> None:
    """Move a conversation to the trash; repeated it changes nothing."""
    conversation = find_for_act(actor=actor, conversation_id=conversation_id)
    _require(conversation, version=version)
    if conversation.trashed_at is None:
        _change(conversation, trashed_at=now())


@rows.atomically
def restore(*, actor: User, conversation_id: UUID) -> None:
    """Take a conversation out of the trash; repeated it changes nothing."""
    conversation = find_for_act(actor=actor, conversation_id=conversation_id)
    if conversation.trashed_at is not None:
        _change(conversation, trashed_at=None)


@rows.atomically
def mark_read(*, actor: User, conversation_id: UUID) -> None:
    """Record that the person has read everything said so far."""
    _mark(find(actor=actor, conversation_id=conversation_id), actor=actor)


def delete_trashed() -> int:
    """Delete what has lain in the trash for its time. Returns how many conversations."""
    found = Conversation.objects.filter(trashed_at__lt=after(-TRASH_DAYS * 86400))
    count = 0
    for key in list(found.values_list("pk", flat=True)[:100]):
        with rows.atomic():
            count += bool(Conversation.objects.filter(pk=key, trashed_at__isnull=False).delete()[0])
    if count:
        log.info("deleted_trashed", count=count)
    return count


@rows.atomically
def forget_everything_of(*, owner_ids: Collection[int]) -> int:
    """Delete the conversations that only these people see. Returns how many."""
    found = Conversation.objects.filter(audience__in=[f"user:{key}" for key in owner_ids])
    count = found.count()
    found.delete()
    return count


def find(*, actor: User, conversation_id: UUID) -> Conversation:
    """The conversation, locked; ConversationNotFound when `actor` may not see it."""
    conversation = messages.locked(conversation_id)
    if conversation is None or audiences.level(actor, conversation.audience) is None:
        raise ConversationNotFound
    return conversation


def find_for_act(*, actor: User, conversation_id: UUID, audience: str = "") -> Conversation:
    """The conversation, locked, if `actor` may change it: a person's own, or that of `audience`.

    What is shared is changed only by those who keep it: they know its rules, and tell its members.

    Raises:
        ConversationNotFound: there is none, or it may not be seen.
        Forbidden: it may be seen only.
        SharedConversation: it is shared with others than `audience`.
    """
    conversation = find(actor=actor, conversation_id=conversation_id)
    if not audiences.may(actor, conversation.audience, "editor"):
        raise Forbidden
    if not conversation.audience.startswith("user:") and conversation.audience != audience:
        raise SharedConversation
    return conversation


def title_of(content: str) -> str:
    """The title of a conversation that nobody named: the beginning of its first message."""
    words = " ".join(content.split())
    if len(words) <= LONGEST_TITLE:
        return words
    return words[: LONGEST_TITLE - 1].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"


def _require(conversation: Conversation, *, version: int | None) -> None:
    if version is not None and conversation.version != version:
        raise VersionConflict


def _name(conversation: Conversation, *, title: str) -> None:
    _change(conversation, title=title)


def _change(conversation: Conversation, **facts: object) -> None:
    for name, value in facts.items():
        setattr(conversation, name, value)
    conversation.version += 1
    Conversation.objects.filter(pk=conversation.pk).update(version=F("version") + 1, **facts)


def _mark(conversation: Conversation, *, actor: User) -> None:
    # the moment of the last message: whatever is said next is later
    moment = conversation.updated_at
    ReadMark.objects.update_or_create(
        conversation=conversation, user=actor, defaults={"read_at": moment}
    )
