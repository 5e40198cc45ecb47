"""One space: its board, chat, activity and settings, each a tab with its own address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from generations import queries as engine
from generations.operations.picturing import SHAPES
from generations.pages.parts import hides_missing, shown
from genproj.kernel.clock import now
from genproj.templatetags.ui import money
from genproj.usage.queries.budgets import budgets_of
from genproj.usage.queries.lines import spent_by
from genproj.usage.queries.totals import month_of
from spaces.pages import chatting, words
from spaces.permissions import Act, Role, allows
from spaces.queries.board import AssetCard, BoardFilters, asset_cards, choices_in
from spaces.queries.rooms import Room, doors_of, happened_in, pictures_in, room_of, snippets_in

TABS = {"board": "Board", "chat": "Chat", "activity": "Activity", "settings": "Settings"}
#: tiles in a page that is read without a script
SHOWN = 200
PICTURES = 60
STATES = {"making": "Being made", "completed": "Ready", "failed": "Failed", "empty": "No picture"}
LIFETIMES = {1: "1 day", 7: "7 days", 30: "30 days"}
PARTS = {
    "activity": "spaces/happened.html",
    "head": "spaces/figures.html",
    **chatting.PARTS,
}


@dataclass(frozen=True)
class Node:
    """An asset in the tree beside the board."""

    card: AssetCard
    level: int


@login_required
@require_safe
@hides_missing
def space(request: HttpRequest, id: UUID) -> HttpResponse:
    """One space, at one of its tabs."""
    tab = request.GET.get("tab", "board")
    if tab == "settings":
        return settings_page(request, id)
    tab = tab if tab in TABS else "board"
    context = room_context(request, id, tab)
    if tab == "board":
        context |= board_context(request, context["room"])
    elif tab == "chat":
        context |= chatting.chat_context(request, id)
    elif tab == "activity":
        context["lines"] = happened_in(space_id=id)
    return shown(request, f"spaces/{tab}.html", context, parts=PARTS)


def room_context(request: HttpRequest, id: UUID, tab: str) -> dict[str, Any]:
    """What every page of a space shows around its own matter."""
    room = room_of(viewer=request.user, space_id=id)
    return {
        "room": room,
        "space": room.space,
        "role": str(room.role),
        "tab": tab,
        "tabs": TABS.items(),
        "may_edit": allows(room.role, Act.CHANGE_ASSETS) and room.space.trashed_at is None,
        "may_own": allows(room.role, Act.MANAGE_MEMBERS),
        "models": models(),
        "money": money_of(id),
        "aspects": SHAPES,
        "ratings": words.RATINGS.items(),
    }


def money_of(id: UUID) -> str:
    """What the space has used of its tightest budget; without one, what it spent this month."""
    audience = f"space:{id}"
    budgets = budgets_of(audience)
    if budgets:
        tightest = min(budgets, key=lambda one: one.left)
        return f"{money(tightest.used.total)} of {money(tightest.limit)} used"
    moment = now()
    spent = spent_by(audience, month_of(moment)[0], moment)
    return f"{money(spent)} this month" if spent else ""


def models() -> Sequence[Any]:
    """The models that make pictures and can still be used; those that take references first."""
    usable = [model for model in engine.model_list(kind="image") if not model.retired]
    return sorted(usable, key=lambda model: model.max_references == 0)


def board_context(request: HttpRequest, room: Room) -> dict[str, Any]:
    """The board as it is read without a script; with one it is drawn from the live state."""
    filters = filters_of(request)
    cards = asset_cards(space_id=room.space.pk, filters=filters)
    everything = cards if not (filters.some or filters.below) else _all(room)
    return {
        "filters": filters,
        "cards": cards[:SHOWN],
        "left_out": max(0, len(cards) - SHOWN),
        "is_empty": not room.asset_count,
        "snippets": snippets_in(space_id=room.space.pk),
        "choices": choices_in(space_id=room.space.pk),
        "states": STATES.items(),
        "words": words.STATES,
        "nodes": tree_of(everything)[:SHOWN],
    }


def _all(room: Room) -> list[AssetCard]:
    return asset_cards(space_id=room.space.pk, filters=BoardFilters())


def filters_of(request: HttpRequest) -> BoardFilters:
    """What the address asks for."""
    asked = request.GET
    text = {
        name: asked.get(key, "").replace("\0", "").strip()[:200]
        for name, key in (
            ("q", "q"),
            ("asset_type", "type"),
            ("tag", "tag"),
            ("person", "by"),
            ("state", "state"),
            ("below", "below"),
        )
    }
    return BoardFilters(**text, starred=asked.get("starred") == "1")


def tree_of(cards: Sequence[AssetCard]) -> list[Node]:
    """Assets below their parents, by name, each with how deep it lies."""
    children: dict[str, list[AssetCard]] = {}
    known = {card.id for card in cards}
    for card in cards:
        children.setdefault(card.parent if card.parent in known else "", []).append(card)
    nodes: list[Node] = []
    left = [(card, 1) for card in _by_name(children.get("", []))]
    while left:
        card, level = left.pop()
        nodes.append(Node(card, level))
        left += [(child, level + 1) for child in _by_name(children.get(card.id, []))]
    return nodes


def _by_name(cards: Sequence[AssetCard]) -> list[AssetCard]:
    """Last first, as a stack wants them."""
    return sorted(cards, key=lambda card: card.name.lower(), reverse=True)


def settings_page(request: HttpRequest, id: UUID, *, link: str = "") -> HttpResponse:
    """The settings; `link` is a new invitation's, which is shown this once."""
    context = room_context(request, id, "settings")
    owns = context["may_own"]
    chosen = set(context["space"].style_artifacts)
    pictures = pictures_in(space_id=id, limit=PICTURES)
    known = {artifact for artifact, _ in pictures}
    pictures = [(one, "Reference picture") for one in chosen - known] + pictures
    context |= {
        "doors": doors_of(space_id=id) if owns else None,
        "snippets": snippets_in(space_id=id),
        "pictures": pictures,
        "chosen": chosen,
        "roles": list(Role),
        "given_roles": [Role.VIEWER, Role.EDITOR],
        "lifetimes": LIFETIMES.items(),
        "link": link,
        "me": request.user.pk,
    }
    response = render(request, "spaces/settings.html", context)
    response["Cache-Control"] = "no-store"
    return response
