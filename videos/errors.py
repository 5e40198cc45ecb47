"""What is refused about videos, and why a video failed."""

from enum import StrEnum
from typing import Any

from genproj.kernel.errors import NotFound


class VideoNotFound(NotFound):
    """There is no such video that you can see."""


class JobNotFound(NotFound):
    """There is no such job, or it is not yours (any more)."""


class WorkerNotFound(NotFound):
    """There is no such worker."""


class VideoError(StrEnum):
    """Why a video failed, where the engine's own code does not say it."""

    WORKER_LOST = "worker_lost"
    WORKER_FAILED = "worker_failed"


def video_error(code: str, message: str, *, retryable: bool, **detail: Any) -> dict[str, Any]:
    """An error as it is kept on a video and shown by the API."""
    return {"code": code, "message": message, "retryable": retryable, "detail": detail}
