"""Says what an open generation is waiting for; ui.js goes on counting by the same rules."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from generations.queries import GenerationView
from genproj.kernel.clock import now
from genproj.templatetags.ui import usual

SLOW = "Taking longer than usual. We keep checking; you can leave this page."
OVERDUE = "Checking with the provider."
PATIENCE = 1.5  # times the ninth decile
BUSY = {"429", "503", "504"}


@dataclass(frozen=True)
class Waiting:
    """What is said now, and the moments at which something else is to be said."""

    text: str
    usual: str
    slow_at: datetime | None
    deadline_at: datetime
    next_at: datetime | None
    trouble: str  # why an earlier attempt came to nothing


def waiting_of(generation: GenerationView) -> Waiting | None:
    """The words of an open generation; None for one that is settled."""
    if generation.state != "pending":
        return None
    at, trouble = now(), trouble_of(generation)
    times = generation.usual_seconds
    slow_at = generation.created_at + timedelta(seconds=times[1] * PATIENCE) if times else None
    next_at = generation.next_attempt_at if trouble else None
    text = usual(times)
    if at >= generation.deadline_at:
        text = OVERDUE
    elif trouble and next_at:
        seconds = round((next_at - at).total_seconds())
        again = f"next try in {seconds} s" if seconds > 0 else "trying again"
        text = f"{trouble}; {again}."
    elif slow_at and at >= slow_at:
        text = SLOW
    return Waiting(text, usual(times), slow_at, generation.deadline_at, next_at, trouble)


def trouble_of(generation: GenerationView) -> str:
    """Why the provider has not taken the request yet; nothing once it has."""
    if generation.dispatched_at or not generation.errors:
        return ""
    last = generation.errors[-1]
    if last.code == "api_rejected" or BUSY & set(last.message.rstrip(".").split()):
        return "The provider is busy"
    return last.message.rstrip(".") if last.code == "http_error" else ""
