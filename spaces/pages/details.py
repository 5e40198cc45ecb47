"""One asset: its variants, how each was made, and what it came from."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from generations import queries as engine
from generations.pages.parts import hides_missing, shown
from genproj.kernel.errors import NotFound
from genproj.templatetags.ui import money
from spaces.pages import words
from spaces.pages.rooms import room_context
from spaces.queries.board import asset_seen, lines_around, variants_by_id, variants_in
from spaces.queries.nesting import Root, nested
from spaces.queries.rooms import snippets_in

PARTS = {"body": "spaces/asset_body.html"}
DEPTH = 3


@dataclass(frozen=True)
class Kin:
    """A variant one step up or down the lines of descent; without an address it is gone."""

    id: UUID
    name: str
    relation: str
    severed: bool
    href: str
    thumb_url: str


@dataclass(frozen=True)
class Slot:
    """A variant in the strip."""

    v: Any
    number: int
    state: tuple[str, str, str]
    rating: tuple[str, str, str, str, str] | None
    failure: str
    alt: str
    is_shown: bool
    is_active: bool

    @property
    def title(self) -> str:
        """What it is called."""
        return self.v.label or f"Variant {self.number}"


@login_required
@require_safe
@hides_missing
def asset(request: HttpRequest, id: UUID) -> HttpResponse:
    """One asset; `?variant=` is the one looked at, else the active one."""
    found, _ = asset_seen(viewer=request.user, id=id)
    context = room_context(request, found.space_id, "board")
    variants = variants_in(asset_id=id)
    slots = slots_of(found, variants, request.GET.get("variant", ""))
    shown_slot = next((slot for slot in slots if slot.is_shown), None)
    context |= {
        "asset": found,
        "slots": slots,
        "shown": shown_slot,
        "recipe": _recipe(request, context["models"], shown_slot) if shown_slot else [],
        "references": references_of(shown_slot.v.recipe) if shown_slot else [],
        "view": "lineage" if request.GET.get("view") == "lineage" else "picture",
        "kin": kin_of(found, shown_slot),
        "snippets": snippets_in(space_id=found.space_id),
        "roots": _descent(found, shown_slot),
    }
    return shown(request, "spaces/asset.html", context, parts=PARTS)


def slots_of(asset: Any, variants: Sequence[Any], asked: str) -> list[Slot]:
    """The strip. What was asked for is shown, else the active one, else the newest."""
    ids = {str(row.pk) for row in variants}
    chosen = asked if asked in ids else str(asset.active_variant_id or "")
    if chosen not in ids and variants:
        chosen = str(max(variants, key=lambda row: row.created_at).pk)
    return [
        Slot(
            v=row,
            number=number,
            state=words.STATES.get(str(row.status), words.STATES["pending"]),
            rating=words.RATINGS.get(str(row.rating)),
            failure=words.failure(row.error) if row.status == "failed" else "",
            alt=words.alt(asset.name, row.recipe),
            is_shown=str(row.pk) == chosen,
            is_active=row.pk == asset.active_variant_id,
        )
        for number, row in enumerate(variants, start=1)
    ]


def references_of(recipe: Any) -> list[dict[str, str]]:
    """The pictures that were sent along, as far as the recipe records them."""
    found = recipe.get("references") or []
    return [one for one in found if isinstance(one, dict)]


def _recipe(request: HttpRequest, models: Sequence[Any], slot: Slot) -> list[tuple[str, str]]:
    """What the recipe records, and what came of it."""
    names = {model.id: model.name for model in models}
    rows: list[tuple[str, Any]] = [
        (label, names.get(value, value) if label == "Model" else value)
        for label, value in words.recipe_rows(slot.v.recipe)
    ]
    came = {"Seed used": words.ABSENT, "Size": words.ABSENT, "Cost": words.ABSENT}
    if slot.v.artifact:
        with contextlib.suppress(NotFound):
            view = engine.artifact_view(viewer=request.user, id=slot.v.artifact)
            came["Seed used"] = words.value_words(view.seed)
            came["Size"] = f"{view.width} × {view.height}"
            came["Cost"] = money(view.cost) or words.ABSENT
    return rows + list(came.items())


def _descent(asset: Any, slot: Slot | None) -> list[Root]:
    if slot is None:
        return []
    lines = lines_around(space_id=asset.space_id, ids=[slot.v.pk], depth=DEPTH)
    return nested(space_id=asset.space_id, lines=lines, focus=slot.v.pk)


def kin_of(asset: Any, slot: Slot | None) -> dict[str, list[Kin]]:
    """What the variant came from and what came of it, one step each way."""
    if slot is None:
        return {}
    here, found = slot.v.pk, {"from": [], "to": []}  # type: ignore[var-annotated]
    lines = lines_around(space_id=asset.space_id, ids=[here], depth=1)
    known = variants_by_id(
        space_id=asset.space_id, ids=[end for one in lines for end in _ends(one)]
    )
    for line in lines:
        came = line.child_variant == here
        id = line.parent_variant if came else line.child_variant
        row = known.get(id)
        kin = Kin(
            id=id,
            name=row.asset.name if row else (line.parent_name if came else line.child_name),
            relation=str(line.relation),
            severed=line.severed_at is not None,
            href=f"{reverse('asset', args=[row.asset_id])}?variant={id}" if row else "",
            thumb_url=f"/media/{row.artifact}/thumb" if row and row.artifact else "",
        )
        found["from" if came else "to"].append(kin)
    return found


def _ends(line: Any) -> tuple[UUID, UUID]:
    return line.parent_variant, line.child_variant
