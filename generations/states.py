"""The states of a generation: read off facts, never stored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GenerationState(StrEnum):
    """What a person is told about a generation."""

    PENDING = "pending"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Kind(StrEnum):
    """What a generation makes."""

    IMAGE = "image"
    VIDEO = "video"


class Phase(StrEnum):
    """What an open generation is waiting for."""

    QUEUED = "queued"
    SENDING = "sending"
    RENDERING = "rendering"
    FETCHING = "fetching"
    READY = "ready"


@dataclass(frozen=True)
class Facts:
    """All that the state depends on."""

    completed_at: datetime | None
    cancelled_at: datetime | None
    success_count: int
    expected_count: int


def derive_state(facts: Facts) -> GenerationState:
    """The state that these facts amount to."""
    if not facts.completed_at:
        return GenerationState.PENDING
    if facts.cancelled_at:
        return GenerationState.CANCELLED
    if facts.success_count == 0:
        return GenerationState.FAILED
    if facts.success_count < facts.expected_count:
        return GenerationState.PARTIAL
    return GenerationState.COMPLETED
