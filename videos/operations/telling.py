"""Tells of a change once: timeline, message, notice, push and outgoing webhook, in the
transaction of the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from genproj.assistant.models import Message
from genproj.assistant.operations import messages
from genproj.events import log as events
from genproj.kernel import figures, logs, rows
from genproj.kernel.clock import now
from genproj.notices.operations import notify
from genproj.webhooks import outbox
from videos import queries
from videos.models import Step, Video
from videos.operations import words

log = logs.component("video")

Words = Callable[[Video], str]


@dataclass(frozen=True)
class Telling:
    """How one kind of news is told. None: not by this way."""

    type: str | None = None  # of the message in the conversation
    message: Words | None = None
    notice: str | None = None
    webhook: str | None = None


#: news -> how it is told
TELLINGS: dict[str, Telling] = {
    "created": Telling(),
    "clarification_requested": Telling(
        type=Message.Type.CLARIFICATION,
        message=words.questions,
        notice="Your film needs a few answers",
        webhook="video.clarification_requested",
    ),
    "clarified": Telling(),
    "confirmation_requested": Telling(
        type=Message.Type.CONFIRMATION,
        message=words.summary,
        notice="Your film waits for you to confirm",
        webhook="video.confirmation_requested",
    ),
    "confirmed": Telling(),
    "queued": Telling(type=Message.Type.PROGRESS, message=words.queued, webhook="video.queued"),
    "queued_again": Telling(
        type=Message.Type.PROGRESS, message=words.queued_again, webhook="video.queued"
    ),
    "moved_to_front": Telling(),
    "started": Telling(type=Message.Type.PROGRESS, message=words.started, webhook="video.started"),
    "submitted": Telling(),
    "progress": Telling(webhook="video.progress"),
    "completed": Telling(
        type=Message.Type.GENERATION_RESULT,
        message=words.completed,
        notice="Your film is ready",
        webhook="video.completed",
    ),
    "failed": Telling(
        type=Message.Type.ERROR,
        message=words.failed,
        notice="Your film failed",
        webhook="video.failed",
    ),
    "cancelled": Telling(
        type=Message.Type.TEXT, message=words.cancelled, webhook="video.cancelled"
    ),
    "came_late": Telling(
        type=Message.Type.TEXT, message=words.came_late, notice="A film came after all"
    ),
    "retried": Telling(),
    "trashed": Telling(),
    "restored": Telling(),
}


def tell(
    video: Video,
    *,
    news: str,
    actor: User | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Tell `news` of a video in every way that its row of the table names.

    Joins the caller's transaction; the video must be as it is after the change.
    """
    telling, at, detail = TELLINGS[news], now(), dict(detail or {})
    Step.objects.create(video=video, at=at, kind=news, actor=actor, detail=detail)
    if telling.message and telling.type and video.conversation_id:
        messages.add(
            conversation_id=video.conversation_id,
            type=telling.type,
            content=telling.message(video),
            about=f"video:{video.pk}",
        )
    if telling.notice:
        notify(
            owner=video.owner,
            kind=f"video.{news}",
            title=f"{telling.notice}: {queries.short(video.prompt, 80)}",
            url=f"/videos/{video.pk}/",
        )
    if telling.webhook:
        outbox.owe(
            type=telling.webhook,
            audience=video.audience,
            owner_id=video.owner_id,
            data=queries.thin(video, news, detail),
            conversation=video.conversation_id,
        )
    push(video, new=news == "created")
    facts = ids(video) | {"status": str(video.status)} | _plain(detail)
    if actor is not None:
        facts |= {"user": actor.pk, "request_id": logs.request_id.get() or video.request_id}
    rows.after_commit(lambda: _announce(news, facts))


def _announce(news: str, facts: Mapping[str, Any]) -> None:
    figures.VIDEO_NEWS.labels(news=news).inc()
    log.info(news, **facts)


def push(video: Video, *, new: bool = False) -> None:
    """Append the video's frame to its owner's stream."""
    kind = "video:created" if new else "video:updated"
    events.append(f"user:{video.owner_id}", kind, video=queries.frame_of(video))


def ids(video: Video) -> dict[str, Any]:
    """What every line about a video names; the request is the one that set it going, which is
    that of its creation until it is confirmed."""
    return {
        "video": str(video.pk),
        "generation": str(video.generation) if video.generation else None,
        "request_id": video.request_id or None,
    }


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The details that may be logged: ids, numbers and codes, never what somebody wrote."""
    return {
        name: value
        for name, value in detail.items()
        if name in {"job", "worker", "attempt", "code", "percent", "position", "cost"}
    }
