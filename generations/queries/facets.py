"""How many pictures each choice of the gallery's filters would leave, and no slower for many.

One walk along the list's own index over the newest pictures serves all figures, so a gallery of any
size costs the same; what lies beyond is told by a plus.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, F, Q

from generations.models import Artifact, Star
from generations.queries.artifacts import in_trash, narrowed, of_state
from generations.queries.entries import between, keys_for
from generations.queries.models import model_list
from generations.queries.views import ArtifactFilters
from genproj.kernel.memory import remembered

SAMPLE = 10_000
CEILING = 1000
SECONDS = 60
FACTS = ("pk", "model", "kind", "width", "height")
SHAPES = {"landscape": "width__gt", "portrait": "width__lt", "square": "width"}


@dataclass(frozen=True)
class Figure:
    """One count; `more`: there are at least so many."""

    count: int
    more: bool = False

    def __str__(self) -> str:
        if self.count >= CEILING:
            return f"{CEILING:,}+"
        return f"{self.count:,}{'+' if self.more else ''}"


def facets(*, viewer: User, filters: ArtifactFilters) -> dict[str, dict[str, Figure]]:
    """For each filter its choices and how many pictures each would leave, beside the others."""
    return _facets(viewer_id=viewer.pk, is_staff=viewer.is_staff, filters=filters)


@remembered(SECONDS)
def _facets(
    *, viewer_id: int, is_staff: bool, filters: ArtifactFilters
) -> dict[str, dict[str, Figure]]:
    viewer = User(pk=viewer_id, is_staff=is_staff)
    wanted = _choices()
    found: dict[str, int] = dict.fromkeys(wanted, 0)
    total = 0
    free = replace(filters, model=None, kind=None, orientation=None)
    chosen = {name: _condition(name, getattr(filters, name)) for name in ("model", "kind")}
    chosen["orientation"] = _condition("orientation", filters.orientation)
    counts = {key: Count("pk", filter=_beside(key, chosen) & q) for key, q in wanted.items()}
    for rows in _sources(viewer, free):
        figures = rows[:SAMPLE].aggregate(all=Count("pk"), **counts)
        total += figures.pop("all")
        for key, count in figures.items():
            found[key] += count
    answer: dict[str, dict[str, Figure]] = {}
    for key, count in found.items():
        name, _, place = key.partition("__")
        answer.setdefault(name, {})[_values(name)[int(place)]] = Figure(count, more=total >= SAMPLE)
    answer["starred"] = {"1": _capped(viewer, replace(filters, starred=True))}
    answer["state"] = {"partial": _capped(viewer, replace(filters, state="partial"))}
    trash = ArtifactFilters(trashed=True)
    answer["trashed"] = {"1": _capped(viewer, trash)}
    return answer


def _values(name: str) -> list[str]:
    if name == "model":
        return [model.id for model in model_list()]
    return ["image", "video"] if name == "kind" else list(SHAPES)


def _choices() -> dict[str, Q]:
    """Every choice under a name that SQL takes: the filter's, and the choice's place in it."""
    return {
        f"{name}__{place}": _condition(name, value)
        for name in ("model", "kind", "orientation")
        for place, value in enumerate(_values(name))
    }


def _condition(name: str, value: str | None) -> Q:
    if not value:
        return Q()
    return Q(**{SHAPES[value]: F("height")}) if name == "orientation" else Q(**{name: value})


def _beside(key: str, chosen: dict[str, Q]) -> Q:
    """What the other filters demand."""
    found = Q()
    for name, condition in chosen.items():
        if not key.startswith(f"{name}__"):
            found &= condition
    return found


def _sources(viewer: User, filters: ArtifactFilters) -> list[Any]:
    """The newest pictures under these filters, one list per audience."""
    rows = Artifact.objects.filter(between(filters))
    if filters.state:
        rows = rows.filter(of_state(filters.state)[0])
    if filters.q:
        rows = rows.filter(prompt__icontains=filters.q)
    rows, _ = narrowed(rows, filters, "generation_id")
    for name in ("model", "kind"):
        rows = rows.filter(_condition(name, getattr(filters, name)))
    return [
        rows.filter(key)
        .order_by("-created_at", "-id")
        .values("pk", "model", "kind", "width", "height")
        for key in keys_for(viewer, filters)
    ]


def _capped(viewer: User, filters: ArtifactFilters) -> Figure:
    """How many, counted no further than the ceiling."""
    if filters.starred and Star.objects.count() == 0:
        return Figure(0)
    if filters.trashed and not in_trash()[:1].exists():
        return Figure(0)
    count = sum(rows.order_by()[:CEILING].count() for rows in _sources(viewer, filters))
    return Figure(count)
