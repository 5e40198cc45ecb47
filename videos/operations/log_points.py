"""TABLE: the lines that one film leaves in the log, from the sentence in the chat to its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

FILM = ("video", "request_id")
MADE = ("video", "job", "generation", "request_id")
CHAT = ("conversation", "request_id")
MONEY = ("subject", "amount", "request_id")

#: which request caused a line: the message, the answers to the questions, the press of confirm
SAID, ANSWERED, CONFIRMED, REPORTED = "said", "answered", "confirmed", "reported"


@dataclass(frozen=True)
class FilmPoint:
    """One line; `of` is whose request it names.

    `when` is the film's story: `success` and `failure` are rendered here, `remote` elsewhere;
    `always` is all three. `where` are facts that tell it from others of the same name.
    """

    component: str
    action: str
    ids: tuple[str, ...]
    of: str
    when: tuple[str, ...] = ("success", "failure", "remote")
    where: Mapping[str, str] = field(default_factory=dict)


HERE, BRINGS = ("success", "failure"), ("success", "remote")

#: In the order in which they are written, for one film of one sentence.
FILM_POINTS = (
    FilmPoint("assistant", "heard", (*CHAT, "message", "user"), SAID),
    FilmPoint("answering", "model_answered", (*CHAT, "turn", "seconds"), SAID),
    FilmPoint("answering", "intent", (*CHAT, "intent", "by"), SAID),
    FilmPoint("video", "created", (*FILM, "user"), SAID),
    FilmPoint("video", "clarification_requested", FILM, SAID),
    FilmPoint("assistant", "said", (*CHAT, "about"), SAID, where={"type": "clarification"}),
    FilmPoint("assistant", "answered", (*CHAT, "turn"), SAID),
    FilmPoint("video", "clarified", (*FILM, "user"), ANSWERED),
    FilmPoint("video", "confirmation_requested", (*FILM, "user"), ANSWERED),
    FilmPoint("assistant", "said", (*CHAT, "about"), ANSWERED, where={"type": "confirmation"}),
    FilmPoint("ledger", "hold", MONEY, CONFIRMED),
    FilmPoint("video", "confirmed", (*FILM, "user", "cost"), CONFIRMED),
    FilmPoint("video", "queued", (*FILM, "job"), CONFIRMED),
    FilmPoint("worker", "took", ("video", "job", "worker", "attempt"), REPORTED, ("remote",)),
    FilmPoint("register", "created", (*MADE, "model", "user"), CONFIRMED),
    FilmPoint("video", "started", (*MADE, "worker", "attempt"), CONFIRMED),
    FilmPoint("submission", "submitting", (*MADE, "provider", "model"), CONFIRMED, HERE),
    FilmPoint("submission", "accepted", (*MADE, "provider"), CONFIRMED, ("success",)),
    FilmPoint("submission", "refused", (*MADE, "provider", "error"), CONFIRMED, ("failure",)),
    FilmPoint("receipts", "applied", (*MADE, "receipt", "outcome"), CONFIRMED, ("success",)),
    FilmPoint(
        "worker",
        "reported",
        ("video", "job", "worker", "attempt", "applied", "request_id"),
        REPORTED,
        ("remote",),
        {"type": "generation.completed"},
    ),
    FilmPoint("collecting", "stored", (*MADE, "artifact", "size"), CONFIRMED, BRINGS),
    FilmPoint("settling", "settled", (*MADE, "state", "artifacts"), CONFIRMED),
    FilmPoint(
        "projection",
        "projected",
        MADE,
        CONFIRMED,
        where={"projector": "video", "stage": "settled"},
    ),
    FilmPoint("ledger", "settle", MONEY, CONFIRMED, BRINGS),
    FilmPoint("ledger", "release", MONEY, CONFIRMED, ("failure",)),
    FilmPoint("video", "completed", (*FILM, "generation", "cost"), CONFIRMED, BRINGS),
    FilmPoint("video", "failed", (*FILM, "generation", "code"), CONFIRMED, ("failure",)),
    FilmPoint(
        "assistant", "said", (*CHAT, "about"), CONFIRMED, BRINGS, {"type": "generation_result"}
    ),
    FilmPoint("assistant", "said", (*CHAT, "about"), CONFIRMED, ("failure",), {"type": "error"}),
    FilmPoint("collecting", "poster_made", (*MADE, "artifact"), CONFIRMED, BRINGS),
)
