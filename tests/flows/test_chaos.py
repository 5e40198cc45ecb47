"""A short run of `make chaos` with one seed: whatever dies or breaks, nothing is lost."""

import subprocess

import pytest

from tests.conftest import ROOT, environment, python

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

SEED = "7"


def test_nothing_is_lost_while_processes_die_and_wires_break() -> None:
    command = [python(), "-m", "tests.chaos", "--seed", SEED, "--seconds", "10"]
    done = subprocess.run(
        [*command, "--scenario", "everything"],
        cwd=ROOT,
        env=environment(LEASE_SECONDS="4", SILENCE_SECONDS="6"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
