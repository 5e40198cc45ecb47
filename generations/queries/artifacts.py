"""Artifacts as lists and single ones, and where the bytes behind their addresses are."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from generations.errors import ArtifactNotFound
from generations.models import Artifact, ArtifactTag, Generation, Output, Star, Trash
from generations.queries.building import media_url, preview_of, state_of
from generations.queries.entries import (
    ENTIRE,
    between,
    counted,
    few,
    keys_for,
    plain,
    uncatalogued_entries,
)
from generations.queries.files import file_name
from generations.queries.models import names_of
from generations.queries.seeing import seen
from generations.queries.views import ArtifactFilters, ArtifactView, MediaFile, Page
from generations.states import GenerationState as State
from genproj.kernel import paging
from genproj.kernel.paging import Cursor, Key

VARIANTS = ("original", "preview", "thumb", "poster")
SMALL_TYPE = "image/webp"


def artifact_view(*, viewer: User, id: UUID | str) -> ArtifactView:
    """One artifact, trashed or not; ArtifactNotFound when `viewer` may not see it."""
    output = _visible(viewer, id)
    [view] = artifact_views([output], viewer)
    row = Artifact.objects.filter(pk=output.pk).values_list("metadata", flat=True).first()
    view.metadata.update(row or {})
    return view


def artifact_version(view: ArtifactView) -> str:
    """A mark that changes whenever the JSON of the artifact changes."""
    facts = (view.id, view.starred, view.tags, view.trashed_at, view.colour)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:20]


def artifacts_visible(viewer: User, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these are stored, not in the trash, and may be seen by `viewer`."""
    rows = _stored().filter(pk__in=ids).filter(~_trashed("pk", "entry_id"))
    return seen(viewer, dict(rows.values_list("pk", "entry__audience")))


def media_file(*, viewer: User, id: UUID, variant: str) -> MediaFile:
    """The bytes of one form of an artifact; the original while smaller forms are not made."""
    if variant not in VARIANTS:
        raise ArtifactNotFound
    output = _visible(viewer, id)
    small = getattr(preview_of(output), f"{variant}_key", "") if variant != "original" else ""
    if not small and variant == "poster" and output.entry.kind == "video":
        small = getattr(preview_of(output), "preview_key", "")
    content_type = SMALL_TYPE if small else output.content_type
    name = file_name(output, variant=variant if small else "", content_type=content_type)
    mark = f"{output.sha256}-{variant}" if small else output.sha256
    return MediaFile(small or output.storage_key, content_type, name, mark)


def artifact_page(
    *, viewer: User, filters: ArtifactFilters, cursor: Cursor | None, size: int
) -> Page:
    """A page of artifacts, newest first; page 1000 costs what page 1 costs."""
    if filters.has_artifacts is False or filters.state == State.FAILED:
        return Page(results=[], next=None, previous=None)
    # The register is read first: one catalogued in between is then found twice, not never.
    sources = [*_uncatalogued(viewer, filters, cursor, size)]
    sources += _catalogued(viewer, filters, cursor, size)
    page = paging.merge(sources, cursor, size)
    by_id = _stored().in_bulk(page.ids)
    views = artifact_views([by_id[id] for id in page.ids if id in by_id], viewer)
    return Page(results=views, next=page.next, previous=page.previous)


def artifact_views(outputs: Sequence[Output], viewer: User) -> list[ArtifactView]:
    """The views of stored outputs (read by `_stored`), in their order."""
    ids = [output.pk for output in outputs]
    entries = {output.entry_id for output in outputs}
    tags: dict[UUID, list[str]] = defaultdict(list)
    words = ArtifactTag.objects.filter(output_id__in=ids).order_by("name")
    for output_id, name in words.values_list("output_id", "name"):
        tags[output_id].append(name)
    starred = set(Star.objects.filter(output_id__in=ids).values_list("output_id", flat=True))
    trashed = {}
    for entry_id, output_id, at in Trash.objects.filter(entry_id__in=entries).values_list(
        "entry_id", "output_id", "trashed_at"
    ):
        trashed[output_id or entry_id] = at
    names = names_of({output.entry.model for output in outputs})
    stored = dict(
        Output.objects.filter(entry_id__in=entries)
        .order_by()
        .values("entry_id")
        .annotate(count=Count("stored_at"))
        .values_list("entry_id", "count")
    )
    return [
        _artifact(
            output,
            viewer,
            tags=tuple(tags[output.pk]),
            starred=output.pk in starred,
            trashed_at=trashed.get(output.pk) or trashed.get(output.entry_id),
            model_name=names.get(output.entry.model, output.entry.model),
            state=state_of(output.entry, stored.get(output.entry_id, 0)).value,
        )
        for output in outputs
    ]


def _artifact(output: Output, viewer: User, **beside: Any) -> ArtifactView:
    entry, preview = output.entry, preview_of(output)
    film = entry.kind == "video"
    return ArtifactView(
        id=str(output.pk),
        generation=str(entry.pk),
        index=output.index or 0,
        kind=entry.kind,
        provider=entry.provider,
        model=entry.model,
        prompt=entry.input.get("prompt", ""),
        url=media_url(output.pk, "original"),
        preview_url=media_url(output.pk, "preview"),
        thumb_url=media_url(output.pk, "thumb"),
        poster_url=media_url(output.pk, "poster") if film else None,
        colour=preview.colour if preview else "",
        content_type=output.content_type,
        width=output.width or 0,
        height=output.height or 0,
        size=output.size or 0,
        sha256=output.sha256,
        seed=int(output.seed) if output.seed is not None else None,
        cost=output.cost,
        duration=output.duration,
        late=output.late,
        owner=entry.owner.get_username() if entry.owner else None,
        created_at=output.stored_at or entry.created_at,
        storage_key=output.storage_key if viewer.is_staff else None,
        **beside,
    )


def _stored() -> "QuerySet[Output]":
    rows = Output.objects.filter(stored_at__isnull=False, entry__purged_at__isnull=True)
    return rows.select_related("entry__owner", "preview").defer("raw", "error_history")


def _visible(viewer: User, id: UUID | str) -> Output:
    try:
        found = _stored().filter(pk=id if isinstance(id, UUID) else UUID(id)).first()
    except ValueError:
        raise ArtifactNotFound from None
    if found is None or not seen(viewer, {found.pk: found.entry.audience}):
        raise ArtifactNotFound
    return found


# --- narrowing ------------------------------------------------------------------------------


def _trashed(output: str, entry: str) -> Q:
    """Whether the picture, or its whole generation, is in the trash."""
    return Q(Exists(Trash.objects.filter(output=OuterRef(output)))) | Q(
        Exists(ENTIRE.filter(entry=OuterRef(entry)))
    )


def _shape(orientation: str | None) -> Q:
    comparison = {"landscape": "width__gt", "portrait": "width__lt", "square": "width"}
    return Q(**{comparison[orientation]: F("height")}) if orientation else Q()


def narrowed(
    rows: "QuerySet[Any]", filters: ArtifactFilters, entry: str
) -> "tuple[QuerySet[Any], bool]":
    """Narrow by what stands beside the catalogue, and say whether few are left."""
    rows = rows.filter(_shape(filters.orientation))
    rare = False
    named: list[QuerySet[Any]] = []
    if filters.tag:
        tagged = ArtifactTag.objects.filter(name=filters.tag)
        named.append(tagged.values_list("output_id", flat=True))
    if filters.generation:
        of_it = Output.objects.filter(entry_id=filters.generation)
        named.append(of_it.values_list("pk", flat=True))
    if filters.starred:
        named.append(Star.objects.values_list("output_id", flat=True))
    elif filters.starred is False:
        rows = rows.filter(~Exists(Star.objects.filter(output=OuterRef("pk"))))
    if filters.trashed:
        named.append(in_trash().values_list("pk", flat=True))
    else:
        rows = rows.filter(~_trashed("pk", entry))
    for every in named:
        ids = few(every)
        rows = rows.filter(pk__in=every if ids is None else ids)
        rare = rare or ids is not None
    return rows, rare


def in_trash() -> "QuerySet[Output]":
    alone = Trash.objects.filter(output__isnull=False)
    return Output.objects.filter(
        Q(pk__in=alone.values("output_id")) | Q(entry_id__in=ENTIRE.values("entry_id"))
    )


def _catalogued(
    viewer: User, filters: ArtifactFilters, cursor: Cursor | None, size: int
) -> list[list[Key]]:
    if filters.state == State.PENDING:
        return []
    rows = Artifact.objects.filter(plain(filters), between(filters))
    unusual = False
    if filters.state:
        state, unusual = of_state(filters.state)
        rows = rows.filter(state)
    if filters.q:
        rows = rows.filter(prompt__icontains=filters.q)
    rows, rare = narrowed(rows, filters, "generation_id")
    return [
        paging.keys(rows.filter(key), cursor, size, few=rare or unusual)
        for key in keys_for(viewer, filters)
    ]


def of_state(state: str) -> tuple[Q, bool]:
    """Being of a generation in this state, and whether few are, which are then looked up."""
    names = ("artifact_count", "expected_count", "cancelled_at")
    if state != State.COMPLETED:
        such = Generation.objects.filter(counted(state, *names), artifact_count__gt=0)
        ids = few(such.values_list("pk", flat=True))
        if ids is not None:
            return Q(generation_id__in=ids), True
    return counted(state, *(f"generation__{name}" for name in names)), False


def _uncatalogued(
    viewer: User, filters: ArtifactFilters, cursor: Cursor | None, size: int
) -> list[list[Key]]:
    """Stored pictures of entries that are open, or whose projection failed: always few."""
    rows = Output.objects.filter(between(filters, "stored_at"), stored_at__isnull=False)
    rows, rare = narrowed(rows, filters, "entry_id")
    entries = uncatalogued_entries(filters).order_by()
    return [
        paging.keys(
            rows.filter(entry_id__in=entries.filter(key).values("pk")),
            cursor,
            size,
            at="stored_at",
            few=rare,
        )
        for key in keys_for(viewer, filters)
    ]
