"""Lists of spaces, and a space as one person sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet

from genproj.kernel import paging
from genproj.kernel.paging import Cursor
from spaces.models import Asset, Member, Space
from spaces.permissions import Role
from spaces.queries.frames import member_frame, space_frame
from spaces.queries.membership import role_in

API = "/api/v1/spaces"


@dataclass(frozen=True)
class Page:
    """One page of JSON and the cursors of its neighbours."""

    results: Sequence[dict[str, Any]]
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class SpaceFilters:
    """Which spaces a list shows; `mine` leaves out those that staff only look into."""

    q: str | None = None
    trashed: bool = False
    mine: bool = False


def space_page(*, viewer: User, filters: SpaceFilters, cursor: Cursor | None, size: int) -> Page:
    """A page of the spaces that `viewer` is in, newest first; staff see all."""
    found = _visible(viewer, filters).filter(trashed_at__isnull=not filters.trashed)
    if filters.q:
        found = found.filter(name__icontains=filters.q)
    slice = paging.merge([paging.keys(found, cursor, size)], cursor, size)
    by_id = Space.objects.select_related("created_by").in_bulk(slice.ids)
    spaces = [by_id[id] for id in slice.ids if id in by_id]
    return Page(_views(spaces, viewer), slice.next, slice.previous)


def _visible(viewer: User, filters: SpaceFilters) -> QuerySet[Space]:
    if viewer.is_staff and not filters.mine:
        return Space.objects.all()
    mine = Member.objects.filter(user=viewer)
    if filters.trashed:
        mine = mine.filter(role=Role.OWNER)
    return Space.objects.filter(pk__in=mine.values("space"))


def space_view(*, viewer: User, space_id: UUID) -> dict[str, Any]:
    """A space as JSON, with what `viewer` may do in it.

    Raises:
        SpaceNotFound: there is none, or `viewer` is not in it.
    """
    role_in(viewer=viewer, space_id=space_id)
    [view] = _views([Space.objects.select_related("created_by").get(pk=space_id)], viewer)
    return view


def _views(spaces: Sequence[Space], viewer: User) -> list[dict[str, Any]]:
    ids = [space.pk for space in spaces]
    mine = Member.objects.filter(user=viewer, space__in=ids)
    roles = dict(mine.values_list("space", "role"))
    members, assets = _counts(Member, ids), _counts(Asset, ids)
    return [
        {
            **space_frame(space),
            "role": Role.OWNER.value if viewer.is_staff else roles.get(space.pk),
            "member_count": members.get(space.pk, 0),
            "asset_count": assets.get(space.pk, 0),
            "urls": {
                "self": f"{API}/{space.pk}/",
                "page": f"/spaces/{space.pk}/",
                "socket": f"/ws/spaces/{space.pk}/",
            },
        }
        for space in spaces
    ]


def _counts(model: Any, ids: Sequence[UUID]) -> dict[UUID, int]:
    found = model.objects.filter(space__in=ids).order_by().values("space")
    return dict(found.annotate(count=Count("pk")).values_list("space", "count"))


def members_of(*, viewer: User, space_id: UUID) -> list[dict[str, Any]]:
    """Everybody in a space, those who were first in it first."""
    role_in(viewer=viewer, space_id=space_id)
    found = Member.objects.filter(space=space_id).select_related("user")
    return [member_frame(member) for member in found]


def member_view(*, viewer: User, space_id: UUID, user_id: int) -> dict[str, Any] | None:
    """One member; None when there is none."""
    role_in(viewer=viewer, space_id=space_id)
    found = Member.objects.filter(space=space_id, user=user_id).select_related("user").first()
    return member_frame(found) if found else None
