"""Workers on other machines as staff and they themselves see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from generations import queries as engine
from genproj.kernel.clock import now, zulu
from videos.models import Job, Video, Worker
from videos.queries.queue import ENGINE, SILENT


@dataclass(frozen=True)
class KnownWorker:
    """One worker; `status` is lost after three missed signs of life."""

    id: str
    name: str
    owner: str | None
    status: str
    jobs: tuple[UUID, ...]
    registered_at: datetime
    last_heartbeat_at: datetime | None
    retired_at: datetime | None


def workers_known() -> list[KnownWorker]:
    """Every worker on another machine, the last heard of first."""
    return _views(list(Worker.objects.exclude(pk=ENGINE).select_related("owner")))


def worker_view(worker_id: str) -> KnownWorker:
    """One worker that is known to exist."""
    return _views(list(Worker.objects.filter(pk=worker_id).select_related("owner")))[0]


def _views(workers: list[Worker]) -> list[KnownWorker]:
    at, jobs = now(), _open_jobs([worker.pk for worker in workers])
    return [
        KnownWorker(
            id=worker.pk,
            name=worker.name,
            owner=worker.owner.get_username() if worker.owner else None,
            status=_status(worker, at, busy=worker.pk in jobs),
            jobs=tuple(jobs.get(worker.pk, ())),
            registered_at=worker.registered_at,
            last_heartbeat_at=worker.last_heartbeat_at,
            retired_at=worker.retired_at,
        )
        for worker in workers
    ]


def _open_jobs(worker_ids: list[str]) -> dict[str, list[UUID]]:
    found: dict[str, list[UUID]] = {}
    held = Job.objects.filter(worker__in=worker_ids, finished_at__isnull=True)
    for id, job in held.order_by("created_at").values_list("worker_id", "pk"):
        found.setdefault(str(id), []).append(job)
    return found


def _status(worker: Worker, at: datetime, *, busy: bool) -> str:
    if worker.retired_at:
        return "retired"
    seen = worker.last_heartbeat_at
    if seen is None or (at - seen).total_seconds() > SILENT:
        return "lost"
    return "active" if busy else "idle"


def worker_json(view: KnownWorker) -> dict[str, Any]:
    """A worker as the API shows it, without its secret."""
    return {
        "id": view.id,
        "name": view.name,
        "owner": view.owner,
        "status": view.status,
        "jobs": [str(id) for id in view.jobs],
        "registered_at": zulu(view.registered_at),
        "last_heartbeat_at": zulu(view.last_heartbeat_at),
        "retired_at": zulu(view.retired_at),
    }


def deadline_of(video: Video) -> datetime | None:
    """When the film of the video's running attempt must be here."""
    if video.generation is None:
        return None
    facts = engine.films_of([video.generation]).get(video.generation)
    return facts.deadline_at if facts else None
