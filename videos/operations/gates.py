"""The gates: confirm, cancel, retry; nothing is dispatched or spent before the first."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from generations.operations import filming, pressure
from genproj.kernel import logs, rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden, Invalid, InvalidTransition, RateLimited
from genproj.kernel.ids import uuid7
from genproj.kernel.wake import wake
from genproj.usage import operations as ledger
from videos.models import Attempt, Job, Video
from videos.operations import wishes
from videos.operations.opening import change, move, opened
from videos.operations.telling import tell
from videos.queries.wishes import full_prompt
from videos.states import ENDED, RUNS, VideoStatus

#: the highest priority that somebody who is not staff may ask for
HIGHEST_OF_PEOPLE = 5
HIGHEST = 10


@rows.atomically
def confirm(*, actor: User, video_id: UUID, priority: int | None = None) -> Video:
    """Hold the money and put the film into the queue. On a queued or running video: no change.

    Raises:
        InvalidTransition: it has not been clarified yet, or it has ended.
        ModelRetired: since the summary was put up; with the replacement.
        BudgetExhausted, PriceUnknown: the money cannot be held.
        Invalid: the priority is not one that `actor` may ask for.
    """
    _lock_money(video_id)
    video = opened(actor=actor, video_id=video_id)
    if video.status in RUNS:
        return video
    if video.status != VideoStatus.PENDING_CONFIRMATION:
        raise InvalidTransition(f"It is {video.status} and cannot be confirmed.")
    if priority is not None:
        video.priority = _allowed(priority, actor)
    _enqueue(video, actor=actor, news="confirmed")
    return video


def _lock_money(video_id: UUID) -> None:
    """Lock the budgets that this film falls under: before the film, as everywhere."""
    found = Video.objects.filter(pk=video_id).values_list("audience", "owner_id").first()
    if found is not None:
        ledger.lock_budgets(audience=found[0], owner_id=found[1])


def _allowed(priority: int, actor: User) -> int:
    most = HIGHEST if actor.is_staff else HIGHEST_OF_PEOPLE
    if not 0 <= priority <= most:
        raise Invalid.one("/priority", "max", f"Must be between 0 and {most}.")
    return priority


def _enqueue(video: Video, *, actor: User, news: str) -> Job:
    """Hold, queue, tell. The request is checked once more: models retire."""
    _require_room(video)
    filming.checked(
        model=video.model,
        prompt=full_prompt(video.prompt, video.clarification_responses),
        parameters=video.parameters,
    )
    at = now()
    ledger.hold(
        subject=subject_of(video),
        audience=video.audience,
        owner=video.owner,
        amount=video.estimate_cost or Decimal(0),
        provider=video.provider,
        model=video.model,
        reason="Film confirmed.",
        what="videos",
        units=1,
        priced=video.estimate_cost is not None,
    )
    move(
        video,
        to=VideoStatus.QUEUED,
        facts={
            "confirmed_at": video.confirmed_at or at,
            "confirmations": video.confirmations + 1,
            "priority": video.priority,
            "request_id": logs.request_id.get() or video.request_id,
            "generation": None,
            "started_at": None,
            "failed_at": None,
        },
    )
    job = Job(id=uuid7(), video=video, priority=video.priority, created_at=at, due_at=at)
    job.save(force_insert=True)
    tell(video, news=news, actor=actor, detail={"cost": str(video.estimate_cost)})
    tell(video, news="queued", detail={"job": str(job.pk)})
    wake("videos.jobs.run_queue")
    return job


def _require_room(video: Video) -> None:
    """As for pictures: what waits for a slot has no entry yet, and is counted here."""
    pressure.require_room(owner_id=video.owner_id)
    waiting = Job.objects.filter(finished_at__isnull=True, video__owner=video.owner_id)
    if waiting.values("pk")[: settings.MAX_OPEN_PER_USER].count() >= settings.MAX_OPEN_PER_USER:
        words = f"{settings.MAX_OPEN_PER_USER} of your films wait already; let some be made first."
        raise RateLimited(words, retry_after=pressure.RETRY_SECONDS)


def subject_of(video: Video) -> str:
    """What the video's money is held for."""
    return f"video:{video.pk}"


@rows.atomically
def cancel(*, actor: User, video_id: UUID) -> Video:
    """Give a video up, in any state that is not an end. On a cancelled one: no change.

    In the queue the hold is released at once; while it is being made the hold stays until the
    provider's last word.

    Raises:
        InvalidTransition: it has completed or failed.
    """
    video = opened(actor=actor, video_id=video_id)
    if video.status == VideoStatus.CANCELLED:
        return video
    if video.status in ENDED:
        raise InvalidTransition(f"It is {video.status} already.")
    was, at = video.status, now()
    move(video, to=VideoStatus.CANCELLED, facts={"cancelled_at": at})
    end_job(video, outcome="cancelled")
    tell(video, news="cancelled", actor=actor, detail={"was": was})
    if was == VideoStatus.PROCESSING and video.generation:
        filming.drop_entry(entry_id=video.generation)
    else:
        ledger.release(subject=subject_of(video), reason="Cancelled before it was sent.")
    wake("videos.jobs.run_queue")
    return video


def end_job(video: Video, *, outcome: str, error: Mapping[str, Any] | None = None) -> None:
    """Take the video's open job out of the queue and end its running attempt."""
    at = now()
    for job in Job.objects.filter(video=video, finished_at__isnull=True):
        Job.objects.filter(pk=job.pk).update(finished_at=at, due_at=None, leased_until=None)
        Attempt.objects.filter(job=job, ended_at__isnull=True).update(
            ended_at=at, outcome=outcome, error=error
        )


@rows.atomically
def retry(*, actor: User, video_id: UUID, edits: Mapping[str, Any] | None = None) -> Video:
    """Try a failed video again: as it was, or with edits, which go through confirmation.

    On one that is queued or running already: no change.

    Raises:
        InvalidTransition: it has not failed.
        Invalid, ModelRetired, BudgetExhausted: as for `clarify` and `confirm`.
    """
    _lock_money(video_id)
    video = opened(actor=actor, video_id=video_id)
    if video.status in RUNS and not edits:
        return video
    if video.status != VideoStatus.FAILED:
        raise InvalidTransition(f"It is {video.status}; only a failed one is retried.")
    history = [*video.error_history, video.error] if video.error else video.error_history
    video.error_history = history
    if edits:
        wishes.revise(video, responses=edits)
        tell(video, news="retried", actor=actor, detail={"keys": sorted(edits)})
        Video.objects.filter(pk=video.pk).update(error_history=history)
        wishes.put_before_owner(video, actor=actor)
    else:
        Video.objects.filter(pk=video.pk).update(error_history=history, error=None)
        video.error = None
        _enqueue(video, actor=actor, news="retried")
    return video


@rows.atomically
def trash(*, actor: User, video_id: UUID) -> None:
    """Take an ended video out of the lists; one that waits for its owner is cancelled first.

    Raises:
        InvalidTransition: it is queued or being made.
    """
    video = opened(actor=actor, video_id=video_id)
    if video.trashed_at:
        return
    if video.status in RUNS:
        raise InvalidTransition(f"It is {video.status}; cancel it first.")
    if video.status not in ENDED:
        move(video, to=VideoStatus.CANCELLED, facts={"cancelled_at": now()})
    change(video, facts={"trashed_at": now()})
    tell(video, news="trashed", actor=actor)


@rows.atomically
def restore(*, actor: User, video_id: UUID) -> Video:
    """Bring a video back from the trash. On one that is not there: no change."""
    video = opened(actor=actor, video_id=video_id)
    if video.trashed_at:
        change(video, facts={"trashed_at": None})
        tell(video, news="restored", actor=actor)
    return video


@rows.atomically
def move_to_front(*, actor: User, video_id: UUID) -> Video:
    """Have a queued video taken next; staff.

    Raises:
        Forbidden: `actor` is not staff.
        InvalidTransition: it does not wait in the queue.
    """
    video = opened(actor=actor, video_id=video_id)
    if not actor.is_staff:
        raise Forbidden
    if video.status != VideoStatus.QUEUED:
        raise InvalidTransition(f"It is {video.status}; only a queued one can be moved.")
    Job.objects.filter(video=video, finished_at__isnull=True).update(to_front_at=now())
    tell(video, news="moved_to_front", actor=actor)
    wake("videos.jobs.run_queue")
    return video
