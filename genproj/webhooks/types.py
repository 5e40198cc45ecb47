"""TABLE: what others may be told; the contract's words and no others."""

PING = "ping"

TYPES = (
    "generation.completed",
    "generation.partial",
    "generation.failed",
    "generation.cancelled",
    "video.clarification_requested",
    "video.confirmation_requested",
    "video.queued",
    "video.started",
    "video.progress",
    "video.completed",
    "video.failed",
    "video.cancelled",
    "variant.completed",
    "variant.failed",
    "approval.requested",
    "approval.decided",
    "budget.warning",
    "budget.exhausted",
    "projection.failed",
    PING,
)
