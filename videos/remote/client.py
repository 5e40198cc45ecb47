"""Calls to the API of an installation whose films a worker renders."""

import json
import random
import time
from collections.abc import Collection
from typing import Any, BinaryIO

from genproj.kernel import http, signing

LIMITS = http.Limits(connect=5, read=20, total=30, max_bytes=2**20, max_redirects=0)
#: a film takes its time to travel
LONG = http.Limits(connect=5, read=60, total=3600, max_bytes=2**20, max_redirects=0)


LONGEST_PAUSE = 15.0


def pause_after(tries: int) -> float:
    """Seconds to wait after so many failures: doubling, capped, spread."""
    return min(0.5 * 2.0 ** min(tries, 10), LONGEST_PAUSE) * random.uniform(0.8, 1.2)


class Unavailable(Exception):
    """No answer, or one that says to come again; `after` in seconds, when it says so."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Refused(Exception):
    """An answer that will not change by repeating."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail = status, code, detail


class Server:
    """The installation, as one worker sees it."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self._key = url.rstrip("/"), key
        self.id = self._secret = ""

    def register(self, name: str) -> tuple[str, str]:
        """Become a worker; id and secret."""
        made = self._call("workers/", {"name": name})
        return made["id"], made["secret"]

    def become(self, id: str, secret: str) -> None:
        """Speak as this worker from now on."""
        self.id, self._secret = id, secret

    def claim(self) -> dict[str, Any] | None:
        """The next job; None when there is none."""
        found: dict[str, Any] | None = self._call(f"workers/{self.id}/claim/", {})
        return found

    def heartbeat(self, jobs: Collection[str]) -> set[str]:
        """A sign of life; which of the jobs are still this worker's."""
        held = self._call(f"workers/{self.id}/heartbeat/", {"jobs": list(jobs)})
        return {row["job"] for row in held["jobs"]}

    def addresses(self, job: str) -> dict[str, Any]:
        """New addresses for the job's files."""
        found: dict[str, Any] = self._call(f"workers/{self.id}/uploads/", {"job": job})["uploads"]
        return found

    def put(self, address: dict[str, Any], file: BinaryIO) -> None:
        """Put a file up. Raises Unavailable, and Refused when the address is not good any more."""
        answer = self._send(address["method"], address["url"], file, address["headers"], LONG)
        _require_ok(answer)

    def report(self, number: int, body: dict[str, Any]) -> bool:
        """Report, signed; whether it was news."""
        content, id, at = json.dumps(body).encode(), f"{self.id}.{number}", int(time.time())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(at),
            "webhook-signature": signing.sign(self._secret, id, at, content),
        }
        answer = self._send("POST", f"{self.url}/webhooks/worker/", content, headers, LIMITS)
        return bool(_require_ok(answer)["applied"])

    def _call(self, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        content = json.dumps(body).encode()
        answer = self._send("POST", f"{self.url}/api/v1/{path}", content, headers, LIMITS)
        return _require_ok(answer)

    def _send(
        self,
        method: str,
        url: str,
        data: bytes | BinaryIO,
        headers: dict[str, str],
        limits: http.Limits,
    ) -> http.Answer:
        origin = http.Origin.of(url)
        guard = http.Guard(hosts=(origin.host,), excepted=(origin,))
        try:
            return http.call(method, url, data=data, headers=headers, guard=guard, limits=limits)
        except http.HttpFailure as failure:
            raise Unavailable(f"{failure.kind}: {failure.reason}") from failure


def _require_ok(answer: http.Answer) -> Any:
    """What an answer says; Unavailable or Refused for one that is no success."""
    try:
        said = answer.json() if answer.body else None
    except ValueError:
        said = None
    if answer.ok:
        return said
    problem = said if isinstance(said, dict) else {}
    if answer.status in {408, 409, 425, 429} or answer.status >= 500:
        raise Unavailable(f"answered {answer.status}", http.retry_after(answer.headers))
    code, detail = str(problem.get("code", "")), str(problem.get("detail", ""))
    raise Refused(answer.status, code, detail)
