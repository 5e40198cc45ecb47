"""The queue: which job is taken next, by whom, and what happens to one whose worker is lost."""

from collections import Counter
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from generations.errors import ModelRetired
from generations.operations import filming
from genproj.kernel import leases, logs, rows
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Invalid
from genproj.runtime.operations import is_on
from videos.errors import VideoError, video_error
from videos.models import Attempt, Job, Worker
from videos.operations import rendering
from videos.operations.gates import subject_of
from videos.operations.opening import move, opened
from videos.operations.telling import tell
from videos.queries.order import COLUMNS, Waiting, in_order
from videos.queries.wishes import full_prompt
from videos.states import VideoStatus

#: this installation's own workers, as one
ENGINE = "engine"
#: seconds a worker on another machine holds a job without a sign of life; three heartbeats
REMOTE_LEASE = 45.0
#: how long one is given to bring its film
REMOTE_DEADLINE = 1200

#: switches of genproj.runtime that hold the queue up
PAUSE_ALL = "queue:all"


def pause_of_provider(name: str) -> str:
    """The switch that holds up one provider's films."""
    return f"queue:provider:{name}"


def pause_of_user(id: int) -> str:
    """The switch that holds up one person's films."""
    return f"queue:user:{id}"


def waiting_jobs() -> QuerySet[Job]:
    """Jobs that wait to be taken."""
    return Job.objects.filter(
        finished_at__isnull=True, video__status=VideoStatus.QUEUED
    ).select_related("video")


def running_jobs() -> QuerySet[Job]:
    """Jobs that somebody renders."""
    return Job.objects.filter(
        finished_at__isnull=True, video__status=VideoStatus.PROCESSING
    ).select_related("video")


def lost_jobs() -> QuerySet[Job]:
    """Jobs of workers on other machines that gave no sign of life for a whole lease."""
    return running_jobs().filter(leased_until__lt=now())


@dataclass(frozen=True)
class Slots:
    """How many films run now, of whom and where."""

    by_user: Counter[int]
    by_provider: Counter[str]
    of_engine: int


def slots() -> Slots:
    """What runs now."""
    found = list(running_jobs().values_list("video__owner_id", "video__provider", "worker_id"))
    return Slots(
        by_user=Counter(owner for owner, _, _ in found),
        by_provider=Counter(provider for _, provider, _ in found),
        of_engine=sum(1 for _, _, worker in found if worker == ENGINE),
    )


def next_job(*, for_engine: bool) -> Job | None:
    """The job that is taken next, if one may be taken now."""
    at = now()
    due = waiting_jobs().filter(due_at__lte=at)
    if not due.exists() or is_on(PAUSE_ALL):
        return None
    used = slots()
    if for_engine and used.of_engine >= settings.VIDEO_SLOTS:
        return None
    waiting = [Waiting(*row) for row in due.values_list(*COLUMNS)]
    providers = dict(due.values_list("pk", "video__provider"))
    for place in in_order(waiting, active=used.by_user, at=at):
        if _may_run(place.owner_id, providers.get(place.job_id, ""), used):
            return waiting_jobs().filter(pk=place.job_id).first()
    return None


def _may_run(owner_id: int, provider: str, used: Slots) -> bool:
    return (
        used.by_user[owner_id] < settings.VIDEO_SLOTS_PER_USER
        and used.by_provider[provider] < settings.VIDEO_SLOTS_PER_PROVIDER
        and not is_on(pause_of_provider(provider))
        and not is_on(pause_of_user(owner_id))
    )


def anything_to_run() -> bool:
    """Whether a job may be taken by this installation's workers, or has lost its own."""
    return lost_jobs().exists() or (
        settings.VIDEO_SLOTS > 0 and next_job(for_engine=True) is not None
    )


def run_queue() -> int:
    """Give up what lost its worker, then have the engine render the next job. Returns how many
    jobs were touched; called again until that is none."""
    count = sum(lose(job) for job in list(lost_jobs()))
    taken = take(worker=engine_worker()) if settings.VIDEO_SLOTS > 0 else None
    return count + (taken is not None)


@rows.atomically
def engine_worker() -> Worker:
    """The row that stands for this installation's own workers."""
    at = now()
    worker, made = Worker.objects.get_or_create(
        id=ENGINE,
        defaults={"name": "This installation", "registered_at": at, "last_heartbeat_at": at},
    )
    if not made and (worker.last_heartbeat_at is None or worker.last_heartbeat_at < after(-15)):
        Worker.objects.filter(pk=ENGINE).update(last_heartbeat_at=at)
    return worker


@rows.atomically
def take(*, worker: Worker) -> Job | None:
    """Take the next job for a worker and begin to render it, in one transaction.

    Two takers queue up at the engine's row, so no job is given twice and no limit is passed.
    """
    if rows.locks_rows():
        Worker.objects.select_for_update().get(pk=engine_worker().pk)
    job = next_job(for_engine=worker.pk == ENGINE)
    if job is None:
        return None
    job.video = opened(actor=None, video_id=job.video_id)
    if job.video.status != VideoStatus.QUEUED:
        return None
    with logs.bound(video=str(job.video_id), request_id=job.video.request_id):
        _begin(job, worker)
    return job


def _begin(job: Job, worker: Worker) -> None:
    """Open the engine's entry for the attempt and move the video to `processing`."""
    at, video, is_engine = now(), job.video, worker.pk == ENGINE
    job.attempts += 1
    job.worker, job.started_at = worker, at
    job.due_at, job.leased_until = None, None if is_engine else after(REMOTE_LEASE)
    job.save(update_fields=["attempts", "worker", "started_at", "due_at", "leased_until"])
    attempt = Attempt.objects.create(job=job, number=job.attempts, worker=worker.pk, started_at=at)
    open_film = filming.open_film if is_engine else filming.open_remote_film
    try:
        request = filming.checked(
            model=video.model,
            prompt=full_prompt(video.prompt, video.clarification_responses),
            parameters=video.parameters,
        )
    except (Invalid, ModelRetired) as refusal:
        move(video, to=VideoStatus.PROCESSING, facts={"started_at": at})
        rendering.fail(video, error=_refused(refusal))
        return
    entry = open_film(
        actor=video.owner,
        audience=video.audience,
        request=request,
        hold=subject_of(video),
        annotations={"video": str(video.pk), "job": str(job.pk), "attempt": job.attempts},
        request_id=video.request_id,
        deadline_seconds=REMOTE_DEADLINE,
    )
    Attempt.objects.filter(pk=attempt.pk).update(generation=entry.pk)
    move(
        video,
        to=VideoStatus.PROCESSING,
        facts={"started_at": at, "generation": entry.pk, "error": None},
    )
    tell(
        video,
        news="started",
        detail={"job": str(job.pk), "worker": worker.pk, "attempt": job.attempts},
    )


def _refused(refusal: Invalid | ModelRetired) -> dict[str, object]:
    words = "The model has been retired since." if isinstance(refusal, ModelRetired) else ""
    return video_error(refusal.code, words or refusal.detail, retryable=False)


@rows.atomically
def lose(job: Job) -> bool:
    """Give up an attempt whose worker gave no sign of life; the engine's entry of it fails, and
    what follows is decided where every failure is."""
    video = opened(actor=None, video_id=job.video_id)
    gone = leases.held(job).filter(leased_until__lt=now(), finished_at__isnull=True)
    if video.status != VideoStatus.PROCESSING or not gone.update(leased_until=None):
        return False
    if video.generation:
        filming.fail_remote_film(
            entry_id=video.generation,
            code=VideoError.WORKER_LOST,
            message="The worker that rendered it gave no more sign of life.",
        )
    return True
