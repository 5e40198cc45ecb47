"""The gallery, and what the queue shows of pictures."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.views.decorators.http import require_safe

from generations import queries
from generations.pages.parts import shown
from generations.pages.tiles import Group, group_of, tile_of
from generations.queries import ArtifactFilters, GenerationFilters
from genproj.kernel.errors import Malformed
from genproj.kernel.paging import Cursor

QUEUE_PAGE, TRAY_SIZE, GALLERY_PAGE, PAGED = 30, 20, 60, 200
TABS = (
    ("active", "Active", "pending"),
    ("needs", "Needs you", "partial"),
    ("failed", "Failed", "failed"),
    ("partial", "Partial", "partial"),
    ("all", "All", None),
)
ORIENTATIONS = ("landscape", "portrait", "square")


def jobs(request: HttpRequest) -> dict[str, Any]:
    """What the queue's page shows of pictures: what was asked for, newest first."""
    tab = request.GET.get("tab", "active")
    states = {name: state for name, _, state in TABS}
    filters = GenerationFilters(state=states.get(tab, "pending"), kind="image")
    page = queries.generation_page(
        viewer=request.user, filters=filters, cursor=cursor_of(request.GET), size=QUEUE_PAGE
    )
    return {
        "tabs": TABS,
        "tab": tab if tab in states else "active",
        "page": page,
        "groups": [group_of(view) for view in page.results],
    }


def last_jobs(request: HttpRequest) -> list[Group]:
    """The person's own last jobs for pictures, for the tray that opens from the pill."""
    filters = GenerationFilters(owner_id=request.user.pk, kind="image")
    page = queries.generation_page(
        viewer=request.user, filters=filters, cursor=None, size=TRAY_SIZE
    )
    return [group_of(view) for view in page.results]


@login_required
@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """Every picture the person may see; the whole state is in the address."""
    asked = request.GET
    filters = filters_of(asked)
    if asked.get("part") == "facets":
        return _facets(request, filters)
    paged = asked.get("mode") == "paged"
    page = queries.artifact_page(
        viewer=request.user,
        filters=filters,
        cursor=cursor_of(asked),
        size=PAGED if paged else GALLERY_PAGE,
    )
    query = urlencode([pair for pair in asked.items() if pair[0] not in {"part", "cursor"}])
    context = {
        "page": page,
        "tiles": [tile_of(view, query=query) for view in page.results],
        "filters": filters,
        "models": queries.model_list(),
        "chips": chips_of(asked),
        "squares": squares(request),
        "paged": paged,
        "orientations": ORIENTATIONS,
    }
    parts = {"tiles": "generations/gallery_tiles.html", "choose": "generations/choose.html"}
    return shown(request, "generations/gallery.html", context, parts=parts)


def _facets(request: HttpRequest, filters: ArtifactFilters) -> HttpResponse:
    """How many pictures each choice of the filters would leave, asked for after the page."""
    found = queries.facets(viewer=request.user, filters=filters)
    counts = {
        name: {value: str(figure) for value, figure in figures.items()}
        for name, figures in found.items()
    }
    return JsonResponse(counts, headers={"Cache-Control": "private, max-age=60"})


def squares(request: HttpRequest) -> bool:
    """Whether the person wants square tiles: by this address, or as chosen before."""
    chosen = request.GET.get("view") or request.COOKIES.get("tiles", "")
    return chosen == "squares"


def cursor_of(asked: QueryDict) -> Cursor | None:
    """Where the page begins; an address nobody handed out begins at the beginning."""
    try:
        return Cursor.read(asked["cursor"]) if asked.get("cursor") else None
    except Malformed:
        return None


def filters_of(asked: QueryDict) -> ArtifactFilters:
    """The gallery's filters; words that mean nothing are passed over, as a page should."""
    orientation = asked.get("orientation")
    before = _day(asked.get("before"))
    return ArtifactFilters(
        model=asked.get("model") or None,
        kind=asked.get("kind") if asked.get("kind") in {"image", "video"} else None,
        tag=asked.get("tag", "").strip() or None,
        q=asked.get("q", "").strip() or None,
        state="partial" if asked.get("state") == "partial" else None,
        created_after=_day(asked.get("after")),
        created_before=before + timedelta(days=1) if before else None,
        starred=True if asked.get("starred") else None,
        orientation=orientation if orientation in ORIENTATIONS else None,
        generation=asked.get("generation") or None,
        trashed=bool(asked.get("trashed")),
    )


def _day(text: str | None) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text or ""), time(), UTC)
    except ValueError:
        return None


CHIPS: dict[str, str] = {
    "q": "“{}”",
    "model": "{}",
    "kind": "{}",
    "tag": "#{}",
    "starred": "Starred",
    "orientation": "{}",
    "state": "From a partial generation",
    "after": "From {}",
    "before": "Until {}",
    "generation": "One generation",
    "trashed": "Trash",
}
KINDS = {"image": "Pictures", "video": "Films"}


def chips_of(asked: QueryDict) -> list[dict[str, Any]]:
    """The filters in force, each as a word and the address without it."""
    names = {model.id: model.name for model in queries.model_list()} if asked.get("model") else {}
    found = []
    for name, words in CHIPS.items():
        value = asked.get(name, "").strip()
        if not value:
            continue
        rest = [(key, other) for key, other in asked.items() if key not in {name, "part", "cursor"}]
        value = names.get(value, KINDS.get(value, value))
        label = words.format(value.capitalize() if name == "orientation" else value)
        found.append({"label": label, "without": f"?{urlencode(rest)}"})
    return found
