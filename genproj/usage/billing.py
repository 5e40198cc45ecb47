"""What the billing service is told, and how its answers are read: events ingestion as Polar has it.

It knows a protocol, not tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genproj.kernel import http
from genproj.kernel.addresses import Guard, Origin

PATH = "/v1/events/ingest"
MOST = 100
MAX_BYTES = 1024 * 1024
LIMITS = http.Limits(connect=5, read=20, total=30, max_bytes=MAX_BYTES)
#: the batch is refused for what is in it, and a smaller one tells for which event
FOR_CONTENT = frozenset({400, 413, 422})


@dataclass(frozen=True)
class Connection:
    """Where to tell, and by which token."""

    base_url: str
    token: str

    @property
    def guard(self) -> Guard:
        """The configured origin and nothing else."""
        origin = Origin.of(self.base_url)
        return Guard(hosts=(origin.host,), excepted=(origin,))


@dataclass(frozen=True)
class Outcome:
    """What came of a batch. `refused`: place in the batch -> why. `divide`: something in it is
    wrong, or was not counted, but not said which. `error`: nothing of it can be said to be told;
    `is_away`: because the service does not answer."""

    refused: Mapping[int, str] = field(default_factory=dict)
    divide: str = ""
    error: str = ""
    is_away: bool = False
    retry_after: float | None = None


def tell(connection: Connection, events: Sequence[Mapping[str, Any]]) -> Outcome:
    """Send one batch. An event that was sent before is only counted as known."""
    try:
        answer = http.call(
            "POST",
            f"{connection.base_url}{PATH}",
            json={"events": list(events)},
            headers={"Authorization": f"Bearer {connection.token}"},
            guard=connection.guard,
            limits=LIMITS,
        )
    except http.HttpFailure as failure:
        return Outcome(error=str(failure), is_away=True)
    return _read(answer, len(events))


def _read(answer: http.Answer, count: int) -> Outcome:
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    if answer.ok:
        if not isinstance(body, dict):
            return Outcome(error="the answer is no JSON object")
        counted = [body.get(name, 0) for name in ("inserted", "duplicates")]
        if all(type(one) is int for one in counted) and sum(counted) == count:
            return Outcome()
        return Outcome(divide=f"{sum(counted)} of {count} events were counted")
    if answer.status in FOR_CONTENT:
        words = f"answered {answer.status}"
        if found := _by_place(body, count):
            return Outcome(refused=found)
        return Outcome(divide=f"{words}: {str(body)[:200]}")
    return Outcome(
        error=f"answered {answer.status}",
        is_away=answer.status >= 500,
        retry_after=http.retry_after(answer.headers),
    )


def _by_place(body: Any, count: int) -> dict[int, str]:
    """The refused events of a 422, by their place: `loc` is `["body", "events", 3, …]`."""
    found: dict[int, str] = {}
    details = body.get("detail") if isinstance(body, dict) else None
    for row in details if isinstance(details, list) else ():
        where = row.get("loc") if isinstance(row, dict) else None
        if not isinstance(where, list) or where[:2] != ["body", "events"] or len(where) < 3:
            continue
        place = where[2]
        if type(place) is int and 0 <= place < count:
            names = ".".join(str(part) for part in where[3:])
            found.setdefault(place, f"{names}: {row.get('msg', 'refused')}"[:300])
    return found
