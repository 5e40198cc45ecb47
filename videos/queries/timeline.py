"""What happened to a video and when: its own steps, its money, and its films' steps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations.queries import money
from genproj.kernel.clock import zulu
from genproj.usage import queries as ledger
from videos.models import Attempt, Step
from videos.queries.lists import video_of

TITLES = {
    "created": "Wish written down",
    "clarification_requested": "Questions asked",
    "clarified": "Answered",
    "confirmation_requested": "Summary put up to be confirmed",
    "confirmed": "Confirmed",
    "queued": "In the queue",
    "queued_again": "Attempt failed; in the queue again",
    "moved_to_front": "Moved to the front",
    "started": "Taken by a worker",
    "submitted": "The provider has it",
    "progress": "Progress",
    "completed": "Film stored",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "came_late": "A film came after all",
    "retried": "Tried again",
    "trashed": "Moved to the trash",
    "restored": "Taken out of the trash",
    "hold": "Money held",
    "settle": "Money settled",
    "release": "Hold released",
    "charge": "Charged",
}


@dataclass(frozen=True)
class Line:
    """One line of the timeline."""

    at: datetime
    step: str
    title: str
    actor: str
    detail: dict[str, Any]

    def json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "at": zulu(self.at),
            "step": self.step,
            "title": self.title,
            "actor": self.actor,
            "detail": self.detail,
        }


def timeline(*, viewer: User, id: UUID) -> list[Line]:
    """Every step of a video, oldest first; VideoNotFound when it may not be seen."""
    video = video_of(viewer=viewer, id=id).row
    steps = [
        Line(
            at=step.at,
            step=step.kind,
            title=TITLES.get(step.kind, step.kind),
            actor=step.actor.get_username() if step.actor else "system",
            detail=step.detail,
        )
        for step in Step.objects.filter(video=video).select_related("actor")
    ]
    steps += [
        Line(
            at=line.at,
            step=line.kind,
            title=TITLES[line.kind],
            actor="system",
            detail={"amount": money(line.amount), "reason": line.reason},
        )
        for line in ledger.lines_of(f"video:{video.pk}")
    ]
    steps += [
        Line(
            at=attempt.ended_at,
            step="attempt_ended",
            title=f"Attempt {attempt.number} {attempt.outcome}",
            actor=attempt.worker,
            detail={
                "generation": str(attempt.generation) if attempt.generation else None,
                "code": attempt.error["code"] if attempt.error else None,
            },
        )
        for attempt in Attempt.objects.filter(job__video=video, ended_at__isnull=False)
        if attempt.ended_at
    ]
    return sorted(steps, key=lambda step: step.at)
