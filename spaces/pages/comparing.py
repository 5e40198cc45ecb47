"""Two to four variants beside each other, and what differs in how they were made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from generations.pages.parts import hides_missing, shown
from spaces.pages import words
from spaces.pages.rooms import room_context
from spaces.queries.board import variants_called

FEWEST, MOST = 2, 4
MODES = {
    "side": "Side by side",
    "slider": "Slider",
    "overlay": "Overlay",
    "difference": "Difference",
}


@dataclass(frozen=True)
class Row:
    """One parameter of all that are compared."""

    name: str
    values: Sequence[str]

    @property
    def differs(self) -> bool:
        """Whether they are not all the same."""
        return len(set(self.values)) > 1


@login_required
@require_safe
@hides_missing
def compare(request: HttpRequest, id: UUID) -> HttpResponse:
    """`?v=` names each variant; `?mode=` how they are laid."""
    context = room_context(request, id, "board")
    ids = _ids(request)
    if not FEWEST <= len(ids) <= MOST:
        return redirect(reverse("space", args=[id]))
    variants = variants_called(space_id=id, ids=ids)
    mode = request.GET.get("mode", "side")
    rows = rows_of(variants)
    context |= {
        "variants": [
            (letter, row, words.alt(row.asset.name, row.recipe))
            for letter, row in zip("ABCD", variants, strict=False)
        ],
        "different": [row for row in rows if row.differs],
        "same": [row for row in rows if not row.differs],
        "modes": MODES.items(),
        "mode": mode if mode in MODES else "side",
    }
    return shown(request, "spaces/compare.html", context, parts={})


def _ids(request: HttpRequest) -> list[UUID]:
    found = []
    for text in dict.fromkeys(request.GET.getlist("v")):
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def rows_of(variants: Sequence[Any]) -> list[Row]:
    """Every recorded parameter, with what each variant has."""
    tables = [
        {
            "Asset": row.asset.name,
            "Prompt": words.value_words(row.recipe.get("prompt")),
            **dict(words.recipe_rows(row.recipe)),
            "Made by": row.created_by.get_username() if row.created_by else words.ABSENT,
            "Rating": words.RATINGS[row.rating][0] if row.rating else "not rated",
        }
        for row in variants
    ]
    names = dict.fromkeys(name for table in tables for name in table)
    return [Row(name, [table.get(name, words.ABSENT) for table in tables]) for name in names]
