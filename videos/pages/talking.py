"""The chat: conversations, what is said in them, and the cards of the films they are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from generations.pages.lists import cursor_of
from generations.pages.parts import hides_missing, shown
from genproj.assistant import queries as talks
from genproj.assistant.operations import conversations
from genproj.assistant.queries import ConversationFilters, ConversationView, MessageView
from genproj.kernel.errors import Malformed, NotFound, Refusal
from genproj.kernel.paging import LARGEST_PAGE, Cursor
from videos.pages.cards import Card, cards_of
from videos.queries.mine import newest_messages, videos_among

LIST_SIZE, PAGE = 50, 30
LONGEST = 10_000
PARTS = {
    "list": "chat/list.html",
    "messages": "chat/messages.html",
    "older": "chat/older.html",
}
EXAMPLES = (
    "Create a video of a sunset over Lisbon",
    "A paper boat drifting down a rainy street, upright for phones",
    "An 8 second film of a fox waking up in fresh snow, cinematic, with sound",
)
#: type of a message -> the icon of its record
ICONS = {
    "clarification": "question",
    "confirmation": "question",
    "progress": "clock",
    "generation_result": "check",
    "error": "failed",
}


@dataclass(frozen=True)
class Item:
    """A message as the chat shows it: words, a record of one line, or words with a card."""

    id: str
    role: str
    type: str
    kind: str  # text | record | card
    text: str
    created_at: datetime
    icon: str = ""
    href: str = ""
    template: str = ""
    card: Card | None = None


@dataclass(frozen=True)
class Talk:
    """One conversation's middle: what is said, and where more of it is."""

    id: str
    title: str
    items: Sequence[Item]
    working: bool
    live: str  # the address of the messages from the first shown on
    older: str  # the cursor of earlier ones
    newer: str


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@hides_missing
def chat(request: HttpRequest, id: UUID | None = None) -> HttpResponse:
    """Conversations, and one of them; without a script its form is carried out here."""
    if request.method == "POST":
        return _say(request, id)
    asked = request.GET
    context: dict[str, Any] = {"examples": EXAMPLES, "limit": LONGEST, "at": str(id or "")}
    part = asked.get("part")
    if id is not None and part != "list":
        view = talks.conversation_view(viewer=request.user, id=id)
        context |= {"conversation": view, "talk": talk_of(request, view)}
        if part is None and view.unread_count and view.trashed_at is None:
            conversations.mark_read(actor=request.user, conversation_id=id)
    if part in {None, "list"}:
        context |= _listed(request)
    return shown(request, "chat/chat.html", context, parts=PARTS)


def _listed(request: HttpRequest) -> dict[str, Any]:
    words = request.GET.get("q", "").replace("\0", "").strip()
    filters = ConversationFilters(q=words or None, owner_id=request.user.pk)
    page = talks.conversation_page(
        viewer=request.user, filters=filters, cursor=None, size=LIST_SIZE
    )
    return {"conversations": page.results, "q": words}


def talk_of(request: HttpRequest, view: ConversationView) -> Talk:
    """The newest messages of a conversation; those from a cursor on; or a page of earlier ones."""
    id, asked = UUID(view.id), request.GET
    since = asked.get("part") == "messages"
    page = talks.message_page(
        viewer=request.user,
        conversation_id=id,
        cursor=cursor_of(asked),
        size=LARGEST_PAGE if since else PAGE,
        newest=True,
    )
    if since and page.next:  # so much was said meanwhile that the newest would be left out
        page = talks.message_page(
            viewer=request.user, conversation_id=id, cursor=None, size=LARGEST_PAGE, newest=True
        )
    return Talk(
        id=view.id,
        title=view.title,
        items=items_of(page.results, request),
        working=view.working,
        live=f"{reverse('conversation', args=[id])}?part=messages&cursor={_from(page.results)}",
        older=page.previous or "",
        newer=page.next or "",
    )


def _from(shown_messages: Sequence[MessageView]) -> str:
    """The cursor behind which the first message that is shown comes."""
    if not shown_messages:
        return ""
    first = shown_messages[0]
    return str(Cursor(first.created_at - timedelta(microseconds=1), UUID(first.id)))


def items_of(found: Sequence[MessageView], request: HttpRequest) -> list[Item]:
    """Messages as the chat shows them; only the newest about a video has the living card."""
    about = {message.id: _video(message) for message in found}
    ids = {id for id in about.values() if id}
    newest = newest_messages(ids) if ids else {}
    carried = {id for message, id in about.items() if id and newest.get(id) == message}
    views = videos_among(carried) if carried else {}
    cards = {card.id: card for card in cards_of(views.values(), request.user)} if views else {}
    return [_item(message, about[message.id], newest, cards) for message in found]


def _video(message: MessageView) -> UUID | None:
    kind, _, key = message.about.partition(":")
    return UUID(key) if kind == "video" and message.role == "assistant" else None


def _item(
    message: MessageView, video: UUID | None, newest: dict[UUID, str], cards: dict[str, Card]
) -> Item:
    plain: dict[str, Any] = {
        "id": message.id,
        "role": message.role,
        "type": message.type,
        "created_at": message.created_at,
    }
    if video is None:
        return Item(**plain, kind="text", text=message.content)
    first = message.content.partition("\n")[0]
    href = reverse("video", args=[video])
    card = cards.get(str(video)) if newest.get(video) == message.id else None
    if card is None:
        icon = ICONS.get(message.type, "info")
        return Item(**plain, kind="record", text=first, icon=icon, href=href)
    return Item(**plain, kind="card", text=first, href=href, template="videos/card.html", card=card)


def _say(request: HttpRequest, id: UUID | None) -> HttpResponse:
    """Say what the form holds, in a new conversation where there is none yet."""
    content = _words(request, "content")[:LONGEST]
    if not content:
        notes.error(request, "A message needs words.")
        return redirect("conversation", id) if id else redirect("chat")
    try:
        if id is None:
            id = conversations.begin(actor=request.user).pk
        conversations.say(actor=request.user, conversation_id=id, content=content)
    except NotFound:
        raise
    except Refusal as refusal:
        notes.error(request, refusal.detail)
    return redirect("conversation", id)


def _words(request: HttpRequest, field: str) -> str:
    """What a field says, without what no database keeps."""
    return request.POST.get(field, "").replace("\0", "").strip()


def _rename(actor: Any, id: UUID, title: str) -> str:
    if not title:
        raise Malformed("A conversation needs a name.")
    conversations.rename(actor=actor, conversation_id=id, title=title)
    return "Renamed."


def _trash(actor: Any, id: UUID, title: str) -> str:
    conversations.trash(actor=actor, conversation_id=id)
    return "Moved to the trash."


def _restore(actor: Any, id: UUID, title: str) -> str:
    conversations.restore(actor=actor, conversation_id=id)
    return "Restored."


ACTS = {"rename": _rename, "delete": _trash, "restore": _restore}


@login_required
@require_POST
@hides_missing
def conversation_act(request: HttpRequest, id: UUID) -> HttpResponse:
    """Rename a conversation, throw it away, take it back."""
    verb, title = request.POST.get("act", ""), _words(request, "title")[:200]
    plain = "application/json" not in request.headers.get("Accept", "")
    target = reverse("chat") if verb == "delete" else reverse("conversation", args=[id])
    try:
        if verb not in ACTS:
            raise Malformed("There is no such verb.")
        said = ACTS[verb](request.user, id, title)
    except NotFound:
        raise
    except Refusal as refusal:
        if plain:
            notes.error(request, refusal.detail)
            return redirect("conversation", id)
        body = {"code": refusal.code, "title": refusal.title, "detail": refusal.detail}
        return JsonResponse(body, status=refusal.status)
    if not plain:
        return JsonResponse({"said": said, "url": target})
    notes.success(request, said)
    return redirect(target)
