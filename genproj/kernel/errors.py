"""Refusals: what is refused, with a stable code and the HTTP status that says it."""

from typing import Any, ClassVar


class Refusal(Exception):
    """The request cannot be carried out as it stands."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Refused"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", **extra: Any) -> None:
        doc = (type(self).__doc__ or "").strip().splitlines()
        self.detail = detail or (doc[0] if doc else self.title)
        self.extra = extra
        super().__init__(self.detail)


class Malformed(Refusal):
    """The request cannot be read."""

    code, status, title = "malformed", 400, "Malformed request"


class Forbidden(Refusal):
    """You may see this but not do that."""

    code, status, title = "forbidden", 403, "Forbidden"


class NotFound(Refusal):
    """There is nothing here that you can see."""

    code, status, title = "not_found", 404, "Not found"


class Conflict(Refusal):
    """Somebody else was quicker, or the state does not allow it."""

    code, status, title = "conflict", 409, "Conflict"


class InvalidTransition(Conflict):
    """The thing is in a state that does not allow this."""

    code, title = "invalid_transition", "Not possible in this state"


class Gone(Refusal):
    """This existed once and does not any more."""

    code, status, title = "gone", 410, "Gone"


class VersionConflict(Refusal):
    """The object has changed since you read it."""

    code, status, title = "version_conflict", 412, "Changed in the meantime"


class TooLarge(Refusal):
    """The request is larger than allowed."""

    code, status, title = "payload_too_large", 413, "Too large"


class Invalid(Refusal):
    """Some fields are not acceptable.

    Args:
        errors: rows of `{pointer, code, detail}`, every field that is wrong at once.
    """

    code, status, title = "validation_failed", 422, "Not valid"

    def __init__(self, errors: list[dict[str, str]], detail: str = "") -> None:
        super().__init__(detail or "Some fields are not acceptable; each is listed.")
        self.errors = errors

    @classmethod
    def one(cls, pointer: str, code: str, detail: str) -> "Invalid":
        """A refusal of a single field."""
        return cls([{"pointer": pointer, "code": code, "detail": detail}])


class RateLimited(Refusal):
    """Too many requests; try again later."""

    code, status, title, retryable = "rate_limited", 429, "Too many requests", True


class Overloaded(Refusal):
    """More is asked just now than can be done; come again in a moment."""

    code, status, title, retryable = "overloaded", 503, "Too much to do", True


class ProviderUnavailable(Refusal):
    """The provider cannot be reached just now."""

    code, status, title, retryable = "provider_unavailable", 503, "Provider unavailable", True


class StorageUnavailable(Refusal):
    """The place where the files are kept cannot be reached just now."""

    code, status, title, retryable = "storage_unavailable", 503, "Storage unavailable", True
