"""Assets and variants in lists, and assets in their tree."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from genproj.kernel import paging
from genproj.kernel.paging import Cursor
from spaces.errors import AssetNotFound, VariantNotFound
from spaces.models import Asset, Snippet, Variant
from spaces.queries import frames
from spaces.queries.listing import Page
from spaces.queries.membership import role_in

TAGGED = """
    SELECT tagged.id FROM spaces_asset tagged, json_each(tagged.tags) tag
    WHERE tagged.space_id = %s AND tag.value = %s
"""


@dataclass(frozen=True)
class AssetFilters:
    """Which assets a list shows. `parent` is an id, or `none` for those at the top."""

    tag: str | None = None
    asset_type: str | None = None
    person: str | None = None
    starred: bool | None = None
    status: str | None = None
    rating: str | None = None
    q: str | None = None
    parent: str | None = None


@dataclass(frozen=True)
class VariantFilters:
    """Which variants a list shows."""

    asset: str | None = None
    status: str | None = None
    starred: bool | None = None
    rating: str | None = None
    person: str | None = None
    batch: str | None = None


def asset_page(
    *, viewer: User, space_id: UUID, filters: AssetFilters, cursor: Cursor | None, size: int
) -> Page:
    """A page of a space's assets, newest first."""
    role_in(viewer=viewer, space_id=space_id)
    found = _narrowed(Asset.objects.filter(space=space_id), space_id, filters)
    slice = paging.merge([paging.keys(found, cursor, size)], cursor, size)
    by_id = Asset.objects.select_related("created_by").in_bulk(slice.ids)
    results = [frames.asset_frame(by_id[id]) for id in slice.ids if id in by_id]
    return Page(results, slice.next, slice.previous)


def _narrowed(found: QuerySet[Asset], space_id: UUID, filters: AssetFilters) -> QuerySet[Asset]:
    if filters.tag:
        found = _tagged(found, space_id, filters.tag)
    if filters.asset_type:
        found = found.filter(asset_type=filters.asset_type)
    if filters.person:
        found = found.filter(created_by__username=filters.person)
    if filters.q:
        found = found.filter(Q(name__icontains=filters.q) | Q(asset_type__icontains=filters.q))
    if filters.parent:
        found = found.filter(
            parent=None if filters.parent == "none" else filters.parent,
        )
    of = Variant.objects.filter(asset=OuterRef("pk"))
    if filters.starred is not None:
        star = Exists(of.filter(starred=True))
        found = found.filter(star if filters.starred else ~star)
    if filters.status:
        found = found.filter(Exists(of.filter(status=filters.status)))
    if filters.rating:
        found = found.filter(Exists(of.filter(rating=filters.rating)))
    return found


def _tagged(found: QuerySet[Asset], space_id: UUID, tag: str) -> QuerySet[Asset]:
    if connection.vendor == "postgresql":
        return found.filter(tags__contains=[tag])
    return found.filter(pk__in=RawSQL(TAGGED, [space_id.hex, tag]))


def asset_view(*, viewer: User, space_id: UUID, asset_id: UUID) -> dict[str, Any]:
    """One asset.

    Raises:
        SpaceNotFound, AssetNotFound: it is not there for `viewer`.
    """
    return frames.asset_frame(_asset(viewer, space_id, asset_id))


def _asset(viewer: User, space_id: UUID, asset_id: UUID) -> Asset:
    role_in(viewer=viewer, space_id=space_id)
    found = Asset.objects.filter(pk=asset_id, space=space_id).select_related("created_by")
    asset = found.first()
    if asset is None:
        raise AssetNotFound
    return asset


def ancestors_of(*, viewer: User, space_id: UUID, asset_id: UUID) -> list[dict[str, Any]]:
    """What an asset lies below, the top first, without itself."""
    asset = _asset(viewer, space_id, asset_id)
    above = dict(Asset.objects.filter(space=space_id).values_list("pk", "parent_id"))
    path: list[UUID] = []
    place = asset.parent_id
    while place is not None and place not in path:
        path.insert(0, place)
        place = above.get(place)
    by_id = Asset.objects.select_related("created_by").in_bulk(path)
    return [frames.asset_frame(by_id[id]) for id in path if id in by_id]


def variants_of(*, viewer: User, space_id: UUID, asset_id: UUID) -> list[dict[str, Any]]:
    """All variants of an asset in their order."""
    _asset(viewer, space_id, asset_id)
    found = Variant.objects.filter(asset=asset_id).select_related("created_by")
    return [frames.variant_frame(variant) for variant in found]


def variant_page(
    *, viewer: User, space_id: UUID, filters: VariantFilters, cursor: Cursor | None, size: int
) -> Page:
    """A page of a space's variants, newest first."""
    role_in(viewer=viewer, space_id=space_id)
    wanted = {
        "asset": filters.asset,
        "status": filters.status,
        "starred": filters.starred,
        "rating": filters.rating,
        "created_by__username": filters.person,
        "batch": filters.batch,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    found = Variant.objects.filter(space=space_id, **given)
    slice = paging.merge([paging.keys(found, cursor, size)], cursor, size)
    by_id = Variant.objects.select_related("created_by").in_bulk(slice.ids)
    results = [frames.variant_frame(by_id[id]) for id in slice.ids if id in by_id]
    return Page(results, slice.next, slice.previous)


def variant_view(*, viewer: User, space_id: UUID, variant_id: UUID) -> dict[str, Any]:
    """One variant.

    Raises:
        SpaceNotFound, VariantNotFound: it is not there for `viewer`.
    """
    role_in(viewer=viewer, space_id=space_id)
    found = Variant.objects.filter(pk=variant_id, space=space_id).select_related("created_by")
    variant = found.first()
    if variant is None:
        raise VariantNotFound
    return frames.variant_frame(variant)


def snippets_of(*, viewer: User, space_id: UUID) -> list[dict[str, Any]]:
    """The snippets of a space by name."""
    role_in(viewer=viewer, space_id=space_id)
    found = Snippet.objects.filter(space=space_id).select_related("created_by")
    return [frames.snippet_json(snippet) for snippet in found]
