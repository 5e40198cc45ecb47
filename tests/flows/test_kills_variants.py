"""SIGKILL while a space's pictures are made: every variant settles, each is charged once; what may
have been billed unseen is not asked for again but by a person."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import world
from tests.flows.test_kills import Studio, shoot
from tests.flows.test_supervisor import SOON, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

TITLE = "What a killed process costs a batch of eight variants"
GEMINI, FLUX = "gemini-3.1-flash-image", "runware:100@1"
WITHIN = 180.0
ENDED = {"completed", "failed"}


class Team(Studio):
    """A running installation with a space in which pictures are made."""

    space = ""

    def batch(self, prompt: str, model: str, count: int = 8) -> list[str]:
        """Placeholders on their way; their ids."""
        body = {
            **{"name": prompt, "asset_type": "scene", "prompt": prompt, "model": model},
            **{"count": count, "mode": "explore"},
        }
        made = self.ask("POST", f"/api/v1/spaces/{self.space}/batch/", body)
        return [variant["id"] for variant in made["variants"]]

    def variants(self, ids: list[str]) -> list[dict[str, Any]]:
        """These variants as they are now; none while nobody answers."""
        try:
            path = f"/api/v1/spaces/{self.space}/variants/"
            return [self.ask("GET", f"{path}{id}/") for id in ids]
        except OSError:
            return []

    def have_ended(self, ids: list[str]) -> bool:
        found = self.variants(ids)
        return bool(found) and {variant["status"] for variant in found} <= ENDED

    def retry(self, id: str) -> None:
        self.ask("POST", f"/api/v1/spaces/{self.space}/variants/{id}/retry/", {})

    def lines(self, generation: str, kind: str) -> int:
        """How many lines of a kind the ledger has for a generation."""
        query = "SELECT count(*) FROM usage_ledgerline WHERE subject = ? AND kind = ?"
        return int(self.row(query, f"entry:{generation}", kind)[0])

    def count(self, query: str, *values: str) -> int:
        return int(self.row(query, *values)[0])

    def painted(self) -> int:
        """How many tasks the provider has ever taken."""
        return int(self.ask("GET", "/control/tasks", port=self.sandbox_port)["total"])

    def has_mended(self) -> bool:
        """Whether everybody is back; nothing goes wrong any more."""
        try:
            self.faults()
        except OSError:
            return False
        return self.is_ready()


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    running = Team(tmp_path_factory.mktemp("variants"))
    running.prepare()
    running.start()
    try:
        until(running.has_announced, SOON, "the announcement")
        until(running.is_ready, SOON, "readiness")
        running.sign_in()
        running.space = running.ask("POST", "/api/v1/spaces/", {"name": "Shots"})["id"]
        yield running
    finally:
        running.end()


def are_submitted(team: Team, ids: list[str]) -> bool:
    """Whether a call has begun for every variant."""
    query = (
        "SELECT count(*) FROM generations_registerentry WHERE submit_started_at IS NOT NULL "
        "AND id = (SELECT generation FROM spaces_variant WHERE id = ?)"
    )
    return all(team.count(query, id.replace("-", "")) for id in ids)


def just_asked(team: Team, model: str) -> list[str]:
    """Nothing has happened yet but the request."""
    return team.batch("just asked for", model)


def while_painting(team: Team, model: str) -> list[str]:
    """The provider takes its time."""
    slow = "gemini_slow" if model == GEMINI else "slow"
    team.faults({"fault": slow, "seconds": 4})
    ids = team.batch("painted slowly", model)
    until(lambda: are_submitted(team, ids), SOON, "the calls")
    time.sleep(0.5)
    return ids


def while_fetching(team: Team, model: str) -> list[str]:
    """The files trickle."""
    team.faults({"fault": "cdn_slow", "seconds": 3})
    ids = team.batch("trickling in", model)
    query = (
        "SELECT count(*) FROM generations_output WHERE entry_id IN "
        "(SELECT generation FROM spaces_variant WHERE asset_id = "
        "(SELECT asset_id FROM spaces_variant WHERE id = ?))"
    )
    until(lambda: team.count(query, ids[0].replace("-", "")) >= 3, SOON, "announced pictures")
    return ids


MOMENTS: dict[str, Callable[[Team, str], list[str]]] = {
    "asked": just_asked,
    "painting": while_painting,
    "fetching": while_fetching,
}
SHOTS = [
    *((victim, "asked", FLUX) for victim in ("busy worker", "web")),
    *((victim, "painting", FLUX) for victim in ("busy worker", "web", "cluster")),
    *((victim, "fetching", FLUX) for victim in ("busy worker", "web")),
    ("web", "painting", GEMINI),
    ("busy worker", "painting", GEMINI),
    ("sandbox", "painting", GEMINI),
]


@pytest.mark.parametrize(("victim", "moment", "model"), SHOTS)
def test_eight_variants_settle_whoever_is_killed(
    team: Team, victim: str, moment: str, model: str
) -> None:
    until(team.has_mended, SOON, "readiness before the shot")
    before = team.painted()
    began = time.monotonic()
    ids = MOMENTS[moment](team, model)
    shoot(team, victim)
    until(team.has_mended, SOON, "readiness after the shot")
    until(lambda: team.have_ended(ids), WITHIN, "eight ends")
    took = time.monotonic() - began
    found = team.variants(ids)
    lost = [variant for variant in found if variant["status"] == "failed"]
    for variant in found:
        money = {kind: team.lines(variant["generation"], kind) for kind in ("settle", "release")}
        done = variant["status"] == "completed"
        assert money == {"settle": int(done), "release": int(not done)}
    if model == FLUX or victim == "web":
        assert lost == []
        assert team.painted() - before == 8
    for variant in lost:
        assert variant["error"]["code"] == "dispatch_unknown"
        assert "may have billed" in variant["error"]["message"]
    assert len({variant["artifact"] for variant in found if variant["artifact"]}) == 8 - len(lost)
    for variant in lost:
        team.retry(variant["id"])
    until(lambda: team.have_ended(ids), WITHIN, "the ends of the retries")
    after = team.variants(ids)
    assert [variant["status"] for variant in after] == ["completed"] * 8
    assert all(team.lines(variant["generation"], "settle") == 1 for variant in after)
    assert {variant["attempt"] for variant in after} <= {1, 2}
    provider = "gemini" if model == GEMINI else "runware"
    heads = ("killed", "while", "provider", "settled", "unknown", "retried", "seconds")
    settled, again = f"{8 - len(lost)} of 8", f"{len(lost)} of {len(lost)}"
    row = (victim, moment, provider, settled, str(len(lost)), again, f"{took:.1f}")
    world.TABLES.setdefault(TITLE, [heads]).append(row)
