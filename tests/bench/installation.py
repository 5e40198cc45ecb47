"""Starts and ends what is measured: `manage.py run` with its own data, and the bench provider."""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import psycopg

from tests.bench.people import NAME, PASSWORD

ROOT = Path(__file__).resolve().parent.parent.parent
#: so many that no limit of one person is met
PEOPLE = 64
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


class NotMeasured(Exception):
    """A figure could not be taken; the message says why."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(method: str, url: str, body: Any = None, **headers: str) -> Any:
    """One call that is not measured; its JSON."""
    data = json.dumps(body).encode() if body is not None else None
    given = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, data, given, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until it is so; NotMeasured when it does not come about."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise NotMeasured(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether something answers there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextlib.contextmanager
def process(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own that ends with the block."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    with log.open("ab") as output:
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**kept, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


@dataclass
class Provider:
    """The bench provider, seen from outside."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def steer(self, **wish: Any) -> None:
        """Tell it how to behave."""
        ask("PUT", f"{self.url}/control", wish)

    def tasks(self) -> list[dict[str, Any]]:
        """What it was asked for."""
        found: list[dict[str, Any]] = ask("GET", f"{self.url}/control/tasks")
        return found

    def sent(self) -> list[tuple[str, int, float, float, int]]:
        """What it delivered, and when."""
        found: list[tuple[str, int, float, float, int]] = ask("GET", f"{self.url}/control/sent")
        return found


@contextlib.contextmanager
def bench_provider(pictures: Path, log: Path) -> Iterator[Provider]:
    """A running provider."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.provider", str(port), str(pictures)]
    with process(command, log):
        provider = Provider(port)
        wait_until(lambda: answers(f"{provider.url}/control/count"), 90, "the bench provider")
        yield provider


def environment(folder: Path, provider: Provider, port: int) -> dict[str, str]:
    """What an installation in `folder` finds in its environment."""
    return {
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "genproj.settings",
        "PORT": str(port),
        "SANDBOX_PORT": str(free_port()),
        "RUNWARE_BASE_URL": f"{provider.url}/v1",
        # A worker that is held still for a figure must not be taken for dead.
        "SILENCE_SECONDS": "3600",
        "LEASE_SECONDS": "30",
    }


@dataclass
class Installation:
    """A running installation: its people, its processes, its rows."""

    folder: Path
    port: int
    provider: Provider
    supervisor: psutil.Process
    tokens: list[str] = field(default_factory=list)
    #: what stands in its environment besides, such as where its PostgreSQL is
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "genproj.sqlite3"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows read beside the application, without a lock; ids and moments as text."""
        if url := self.more.get("DATABASE_URL"):
            with psycopg.connect(url) as server:
                return [tuple(map(_as_sqlite_says, row)) for row in server.execute(query)]  # type: ignore[call-overload]
        with contextlib.closing(
            sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)
        ) as connection:
            return connection.execute(query).fetchall()

    def count(self, query: str) -> int:
        """One number."""
        return int(self.rows(query)[0][0])

    def bearer(self, number: int) -> tuple[str, str]:
        """The header of one of the people."""
        return ("Authorization", f"Bearer {self.tokens[number % len(self.tokens)]}")

    def child(self, word: str) -> psutil.Process:
        """The child whose command holds `word`."""
        for child in self.supervisor.children():
            if any(word in part for part in child.cmdline()):
                return child
        raise NotMeasured(f"no process runs {word}")

    @contextlib.contextmanager
    def workers_held(self) -> Iterator[None]:
        """The workers stand still, and none of them holds the database."""
        group = self.child("qcluster").pid
        for _ in range(100):
            os.killpg(group, signal.SIGSTOP)
            if self._can_write():
                break
            os.killpg(group, signal.SIGCONT)
            time.sleep(0.05)
        else:
            raise NotMeasured("the workers never let go of the database")
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def _can_write(self) -> bool:
        if "DATABASE_URL" in self.more:
            return True  # no lock is everybody's
        with contextlib.closing(sqlite3.connect(self.database, timeout=0.5)) as connection:
            connection.isolation_level = None
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return False
        return True

    def work_done(self) -> float:
        """Seconds of processor time that web and workers have used. Unlike rates, it hardly
        depends on what else the machine does."""
        total = 0.0
        for word in ("uvicorn", "qcluster"):
            root = self.child(word)
            for one in [root, *root.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = one.cpu_times()
                    total += times.user + times.system
        return total

    def memory(self) -> dict[str, float]:
        """PSS in MB of web, workers and clock."""
        names = {"web": "uvicorn", "workers": "qcluster", "clock": "clock"}
        found = {}
        for name, word in names.items():
            root = self.child(word)
            total = 0
            for one in [root, *root.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += one.memory_full_info().pss
            found[name] = total / 1e6
        return found


def _as_sqlite_says(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return value


def _last_words(output: Path) -> str:
    """What a supervisor said last, without its queue's chatter."""
    lines = output.read_text(errors="replace").splitlines()
    return " / ".join([line for line in lines if line and "DJANGO-Q" not in line][-8:])


class Workshop:
    """The folder of one bench run: prepared data, logs, and the installations made from them."""

    def __init__(
        self, folder: Path, provider: Provider, services: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.provider, self.services = folder, provider, services or {}
        self.log = folder / "log.txt"
        self._tokens: list[str] = []

    def _template(self) -> Path:
        """A migrated database with people in it, made once and copied for each installation."""
        place = self.folder / "template"
        if not place.exists():
            place.mkdir()
            values = environment(place, self.provider, free_port()) | self._at_scale("template")
            for command in (["manage.py", "migrate", "-v", "0"], ["manage.py", "sync_models"]):
                self._run([sys.executable, *command], values)
            people = [sys.executable, "-m", "tests.bench.people", str(PEOPLE)]
            self._tokens = json.loads(self._run(people, values).splitlines()[-1])
        return place

    def _at_scale(self, name: str, *, like: str = "template0") -> dict[str, str]:
        """The services' settings, with a new database of that name; nothing when embedded."""
        if not self.services:
            return {}
        source = like if like == "template0" else self._database(like)
        with psycopg.connect(self.services["DATABASE_URL"], autocommit=True) as server:
            words = f'CREATE DATABASE "{self._database(name)}" TEMPLATE "{source}"'
            server.execute(words)  # type: ignore[call-overload]
        place = urlsplit(self.services["DATABASE_URL"])._replace(path=f"/{self._database(name)}")
        return {**self.services, "DATABASE_URL": place.geturl()}

    def _database(self, name: str) -> str:
        return f"{self.folder.name}_{name}"

    def _drop(self, name: str) -> None:
        if self.services:
            with psycopg.connect(self.services["DATABASE_URL"], autocommit=True) as server:
                words = f'DROP DATABASE IF EXISTS "{self._database(name)}" WITH (FORCE)'
                server.execute(words)  # type: ignore[call-overload]

    def close(self) -> None:
        """Leave nothing behind on the services."""
        self._drop("template")

    def _run(self, command: list[str], values: dict[str, str]) -> str:
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        done = subprocess.run(
            command, cwd=ROOT, env={**kept, **values}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NotMeasured(f"{' '.join(command[1:])} failed: {done.stderr.strip()[-300:]}")
        return done.stdout

    def run(self, command: list[str], installation: "Installation") -> str:
        """Run a command beside a running installation; what it printed."""
        values = environment(installation.folder, self.provider, installation.port)
        values |= installation.more
        return self._run([sys.executable, *command], values)

    @contextlib.contextmanager
    def installation(self, **more: str) -> Iterator[Installation]:
        """A fresh one, with `more` in its environment, ready, signed in to through the door of
        tokens; gone after the block."""
        template, port = self._template(), free_port()
        place = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        shutil.copytree(template, place, dirs_exist_ok=True)
        self.provider.steer(forget=True, delay=0, deliver_after=None, deliver_to=None)
        more |= self._at_scale(place.name.removeprefix("run-"), like="template")
        values = environment(place, self.provider, port) | more
        output = place / "output.txt"
        try:
            with process([sys.executable, "manage.py", "run"], output, **values) as running:
                supervisor = psutil.Process(running.pid)
                one = Installation(place, port, self.provider, supervisor, more=more)
                wait_until(
                    lambda: running.poll() is not None or b"is ready" in output.read_bytes(),
                    60,
                    "manage.py run to be ready",
                )
                if running.poll() is not None:
                    raise NotMeasured(f"manage.py run ended: {_last_words(output)}")
                wish = {"username": NAME, "password": PASSWORD}
                token = ask("POST", f"{one.url}/api/v1/auth/token/", wish)["token"]
                one.tokens = [token, *self._tokens]
                yield one
        finally:
            shutil.rmtree(place, ignore_errors=True)
            self._drop(place.name.removeprefix("run-"))
