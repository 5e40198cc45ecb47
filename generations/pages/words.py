"""Puts errors into plain words: what happened, what it means, what to do."""

from dataclasses import dataclass, replace
from datetime import datetime

from generations.queries import ErrorView, GenerationView

#: code -> (what happened, what it means, what to do, the same in one short sentence for a tile)
WORDS = {
    "http_error": (
        "The provider could not be reached.",
        "The request did not go through, so nothing was charged.",
        "Try again in a minute.",
        "Not reached",
    ),
    "api_rejected": (
        "The provider refused this request.",
        "You were not charged.",
        "Change the prompt or the settings and try again.",
        "Change the request and try again.",
    ),
    "dispatch_unknown": (
        "The provider's answer was lost.",
        "The provider may have billed it, so it was not sent a second time.",
        "Try again if you still want it.",
        "The answer was lost.",
    ),
    "timeout": (
        "The provider took too long.",
        "Not everything came before the deadline. What comes late is kept and marked late.",
        "Try again for what is missing.",
        "Did not come in time.",
    ),
    "projection_failed": (
        "The pictures came, but are not listed yet.",
        "Nothing is lost; writing them into the catalogue failed.",
        "Staff can replay it.",
        "Not listed yet.",
    ),
    "validation": (
        "The provider sent something unreadable.",
        "It could not be matched to a picture.",
        "Try again for what is missing.",
        "What came was unreadable.",
    ),
    "webhook_error": (
        "The provider failed on this picture.",
        "You were not charged for it.",
        "Try again for what is missing.",
        "The provider failed on this one.",
    ),
    "fetch_failed": (
        "The finished picture could not be fetched.",
        "The provider made it, but its file was not there.",
        "Try again for what is missing.",
        "Its file could not be fetched.",
    ),
    "storage_failed": (
        "The picture could not be kept.",
        "The place where files are kept did not take it.",
        "Try again in a minute.",
        "It could not be kept.",
    ),
    "content_blocked": (
        "The provider refused the prompt for safety.",
        "You were not charged.",
        "Change the prompt and try again.",
        "Refused for safety.",
    ),
    "no_result": (
        "The provider finished without a result.",
        "It gave no reason, and you were not charged.",
        "Try again.",
        "Nothing came of it.",
    ),
    "provider_failed": (
        "The provider failed on this one.",
        "You were not charged for it.",
        "Try again.",
        "The provider failed on this one.",
    ),
    "model_retired": (
        "The provider no longer serves this model.",
        "Nothing was begun, so nothing was charged.",
        "Choose another model.",
        "The model is gone.",
    ),
    "task_vanished": (
        "The provider has lost this request.",
        "The provider may have billed it, so it was not sent a second time.",
        "Try again if you still want it.",
        "The provider lost it.",
    ),
}
UNKNOWN = (
    "Something went wrong.",
    "The provider gave no reason that we know.",
    "Try again, or change the request.",
    "Something went wrong.",
)

#: errors that come again as long as the request stays the same
REFUSED = {"content_blocked", "api_rejected", "model_retired"}


@dataclass(frozen=True)
class Told:
    """An error as a person reads it; `message` are the provider's own words."""

    what: str
    means: str
    todo: str
    short: str
    code: str
    message: str
    at: datetime | None


def told(error: ErrorView | None) -> Told | None:
    """The error in plain words."""
    if error is None:
        return None
    what, means, todo, short = WORDS.get(error.code, UNKNOWN)
    message = "" if error.message.rstrip(".") == what.rstrip(".") else error.message
    return Told(what, means, todo, short, error.code, message, error.at)


def told_of(generation: GenerationView) -> Told | None:
    """What went wrong with a generation: its own error, or else its first output's."""
    if generation.state == "completed" and not generation.error:
        return None
    failed = [output.error for output in generation.outputs if output.error]
    found = told(generation.error or (failed[0] if failed else None))
    missing = generation.expected_count - generation.artifact_count
    if found and failed and generation.state == "partial":
        return replace(found, what=f"{missing} of {generation.expected_count} did not come.")
    return found
