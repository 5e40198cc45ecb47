"""The states of a video, which people choose or wait on, and the moves between them."""

from enum import StrEnum

from genproj.kernel.lifecycle import Lifecycle


class VideoStatus(StrEnum):
    """Where a wish stands on its way to a film."""

    PENDING_CLARIFICATION = "pending_clarification"
    PENDING_CONFIRMATION = "pending_confirmation"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = VideoStatus

VIDEO = Lifecycle(
    _S.PENDING_CLARIFICATION,
    {
        _S.PENDING_CLARIFICATION: {_S.PENDING_CONFIRMATION, _S.CANCELLED},
        _S.PENDING_CONFIRMATION: {_S.QUEUED, _S.CANCELLED},
        _S.QUEUED: {_S.PROCESSING, _S.FAILED, _S.CANCELLED},
        _S.PROCESSING: {_S.QUEUED, _S.COMPLETED, _S.FAILED, _S.CANCELLED},
        _S.FAILED: {_S.QUEUED, _S.PENDING_CONFIRMATION},
        _S.COMPLETED: set(),
        _S.CANCELLED: set(),
    },
)

#: a film is tried this often before its video fails
MAX_ATTEMPTS = 3
#: states in which a video waits for its owner
NEEDS_ANSWER = frozenset({_S.PENDING_CLARIFICATION, _S.PENDING_CONFIRMATION})
#: states in which a video waits for a worker or a provider
RUNS = frozenset({_S.QUEUED, _S.PROCESSING})
ENDED = frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED})
