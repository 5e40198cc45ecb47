"""The states of variants and approvals, and the moves between them."""

from enum import StrEnum

from genproj.kernel.lifecycle import Lifecycle


class VariantStatus(StrEnum):
    """Where a variant stands; an upload begins as `uploading`."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    UPLOADING = "uploading"


class ApprovalStatus(StrEnum):
    """Where a proposed call of the assistant stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    EXECUTED = "executed"
    FAILED = "failed"


class PlanStatus(StrEnum):
    """Where a plan of the assistant stands."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


class StepStatus(StrEnum):
    """Where a step of a plan stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Relation(StrEnum):
    """How a variant came from another."""

    DERIVED = "derived"
    REFINED = "refined"
    FORKED = "forked"


class Rating(StrEnum):
    """What somebody thinks of a variant."""

    APPROVED = "approved"
    REJECTED = "rejected"
    NEEDS_CHANGES = "needs_changes"


_V, _A = VariantStatus, ApprovalStatus

#: made by the engine; retry begins again from `pending`, a late success completes a failed one
VARIANT = Lifecycle(
    _V.PENDING,
    {
        _V.PENDING: {_V.PROCESSING, _V.COMPLETED, _V.FAILED},
        _V.PROCESSING: {_V.COMPLETED, _V.FAILED},
        _V.FAILED: {_V.PENDING, _V.COMPLETED},
        _V.COMPLETED: set(),
        _V.UPLOADING: {_V.COMPLETED, _V.FAILED},
    },
    also={_V.UPLOADING},
)

APPROVAL = Lifecycle(
    _A.PENDING,
    {
        _A.PENDING: {_A.APPROVED, _A.REJECTED, _A.EXPIRED},
        _A.APPROVED: {_A.EXECUTED, _A.FAILED},
        _A.REJECTED: set(),
        _A.EXPIRED: set(),
        _A.EXECUTED: set(),
        _A.FAILED: set(),
    },
)

_P, _S = PlanStatus, StepStatus

PLAN = Lifecycle(
    _P.DRAFT,
    {
        _P.DRAFT: {_P.RUNNING, _P.DONE, _P.STOPPED},
        _P.RUNNING: {_P.PAUSED, _P.DONE, _P.STOPPED},
        _P.PAUSED: {_P.RUNNING, _P.DONE, _P.STOPPED},
        _P.DONE: set(),
        _P.STOPPED: set(),
    },
)

#: one that failed is tried again or skipped
STEP = Lifecycle(
    _S.WAITING,
    {
        _S.WAITING: {_S.RUNNING, _S.SKIPPED},
        _S.RUNNING: {_S.DONE, _S.FAILED},
        _S.FAILED: {_S.RUNNING, _S.SKIPPED},
        _S.DONE: set(),
        _S.SKIPPED: set(),
    },
)
