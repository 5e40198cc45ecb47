"""SIGKILL at each step of a film: one film, one charge, one result message; never a second start
where the provider could not tell that it is the same one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import world
from tests.flows.test_kills import Studio, frozen, shoot
from tests.flows.test_supervisor import SOON, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

TITLE = "What a killed process costs a film"
VEO, RUNWARE = "veo-3.1-fast-generate-001", "google:3@3"
SMALL = {"duration": 4, "aspect_ratio": "16:9", "resolution": "720p", "style": "natural"}
WITHIN = 180.0


class Cinema(Studio):
    """A running installation in which films are made."""

    def wish(self, prompt: str, model: str) -> str:
        """A confirmed film in a conversation of its own."""
        talk = self.ask("POST", "/api/v1/conversations/", {})["id"]
        body = {"prompt": prompt, "model": model, "parameters": SMALL, "conversation": talk}
        video = self.ask("POST", "/api/v1/videos/", body)["id"]
        self.ask("POST", f"/api/v1/videos/{video}/confirm/", {})
        return str(video)

    def video(self, id: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.ask("GET", f"/api/v1/videos/{id}/")
        except OSError:
            return {"status": "", "generation": None}
        return found

    def fact(self, id: str, what: str) -> Any:
        """A column of the film's entry."""
        entry = self.video(id)["generation"]
        if not entry:
            return None
        query = f"SELECT {what} FROM generations_registerentry WHERE id = ?"
        return (self.row(query, entry.replace("-", "")) or [None])[0]

    def is_stored(self, id: str) -> bool:
        entry = self.video(id)["generation"]
        query = (
            "SELECT count(*) FROM generations_output WHERE stored_at IS NOT NULL AND entry_id = ?"
        )
        return bool(entry and self.row(query, entry.replace("-", ""))[0])

    def has_mended(self) -> bool:
        """Whether everybody is back; nothing goes wrong any more."""
        try:
            self.faults()
        except OSError:
            return False
        return self.is_ready()

    def started(self) -> int:
        """How many films the provider has ever begun."""
        answer = self.ask("GET", "/control/tasks", port=self.sandbox_port)
        return int(answer["total"])


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    running = Cinema(tmp_path_factory.mktemp("films"))
    running.prepare()
    running.start()
    try:
        until(running.has_announced, SOON, "the announcement")
        until(running.is_ready, SOON, "readiness")
        running.sign_in()
        yield running
    finally:
        running.end()


def when_claimed(cinema: Cinema, victim: str, model: str) -> str:
    """The workers stand still once the film is taken."""
    id = cinema.wish("a film whose taker dies", model)
    until(lambda: cinema.video(id)["status"] not in ("", "queued"), SOON, "the claim")
    shoot(cinema, victim)
    return id


def during_submit(cinema: Cinema, victim: str, model: str) -> str:
    """The provider stands still while it is called."""
    sandbox = cinema.main_of("sandbox")
    assert sandbox is not None
    with frozen([sandbox]):
        id = cinema.wish("a film that is being asked for", model)
        until(lambda: cinema.fact(id, "submit_started_at"), SOON, "the call")
        time.sleep(0.3)
        shoot(cinema, victim)
    return id


def while_polling(cinema: Cinema, victim: str, model: str) -> str:
    """The provider takes its time."""
    slow = "veo_slow" if model == VEO else "slow"
    cinema.faults({"fault": slow, "seconds": 4})
    id = cinema.wish("a film that takes its time", model)
    until(lambda: cinema.fact(id, "dispatched_at"), SOON, "acceptance")
    time.sleep(1)
    shoot(cinema, victim)
    return id


def while_downloading(cinema: Cinema, victim: str, model: str) -> str:
    """The file trickles."""
    slow = "veo_file_slow" if model == VEO else "cdn_slow"
    cinema.faults({"fault": slow, "seconds": 4})
    id = cinema.wish("a film that trickles in", model)
    count = "SELECT count(*) FROM generations_output WHERE entry_id = ?"
    until(
        lambda: (
            (entry := cinema.video(id)["generation"])
            and cinema.row(count, entry.replace("-", ""))[0]
        ),
        SOON,
        "an announced film",
    )
    time.sleep(0.5)
    shoot(cinema, victim)
    return id


def before_the_report(cinema: Cinema, victim: str, model: str) -> str:
    """The film is stored; nobody has been told."""
    id = cinema.wish("a film of which nobody was told", model)
    until(lambda: cinema.is_stored(id), SOON, "the stored film")
    shoot(cinema, victim)
    return id


STEPS: dict[str, Callable[[Cinema, str, str], str]] = {
    "claim": when_claimed,
    "submit": during_submit,
    "polling": while_polling,
    "download": while_downloading,
    "report": before_the_report,
}
SHOTS = [
    *((moment, "busy worker", VEO) for moment in STEPS),
    *((moment, "busy worker", RUNWARE) for moment in ("submit", "download")),
    *((moment, "sandbox", VEO) for moment in ("submit", "download")),
    ("report", "web", RUNWARE),
]


@pytest.mark.parametrize(("moment", "victim", "model"), SHOTS)
def test_one_film_comes_whoever_is_killed(
    cinema: Cinema, moment: str, victim: str, model: str
) -> None:
    until(cinema.has_mended, SOON, "readiness before the shot")
    before = cinema.started()
    began = time.monotonic()
    id = STEPS[moment](cinema, victim, model)
    until(cinema.has_mended, SOON, "readiness after the shot")
    ended = {"completed", "failed", "cancelled"}
    until(lambda: cinema.video(id)["status"] in ended, WITHIN, "the end")
    took = time.monotonic() - began
    video = cinema.video(id)
    steps = cinema.ask("GET", f"/api/v1/videos/{id}/timeline/")["results"]
    money = [line["step"] for line in steps if line["step"] in {"hold", "settle", "release"}]
    said = cinema.ask("GET", f"/api/v1/conversations/{video['conversation']}/messages/")
    ends = [row for row in said["results"] if row["type"] in {"generation_result", "error"}]
    assert len(ends) == 1
    # Only where the create call itself was cut, by a provider that cannot tell a repetition.
    unknown = moment in {"submit", "claim"} and model == VEO and video["status"] == "failed"
    if unknown:
        assert video["error"]["code"] == "dispatch_unknown"
        assert "may have billed" in video["error"]["message"]
        assert money == ["hold", "release"]
        assert cinema.started() - before <= 1
    else:
        assert video["status"] == "completed", video["error"]
        assert money == ["hold", "settle"]
        assert cinema.started() - before == 1
        assert ends[0]["type"] == "generation_result"
    provider = "veo" if model == VEO else "runware"
    head = ("killed", "at", "provider", "films", "charges", "messages", "state", "seconds")
    films = "0" if unknown else "1"
    state = "dispatch_unknown" if unknown else video["status"]
    row = (victim, moment, provider, films, films, "1", state, f"{took:.1f}")
    world.TABLES.setdefault(TITLE, [head]).append(row)
