"""`manage.py run` with real processes: starts, survives every kill, and leaves nothing behind."""

import contextlib
import io
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from genproj.children import Log
from tests.conftest import ROOT, environment, free_port, python
from tests.ground import Ground

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

#: how long anything may take here: a busy machine is no fault of what is tested
SOON = 180.0

ROLES = {"web": "uvicorn", "worker": "qcluster", "clock": "clock", "sandbox": "genproj.sandbox"}


def until(condition: Callable[[], object], seconds: float, what: str = "") -> float:
    """Wait until it is so; how long that took."""
    began = time.monotonic()
    while not condition():
        passed = time.monotonic() - began
        assert passed < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - began


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie only waits for somebody to read how it ended."""
    _, left = psutil.wait_procs(processes, timeout=3)
    return [one for one in left if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


class Installation:
    """One `manage.py run` with its own data and ports."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port, self.sandbox_port = free_port(), free_port()
        self.output_path = folder / "output.txt"
        self.folder = folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        self.ground = Ground(self.folder)
        self.environment = environment(
            DATA_DIR=str(self.folder),
            HOST="127.0.0.1",
            PORT=str(self.port),
            SANDBOX_PORT=str(self.sandbox_port),
            LEASE_SECONDS="4",
            SILENCE_SECONDS="6",
            **self.ground.settings,
            **settings,
        )
        self.process: subprocess.Popen[bytes] | None = None
        #: by sentinel, what else than workers it keeps
        self.others: dict[int, set[int]] = {}

    def start(self) -> "Installation":
        self.said_before = len(self.output) if self.output_path.exists() else 0
        with self.output_path.open("ab") as output:
            self.process = subprocess.Popen(
                [python(), "manage.py", "run"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    def has_announced(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output
        return "Genproj is ready" in self.output[self.said_before :]

    def is_ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/readyz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def main_of(self, role: str) -> psutil.Process | None:
        for child in psutil.Process(self.pid).children():
            try:
                if any(ROLES[role] in part for part in child.cmdline()):
                    return child
            except psutil.Error:
                continue
        return None

    def workers(self) -> list[psutil.Process]:
        """The processes that run tasks; none while they start.

        A sentinel begins with two of them and two others; a killed one's heir comes last.
        """
        with contextlib.suppress(IndexError, KeyError, psutil.Error):
            if main := self.main_of("worker"):
                guard = main.children()[0]
                children = guard.children()
                if guard.pid not in self.others and len(children) == 4:
                    self.others[guard.pid] = {one.pid for one in children[2:]}
                return [one for one in children if one.pid not in self.others[guard.pid]]
        return []

    def draining(self) -> set[int]:
        """The workers that work just now: each listens to the bell."""
        return self.ground.listening({one.pid for one in self.workers()})

    def everyone(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def is_back(self, role: str, old: int) -> bool:
        new = self.main_of(role)
        if new is None or new.pid == old:
            return False
        if role in {"worker", "clock"}:  # the row that /readyz reads outlives its worker a little
            return self.has_beaten(role, since=new.create_time()) and self.is_ready()
        return self.is_ready()

    def has_beaten(self, role: str, *, since: float) -> bool:
        beat = self.folder / "run" / f"beat-{role}"
        return beat.exists() and beat.stat().st_mtime > since

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(60)

    def end(self) -> None:
        self.stop()
        self.ground.close()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One that runs, shared by the tests that kill parts of it."""
    running = Installation(tmp_path_factory.mktemp("kills")).start()
    try:
        until(running.has_announced, SOON, "the announcement")
        until(running.is_ready, SOON, "readiness")
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One that each test starts and stops; only the first start makes its tables."""
    one = Installation(tmp_path_factory.mktemp("stops"))
    yield one
    one.end()


def test_it_tells_where_it_is_and_who_may_sign_in(installation: Installation) -> None:
    announced = installation.output
    assert f"http://127.0.0.1:{installation.port}/" in announced
    for name in ("admin", "alice", "bob", "charlie"):
        assert name in announced
    assert "genproj" in announced


@pytest.mark.parametrize("role", list(ROLES))
def test_a_killed_process_comes_back(installation: Installation, role: str) -> None:
    before = installation.main_of(role)
    assert before is not None
    orphans = before.children(recursive=True)
    before.kill()
    until(lambda: installation.is_back(role, before.pid), SOON, f"a new {role}")
    assert not alive(orphans)


def test_a_worker_whose_guard_was_killed_leaves_no_orphans(installation: Installation) -> None:
    main = installation.main_of("worker")
    assert main is not None
    (guard,) = main.children()
    orphans = guard.children()
    guard.kill()
    until(lambda: installation.is_back("worker", main.pid), SOON, "a new worker")
    assert not alive(orphans)


def test_a_cluster_that_hangs_since_an_idle_worker_was_killed_is_replaced(
    installation: Installation,
) -> None:
    """The worker that waits first holds the queue's read lock; its death hangs the others."""
    until(lambda: "demo    | Demo pictures" in installation.output, SOON, "the demo world")
    for _ in range(12):  # a drain may begin just now: then its worker is replaced, nothing hangs
        with contextlib.suppress(AssertionError):
            until(lambda: installation.workers() and not installation.draining(), 30, "a rest")
        for idle in installation.workers():
            idle.kill()
        killed_at = time.time()
        until(lambda at=killed_at: installation.has_beaten("worker", since=at + 1), SOON, "a beat")
        if "worker gave no sign of life" in installation.output:
            break
    assert "worker gave no sign of life" in installation.output
    until(installation.is_ready, SOON)


def test_a_web_process_that_answers_no_more_is_replaced(installation: Installation) -> None:
    before = installation.main_of("web")
    assert before is not None
    before.suspend()
    until(lambda: installation.is_back("web", before.pid), SOON, "a new web")


def test_a_second_start_says_in_one_line_that_the_port_is_taken(
    installation: Installation, tmp_path: Path
) -> None:
    for name, port in (("PORT", installation.port), ("SANDBOX_PORT", installation.sandbox_port)):
        ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port()), name: str(port)}
        second = subprocess.run(
            [python(), "manage.py", "run"],
            cwd=ROOT,
            env={**installation.environment, "DATA_DIR": str(tmp_path), **ports},
            capture_output=True,
            timeout=SOON,
            check=False,
        )
        assert second.returncode == 2
        said = (second.stdout + second.stderr).decode().strip().splitlines()
        assert len(said) == 1
        assert str(port) in said[0]
        assert name in said[0]


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_when_asked_to_stop_it_takes_all_with_it(
    stopped: Installation, asked: signal.Signals
) -> None:
    running = stopped.start()
    try:
        until(running.has_announced, SOON, "the announcement")
        everyone = running.everyone()
        assert len(everyone) >= 8
        os.kill(running.pid, asked)
        assert running.process is not None
        assert running.process.wait(SOON) == 0
        assert not alive(everyone)
    finally:
        running.stop()


def test_nothing_survives_a_killed_supervisor(stopped: Installation) -> None:
    running = stopped.start()
    try:
        until(running.has_announced, SOON, "the announcement")
        everyone = running.everyone()
        main = running.main_of("worker")
        assert main is not None
        main.children()[0].children()[0].suspend()  # the cluster cannot stop by itself
        os.kill(running.pid, signal.SIGKILL)
        assert running.process is not None
        running.process.wait(SOON)
        until(lambda: not alive(everyone), SOON, "the end of all")
        running.start()
        until(running.has_announced, SOON, "the second start")
    finally:
        running.stop()


def test_a_child_that_cannot_start_stops_the_whole_with_its_log(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if '--ws-max-size' in sys.orig_argv:\n"
        "    sys.stderr.write('no web today\\n')\n"
        "    os._exit(3)\n"
    )
    running = Installation(tmp_path, PYTHONPATH=str(broken)).start()
    try:
        assert running.process is not None
        assert running.process.wait(SOON) == 1
        assert "web died 3 times without becoming ready" in running.output
        assert "    no web today" in running.output
    finally:
        running.end()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "changeme"}, "SECRET_KEY is a default"),
        ({"ALLOWED_HOSTS": "*"}, "wildcard"),
        ({"PORT": "many"}, "PORT must be a whole number"),
        ({"DEBUG": "maybe"}, "DEBUG must be true or false"),
    ],
)
def test_what_others_reach_must_be_made_for_it(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    refused = subprocess.run(
        [python(), "manage.py", "run"],
        cwd=ROOT,
        env={
            **environment(DATA_DIR=str(tmp_path), PORT=str(free_port())),
            "PUBLIC_URL": "https://pictures.example.com",
            "SECRET_KEY": "k" * 50,
            **changes,
        },
        capture_output=True,
        timeout=SOON,
        check=False,
    )
    assert refused.returncode == 1
    assert len(refused.stderr.decode().strip().splitlines()) == 1
    assert words in refused.stderr.decode()


def test_a_line_that_is_an_object_stays_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log("web", tmp_path)
    log.follow(io.BytesIO(b'{"action": "kept"}\nplain words\n')).join(60)
    first, second = log.path.read_text().splitlines()
    assert first == '{"action": "kept"}'
    assert second.endswith(" plain words")
    assert capsys.readouterr().out == '{"action": "kept"}\nweb     | plain words\n'


def test_logs_turn_over_and_the_oldest_gives_way(tmp_path: Path) -> None:
    log = Log("web", tmp_path, size=10, files=3)
    for number in range(6):
        log.follow(io.BytesIO(f"{number} and more words\n".encode())).join(60)
    kept = [tmp_path / name for name in ("web.log", "web.log.1", "web.log.2")]
    assert [path.read_text().split()[1] for path in kept] == ["5", "4", "3"]
    assert sorted(tmp_path.iterdir()) == kept
    alone = Log("clock", tmp_path, size=10, files=1)
    for number in range(3):
        alone.follow(io.BytesIO(f"{number} and more words\n".encode())).join(60)
    assert (tmp_path / "clock.log").read_text().split()[1] == "2"
    assert not (tmp_path / "clock.log.1").exists()
