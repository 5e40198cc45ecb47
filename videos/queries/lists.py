"""Lists of videos, and single ones, as far as somebody may see them."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from genproj import audiences
from genproj.kernel import paging
from genproj.kernel.paging import Cursor, Part
from videos.errors import VideoNotFound
from videos.models import Video
from videos.queries.views import VideoFilters, VideoView, video_json, video_views

#: videos in the state that a stream's reader is given first
IN_STATE = 20


def video_of(*, viewer: User, id: UUID) -> VideoView:
    """One video, trashed or not; VideoNotFound when `viewer` may not see it."""
    video = Video.objects.filter(pk=id).select_related("owner").first()
    if video is None or audiences.level(viewer, video.audience) is None:
        raise VideoNotFound
    return video_views([video])[0]


def video_page(
    *, viewer: User, filters: VideoFilters, cursor: Cursor | None, size: int
) -> Part[VideoView]:
    """A page of videos, newest first."""
    found = _visible(viewer).filter(trashed_at__isnull=not filters.trashed)
    if filters.status:
        found = found.filter(status=filters.status)
    if filters.conversation:
        found = found.filter(conversation=filters.conversation)
    if filters.created_after:
        found = found.filter(created_at__gt=filters.created_after)
    if filters.created_before:
        found = found.filter(created_at__lt=filters.created_before)
    page = paging.merge([paging.keys(found, cursor, size)], cursor, size)
    rows = Video.objects.select_related("owner").in_bulk(page.ids)
    views = video_views([rows[id] for id in page.ids if id in rows])
    return Part(results=views, next=page.next, previous=page.previous)


def _visible(viewer: User) -> "QuerySet[Video]":
    if viewer.is_staff:
        return Video.objects.all()
    return Video.objects.filter(audience__in=audiences.audiences_of(viewer))


def full_state_of(user_id: int) -> dict[str, Any]:
    """A person's newest videos, for what their stream's reader is given first."""
    newest = Video.objects.filter(audience=f"user:{user_id}", trashed_at__isnull=True)
    rows = list(newest.select_related("owner")[:IN_STATE])
    return {"videos": [video_json(view) for view in video_views(rows)]}
