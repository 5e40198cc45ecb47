"""One video on a page of its own: its card, what happened to it, and its ids."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from generations.pages.parts import hides_missing, shown
from videos import queries
from videos.pages.cards import card_of

PARTS = {
    "body": "videos/video_body.html",
    "card": "videos/card.html",
    "form": "videos/change_fields.html",
}
#: lines of the timeline that are about money
MONEY = frozenset({"hold", "settle", "release", "charge"})


@login_required
@require_safe
@hides_missing
def video(request: HttpRequest, id: UUID) -> HttpResponse:
    """One video, live. Its parts: the body, the card alone, the form for another model."""
    view = queries.video_of(viewer=request.user, id=id)
    part = request.GET.get("part")
    card = card_of(view, request.user, model=request.GET.get("model", "") if part else "")
    context: dict[str, Any] = {"card": card, "back": request.path}
    if part in {None, "body"}:
        lines = queries.timeline(viewer=request.user, id=id)
        context["lines"] = [(line, line.step in MONEY) for line in lines]
    return shown(request, "videos/video.html", context, parts=PARTS)
