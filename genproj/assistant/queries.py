"""What doors and apps read of conversations: frozen views, and the JSON of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Substr

from genproj import audiences
from genproj.assistant.errors import ConversationNotFound
from genproj.assistant.models import Conversation, Message, ReadMark, Turn
from genproj.kernel import paging
from genproj.kernel.clock import zulu
from genproj.kernel.errors import Malformed
from genproj.kernel.paging import Cursor
from genproj.talks import TALKS

API = "/api/v1/conversations"
LONGEST_PREVIEW = 140
#: conversations in the state that a stream's reader is given first
IN_STATE = 20


@dataclass(frozen=True)
class ConversationView:
    """One conversation as `viewer` sees it; what is unread is the viewer's own."""

    id: str
    title: str
    owner: str | None
    working: bool
    message_count: int
    unread_count: int
    preview: str
    version: int
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None


@dataclass(frozen=True)
class MessageView:
    """One message. `about` names a thing of an app, as in `video:ID`."""

    id: str
    conversation: str
    role: str
    type: str
    content: str
    about: str
    state: str
    author: str | None
    context: dict[str, Any]
    calls: list[dict[str, Any]]
    waiting: bool
    version: int
    created_at: datetime


@dataclass(frozen=True)
class Said:
    """A message as the one who answers reads it."""

    role: str
    type: str
    content: str
    about: str
    created_at: datetime


@dataclass(frozen=True)
class ConversationFilters:
    """Which conversations a list shows."""

    q: str | None = None
    trashed: bool = False
    owner_id: int | None = None


@dataclass(frozen=True)
class Page:
    """One page and the cursors of its neighbours."""

    results: Sequence[Any]
    next: str | None
    previous: str | None


def conversation_page(
    *, viewer: User, filters: ConversationFilters, cursor: Cursor | None, size: int
) -> Page:
    """A page of conversations, those with the newest message first."""
    found = _visible(viewer, filters.owner_id).filter(trashed_at__isnull=not filters.trashed)
    if filters.q:
        said = Message.objects.filter(conversation=OuterRef("pk"), content__icontains=filters.q)
        found = found.filter(Q(title__icontains=filters.q) | Exists(said))
    slice = paging.merge([paging.keys(found, cursor, size, at="updated_at")], cursor, size)
    by_id = Conversation.objects.select_related("owner").in_bulk(slice.ids)
    rows = [by_id[id] for id in slice.ids if id in by_id]
    return Page(_views(rows, viewer), slice.next, slice.previous)


def conversation_view(*, viewer: User, id: UUID) -> ConversationView:
    """One conversation, in the trash or not.

    Raises:
        ConversationNotFound: there is none, or `viewer` may not see it.
    """
    [view] = _views([_found(viewer, id)], viewer)
    return view


def message_page(
    *,
    viewer: User,
    conversation_id: UUID,
    cursor: Cursor | None,
    size: int,
    q: str | None = None,
    after: UUID | None = None,
    newest: bool = False,
) -> Page:
    """A page of messages, oldest first; `next` leads to newer ones.

    `after` begins behind a message that is known; `newest` begins with the last page.

    Raises:
        ConversationNotFound: there is none, or `viewer` may not see it.
        Malformed: there is no message `after` in it.
    """
    found = Message.objects.filter(conversation=_found(viewer, conversation_id))
    found = found.select_related("author")
    if q:
        found = found.filter(content__icontains=q)
    if after is not None and cursor is None:
        known = Message.objects.filter(conversation=conversation_id, pk=after)
        at = known.values_list("created_at", flat=True).first()
        if at is None:
            raise Malformed("There is no message of this id in the conversation.")
        cursor = Cursor(at, after)
    return _oldest_first(found, cursor, size, newest=newest and cursor is None)


def history(conversation_id: UUID, limit: int = 30) -> list[Said]:
    """The last messages of a conversation, oldest first."""
    found = Message.objects.filter(conversation=conversation_id).order_by("-created_at", "-id")
    rows = found.values_list("role", "type", "content", "about", "created_at")[:limit]
    return [Said(*row) for row in reversed(rows)]


def newest_messages(conversation_id: UUID, limit: int = 50) -> list[dict[str, Any]]:
    """The last messages of a conversation as JSON, oldest first."""
    found = Message.objects.filter(conversation=conversation_id).select_related("author")
    rows = list(found.order_by("-created_at", "-id")[:limit])
    return [message_json(message_view(row)) for row in reversed(rows)]


def full_state_of(key: int) -> dict[str, Any]:
    """The newest conversations of one person, as a stream's reader gets them first."""
    viewer = User.objects.get(pk=key)
    filters = ConversationFilters(owner_id=key)
    page = conversation_page(viewer=viewer, filters=filters, cursor=None, size=IN_STATE)
    return {"conversations": [conversation_json(view) for view in page.results]}


def outline(conversation: Conversation) -> dict[str, Any]:
    """What a message's frame tells of its conversation: whether more is being worked out."""
    return {
        "id": str(conversation.pk),
        "title": conversation.title,
        "working": _open_turns().filter(conversation=conversation.pk).exists(),
        "updated_at": zulu(conversation.updated_at),
    }


def conversation_json(view: ConversationView) -> dict[str, Any]:
    """One conversation."""
    return {
        "id": view.id,
        "title": view.title,
        "owner": view.owner,
        "working": view.working,
        "message_count": view.message_count,
        "unread_count": view.unread_count,
        "preview": view.preview,
        "version": view.version,
        "created_at": zulu(view.created_at),
        "updated_at": zulu(view.updated_at),
        "trashed_at": zulu(view.trashed_at),
        "urls": {"self": f"{API}/{view.id}/", "messages": f"{API}/{view.id}/messages/"},
    }


def message_view(message: Message) -> MessageView:
    """The view of a message."""
    calls = _calls(message)
    return MessageView(
        id=str(message.pk),
        conversation=str(message.conversation_id),
        role=str(message.role),
        type=str(message.type),
        content=message.content,
        about=message.about,
        state=str(message.state),
        author=message.author.get_username() if message.author else None,
        context=message.context,
        calls=calls,
        waiting=_waits(message, calls),
        version=message.version,
        created_at=message.created_at,
    )


def _calls(message: Message) -> list[dict[str, Any]]:
    """The tools that the model asked for in a message, and whether each has brought something."""
    return [
        {
            "id": block["id"],
            "tool": block["name"],
            "arguments": block["input"],
            "state": _outcome(message.results.get(block["id"])),
        }
        for block in message.blocks
        if block.get("type") == "tool_use"
    ]


def _waits(message: Message, calls: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the turn waits for people to decide on calls of this message."""
    is_open = any(call["state"] == "open" for call in calls)
    return is_open and message.of_turn is not None and message.of_turn.waiting_at is not None


def _outcome(result: dict[str, Any] | None) -> str:
    if result is None:
        return "open"
    return "failed" if result.get("is_error") else "done"


def message_json(view: MessageView) -> dict[str, Any]:
    """One message."""
    kind, _, key = view.about.partition(":")
    return {
        "id": view.id,
        "conversation": view.conversation,
        "role": view.role,
        "type": view.type,
        "content": view.content,
        "video": key if kind == "video" else None,
        "state": view.state,
        "author": view.author,
        "context": view.context,
        "calls": view.calls,
        "waiting": view.waiting,
        "version": view.version,
        "created_at": zulu(view.created_at),
    }


def _visible(viewer: User, owner_id: int | None) -> QuerySet[Conversation]:
    found = Conversation.objects.filter(
        talk__in=[name for name, row in TALKS.items() if row.listed]
    )
    if not viewer.is_staff:
        found = found.filter(audience__in=audiences.audiences_of(viewer))
    return found if owner_id is None else found.filter(audience=f"user:{owner_id}")


def _found(viewer: User, id: UUID) -> Conversation:
    found = Conversation.objects.select_related("owner").filter(pk=id).first()
    if found is None or audiences.level(viewer, found.audience) is None:
        raise ConversationNotFound
    return found


def _open_turns() -> QuerySet[Turn]:
    return Turn.objects.filter(done_at__isnull=True, waiting_at__isnull=True)


def _views(rows: Sequence[Conversation], viewer: User) -> list[ConversationView]:
    """The views of conversations, in their order; as many queries for one as for a page."""
    ids = [row.pk for row in rows]
    said = Message.objects.filter(conversation_id__in=ids).order_by()
    working = set(_open_turns().filter(conversation__in=ids).values_list("conversation", flat=True))
    by_conversation = said.values_list("conversation_id")
    counts = dict(by_conversation.annotate(Count("pk")))
    read_at = ReadMark.objects.filter(conversation=OuterRef("conversation"), user=viewer)
    unread = said.annotate(read_at=Subquery(read_at.values("read_at")[:1])).filter(
        ~Q(author=viewer),
        Q(read_at__isnull=True) | Q(created_at__gt=F("read_at")),
    )
    unread_counts = dict(unread.values_list("conversation_id").annotate(Count("pk")))
    last = Message.objects.filter(conversation=OuterRef("pk")).order_by("-created_at", "-id")
    previews = dict(
        Conversation.objects.filter(pk__in=ids)
        .order_by()
        .annotate(preview=Subquery(last.values(text=Substr("content", 1, LONGEST_PREVIEW))[:1]))
        .values_list("pk", "preview")
    )
    return [
        ConversationView(
            id=str(row.pk),
            title=row.title,
            owner=row.owner.get_username() if row.owner else None,
            working=row.pk in working,
            message_count=counts.get(row.pk, 0),
            unread_count=unread_counts.get(row.pk, 0),
            preview=previews.get(row.pk) or "",
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            trashed_at=row.trashed_at,
        )
        for row in rows
    ]


def _oldest_first(
    found: QuerySet[Message], cursor: Cursor | None, size: int, *, newest: bool
) -> Page:
    """One page of a list that reads downwards: its `next` is what `paging` calls newer."""
    back = newest or (cursor is not None and cursor.back)
    if cursor is None:
        sign = "-" if back else ""
        near = found.order_by(f"{sign}created_at", f"{sign}id")
    else:
        near = paging.behind(found, Cursor(cursor.at, cursor.id, back=not cursor.back))
    rows = list(near[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if back:
        rows.reverse()
    newer = bool(rows) and (more if not back else cursor is not None)
    older = bool(rows) and (more if back else cursor is not None)
    return Page(
        results=[message_view(row) for row in rows],
        next=str(Cursor(rows[-1].created_at, rows[-1].pk)) if newer else None,
        previous=str(Cursor(rows[0].created_at, rows[0].pk, back=True)) if older else None,
    )
