"""What becomes of a video as its entry goes through the engine; called by its projector."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from generations import queries as engine
from generations.providers import WORKER
from generations.states import GenerationState
from genproj.kernel import figures, leases, logs, rows
from genproj.kernel.clock import now
from genproj.kernel.wake import wake
from genproj.usage import operations as ledger
from genproj.usage import queries as money
from videos.errors import VideoError, VideoNotFound, video_error
from videos.models import Attempt, Job, Video
from videos.operations.gates import end_job, subject_of
from videos.operations.opening import move, opened
from videos.operations.telling import push, tell
from videos.states import MAX_ATTEMPTS, VideoStatus

if TYPE_CHECKING:
    from generations.models import RegisterEntry

#: failures after which the same request may well succeed and nothing was billed; all others wait
#: for a person, because a second attempt could be a second bill or would fail alike
TRIED_AGAIN = frozenset(
    {
        "http_error",
        "provider_failed",
        "webhook_error",
        VideoError.WORKER_LOST.value,
        VideoError.WORKER_FAILED.value,
    }
)
#: seconds before another attempt
FIRST_PAUSE = 5.0


def lock_videos(entry_ids: Collection[UUID]) -> None:
    """Lock the videos of some entries, in id order, before the engine locks the entries."""
    if rows.locks_rows():
        found = Video.objects.filter(generation__in=entry_ids).order_by("pk")
        list(found.select_for_update().values_list("pk"))


def _found(id: UUID) -> Video | None:
    try:
        return opened(actor=None, video_id=id)
    except VideoNotFound:  # purged with its owner
        return None


def _each(entries: Sequence[RegisterEntry], act: Callable[[Video, RegisterEntry], None]) -> None:
    """Act on the entries' videos; those that are gone are left out. What is logged meanwhile
    names the video and the request that set it going."""
    for entry in sorted(entries, key=lambda entry: str(entry.annotations["video"])):
        if video := _found(UUID(entry.annotations["video"])):
            with logs.bound(video=str(video.pk), request_id=video.request_id):
                act(video, entry)


def _is_current(video: Video, entry: RegisterEntry) -> bool:
    return video.generation == entry.pk and video.status == VideoStatus.PROCESSING


def note_submitted(entries: Sequence[RegisterEntry]) -> None:
    """The provider has the task."""
    _each(entries, _note_submitted)


def _note_submitted(video: Video, entry: RegisterEntry) -> None:
    if _is_current(video, entry):
        tell(video, news="submitted", detail={"provider": entry.provider})


def note_progress(entries: Sequence[RegisterEntry]) -> None:
    """The provider, or the worker, says how far it is."""
    _each(entries, _note_progress)


def _note_progress(video: Video, entry: RegisterEntry) -> None:
    if _is_current(video, entry):
        Job.objects.filter(video=video, finished_at__isnull=True).update(progress=entry.progress)
        tell(video, news="progress", detail={"percent": entry.progress})


def settle(entries: Sequence[RegisterEntry]) -> None:
    """The engine is done with an attempt: complete the video, try again, or fail it."""
    _each(entries, _settle)
    wake("videos.jobs.run_queue")


def _settle(video: Video, entry: RegisterEntry) -> None:
    if not _is_current(video, entry):
        return  # cancelled, or an attempt that another has replaced
    if entry.state in {GenerationState.COMPLETED, GenerationState.PARTIAL}:
        complete(video)
    else:
        give_up_attempt(video, error=_error_of(entry))


def complete(video: Video) -> None:
    """The film is stored: settle the money at its real cost, end the job, tell."""
    assert video.generation is not None
    cost = _cost(video, engine.films_of([video.generation])[video.generation])
    _measure(video)
    end_job(video, outcome="completed")
    move(video, to=VideoStatus.COMPLETED, facts={"completed_at": now(), "error": None})
    ledger.settle(subject=subject_of(video), cost=cost, reason="Film completed.")
    tell(video, news="completed", detail={"cost": str(cost)})


def _measure(video: Video) -> None:
    """Count how long the film took from the press of confirm or retry; after the commit."""
    job = Job.objects.filter(video=video, finished_at__isnull=True).first()
    if job is not None:
        seconds = (now() - job.created_at).total_seconds()
        taken = figures.FILM_SECONDS.labels(provider=video.provider)
        rows.after_commit(lambda: taken.observe(seconds))


def give_up_attempt(video: Video, *, error: Mapping[str, Any]) -> None:
    """An attempt failed: queue the video again if that can help, else fail it."""
    job = Job.objects.filter(video=video, finished_at__isnull=True).first()
    worth_it = error["code"] in TRIED_AGAIN and error["retryable"]
    if job is None or not worth_it or job.attempts >= MAX_ATTEMPTS:
        fail(video, error=error)
        return
    Attempt.objects.filter(job=job, ended_at__isnull=True).update(
        ended_at=now(), outcome="failed", error=dict(error)
    )
    pause = leases.backoff(job.attempts - 1, first=FIRST_PAUSE)
    Job.objects.filter(pk=job.pk).update(
        due_at=now() + timedelta(seconds=pause),
        leased_until=None,
        worker=None,
        started_at=None,
        progress=None,
    )
    move(video, to=VideoStatus.QUEUED, facts={"error": dict(error)})
    tell(
        video,
        news="queued_again",
        detail={"job": str(job.pk), "attempt": job.attempts, "code": error["code"]},
    )


def fail(video: Video, *, error: Mapping[str, Any]) -> None:
    """The video has failed: release the money, end the job, tell."""
    end_job(video, outcome="failed", error=error)
    move(video, to=VideoStatus.FAILED, facts={"failed_at": now(), "error": dict(error)})
    ledger.release(subject=subject_of(video), reason=f"Failed: {error['code']}.")
    tell(video, news="failed", detail={"code": error["code"]})


def note_late(entries: Sequence[RegisterEntry]) -> None:
    """A film came after its video had ended: it is kept, charged, and told."""
    _each(entries, _note_late)


def _note_late(video: Video, entry: RegisterEntry) -> None:
    ended_without = {VideoStatus.CANCELLED, VideoStatus.FAILED}
    if video.generation != entry.pk or video.status not in ended_without:
        return
    film = engine.films_of([entry.pk])[entry.pk]
    if film.artifact_id is None:
        return
    cost = _cost(video, film)
    why = "A film came after its end."
    if not ledger.settle(subject=subject_of(video), cost=cost, reason=why):
        ledger.charge(
            subject=subject_of(video),
            key=str(film.artifact_id),
            amount=cost,
            audience=video.audience,
            owner=video.owner,
            provider=video.provider,
            model=video.model,
            reason=why,
        )
    tell(video, news="came_late", detail={"cost": str(cost)})


def close_money(entries: Sequence[RegisterEntry]) -> None:
    """Nothing more is awaited of the provider: what a cancelled video still holds is settled."""
    _each(entries, _close_money)


def _close_money(video: Video, entry: RegisterEntry) -> None:
    if video.generation != entry.pk or video.status != VideoStatus.CANCELLED:
        return
    if money.open_hold(subject_of(video)) is None:
        return
    cost = _cost(video, engine.films_of([entry.pk])[entry.pk])
    if cost:
        ledger.settle(subject=subject_of(video), cost=cost, reason="Cancelled, but billed.")
    else:
        ledger.release(subject=subject_of(video), reason="Cancelled; nothing was billed.")
    push(video)


def _cost(video: Video, film: engine.FilmFacts) -> Decimal:
    """What a film really cost: the provider's own figure, else its price; without one nothing."""
    if film.artifact_id is None:
        return Decimal(0)
    return film.cost if film.cost is not None else video.estimate_cost or Decimal(0)


def _error_of(entry: RegisterEntry) -> dict[str, Any]:
    """Why an attempt brought no film, with the code of whoever rendered it."""
    problem = engine.films_of([entry.pk])[entry.pk].error
    if problem is None:
        return video_error("unknown", "The film could not be made.", retryable=False)
    code = str(problem["code"])
    if entry.provider == WORKER:
        code = str(problem.get("detail", {}).get("provider_code") or code)
    return video_error(
        code, str(problem["message"]), retryable=bool(problem.get("retryable", False))
    )
