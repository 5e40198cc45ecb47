"""What pages ask beside lists: somebody's own films by state, counts, and where the news stand."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Q

from genproj.assistant.models import Message
from genproj.kernel.ids import is_uuid
from videos.models import Video
from videos.queries.views import VideoView, video_views
from videos.states import RUNS, VideoStatus

#: seconds for which the history of a model may be remembered before it is read again
HISTORY_LAG = 60


def own_videos(
    *, owner_id: int, statuses: Collection[VideoStatus], limit: int
) -> Sequence[VideoView]:
    """The newest of a person's own videos in some states."""
    found = Video.objects.filter(
        audience=f"user:{owner_id}", status__in=statuses, trashed_at__isnull=True
    )
    return video_views(list(found.select_related("owner")[:limit]))


def videos_among(ids: Collection[UUID]) -> dict[UUID, VideoView]:
    """The videos with these ids that are not in the trash, for somebody who may see them."""
    rows = Video.objects.filter(pk__in=ids, trashed_at__isnull=True).select_related("owner")
    return {view.row.pk: view for view in video_views(list(rows))}


def open_counts(viewer: User) -> tuple[int, int]:
    """How many films wait in the queue or are made: the viewer's own, and everybody's."""
    found = Video.objects.filter(status__in=RUNS).aggregate(
        mine=Count("pk", filter=Q(owner_id=viewer.pk)), all=Count("pk")
    )
    return found["mine"], found["all"]


def films_behind(video: Video) -> int:
    """How many films of its model the estimate of a video stands on; 0: on no history."""
    known = video.created_at - timedelta(seconds=HISTORY_LAG)
    made = Video.objects.filter(status=VideoStatus.COMPLETED, model=video.model)
    return made.filter(completed_at__lte=known).count()


def newest_messages(video_ids: Collection[UUID]) -> dict[UUID, str]:
    """The id of the newest message about each of some videos."""
    about = {f"video:{id}": id for id in video_ids}
    found = Message.objects.filter(about__in=about).order_by("created_at", "pk")
    return {about[thing]: str(id) for thing, id in found.values_list("about", "pk")}


def titles_of(keys: Iterable[str]) -> dict[str, str]:
    """The wishes behind these videos."""
    ids = [UUID(key) for key in keys if is_uuid(key)]
    found = Video.objects.filter(pk__in=ids).values_list("pk", "prompt")
    return {str(id): prompt for id, prompt in found}
