"""What the assistant says in a conversation when a video's state changes."""

from decimal import Decimal

from videos import queries
from videos.models import Video


def money(amount: Decimal | None) -> str:
    """An amount as people read it; never rounded to nothing."""
    if amount is None:
        return "a price that is not known"
    if 0 < amount < Decimal("0.01"):
        return "less than 0.01 USD"
    return f"{amount:.2f} USD"


def seconds(value: float | None) -> str:
    """A wait as people read it."""
    if value is None:
        return "some time"
    if value < 90:
        return f"about {max(1, round(value))} seconds"
    return f"about {round(value / 60)} minutes"


def questions(video: Video) -> str:
    count = len(video.clarification_questions or [])
    what = "One question" if count == 1 else f"{count} questions"
    lead = f"{what} before this film can be made. Answer below, in your own words, or take the "
    lines = [f"- {row['question']}" for row in video.clarification_questions or []]
    return "\n".join([f"{lead}defaults.", *lines])


def summary(video: Video) -> str:
    chosen = queries.summary_of(video)
    rows = [f"- {queries.LABELS.get(name, name)}: {value}" for name, value in chosen.items()]
    price = money(video.estimate_cost)
    return "\n".join(
        [
            "This is what will be made. Nothing is spent until you confirm.",
            *rows,
            f"It costs {price} and takes {seconds(video.estimate_seconds)}.",
        ]
    )


def queued(video: Video) -> str:
    return f"Confirmed. {_held(video)} is held, and the film waits for a free place."


def queued_again(video: Video) -> str:
    reason = (video.error or {}).get("message", "The attempt did not succeed.")
    return f"{reason} It is tried again by itself; nothing more is charged for that."


def started(video: Video) -> str:
    return f"Rendering has begun. This takes {seconds(video.estimate_seconds)}."


def completed(video: Video) -> str:
    return "Your video is ready!"


def failed(video: Video) -> str:
    reason = (video.error or {}).get("message", "The film could not be made.")
    may_bill = (video.error or {}).get("code") == "dispatch_unknown"
    money_words = "The hold is released." if may_bill else "You were not charged."
    return f"{reason} {money_words}"


def cancelled(video: Video) -> str:
    if video.started_at is None or video.generation is None:
        return "Cancelled. Nothing was spent."
    return (
        "Cancelled while it was being made. The provider may still bill it; the hold stays until "
        "its last word, and a film that comes after all is kept."
    )


def came_late(video: Video) -> str:
    return "The film came after all. It is kept and can be played here and in the gallery."


def _held(video: Video) -> str:
    words = money(video.estimate_cost)
    return words[:1].upper() + words[1:]
