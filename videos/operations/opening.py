"""Opens videos to be changed: locked before anything else, and written by compare-and-set."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F

from genproj import audiences
from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden, InvalidTransition
from videos.errors import VideoNotFound
from videos.models import Video
from videos.states import VIDEO, VideoStatus


def opened(*, actor: User | None, video_id: UUID) -> Video:
    """The video, locked to be changed by `actor` (None: the system). Inside a transaction.

    Raises:
        VideoNotFound: there is none, or it may not be seen.
        Forbidden: it may be seen but not changed.
    """
    found = Video.objects.filter(pk=video_id).select_related("owner")
    if rows.locks_rows():
        found = found.select_for_update(of=("self",))
    video = found.first()
    if video is None:
        raise VideoNotFound
    if actor is not None:
        level = audiences.level(actor, video.audience)
        if level is None:
            raise VideoNotFound
        if level == "viewer":
            raise Forbidden
    return video


def move(video: Video, *, to: VideoStatus, facts: Mapping[str, Any] | None = None) -> None:
    """Move the video; InvalidTransition when somebody moved it first."""
    VIDEO.advance(video, to, updated_at=now(), version=F("version") + 1, **(facts or {}))
    video.version = Video.objects.values_list("version", flat=True).get(pk=video.pk)


def change(video: Video, *, facts: Mapping[str, Any]) -> None:
    """Change facts of a video that stays in its state."""
    now_so = {**facts, "updated_at": now(), "version": video.version + 1}
    believed = Video.objects.filter(pk=video.pk, version=video.version, status=video.status)
    if not believed.update(**now_so):
        raise InvalidTransition("Somebody else changed it just now.")
    for name, value in now_so.items():
        setattr(video, name, value)
