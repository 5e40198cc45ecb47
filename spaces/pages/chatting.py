"""The chat of a space: what everybody there said and was answered, with the proposals in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from generations.pages.lists import cursor_of
from generations.pages.parts import hides_missing
from genproj.assistant.queries import MessageView
from genproj.kernel.errors import Invalid, Malformed, Refusal
from genproj.kernel.paging import LARGEST_PAGE, Cursor
from spaces.operations import answering
from spaces.operations.talking import LONGEST_WORDS, MOST_IN_TRAY
from spaces.pages.planning import cards_in
from spaces.pages.proposals import Group, cards_of
from spaces.queries import proposals, talk
from spaces.queries.proposals import Named
from spaces.tools import Mode

PAGE = 30
PARTS = {
    "messages": "spaces/talk/messages.html",
    "older": "spaces/talk/older.html",
    "plans": "spaces/talk/plans.html",
}
EXAMPLES = (
    "What do we have?",
    "Generate three variants of a lighthouse at night",
    "Which of our pictures do not fit the others?",
)
#: mode -> (word, what it means)
MODES = {
    Mode.ADVISOR: ("Advisor", "Looks and advises; changes nothing."),
    Mode.ACTOR: ("Actor", "Proposes what to do; nothing happens unapproved."),
}
#: tool that only looks -> (what it does, what it did)
LOOKS = {
    "search": ("Looking through the space", "Looked through the space"),
    "describe": ("Looking at a picture", "Looked at a picture"),
    "compare": ("Comparing pictures", "Compared pictures"),
}


@dataclass(frozen=True)
class Look:
    """Something the assistant looked up: one line."""

    text: str
    state: str


@dataclass(frozen=True)
class Item:
    """A message as the chat shows it."""

    m: MessageView
    who: str
    is_mine: bool
    tray: Sequence[Named]
    looks: Sequence[Look]
    group: Group | None
    can_retry: bool

    @property
    def id(self) -> str:
        """The message's id."""
        return self.m.id

    @property
    def text(self) -> str:
        """What it says."""
        return self.m.content

    @property
    def shows_words(self) -> bool:
        """Whether it says anything, or is about to."""
        return bool(self.m.content.strip()) or self.m.state == "working"

    @property
    def created_at(self) -> datetime:
        """When it was begun."""
        return self.m.created_at


@dataclass(frozen=True)
class Talk:
    """The conversation of a space as its tab shows it."""

    id: str
    items: Sequence[Item]
    state: proposals.TurnState
    may_speak: bool
    calls_left: int
    calls_per_day: int
    live: str
    older: str
    newer: str


def chat_context(request: HttpRequest, space_id: UUID) -> dict[str, Any]:
    """What the tab shows, or its part that is asked for."""
    person: Any = request.user
    asked = request.GET
    context: dict[str, Any] = {
        "talk": _talk(request, space_id),
        "plans": cards_in(person, space_id),
        "examples": EXAMPLES,
        "limit": LONGEST_WORDS,
        "modes": [(mode.value, *words) for mode, words in MODES.items()],
        "mode": Mode.ACTOR.value,
        "most": MOST_IN_TRAY,
        "back": f"{reverse('space', args=[space_id])}?tab=chat",
    }
    if asked.get("part") is None:
        ids = [*asked.getlist("asset"), *asked.getlist("variant")][:MOST_IN_TRAY]
        found = proposals.named_in(space_ids=[space_id], ids=_uuids(ids)) if ids else {}
        context |= {
            "tray": list(found.values()),
            "offered": list(proposals.named_in(space_ids=[space_id]).values()),
            "me": person.get_username(),
        }
    return context


def _uuids(texts: Sequence[str]) -> list[str]:
    found = []
    for text in texts:
        try:
            found.append(str(UUID(text)))
        except ValueError:
            continue
    return found


def _talk(request: HttpRequest, space_id: UUID) -> Talk:
    """The newest messages; those from a cursor on; or a page of earlier ones."""
    person: Any = request.user
    facts = talk.chat_facts(viewer=person, space_id=space_id)
    since = request.GET.get("part") == "messages"
    here: dict[str, Any] = {"viewer": person, "space_id": space_id, "newest": True}
    cursor = cursor_of(request.GET)
    page = talk.chat_page(**here, cursor=cursor, size=LARGEST_PAGE if since else PAGE)
    if since and (page.next or not page.results):  # the newest are not among them
        page = talk.chat_page(**here, cursor=None, size=LARGEST_PAGE if page.next else PAGE)
    state = proposals.turn_state(facts["conversation"])
    first = _from(page.results)
    return Talk(
        id=facts["conversation"] or "",
        items=_items(request, space_id, page.results, state),
        state=state,
        may_speak=facts["may_speak"],
        calls_left=facts["calls_left"],
        calls_per_day=facts["calls_per_day"],
        live=f"{reverse('space', args=[space_id])}?tab=chat&part=messages&cursor={first}",
        older=page.previous or "",
        newer=page.next or "",
    )


def _from(shown: Sequence[MessageView]) -> str:
    """The cursor behind which the first message that is shown comes."""
    if not shown:
        return ""
    first = shown[0]
    return str(Cursor(first.created_at - timedelta(microseconds=1), UUID(first.id)))


def _items(
    request: HttpRequest,
    space_id: UUID,
    found: Sequence[MessageView],
    state: proposals.TurnState,
) -> list[Item]:
    person: Any = request.user
    rows = proposals.proposals_of(UUID(one.id) for one in found if one.role == "assistant")
    cards = {
        card.id: card
        for card in cards_of([row for several in rows.values() for row in several], person)
    }
    trays = {id for one in found for id in _tray_ids(one)}
    names = proposals.named_in(space_ids=[space_id], ids=trays) if trays else {}
    answers = [one.id for one in found if one.role == "assistant"]
    last = answers[-1] if answers else ""
    return [
        Item(
            m=one,
            who=one.author or ("Assistant" if one.role == "assistant" else "Somebody"),
            is_mine=one.author == person.get_username(),
            tray=[names[id] for id in _tray_ids(one) if id in names],
            looks=_looks(one),
            group=Group([cards[str(row.pk)] for row in rows[one.id]]) if one.id in rows else None,
            can_retry=one.id == last and state.stopped,
        )
        for one in found
    ]


def _tray_ids(message: MessageView) -> list[str]:
    context: Mapping[str, Any] = message.context or {}
    return [*context.get("asset_ids", ()), *context.get("variant_ids", ())]


def _looks(message: MessageView) -> list[Look]:
    """What the assistant looked up in a message, in words; proposals have their cards."""
    found = []
    for call in message.calls:
        if call["tool"] not in LOOKS:
            continue
        doing, did = LOOKS[call["tool"]]
        words = (call.get("arguments") or {}).get("query")
        about = f" for “{words}”" if words else ""
        found.append(Look((doing if call["state"] == "open" else did) + about, call["state"]))
    return found


def _say(request: HttpRequest, here: dict[str, Any]) -> str:
    form = request.POST
    context: dict[str, Any] = {}
    for name in ("asset", "variant"):
        if ids := [id for id in dict.fromkeys(form.getlist(name)) if id]:
            context[f"{name}_ids"] = ids
    if prompt := form.get("prompt", "").replace("\0", "").strip():
        context["prompt"] = prompt
    answering.send(
        **here,
        content=form.get("content", "").replace("\0", "").strip(),
        mode=form.get("mode", Mode.ACTOR.value),
        context=context,
    )
    return ""


def _stop(request: HttpRequest, here: dict[str, Any]) -> str:
    answering.stop(**here)
    return ""


def _retry(request: HttpRequest, here: dict[str, Any]) -> str:
    answering.retry(**here)
    return ""


def _clear(request: HttpRequest, here: dict[str, Any]) -> str:
    answering.clear(**here)
    return "A new conversation begins."


ACTS = {"say": _say, "stop": _stop, "retry": _retry, "clear": _clear}


@login_required
@require_POST
@hides_missing
def chat_act(request: HttpRequest, id: UUID) -> HttpResponse:
    """Speak, stop an answer, go on with it, begin anew. A script gets JSON, a form the tab."""
    verb = request.POST.get("act", "say")
    wants_json = "application/json" in request.headers.get("Accept", "")
    try:
        if verb not in ACTS:
            raise Malformed("There is no such verb.")
        said = ACTS[verb](request, {"actor": request.user, "space_id": id})
    except Refusal as refusal:
        errors = refusal.errors if isinstance(refusal, Invalid) else []
        if wants_json:
            problem = {"code": refusal.code, "title": refusal.title, "detail": refusal.detail}
            return JsonResponse({**problem, "errors": errors}, status=refusal.status)
        for words in [row["detail"] for row in errors] or [refusal.detail]:
            notes.error(request, words)
        said = ""
    if wants_json:
        return JsonResponse({"said": said})
    if said:
        notes.success(request, said)
    return redirect(f"{reverse('space', args=[id])}?tab=chat")
