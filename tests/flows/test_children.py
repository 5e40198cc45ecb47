"""A supervised process on a machine that is too busy to start it as fast as usual."""

import sys
import time
from pathlib import Path

import pytest

from genproj import children
from genproj.children import Child, LastWill, Log, Role

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

#: shows life a second after it was started
LATE = """
import pathlib, sys, time
time.sleep(1)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


def test_a_start_that_takes_too_long_is_given_longer_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "START_SECONDS", 0.2)
    life, will = tmp_path / "life", LastWill()
    command = [sys.executable, "-c", LATE, str(life)]
    role = Role("late", command, sign=lambda started_at: life.exists())
    child = Child(role, log=Log("late", tmp_path), silence=0.1, environment={}, will=will)
    child.start()
    child.watch()
    try:
        end = time.monotonic() + 240
        while not child.is_ready and time.monotonic() < end:
            child.tend()
            time.sleep(0.02)
        assert child.is_ready
        assert child.slow_starts == 0
    finally:
        child.end(grace=0.1)
        will.close()
