"""Films in lists: what needs somebody and what runs, and the queue as everybody may see it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from genproj.templatetags.ui import money
from videos import queries
from videos.pages import words
from videos.queries import VideoView
from videos.queries.mine import own_videos, videos_among
from videos.states import NEEDS_ANSWER, RUNS, VideoStatus

MOST = 20
#: tab of the queue's page -> the states of one's own films there
TABS = {
    "needs": NEEDS_ANSWER,
    "failed": frozenset({VideoStatus.FAILED}),
    "all": frozenset(VideoStatus),
}


@dataclass(frozen=True)
class Line:
    """A film as one line; `v` is its JSON, None for somebody else's."""

    key: str
    v: dict[str, Any] | None
    row: Any
    state: tuple[str, str, str]
    says: str
    since: datetime | None
    position: int | None
    held: str
    is_mine: bool

    @property
    def acts(self) -> Sequence[str]:
        """What may be done with it."""
        return self.v["actions"] if self.v else ()


@dataclass(frozen=True)
class FilmQueue:
    """The films that are being made and that wait, in their order."""

    lines: Sequence[Line]
    is_paused: bool
    workers: int
    is_staff: bool


def lines_of(views: Iterable[VideoView], viewer: User) -> list[Line]:
    """Some films as lines."""
    return [_line(view, viewer) for view in views]


def _line(view: VideoView, viewer: User, position: int | None = None) -> Line:
    video, status = view.row, VideoStatus(view.row.status)
    return Line(
        key=str(video.pk),
        v=queries.video_json(view),
        row=video,
        state=words.STATES[status],
        says=_says(view, status),
        since=video.started_at if status is VideoStatus.PROCESSING else None,
        position=position or (view.place.position if view.place else None),
        held=money(video.estimate_cost) if view.held else "",
        is_mine=video.owner_id == viewer.pk,
    )


def _says(view: VideoView, status: VideoStatus) -> str:
    if status is VideoStatus.QUEUED:
        eta = view.place.eta_seconds if view.place else None
        wait = f", begins in {words.about(eta)}" if eta else ""
        return words.place_words(view).rstrip(".") + wait
    if status is VideoStatus.PROCESSING:
        usual = words.about(view.row.estimate_seconds)
        return f"usually {usual}" if usual else ""
    if status is VideoStatus.FAILED:
        found = words.failure_of(view.row.error)
        return found.what if found else ""
    if status in NEEDS_ANSWER:
        price = money(view.row.estimate_cost)
        return f"{price} once you confirm" if price else ""
    return ""


def running_films(viewer: User) -> list[Line]:
    """The person's own films that wait in the queue or are being made."""
    found = own_videos(owner_id=viewer.pk, statuses=RUNS, limit=MOST)
    return sorted(lines_of(found, viewer), key=lambda line: line.position or 0)


def needy_films(viewer: User, *, limit: int) -> list[Line]:
    """The person's own films that wait for an answer, or have failed."""
    statuses = NEEDS_ANSWER | {VideoStatus.FAILED}
    return lines_of(own_videos(owner_id=viewer.pk, statuses=statuses, limit=limit), viewer)


def own_films(viewer: User, tab: str) -> list[Line]:
    """The person's own films of one tab of the queue's page, newest first."""
    if tab not in TABS:
        return []
    return lines_of(own_videos(owner_id=viewer.pk, statuses=TABS[tab], limit=MOST), viewer)


def film_queue(viewer: User) -> FilmQueue:
    """What is made and what waits, of everybody; of others without content."""
    view = queries.queue_view(viewer=viewer)
    jobs = [(job, None) for job in view.active] + [(job, place) for job, place in view.queue]
    seen = {job.video_id for job, _ in jobs if viewer.is_staff or job.video.owner_id == viewer.pk}
    views = videos_among(seen)
    lines = []
    for job, place in jobs:
        if job.video_id in views:
            lines.append(_line(views[job.video_id], viewer, place))
            continue
        status = VideoStatus.QUEUED if place else VideoStatus.PROCESSING
        lines.append(
            Line(
                key=str(job.pk),
                v=None,
                row=None,
                state=words.STATES[status],
                says="",
                since=job.started_at,
                position=place,
                held="",
                is_mine=False,
            )
        )
    idle = sum(1 for worker in view.workers if worker.status != "lost")
    return FilmQueue(lines, view.paused, idle, viewer.is_staff)
