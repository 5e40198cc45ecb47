"""SIGKILL of each process at each step of a generation: four artifacts each time, and once."""

import contextlib
import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from tests import world
from tests.conftest import ROOT, python
from tests.flows.test_supervisor import SOON, Installation, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

TITLE = "What a killed process costs"
NAME, PASSWORD = "kim", "kim-of-the-tests"
MOMENTS = ("submit", "fetch", "receipt")
VICTIMS = ("busy worker", "idle worker", "cluster", "web", "sandbox")
#: a lapsed lease or a silent cluster, a restart, the next look
WITHIN = 180.0


class Studio(Installation):
    """A running installation that a test works with and shoots at."""

    token = ""

    def prepare(self) -> None:
        """An own person instead of the demo world."""
        more = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        for command in (
            ["migrate", "-v0"],
            ["sync_models"],
            ["createsuperuser", "--noinput", "--username", NAME, "--email", "kim@example.com"],
        ):
            subprocess.run(
                [python(), "manage.py", *command],
                cwd=ROOT,
                env=self.environment | more,
                check=True,
                capture_output=True,
            )

    def ask(self, method: str, path: str, body: Any = None, *, port: int | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port or self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def faults(self, *rules: dict[str, Any]) -> None:
        self.ask("PUT", "/control/faults", {"rules": list(rules)}, port=self.sandbox_port)

    def sign_in(self) -> None:
        answer = self.ask("POST", "/api/v1/auth/token/", {"username": NAME, "password": PASSWORD})
        self.token = answer["token"]

    def create(self, prompt: str) -> str:
        body = {
            "model": "runware:100@1",
            "prompt": prompt,
            "count": 4,
            "width": 256,
            "height": 256,
        }
        return str(self.ask("POST", "/api/v1/generations/", body)["id"])

    def generation(self, id: str) -> dict[str, Any]:
        with contextlib.suppress(OSError, urllib.error.URLError):
            answer: dict[str, Any] = self.ask("GET", f"/api/v1/generations/{id}/")
            return answer
        return {"phase": "", "state": "", "artifact_count": 0}

    def row(self, query: str, *values: str) -> Any:
        """One row of the database, read beside the application."""
        return self.ground.row(query, *values)

    def cluster(self) -> psutil.Process:
        main = self.main_of("worker")
        assert main is not None
        return main

    def victim(self, name: str) -> list[psutil.Process]:
        if name in {"busy worker", "idle worker"}:
            workers, busy = self.workers(), self.draining()
            if name == "idle worker":
                return [one for one in workers if one.pid not in busy][:1]
            return [one for one in workers if one.pid in busy] or workers[:1]
        if name == "cluster":
            return [self.cluster()]
        main = self.main_of(name)
        assert main is not None
        return [main]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    running = Studio(tmp_path_factory.mktemp("shots"))
    running.prepare()
    running.start()
    try:
        until(running.has_announced, SOON, "the announcement")
        until(running.is_ready, SOON, "readiness")
        running.sign_in()
        yield running
    finally:
        running.end()


@contextlib.contextmanager
def frozen(processes: list[psutil.Process]) -> Iterator[None]:
    """Processes that stand still meanwhile; some may be killed in that state."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def shoot(studio: Studio, name: str) -> None:
    until(lambda: studio.victim(name), SOON, f"a {name}")
    for process in studio.victim(name):
        process.send_signal(signal.SIGKILL)


def during_submit(studio: Studio, victim: str) -> str:
    """The provider stands still while it is called."""
    sandbox = studio.main_of("sandbox")
    assert sandbox is not None
    studio.faults({"fault": "slow", "seconds": 0.2})
    with frozen([sandbox]):
        id = studio.create(f"shot at {victim} during submit")
        sent = "SELECT submit_started_at FROM generations_registerentry WHERE id = ?"
        until(lambda: (studio.row(sent, id.replace("-", "")) or [None])[0], SOON, "the call")
        shoot(studio, victim)
    return id


def during_fetch(studio: Studio, victim: str) -> str:
    """The files trickle."""
    studio.faults({"fault": "cdn_slow", "seconds": 3})
    id = studio.create(f"shot at {victim} during fetch")
    until(lambda: studio.generation(id)["phase"] == "fetching", SOON, "an announced output")
    time.sleep(0.5)
    shoot(studio, victim)
    return id


def between_receipt_and_record(studio: Studio, victim: str) -> str:
    """The workers stand still when the deliveries come."""
    studio.faults({"fault": "slow", "seconds": 1})
    id = studio.create(f"shot at {victim} with receipts unread")
    until(lambda: studio.generation(id).get("dispatched_at"), SOON, "acceptance")
    kept = "SELECT count(*) FROM webhooks_receipt WHERE subject = ?"
    for _ in range(12):
        with frozen(studio.workers()), contextlib.suppress(AssertionError):
            # one that stands still in the middle of a write keeps the door shut: try again
            until(lambda: studio.row(kept, id)[0] >= 2, 15, "two receipts")
            shoot(studio, victim)
            return id
    raise AssertionError("the deliveries never came")


STEPS: dict[str, Callable[[Studio, str], str]] = {
    "submit": during_submit,
    "fetch": during_fetch,
    "receipt": between_receipt_and_record,
}


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_four_artifacts_come_once_whoever_is_killed(
    studio: Studio, moment: str, victim: str
) -> None:
    until(studio.is_ready, SOON, "readiness before the shot")
    began = time.monotonic()
    id = STEPS[moment](studio, victim)
    with contextlib.suppress(OSError, urllib.error.URLError):
        studio.faults()
    until(lambda: studio.generation(id)["state"] not in ("", "pending"), WITHIN, "the end")
    took = time.monotonic() - began
    settled = studio.generation(id)
    assert settled["state"] == "completed"
    assert settled["artifact_count"] == 4
    until(lambda: catalogue_count(studio, id) == 4, SOON, "the catalogue")
    hashes = [output["sha256"] for output in settled["outputs"]]
    assert len(set(hashes)) == 4
    assert studio.ground.objects(f"generations/{id}/") == Counter(hashes)
    costs = [float(output["cost"]) for output in settled["outputs"]]
    assert float(settled["cost"]) == pytest.approx(sum(costs))
    assert len(set(costs)) == 1
    assert runs(studio, id) == 1
    head = ("killed", "during", "artifacts", "lost", "doubled", "seconds")
    row = (victim, moment, "4", "0", "0", f"{took:.1f}")
    world.TABLES.setdefault(TITLE, [head]).append(row)


def catalogue_count(studio: Studio, id: str) -> int:
    query = "SELECT count(*) FROM generations_artifact WHERE generation_id = ?"
    return int(studio.row(query, id.replace("-", ""))[0])


def runs(studio: Studio, id: str) -> int:
    """How often the provider ran the task: what it would bill."""
    tasks = studio.ask("GET", "/control/tasks", port=studio.sandbox_port)["tasks"]
    return sum(1 for task in tasks if task["taskUUID"] == id)
