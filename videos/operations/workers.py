"""Workers on other machines: who they are, what they hold, and what they take."""

import base64
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from generations.errors import ModelRetired
from generations.operations import filming
from genproj.kernel import logs, retention, rows, sealing
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Invalid
from genproj.kernel.wake import wake
from videos.errors import JobNotFound, WorkerNotFound
from videos.models import Job, Report, Worker
from videos.operations import queue
from videos.queries.wishes import full_prompt
from videos.states import VideoStatus

#: the one worker whose secret is a setting
STATIC = "default"
SECRET_BYTES = 32
#: wishes of models that retired meanwhile fail when they are taken; so many are passed over
MOST_REFUSED = 20
REPORTS_KEPT_DAYS = 30

log = logs.component("worker")


@dataclass(frozen=True)
class Registered:
    """A new worker, and its secret, readable this once."""

    worker: Worker
    secret: str


@dataclass(frozen=True)
class Order:
    """What a worker is to make; every parameter has its value."""

    job: Job
    prompt: str
    parameters: Mapping[str, Any]


@rows.atomically
def register(*, actor: User, name: str) -> Registered:
    """Make a machine a worker of `actor`'s."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    at = now()
    worker = Worker(
        id=f"w_{secrets.token_hex(8)}",
        name=name,
        owner=actor,
        secret=sealing.seal(secret),
        registered_at=at,
        last_heartbeat_at=at,
    )
    worker.save(force_insert=True)
    log.info("registered", worker=worker.pk, user=actor.pk)
    return Registered(worker, secret)


def secret_of(*, worker_id: str) -> str:
    """What signs a worker's reports; empty for one that is not known, retired or ours."""
    if worker_id == STATIC:
        return str(settings.WORKER_WEBHOOK_SECRET or "")
    found = Worker.objects.filter(pk=worker_id[:60], retired_at__isnull=True)
    sealed = found.exclude(pk=queue.ENGINE).values_list("secret", flat=True).first()
    try:
        return sealing.unseal(sealed or "")
    except sealing.Unreadable:
        log.error("secret_unreadable", worker=worker_id)
        return ""


def known(*, worker_id: str) -> Worker:
    """A worker that may work.

    Raises:
        WorkerNotFound: there is none, it has retired, or it is this installation itself.
    """
    if worker_id == STATIC and settings.WORKER_WEBHOOK_SECRET:
        return _static_worker()
    found = Worker.objects.filter(pk=worker_id[:60], retired_at__isnull=True)
    worker = found.exclude(pk__in=[queue.ENGINE, STATIC]).first()
    if worker is None:
        raise WorkerNotFound
    return worker


def worker_of(*, actor: User, worker_id: str) -> Worker:
    """A worker that `actor` registered, or the static one.

    Raises:
        WorkerNotFound: as `known`, or somebody else registered it.
    """
    worker = known(worker_id=worker_id)
    if worker.owner_id not in {actor.pk, None} or (worker.owner_id is None and worker.pk != STATIC):
        raise WorkerNotFound
    return worker


@rows.atomically
def _static_worker() -> Worker:
    made = {"name": "Static worker", "registered_at": now()}
    worker, _ = Worker.objects.get_or_create(id=STATIC, defaults=made)
    return worker


def held_by(worker: Worker) -> QuerySet[Job]:
    """The jobs whose attempts the worker has and has not reported the end of."""
    return Job.objects.filter(
        worker=worker,
        finished_at__isnull=True,
        leased_until__isnull=False,
        video__status=VideoStatus.PROCESSING,
    ).select_related("video")


@rows.atomically
def heartbeat(worker: Worker, *, jobs: Collection[UUID] | None = None) -> list[Job]:
    """A sign of life: hold the worker's jobs longer. Returns those that are still its own.

    Args:
        jobs: those it works on; the others are left to lapse. None: all.
    """
    _note_life(worker)
    held = held_by(worker)
    if jobs is not None:
        held = held.filter(pk__in=jobs)
    found = list(held.order_by("created_at"))
    for job in found:
        _hold(job)
    return found


def _note_life(worker: Worker) -> None:
    Worker.objects.filter(pk=worker.pk).update(last_heartbeat_at=now())


def _hold(job: Job) -> None:
    job.leased_until = after(queue.REMOTE_LEASE)
    Job.objects.filter(
        pk=job.pk, attempts=job.attempts, finished_at__isnull=True, leased_until__isnull=False
    ).update(leased_until=job.leased_until)


@rows.atomically
def claim(worker: Worker) -> Order | None:
    """Take the next job; None when there is nothing to do.

    A job that the worker took and has not reported anything about is given again, as the same
    attempt: the answer before may have been lost on its way.
    """
    _note_life(worker)
    if job := _unheard_of(worker):
        _hold(job)
        return order_of(job)
    for _ in range(MOST_REFUSED):
        taken = queue.take(worker=worker)
        if taken is None:
            return None
        if taken.video.status == VideoStatus.PROCESSING:
            _announce(taken, worker)
            return order_of(taken)
    return None


def _announce(job: Job, worker: Worker) -> None:
    facts = {"video": str(job.video_id), "job": str(job.pk), "generation": job.video.generation}
    log.info("took", worker=worker.pk, **facts, attempt=job.attempts)


def _unheard_of(worker: Worker) -> Job | None:
    told = Report.objects.filter(job=OuterRef("pk"), attempt=OuterRef("attempts"))
    return held_by(worker).exclude(Exists(told)).order_by("created_at").first()


def order_of(job: Job) -> Order:
    """What the job's worker is to make."""
    video = job.video
    prompt = full_prompt(video.prompt, video.clarification_responses)
    try:
        request = filming.checked(model=video.model, prompt=prompt, parameters=video.parameters)
    except (Invalid, ModelRetired):  # since it was taken; the provider will say so
        return Order(job, prompt, video.parameters)
    return Order(job, request.prompt, request.parameters)


def held_job(worker: Worker, *, job_id: UUID) -> Job:
    """A job that the worker works on.

    Raises:
        JobNotFound: it does not, or not any more.
    """
    job = held_by(worker).filter(pk=job_id).first()
    if job is None:
        raise JobNotFound
    return job


@rows.atomically
def retire(worker: Worker) -> None:
    """End a worker: its secret is forgotten, and others take what it held at once."""
    at = now()
    held_by(worker).update(leased_until=after(-1))
    facts = {"retired_at": at} if worker.pk != STATIC else {}
    Worker.objects.filter(pk=worker.pk).update(secret="", last_heartbeat_at=at, **facts)
    log.info("retired", worker=worker.pk)
    wake("videos.jobs.run_queue")


def forget_old_reports() -> int:
    """Sweep: delete reports that no worker repeats any more."""
    oldest = after(-REPORTS_KEPT_DAYS * 86_400)
    old = Report.objects.filter(received_at__lt=oldest, job__finished_at__isnull=False)
    return retention.forget(old, by="received_at")
