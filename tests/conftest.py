"""The stage of the tests: a sandbox, a web server, people, workers that run when told to."""

import contextlib
import json
import logging
import os
import pkgutil
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.contenttypes.management import create_contenttypes
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import post_migrate

from genproj.kernel import bell, memory, storage, wake
from genproj.kernel.logs import JsonFormatter
from tests import s3, world

ROOT = Path(__file__).resolve().parent.parent

# A busy machine is no fault of what is tested; a fast one is no proof of it.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def _no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves this machine fails the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if not (host.startswith("127.") or host in {"::1", "localhost"}):
                raise RuntimeError(f"A test wants to leave this machine: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _clean_slate(tmp_path: Path) -> Iterator[None]:
    """Files, caches and switches of one test do not reach the next."""
    cache.clear()
    memory.forget_all()
    ContentType.objects.clear_cache()
    yield
    if s3.AT_S3:
        s3.empty()
    else:
        storage.reset()
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _store() -> None:
    """With `TEST_STORAGE=s3` what is kept lies in a bucket of a real S3 server."""
    if not s3.AT_S3:
        return
    server = s3.shared()
    if isinstance(server, s3.NotAvailable):
        pytest.exit(f"TEST_STORAGE=s3, and no S3 server: {server}", returncode=2)
    s3.use(server, settings)


@pytest.fixture
def disk(settings: Any) -> Iterator[None]:
    """A folder as the store, whatever the run's is: for tests of how files are served from it."""
    settings.STORAGE_BUCKET = ""
    s3.let_go()
    yield
    s3.let_go()


@pytest.fixture
def wakes() -> Iterator[bell.Listener]:
    """Hears wake-ups, so that none is queued; `wakes.wait(0)` lists them."""
    listener = bell.listen(wake.CHANNEL)
    yield listener
    listener.close()


@pytest.fixture
def work(wakes: bell.Listener) -> Callable[..., int]:
    """Runs every due job in this thread until nothing is due. Returns how many rows were worked."""

    def run(*names: str, rounds: int = 200) -> int:
        total = 0
        for _ in range(rounds):
            worked = 0
            for name, job in wake.jobs().items():
                if not names or name.rsplit(".", 1)[-1] in names:
                    worked += pkgutil.resolve_name(job.run)()
            total += worked
            if not worked:
                return total
        raise AssertionError("The jobs never come to an end.")

    return run


@pytest.fixture
def work_until(work: Callable[..., int]) -> Callable[..., Any]:
    """Runs due jobs again and again until a condition holds."""

    def run(condition: Callable[[], Any], *, seconds: float = 60.0) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            work()
            if answer := condition():
                return answer
            time.sleep(0.02)
        raise AssertionError(f"still not so after {seconds} s")

    return run


@pytest.fixture
def alice(db: None) -> User:
    return world.person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return world.person("bob")


@pytest.fixture
def dana(db: None) -> User:
    """Staff."""
    return world.person("dana", staff=True)


class Sandbox:
    """The sandbox of a test session, and its control door."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, delay: float = 0.0) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "genproj.sandbox", "--port", str(self.port)),
                *("--data-dir", str(self.folder), "--delay", str(delay)),
            ],
            cwd=ROOT,
        )
        world.until(lambda: self._answers())

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            self.get("/control/faults")
            return True
        return False

    def stop(self, *, hard: bool = False) -> None:
        """End it."""
        if self.process:
            self.process.kill() if hard else self.process.terminate()
            self.process.wait(10)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control door."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def faults(self, *rules: dict[str, Any]) -> None:
        """What goes wrong from now on."""
        self.ask("PUT", "/control/faults", {"rules": list(rules)})

    def reset(self) -> None:
        self.ask("POST", "/control/reset", {"tasks": True})

    def tasks(self) -> list[dict[str, Any]]:
        answer = self.get("/control/tasks")
        return answer["tasks"] if isinstance(answer, dict) else answer


@pytest.fixture(scope="session")
def _sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(free_port(), tmp_path_factory.mktemp("sandbox"))
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(_sandbox_process: Sandbox, settings: Any) -> Iterator[Sandbox]:
    """A sandbox without faults, as the provider of this test."""
    settings.SANDBOX_PORT = _sandbox_process.port
    settings.SANDBOX_URL = _sandbox_process.url
    settings.RUNWARE_BASE_URL = f"{_sandbox_process.url}/v1"
    settings.GEMINI_BASE_URL = _sandbox_process.url
    settings.ANTHROPIC_BASE_URL = _sandbox_process.url
    _sandbox_process.reset()
    yield _sandbox_process
    _sandbox_process.reset()


class Web:
    """A real web server in a thread of the test, on the test's database."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"


@pytest.fixture
def web(transactional_db: None, settings: Any, wakes: bell.Listener) -> Iterator[Web]:
    """Serves the whole application; webhooks reach it."""
    import uvicorn

    from genproj.asgi import application

    settings.PORT = free_port()
    settings.PUBLIC_URL = f"http://127.0.0.1:{settings.PORT}"
    settings.ALLOWED_HOSTS = ["*"]
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            host="127.0.0.1",
            port=settings.PORT,
            log_level="warning",
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    world.until(lambda: server.started)
    yield Web(settings.PORT)
    server.should_exit = True
    thread.join(10)
    connection.close()


Lines = list[dict[str, Any]]


class _Keeper(logging.Handler):
    """Keeps each line as it is written: the request's id is known only then."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: Lines = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(JsonFormatter().format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Every line of the log since the test began."""
    keeper = _Keeper()
    logging.getLogger().addHandler(keeper)
    yield keeper.lines
    logging.getLogger().removeHandler(keeper)


def python() -> str:
    """The interpreter the tests run on."""
    return sys.executable


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process the tests start."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **changes}


#: begun last, one of these would go on alone for minutes
LONGEST = {"test_scale_out.py", "test_chaos.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For tests that run in several processes: what starts processes first, the longest before
    all. A file's tests stay together (`--dist loadfile`)."""

    def turn(item: pytest.Item) -> int:
        return 0 if item.path.name in LONGEST else 1 if item.get_closest_marker("processes") else 2

    items.sort(key=turn)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of tests that run in several processes, hand the tables to the one that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tables"] = world.TABLES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect the tables of a process that has ended."""
    for title, table in getattr(node, "workeroutput", {}).get("tables", {}).items():
        kept = world.TABLES.setdefault(title, [])
        kept += [tuple(row) for row in (table if not kept else table[1:])]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables that tests have filled."""
    for title, table in world.TABLES.items():
        terminalreporter.section(title)
        widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
        for row in table:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            terminalreporter.write_line("  ".join(cells).rstrip())


@pytest.fixture(scope="session", autouse=True)
def _quick_databases() -> None:
    """A test's rows need not outlive a power cut, and emptying them must not take seconds."""
    # What every flush would do again: a row for each model and each right of it.
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "sqlite":
        command = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
        options["init_command"] = command
    else:
        _empty_by_deleting()


def _empty_by_deleting() -> None:
    """PostgreSQL makes new files for each TRUNCATE; the tests' tables hold a few rows each."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    def sql_flush(self: Any, style: Any, tables: list[str], **options: Any) -> list[str]:
        quoted = [f"DELETE FROM {self.quote_name(table)}" for table in tables]
        role = "SET session_replication_role"
        return [f"{role} = replica", *quoted, f"{role} = DEFAULT"] if quoted else []

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign,assignment]
