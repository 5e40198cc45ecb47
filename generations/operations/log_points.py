"""TABLE: the lines that one generation leaves in the log, and the ids each must carry."""

from dataclasses import dataclass

GENERATION = ("generation", "request_id")


@dataclass(frozen=True)
class Point:
    """One line; `when` is `always`, `success` or `failure`."""

    component: str
    action: str
    ids: tuple[str, ...]
    when: str = "always"


#: In the order in which they are written, for one picture of one request.
LOG_POINTS = (
    Point("register", "created", (*GENERATION, "model", "user")),
    Point("web", "answered", ("method", "path", "status", "request_id")),
    Point("submission", "submitting", (*GENERATION, "provider", "model")),
    Point("submission", "accepted", (*GENERATION, "provider")),
    Point("inbox", "kept", ("count",)),
    Point("receipts", "applied", (*GENERATION, "receipt", "outcome")),
    Point("collecting", "stored", (*GENERATION, "artifact", "size"), "success"),
    Point("collecting", "failed", (*GENERATION, "artifact", "error"), "failure"),
    Point("settling", "settled", (*GENERATION, "state", "artifacts", "expected")),
    Point("projection", "projected", (*GENERATION, "projector", "stage")),
    Point("previews", "made", (*GENERATION, "artifact"), "success"),
)
