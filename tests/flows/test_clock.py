"""The clock: rings for due rows, pulses, sweeps, and outlives outages."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from genproj import clock
from genproj.kernel import bell, retention, wake
from tests import world


def test_it_rings_for_what_is_due_and_only_for_that(
    db: None, alice: User, wakes: bell.Listener
) -> None:
    clock.look()
    assert wakes.wait(0.1) == set()
    world.opened(alice)
    clock.look()
    assert wakes.wait(1) == {"generations.jobs.call_providers"}


def test_it_queues_a_drain_when_nobody_hears(
    db: None, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    summoned: list[bool] = []
    world.opened(alice)
    monkeypatch.setattr(wake, "summon", lambda: summoned.append(True))
    clock.look()
    assert summoned == [True]


def test_an_outage_and_a_broken_sweep_stop_nothing() -> None:
    def away() -> None:
        raise OperationalError("the database is away")

    def broken() -> None:
        raise ZeroDivisionError

    clock.attempt("away", away)
    clock.attempt("broken", broken)


def test_an_act_repeats_by_its_period() -> None:
    ran: list[float] = []
    act = clock.Act("test", lambda: ran.append(time.monotonic()), lambda: 0.5)
    act.start()
    world.until(lambda: len(ran) >= 3, seconds=5)
    assert ran[2] - ran[0] >= 1.0
    assert not act.is_stuck()
    act.began = time.monotonic() - clock.LONGEST_ACT - 1
    assert act.is_stuck()


def test_a_sweep_that_has_more_to_forget_goes_on_at_once() -> None:
    left = [retention.MOST, retention.MOST, 1]
    act = clock.Act("test", lambda: left.pop(0), lambda: 3600.0)
    act.start()
    world.until(lambda: not left)


def test_pulses_are_frequent_until_the_worker_shows_itself(settings: Any, tmp_path: Path) -> None:
    settings.RUN_DIR = tmp_path
    settings.SILENCE_SECONDS = 15
    assert clock.pulse_period() == 1.0
    wake.touch_beat()
    assert clock.pulse_period() == 5.0
    settings.REDIS_URL = "redis://localhost"
    assert clock.pulse_period() == 1.0


def test_every_sweep_of_the_table_is_an_act() -> None:
    names = {act.name for act in clock.acts()}
    assert {"pulse", "generations.operations.sweeps.repair_stuck"} <= names
