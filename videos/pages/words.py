"""Puts the state, the money and the failures of a video into plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from genproj.templatetags.ui import money
from genproj.usage.queries import LineView
from videos.queries import VideoView
from videos.states import VideoStatus

#: status -> (word, tone, icon)
STATES = {
    VideoStatus.PENDING_CLARIFICATION: ("Needs answers", "partial", "question"),
    VideoStatus.PENDING_CONFIRMATION: ("Needs you to confirm", "partial", "question"),
    VideoStatus.QUEUED: ("Queued", "", "clock"),
    VideoStatus.PROCESSING: ("In the making", "running", "running"),
    VideoStatus.COMPLETED: ("Ready", "done", "check"),
    VideoStatus.FAILED: ("Failed", "failed", "failed"),
    VideoStatus.CANCELLED: ("Cancelled", "", "slash"),
}

#: code -> (what happened, what to do)
FAILURES = {
    "content_blocked": (
        "The provider refused the prompt for safety.",
        "Change the prompt and try again.",
    ),
    "api_rejected": (
        "The provider refused this request.",
        "Change the prompt or the settings and try again.",
    ),
    "rate_limited": ("The provider's quota is used up for now.", "Try again in some minutes."),
    "http_error": ("The provider could not be reached.", "Try again in a minute."),
    "webhook_error": ("The provider failed on this film.", "Try again, or take another model."),
    "provider_failed": ("The provider failed on this film.", "Try again, or take another model."),
    "no_result": ("The provider sent no film.", "Change the prompt a little and try again."),
    "validation": (
        "What the provider sent could not be read.",
        "Try again, or take another model.",
    ),
    "timeout": (
        "The provider took too long.",
        "Try again. A film that comes after all is kept.",
    ),
    "task_vanished": ("The provider lost the task.", "Try again."),
    "dispatch_unknown": (
        "The provider's answer was lost.",
        "It was not sent a second time, because it may have been billed. Try again if you "
        "still want it.",
    ),
    "fetch_failed": ("The finished film could not be fetched.", "Try again."),
    "storage_failed": ("The film could not be kept.", "Try again in a minute."),
    "model_retired": ("The model is no longer served.", "Take another model."),
    "worker_lost": ("The worker that made it was lost.", "Try again."),
    "worker_failed": ("The worker failed on this film.", "Try again, or take another model."),
}
UNKNOWN = ("The film could not be made.", "Try again, or change the request.")
#: failures that come again as long as the request stays the same
REFUSED = frozenset({"content_blocked", "api_rejected", "no_result", "model_retired"})
MINUTE = 60


@dataclass(frozen=True)
class Failure:
    """Why a film failed, as a person reads it; `message` are the provider's own words."""

    what: str
    todo: str
    code: str
    message: str
    is_refusal: bool


def failure_of(error: Mapping[str, Any] | None) -> Failure | None:
    """The error in plain words."""
    if not error:
        return None
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    what, todo = FAILURES.get(code, UNKNOWN)
    if message.rstrip(".") == what.rstrip("."):
        message = ""
    return Failure(what, todo, code, message, code in REFUSED)


def about(seconds: float | None) -> str:
    """A wait as people say it: `about 40 s`, `about 3 min`."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "at once"
    if seconds < 1.5 * MINUTE:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / MINUTE)} min"


def place_words(view: VideoView) -> str:
    """Where a video stands in the queue."""
    if view.place is None:
        return "It waits for a free place."
    if view.place.ahead == 0:
        return "It is next."
    others = "1 film is" if view.place.ahead == 1 else f"{view.place.ahead} films are"
    return f"{others} ahead of it."


def money_words(view: VideoView, lines: Sequence[LineView]) -> str:
    """What has happened to the money of a video that has ended without its film in time."""
    spent = sum((line.amount for line in lines if line.is_spent), Decimal(0))
    closed = [line for line in lines if line.held is not None and not line.is_spent]
    if view.row.status == VideoStatus.CANCELLED and view.held:
        held = money(view.row.estimate_cost) or "What is held"
        return f"{held} stays held until the provider's last word."
    if spent:
        return f"{money(spent)} was billed."
    if not lines:
        return "Nothing was held and nothing was spent."
    held = money(closed[-1].held) if closed else ""
    return f"You were not charged. {held} is free again." if held else "You were not charged."


def late_words(view: VideoView) -> str:
    """Whether a film may still come for one that was cancelled."""
    if view.film is not None and view.film.artifact_id is not None:
        return "The film came after all. It is kept."
    if view.held:
        return "The provider may still finish it. A film that comes late is kept and shown here."
    return "Nothing more is awaited."
