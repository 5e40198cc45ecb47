"""The words of an outbound exchange: its limits, its answer, its failure; pure."""

import json as jsonlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["refused", "unreachable", "timeout", "cut", "status", "too_large"]

BODY_SHOWN = 2_000


class HttpFailure(Exception):  # noqa: N818 - it is the failure of an exchange, not of the program
    """An exchange that gave no usable answer.

    `kind`: "refused" (never sent: the address is not allowed), "unreachable" (never sent: no
    connection), "timeout" and "cut" (sent; whether it was acted upon is unknown), "status" (an
    answer outside 2xx), "too_large". `status` is 0 without an answer. `body` holds at most 2,000
    characters. `permanent` says that the same request cannot succeed later. `retry_after` is in
    seconds.
    """

    def __init__(
        self,
        kind: Kind,
        url: str,
        reason: str,
        *,
        status: int = 0,
        body: str = "",
        permanent: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{kind}: {reason}")
        self.kind = kind
        self.url = url
        self.reason = reason
        self.status = status
        self.body = body[:BODY_SHOWN]
        self.permanent = permanent
        self.retry_after = retry_after


@dataclass(frozen=True)
class Limits:
    """Seconds to connect, between two reads and in total; bytes; redirects."""

    connect: float = 5
    read: float = 20
    total: float = 120
    max_bytes: int = 100 * 2**20
    max_redirects: int = 3


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; ValueError when it is not."""
        return jsonlib.loads(self.body)


@dataclass(frozen=True)
class Incoming:
    """An answer whose body is still coming: `chunks` gives it as it arrives."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class Downloaded:
    size: int
    sha256: str
    content_type: str
    final_url: str
