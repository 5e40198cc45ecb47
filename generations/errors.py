"""What generations refuse, and the words for what goes wrong in one."""

from enum import StrEnum

from genproj.kernel.errors import Forbidden, Gone, InvalidTransition, NotFound


class EntryError(StrEnum):
    """Errors of a whole generation; `generations.queries` shows them with these codes."""

    HTTP_ERROR = "http_error"
    API_REJECTED = "api_rejected"
    DISPATCH_UNKNOWN = "dispatch_unknown"
    TIMEOUT = "timeout"
    PROJECTION_FAILED = "projection_failed"


class OutputError(StrEnum):
    """Errors of one output."""

    VALIDATION = "validation"
    WEBHOOK_ERROR = "webhook_error"
    FETCH_FAILED = "fetch_failed"
    STORAGE_FAILED = "storage_failed"
    CONTENT_BLOCKED = "content_blocked"


class GenerationNotFound(NotFound):
    """There is no such generation, or you may not see it."""


class ArtifactNotFound(NotFound):
    """There is no such artifact, or you may not see it."""


class ModelRetired(Gone):
    """The provider no longer serves this model; the replacement does the same job."""

    code = "model_retired"
    title = "Model retired"


class NothingToRetry(InvalidTransition):
    """Every picture that was asked for has come."""


class NotYours(Forbidden):
    """Only its owner or staff may do this."""
