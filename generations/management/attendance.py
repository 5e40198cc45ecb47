"""Lets a command stand alone: due work is done in its process, a missing sandbox started."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from generations.operations import reaching
from genproj.kernel import wake

#: seconds a sandbox may take to answer
START = 20.0
#: one drain: short, so that the command ends soon after its work has
DRAIN, LINGER = 2.0, 0.5


def require_tables() -> None:
    """CommandError when the database lacks tables, with what to do."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as problem:
        raise CommandError(f"The database cannot be reached: {problem}") from problem
    if missing:
        raise CommandError("The database is not up to date; run first: python manage.py migrate")


@contextlib.contextmanager
def quiet(verbosity: int) -> Iterator[None]:
    """Keep ordinary log lines out of the command's own output, unless more is asked for."""
    if verbosity < 2:
        logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextlib.contextmanager
def at_work() -> Iterator[None]:
    """Do due work in this process meanwhile, beside whatever workers there are; leases keep them
    apart."""
    # so that the supervisor never takes these signs of life for its own worker's
    before = os.environ.get("GENPROJ_CLUSTER")
    os.environ["GENPROJ_CLUSTER"] = "command"
    over = threading.Event()
    worker = threading.Thread(target=_work, args=(over,), name="command-worker", daemon=True)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join(15)
        wake.beat_path("command").unlink(missing_ok=True)
        if before is None:
            os.environ.pop("GENPROJ_CLUSTER", None)
        else:
            os.environ["GENPROJ_CLUSTER"] = before


def _work(over: threading.Event) -> None:
    try:
        while not over.is_set():
            wake.drain(linger=LINGER, longest=DRAIN)
    finally:
        connection.close()


@contextlib.contextmanager
def providers_reachable(provider: str) -> Iterator[None]:
    """See to it that the provider can answer: a sandbox that is not running runs meanwhile."""
    if not reaching.is_sandbox(provider) or answers(settings.SANDBOX_URL):
        yield
        return
    place = urlsplit(settings.SANDBOX_URL)
    folder = Path(settings.DATA_DIR) / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    sandbox = subprocess.Popen(
        [
            *(sys.executable, "-m", "genproj.sandbox", "--host", place.hostname or "127.0.0.1"),
            *("--port", str(place.port), "--data-dir", str(folder)),
        ],
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        _await(sandbox)
        yield
    finally:
        sandbox.terminate()
        try:
            sandbox.wait(5)
        except subprocess.TimeoutExpired:
            sandbox.kill()
            sandbox.wait()


def _await(sandbox: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START
    while not answers(settings.SANDBOX_URL):
        # another one may have been quicker to take the port: then that one answers
        if sandbox.poll() is not None and not answers(settings.SANDBOX_URL):
            raise CommandError(f"The sandbox could not be started (exit {sandbox.returncode}).")
        if time.monotonic() > end:
            raise CommandError(f"The sandbox did not answer within {START:.0f} s.")
        time.sleep(0.05)


def is_callback_heard() -> bool:
    """Whether somebody listens where providers would call back."""
    return answers(f"http://127.0.0.1:{settings.PORT}")


def answers(url: str) -> bool:
    """Whether something listens there."""
    place = urlsplit(url)
    try:
        with socket.create_connection((place.hostname or "", place.port or 80), timeout=1):
            return True
    except OSError:
        return False
