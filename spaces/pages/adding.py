"""Puts pictures and films that exist into an asset of a space."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from generations import queries as engine
from generations.pages.parts import hides_missing
from genproj.kernel.api.fields import uuid_in
from genproj.kernel.errors import Invalid, Refusal
from spaces.operations import uploading
from spaces.permissions import Act, allows
from spaces.queries.board import BoardFilters, asset_cards, space_cards

MOST = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@hides_missing
def add(request: HttpRequest) -> HttpResponse:
    """Choose the space and the asset (or name a new one) that pictures are added to."""
    asked = request.POST if request.method == "POST" else request.GET
    try:
        ids = [UUID(text) for text in dict.fromkeys(asked.getlist("artifact"))][:MOST]
    except ValueError:
        raise Http404 from None
    if not ids:
        raise Http404
    person: Any = request.user
    views = [engine.artifact_view(viewer=person, id=id) for id in ids]
    if request.method == "POST":
        return _added(request, ids)
    cards = [card for card in space_cards(viewer=person) if allows(card.role, Act.UPLOAD)]
    wanted = asked.get("space", "")
    chosen = next((card for card in cards if str(card.id) == wanted), cards[0] if cards else None)
    context = {
        "artifacts": views,
        "spaces": cards,
        "chosen": chosen,
        "assets": asset_cards(space_id=chosen.id, filters=BoardFilters()) if chosen else [],
    }
    return render(request, "spaces/add.html", context)


def _added(request: HttpRequest, ids: list[UUID]) -> HttpResponse:
    form, person = request.POST, request.user
    asset = form.get("asset", "")
    name, kind = form.get("name", "").strip(), form.get("asset_type", "").strip()
    space: UUID | None = None
    try:
        space = uuid_in(form.get("space"), at="space")
        target = uuid_in(asset, at="asset") if asset else None
        for id in ids:
            made = uploading.add_artifact(
                actor=person,
                space_id=space,
                artifact_id=id,
                asset_id=target,
                name=name,
                asset_type=kind or "picture",
            )
            target = getattr(made, "asset_id", None) or made.asset.pk
    except Refusal as refusal:
        rows = refusal.errors if isinstance(refusal, Invalid) else []
        messages.error(request, " ".join(row["detail"] for row in rows) or refusal.detail)
        query = "&".join([f"space={space or ''}", *(f"artifact={id}" for id in ids)])
        return redirect(f"{reverse('space_add')}?{query}")
    messages.success(request, "Added." if len(ids) == 1 else f"{len(ids)} pictures are added.")
    return redirect("asset", target)
