"""The queue as everybody may see it: order, places, who works; of others no content."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet

from genproj.kernel.clock import now, zulu
from genproj.runtime.operations import is_on
from genproj.runtime.queries import newest_beat
from videos.models import Attempt, Job, Worker
from videos.queries.order import COLUMNS, Waiting, in_order
from videos.states import VideoStatus

#: a worker without a sign of life for three heartbeats is shown as lost
SILENT = 45.0
#: workers that have been silent for longer are not listed
FORGOTTEN = 86_400.0
#: seconds a film takes where there is no history yet
USUAL = 90.0
#: ended attempts that the estimate of a wait looks at
HISTORY = 50
ENGINE = "engine"


@dataclass(frozen=True)
class Place:
    """Where a job stands in the queue; `eta_seconds` until it is taken, by our own history."""

    position: int
    ahead: int
    eta_seconds: float | None

    def json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "position": self.position,
            "ahead": self.ahead,
            "eta_seconds": self.eta_seconds,
        }


@dataclass(frozen=True)
class WorkerView:
    """One worker."""

    id: str
    name: str
    status: str
    last_heartbeat: datetime | None
    current_job: UUID | None


@dataclass(frozen=True)
class QueueView:
    """What waits, what runs, who works."""

    paused: bool
    queue: list[tuple[Job, int]]
    active: list[Job]
    workers: list[WorkerView]
    viewer_id: int
    sees_all: bool


def _open(status: VideoStatus) -> QuerySet[Job]:
    return Job.objects.filter(finished_at__isnull=True, video__status=status)


def ordered() -> list[UUID]:
    """Waiting jobs as they will be taken."""
    waiting = _open(VideoStatus.QUEUED).values_list(*COLUMNS)
    active = Counter(_open(VideoStatus.PROCESSING).values_list("video__owner_id", flat=True))
    order = in_order((Waiting(*row) for row in waiting), active=active, at=now())
    return [place.job_id for place in order]


def places() -> dict[UUID, Place]:
    """The place of every waiting job."""
    usual, slots = usual_seconds(), max(1, settings.VIDEO_SLOTS)
    running = _open(VideoStatus.PROCESSING).count()
    return {
        id: Place(
            position=number,
            ahead=number - 1,
            eta_seconds=round(usual * max(0, running + number - slots) / slots, 1),
        )
        for number, id in enumerate(ordered(), start=1)
    }


def usual_seconds() -> float:
    """The median time of the newest attempts that brought a film."""
    ended = Attempt.objects.filter(outcome="completed", ended_at__isnull=False)
    moments = ended.order_by("-ended_at").values_list("started_at", "ended_at")[:HISTORY]
    times = [(end - begin).total_seconds() for begin, end in moments if end is not None]
    return median(times) if times else USUAL


def queue_view(*, viewer: User) -> QueueView:
    """The queue as `viewer` may see it."""
    active = list(_open(VideoStatus.PROCESSING).select_related("video").order_by("started_at"))
    waiting = _open(VideoStatus.QUEUED).select_related("video").in_bulk()
    order = [waiting[id] for id in ordered() if id in waiting]
    return QueueView(
        paused=is_on("queue:all"),
        queue=[(job, number) for number, job in enumerate(order, start=1)],
        active=active,
        workers=_workers({job.worker_id: job.pk for job in active if job.worker_id}),
        viewer_id=viewer.pk,
        sees_all=viewer.is_staff,
    )


def _workers(jobs: dict[str, UUID]) -> list[WorkerView]:
    at, found = now(), []
    for worker in Worker.objects.filter(retired_at__isnull=True):
        seen = newest_beat() if worker.pk == ENGINE else worker.last_heartbeat_at
        age = FORGOTTEN + 1 if seen is None else (at - seen).total_seconds()
        if age > FORGOTTEN and worker.pk != ENGINE:
            continue
        job = jobs.get(worker.pk)
        status = "lost" if age > SILENT else "active" if job else "idle"
        found.append(WorkerView(worker.pk, worker.name, status, seen, job))
    return found


def workers_seen() -> list[WorkerView]:
    """Everybody who takes jobs, and whether they show life."""
    active = _open(VideoStatus.PROCESSING).values_list("worker_id", "pk")
    return _workers({worker: job for worker, job in active if worker})


def queue_json(view: QueueView) -> dict[str, Any]:
    """The queue as the API shows it; other people's rows without content."""

    def mine(job: Job) -> bool:
        return view.sees_all or job.video.owner_id == view.viewer_id

    return {
        "paused": view.paused,
        "queue": [
            {
                "job": str(job.pk),
                "video": str(job.video_id) if mine(job) else None,
                "priority": job.priority,
                "position": number,
                "created_at": zulu(job.created_at),
                "mine": job.video.owner_id == view.viewer_id,
            }
            for job, number in view.queue
        ],
        "active": [
            {
                "job": str(job.pk),
                "video": str(job.video_id) if mine(job) else None,
                "worker": job.worker_id,
                "started_at": zulu(job.started_at) if job.started_at else None,
                "mine": job.video.owner_id == view.viewer_id,
            }
            for job in view.active
        ],
        "workers": [
            {
                "id": worker.id,
                "name": worker.name,
                "status": worker.status,
                "last_heartbeat": zulu(worker.last_heartbeat) if worker.last_heartbeat else None,
                "current_job": str(worker.current_job) if worker.current_job else None,
            }
            for worker in view.workers
        ],
    }
