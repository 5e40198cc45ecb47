"""Generations as lists and single ones: the catalogue, and what is not yet in it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from generations.errors import GenerationNotFound
from generations.models import EntryTag, Generation, Output, RegisterEntry, Trash
from generations.queries.building import (
    Surroundings,
    generation_views,
    stuck_projections,
    surroundings_of,
    surroundings_with,
)
from generations.queries.versions import generation_version
from generations.queries.views import GenerationFilters, GenerationView, Page
from generations.queries.wire import generation_json
from generations.states import GenerationState as State
from genproj import audiences
from genproj.kernel import paging
from genproj.kernel.paging import Cursor, Key

ENTIRE = Trash.objects.filter(output__isnull=True)
SHOWN_AT_FIRST = 20
UPLOAD = "upload"
FEW = 1000


def generation_view(*, viewer: User, id: UUID | str) -> GenerationView:
    """One generation, trashed or not; GenerationNotFound when `viewer` may not see it."""
    version = generation_version(viewer=viewer, id=id)  # first, so that it is never too new
    entry = visible_entry(viewer, id)
    around = surroundings_of([entry.pk], brief=True)
    if entry.gone:  # type: ignore[attr-defined]
        around.trashed[entry.pk] = entry.gone  # type: ignore[attr-defined]
    if entry.stuck:  # type: ignore[attr-defined]
        around.failed.add(entry.pk)
    return generation_views([entry], viewer, around=around, version=version)[0]


def new_generation_view(
    *, viewer: User | None, entry: RegisterEntry, tags: Sequence[str]
) -> GenerationView:
    """The view of an entry that was just written down, almost without asking the database again."""
    around = Surroundings()
    around.tags[entry.pk] = sorted(set(tags))
    version = generation_version(viewer=viewer, id=entry.pk) if viewer else ""
    return generation_views([entry], viewer, around=around, version=version)[0]


def frame_of_new(entry: RegisterEntry, tags: Sequence[str]) -> dict[str, Any]:
    """The JSON of such an entry as its owner sees it, for the owner's stream."""
    return generation_json(new_generation_view(viewer=None, entry=entry, tags=tags), None)


def visible_entry(viewer: User, id: UUID | str) -> RegisterEntry:
    """The row that a view is made of; for this package alone."""
    found = RegisterEntry.objects.filter(pk=_uuid(id), purged_at__isnull=True)
    gone = ENTIRE.filter(entry=OuterRef("pk")).values("trashed_at")[:1]
    stuck = stuck_projections().filter(entry=OuterRef("pk"))
    found = found.annotate(gone=Subquery(gone), stuck=Exists(stuck))
    entry = found.select_related("owner").order_by().first()
    if entry is None or audiences.level(viewer, entry.audience) is None:
        raise GenerationNotFound
    return entry


def _uuid(id: UUID | str) -> UUID:
    try:
        return id if isinstance(id, UUID) else UUID(id)
    except ValueError:
        raise GenerationNotFound from None


def generation_page(
    *, viewer: User, filters: GenerationFilters, cursor: Cursor | None, size: int
) -> Page:
    """A page of generations, newest first; page 1000 costs what page 1 costs."""
    # The register is read first: an entry catalogued in between is then found twice, not never.
    sources = [*_uncatalogued(viewer, filters, cursor, size)]
    sources += _catalogued(viewer, filters, cursor, size)
    page = paging.merge(sources, cursor, size)
    entries = RegisterEntry.objects.filter(purged_at__isnull=True).select_related("owner")
    by_id = entries.in_bulk(page.ids)
    views = generation_views([by_id[id] for id in page.ids if id in by_id], viewer)
    return Page(results=views, next=page.next, previous=page.previous)


def open_generations(viewer: User, *, limit: int = 100) -> list[GenerationView]:
    """The person's own generations that are still open, newest first."""
    open_ones = _own_open(viewer.pk).select_related("owner")
    return generation_views(list(open_ones[:limit]), viewer)


def _own_open(user_id: int) -> "QuerySet[RegisterEntry]":
    return RegisterEntry.objects.filter(
        audience=f"user:{user_id}", catalogued_at__isnull=True, completed_at__isnull=True
    ).order_by("-created_at", "-id")


def frames_of(
    entries: Sequence[RegisterEntry], *, outputs: Mapping[UUID, Sequence[Output]] | None = None
) -> list[dict[str, Any]]:
    """The JSON of some entries as their owner sees them, for the owner's stream; of their outputs,
    too, where these have been read already."""
    around = surroundings_with(outputs) if outputs is not None else None
    views = generation_views(entries, None, brief=True, around=around)
    return [generation_json(view, None) for view in views]


def full_state_of(user_id: int) -> dict[str, Any]:
    """What a person's page begins with: everything open, and the newest settled generations."""
    key = Q(audience=f"user:{user_id}")
    ids = set(_own_open(user_id).values_list("pk", flat=True)[:200])
    for rows in (
        RegisterEntry.objects.filter(key, catalogued_at__isnull=True),
        Generation.objects.filter(key),
    ):
        newest = rows.exclude(Exists(ENTIRE.filter(entry=OuterRef("pk"))))
        ids |= set(
            newest.order_by("-created_at", "-id").values_list("pk", flat=True)[:SHOWN_AT_FIRST]
        )
    entries = RegisterEntry.objects.filter(pk__in=ids).order_by("-created_at", "-id")
    return {"generations": frames_of(list(entries)), "notices": []}


# --- narrowing ------------------------------------------------------------------------------


def keys_for(viewer: User, filters: GenerationFilters) -> list[Q]:
    """One condition per audience, so that each is one walk along an index."""
    who = Q() if filters.owner_id is None else Q(owner_id=filters.owner_id)
    if viewer.is_staff and filters.owner_id is not None:
        return [Q(audience=f"user:{filters.owner_id}")]
    if viewer.is_staff:
        return [Q()]
    return [who & Q(audience=key) for key in audiences.audiences_of(viewer)]


def plain(filters: GenerationFilters) -> Q:
    """The conditions on columns that every source of a list has."""
    # Uploads have the one model of that name, which an index knows.
    found = Q(model=UPLOAD) if filters.provider == UPLOAD else Q()
    for name in ("model", "provider", "kind"):
        if value := getattr(filters, name):
            found &= Q(**{name: value})
    return found


def between(filters: GenerationFilters, field: str = "created_at") -> Q:
    """The condition on the moment of creation."""
    found = Q()
    if filters.created_after:
        found &= Q(**{f"{field}__gt": filters.created_after})
    if filters.created_before:
        found &= Q(**{f"{field}__lt": filters.created_before})
    return found


def counted(state: str, count: str, expected: str, cancelled: str) -> Q:
    """The condition under which a settled entry is in `state`, by its counts."""
    if state == State.CANCELLED:
        return Q(**{f"{cancelled}__isnull": False})
    uncancelled = Q(**{f"{cancelled}__isnull": True})
    if state == State.FAILED:
        return uncancelled & Q(**{count: 0})
    if state == State.PARTIAL:
        return uncancelled & Q(**{f"{count}__gt": 0, f"{count}__lt": F(expected)})
    return uncancelled & Q(**{f"{count}__gte": F(expected), f"{count}__gt": 0})


def few(ids: "QuerySet[Any]") -> list[UUID] | None:
    """The ids, when they are few enough to look each of them up; None for many.

    A rare star, tag or state is found through these; a common one soon turns up along the list's
    own index. The planner cannot know which it is.
    """
    found = list(ids.order_by()[: FEW + 1])
    return found if len(found) <= FEW else None


def _catalogued(
    viewer: User, filters: GenerationFilters, cursor: Cursor | None, size: int
) -> list[list[Key]]:
    if filters.state == State.PENDING:
        return []
    rows = Generation.objects.filter(plain(filters), between(filters))
    if filters.state:
        rows = rows.filter(
            counted(filters.state, "artifact_count", "expected_count", "cancelled_at")
        )
    if filters.has_artifacts is not None:
        some = Q(artifact_count=0)
        rows = rows.filter(~some if filters.has_artifacts else some)
    if filters.q:
        rows = rows.filter(prompt__icontains=filters.q)
    rows, rare = _beside(rows, filters)
    return [
        paging.keys(rows.filter(key), cursor, size, few=rare) for key in keys_for(viewer, filters)
    ]


def uncatalogued_entries(filters: GenerationFilters) -> "QuerySet[RegisterEntry]":
    """The entries the catalogue has not got (always few), narrowed by their own facts."""
    rows = RegisterEntry.objects.filter(
        plain(filters), catalogued_at__isnull=True, purged_at__isnull=True
    )
    if filters.state == State.PENDING:
        rows = rows.filter(completed_at__isnull=True)
    elif filters.state:
        rows = rows.filter(completed_at__isnull=False)
    if filters.has_artifacts is not None or filters.state not in {None, State.PENDING}:
        rows = rows.annotate(count=Count("outputs__stored_at"))
    if filters.state not in {None, State.PENDING}:
        rows = rows.filter(counted(filters.state or "", "count", "expected_count", "cancelled_at"))
    if filters.has_artifacts is not None:
        rows = rows.filter(count__gt=0) if filters.has_artifacts else rows.filter(count=0)
    if filters.q:
        rows = rows.filter(input__prompt__icontains=filters.q)
    return rows


def _uncatalogued(
    viewer: User, filters: GenerationFilters, cursor: Cursor | None, size: int
) -> list[list[Key]]:
    rows, rare = _beside(uncatalogued_entries(filters).filter(between(filters)), filters)
    return [
        paging.keys(rows.filter(key), cursor, size, few=rare) for key in keys_for(viewer, filters)
    ]


def _beside(rows: "QuerySet[Any]", filters: GenerationFilters) -> "tuple[QuerySet[Any], bool]":
    """Narrow by what stands beside the catalogue, tags and trash; and whether few are left."""
    rare = False
    named: list[QuerySet[Any]] = []
    if filters.tag:
        named.append(EntryTag.objects.filter(name=filters.tag))
    if filters.trashed:
        named.append(ENTIRE)
    else:
        rows = rows.filter(~Exists(ENTIRE.filter(entry=OuterRef("pk"))))
    for such in named:
        every = such.values_list("entry_id", flat=True)
        ids = few(every)
        rows = rows.filter(pk__in=every if ids is None else ids)
        rare = rare or ids is not None
    return rows, rare
