"""Figures of several processes add up, and the folder does not grow with recycled ones."""

import subprocess
from pathlib import Path

from tests.conftest import ROOT, environment, python

COUNT = """
from genproj.kernel import figures
figures.CREATED.labels(kind="image", provider="runware").inc()
figures.SOCKETS.inc()
"""
FORK = (
    COUNT
    + """
import os
if os.fork() == 0:
    figures.CREATED.labels(kind="image", provider="runware").inc()
    os._exit(0)
os.wait()
"""
)
READ = """
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [python(), "-c", code],
        cwd=ROOT,
        env=environment(PROMETHEUS_MULTIPROC_DIR=str(folder)),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_successor_goes_on_where_a_dead_process_stopped(tmp_path: Path) -> None:
    for _ in range(3):
        run(COUNT, tmp_path)
    text = run(READ, tmp_path)
    assert 'genproj_created_total{kind="image",provider="runware"} 3.0' in text
    assert "genproj_sockets 1.0" in text  # what the dead had open is not counted
    assert len(list(tmp_path.glob("slot-*.lock"))) == 1


def test_a_forked_process_counts_for_itself(tmp_path: Path) -> None:
    run(FORK, tmp_path)
    text = run(READ, tmp_path)
    assert 'genproj_created_total{kind="image",provider="runware"} 2.0' in text
    assert len(list(tmp_path.glob("slot-*.lock"))) == 2
