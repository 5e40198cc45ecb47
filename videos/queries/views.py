"""Videos as doors and streams show them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from generations import queries as engine
from generations.queries import FilmFacts, money
from genproj.kernel.clock import now, zulu
from genproj.usage import queries as ledger
from videos.models import Job, Video
from videos.queries.queue import Place, places
from videos.queries.wishes import full_prompt
from videos.states import ENDED, MAX_ATTEMPTS, NEEDS_ANSWER, RUNS, VideoStatus

API = "/api/v1"
LABELS = {
    "prompt": "What is seen",
    "model": "Model",
    "duration": "Length",
    "aspect_ratio": "Shape",
    "resolution": "Resolution",
    "sound": "Sound",
    "negative_prompt": "Not to be seen",
    "seed": "Seed",
    "cost": "Price",
}
#: shown while the provider names no percentage; the last stretch is never shown as done
MOST_GUESSED = 95


@dataclass(frozen=True)
class VideoFilters:
    """Narrows a list of videos; None: not by this."""

    status: str | None = None
    conversation: UUID | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    trashed: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a film is. `source`: the provider's own figure, or our history's estimate."""

    percent: int | None
    source: str
    elapsed_seconds: float
    usual_seconds: float | None


@dataclass(frozen=True)
class VideoView:
    """One video with what belongs to it in other tables."""

    row: Video
    job: UUID | None
    attempt: int
    place: Place | None
    film: FilmFacts | None
    held: bool
    progress: Progress | None
    worker: str | None
    actions: Sequence[str] = field(default_factory=tuple)


def short(text: str, length: int) -> str:
    """The beginning of a text."""
    words = " ".join(text.split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def summary_of(video: Video) -> dict[str, Any]:
    """What will be made, as it is put before the owner: names and values to be read."""
    model = engine.film_model(video.model)
    chosen = dict(video.parameters)
    shown: dict[str, Any] = {
        "prompt": full_prompt(video.prompt, video.clarification_responses),
        "model": model.name if model else video.model,
    }
    if "duration" in chosen:
        shown["duration"] = f"{chosen.pop('duration')} seconds"
    if "sound" in chosen:
        shown["sound"] = "on" if chosen.pop("sound") else "off"
    return shown | {name: value for name, value in chosen.items() if value not in ("", None)}


def video_views(videos: Sequence[Video]) -> list[VideoView]:
    """Views of some rows, with a constant number of queries."""
    jobs = _newest_jobs([video.pk for video in videos])
    films = engine.films_of([video.generation for video in videos if video.generation])
    waiting = any(video.status == VideoStatus.QUEUED for video in videos)
    queue = places() if waiting else {}
    cancelled = [video for video in videos if video.status == VideoStatus.CANCELLED]
    held = ledger.open_among([f"video:{video.pk}" for video in cancelled]) if cancelled else ()
    return [_view(video, jobs.get(video.pk), films, queue, held) for video in videos]


def _newest_jobs(video_ids: Collection[UUID]) -> dict[UUID, Job]:
    found = Job.objects.filter(video__in=video_ids).order_by("created_at", "pk")
    return {job.video_id: job for job in found}


def _view(
    video: Video,
    job: Job | None,
    films: Mapping[UUID, FilmFacts],
    queue: Mapping[UUID, Place],
    held: Collection[str],
) -> VideoView:
    film = films.get(video.generation) if video.generation else None
    status = VideoStatus(video.status)
    return VideoView(
        row=video,
        job=job.pk if job else None,
        attempt=job.attempts if job else 0,
        place=queue.get(job.pk) if job and status is VideoStatus.QUEUED else None,
        film=film,
        held=status in RUNS or f"video:{video.pk}" in held,
        progress=_progress(video, film),
        worker=job.worker_id if job else None,
        actions=_actions(status),
    )


def _actions(status: VideoStatus) -> tuple[str, ...]:
    if status in NEEDS_ANSWER:
        last = ("confirm",) if status is VideoStatus.PENDING_CONFIRMATION else ()
        return ("clarify", "cancel", *last)
    if status in RUNS:
        return ("cancel",)
    return ("retry",) if status is VideoStatus.FAILED else ()


def _progress(video: Video, film: FilmFacts | None) -> Progress | None:
    """The provider's own figure, else elapsed against our history, labelled as such."""
    if video.status == VideoStatus.COMPLETED:
        spent = _seconds(video.started_at, video.completed_at) or 0.0
        return Progress(100, "provider", spent, video.estimate_seconds)
    if video.status != VideoStatus.PROCESSING or video.started_at is None:
        return None
    elapsed = max(0.0, (now() - video.started_at).total_seconds())
    if film is not None and film.percent is not None:
        return Progress(film.percent, "provider", elapsed, video.estimate_seconds)
    if not video.estimate_seconds:
        return Progress(None, "history", elapsed, None)
    guess = min(MOST_GUESSED, int(100 * elapsed / video.estimate_seconds))
    return Progress(guess, "history", elapsed, video.estimate_seconds)


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return (end - begin).total_seconds() if begin and end else None


def _moment(value: datetime | None) -> str | None:
    return zulu(value) if value else None


def result_json(view: VideoView) -> dict[str, Any] | None:
    """The stored film; also one that came after its video had ended."""
    film, video = view.film, view.row
    if film is None or film.artifact_id is None:
        return None
    media = f"/media/{film.artifact_id}"
    return {
        "artifact": str(film.artifact_id),
        "url": f"{media}/original",
        "thumbnail_url": f"{media}/poster",
        "duration": film.duration,
        "width": film.width,
        "height": film.height,
        "resolution": f"{film.width}x{film.height}",
        "file_size": film.size,
        "format": (film.content_type or "").removeprefix("video/"),
        "processing_time": _seconds(video.started_at, film.completed_at),
        "cost": money(film.cost),
        "late": film.late,
    }


def video_json(view: VideoView) -> dict[str, Any]:
    """One video, as the API and the streams show it."""
    video, place = view.row, view.place
    self_url = f"{API}/videos/{video.pk}/"
    return {
        "id": str(video.pk),
        "status": video.status,
        "owner": video.owner.get_username(),
        "conversation": _text(video.conversation_id),
        "message": _text(video.message_id),
        "job": _text(view.job),
        "generation": _text(video.generation),
        "prompt": video.prompt,
        "provider": video.provider,
        "model": video.model,
        "parameters": video.parameters,
        "priority": video.priority,
        "clarification_questions": video.clarification_questions,
        "clarification_responses": video.clarification_responses,
        "asked_by": video.asked_by,
        "summary": summary_of(video),
        "changes": video.changes,
        "estimate": {"cost": money(video.estimate_cost), "seconds": video.estimate_seconds},
        "held": money(video.estimate_cost) if view.held else None,
        "queue": place.json() if place else None,
        "progress": _progress_json(view.progress),
        "attempt": view.attempt,
        "max_attempts": MAX_ATTEMPTS,
        "provider_ref": (view.film.provider_ref or None) if view.film else None,
        "last_asked_at": _moment(view.film.last_asked_at) if view.film else None,
        "result": result_json(view),
        "error": video.error,
        "created_at": zulu(video.created_at),
        "updated_at": zulu(video.updated_at),
        "confirmed_at": _moment(video.confirmed_at),
        "started_at": _moment(video.started_at),
        "completed_at": _moment(video.completed_at),
        "failed_at": _moment(video.failed_at),
        "cancelled_at": _moment(video.cancelled_at),
        "trashed_at": _moment(video.trashed_at),
        "version": video.version,
        "actions": list(view.actions),
        "urls": {
            "self": self_url,
            "status": f"{self_url}status/",
            "timeline": f"{self_url}timeline/",
            "page": f"/videos/{video.pk}/",
            **{action: f"{self_url}{action}/" for action in view.actions},
        },
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _progress_json(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {
        "percent": progress.percent,
        "source": progress.source,
        "elapsed_seconds": round(progress.elapsed_seconds),
        "usual_seconds": progress.usual_seconds,
    }


def status_json(view: VideoView) -> dict[str, Any]:
    """The little that a polling client needs; `is_final` tells it to stop."""
    whole = video_json(view)
    names = ("id", "status", "progress", "queue", "attempt", "max_attempts", "result", "error")
    return {name: whole[name] for name in names} | {
        "is_final": view.row.status in ENDED,
        "updated_at": whole["updated_at"],
        "version": view.row.version,
    }


def frame_of(video: Video) -> dict[str, Any]:
    """The JSON of a video for its owner's stream."""
    return video_json(video_views([video])[0])


def thin(video: Video, news: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """A video in an outgoing webhook: ids, state and where to look, no bytes and no media links."""
    return {
        "id": str(video.pk),
        "status": video.status,
        "conversation": _text(video.conversation_id),
        "generation": _text(video.generation),
        "version": video.version,
        "occurred_at": zulu(now()),
        "error": {"code": video.error["code"]} if video.error else None,
        "progress": detail.get("percent"),
        "attempt": detail.get("attempt"),
        "url": f"{API}/videos/{video.pk}/",
    }
