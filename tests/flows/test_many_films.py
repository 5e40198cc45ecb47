"""Many films of three people while their worker is killed every few seconds: all settle, once.

`FILMS` sets how many; the suite is content with a dozen.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests import world
from tests.flows.test_kills_films import Cinema
from tests.flows.test_supervisor import SOON, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(1800)]

FILMS = int(os.environ.get("FILMS", "12"))
EVERY = 4.0
WISH = {
    "prompt": "A paper boat on a calm lake at dawn",
    "model": "google:3@3",
    "parameters": {
        "duration": 4,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "seed": 7,  # the same film each time, so that it is painted once
    },
}


@pytest.fixture
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    running = Cinema(tmp_path_factory.mktemp("many"), VIDEO_SLOTS="4", VIDEO_SLOTS_PER_USER="4")
    running.prepare()
    running.start()
    try:
        until(running.has_announced, SOON, "the announcement")
        until(running.is_ready, SOON, "readiness")
        running.sign_in()
        yield running
    finally:
        running.end()


def count_of(cinema: Cinema, query: str) -> int:
    return int(cinema.row(query)[0])


def test_all_settle_once_while_workers_are_killed(cinema: Cinema) -> None:
    began, shots = time.monotonic(), 0
    for number in range(FILMS):
        video = cinema.ask("POST", "/api/v1/videos/", WISH)["id"]
        priority = {"priority": (2, 5, 8)[number % 3]}
        cinema.ask("POST", f"/api/v1/videos/{video}/confirm/", priority)
    ended = "SELECT count(*) FROM videos_video WHERE status IN ('completed', 'failed')"
    last = time.monotonic()
    while count_of(cinema, ended) < FILMS:
        assert time.monotonic() - began < 60 + 12 * FILMS, statuses(cinema)
        if time.monotonic() - last > EVERY:
            last, shots = time.monotonic(), shots + shoot_one(cinema)
        time.sleep(0.25)
    assert statuses(cinema) == {"completed": FILMS}
    assert count_of(cinema, "SELECT count(*) FROM usage_ledgerline WHERE kind = 'settle'") == FILMS
    assert count_of(cinema, "SELECT count(*) FROM usage_ledgerline WHERE kind = 'release'") == 0
    entries = "SELECT count(*) FROM generations_registerentry WHERE kind = 'video'"
    assert count_of(cinema, entries) == FILMS
    assert cinema.started() == FILMS
    world.TABLES["Films while workers are killed"] = [
        ("films", "workers killed", "completed", "charges", "lost", "doubled", "seconds"),
        (
            str(FILMS),
            str(shots),
            str(FILMS),
            str(FILMS),
            "0",
            "0",
            f"{time.monotonic() - began:.0f}",
        ),
    ]


def statuses(cinema: Cinema) -> dict[str, Any]:
    """How many films are in each state."""
    found: Counter[str] = Counter()
    for status in ("queued", "processing", "completed", "failed", "cancelled"):
        query = f"SELECT count(*) FROM videos_video WHERE status = '{status}'"
        found[status] = count_of(cinema, query)
    return +found


def shoot_one(cinema: Cinema) -> int:
    """Kill a worker, one that drains if there is one."""
    try:
        workers = cinema.workers()
        busy = cinema.draining()
        for worker in [one for one in workers if one.pid in busy] or workers:
            worker.send_signal(signal.SIGKILL)
            return 1
    except (psutil.Error, AssertionError, IndexError):
        pass  # the cluster is just being restarted
    return 0
