"""Starts, watches and stops web, worker, clock and sandbox as one foreground command."""

import contextlib
import fcntl
import http.client
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import psutil
from django.conf import settings

from genproj import clock
from genproj.children import Child, LastWill, Role, say
from genproj.kernel import figures, wake

LOOK_EVERY = 0.1
STOP_SECONDS = 7.0
MARK = "GENPROJ_SUPERVISED"


class Taken(Exception):
    """Something else already listens, or runs, where this installation would."""


def uses_sandbox() -> bool:
    """Whether any provider's address is the sandbox's."""
    addresses = [getattr(settings, name) for name in dir(settings) if name.endswith("_BASE_URL")]
    return any(str(address).startswith(settings.SANDBOX_URL) for address in addresses)


def roles() -> list[Role]:
    """TABLE: the children, their commands, and how each shows that it lives."""
    python, manage = sys.executable, str(Path(settings.BASE_DIR) / "manage.py")
    web = [
        *(python, "-m", "uvicorn", "genproj.asgi:application"),
        *("--host", settings.HOST, "--port", str(settings.PORT), "--workers", "1"),
        *("--no-access-log", "--timeout-graceful-shutdown", "5", "--ws-max-size", "1048576"),
        *("--proxy-headers", "--lifespan", "on", "--log-level", "warning"),
    ]
    sandbox = [
        *(python, "-m", "genproj.sandbox", "--port", str(settings.SANDBOX_PORT)),
        *("--data-dir", str(Path(settings.DATA_DIR) / "sandbox")),
    ]
    table = [
        Role("web", web, answers(f"http://{own_address()}:{settings.PORT}/healthz")),
        Role(
            "worker",
            [python, manage, "qcluster", "--skip-checks"],
            beats(wake.beat_path("worker")),
            excused=no_pulse_waits,
            forget=lambda: wake.beat_path("worker").unlink(missing_ok=True),
            extra={"GENPROJ_CLUSTER": "worker"},
            niceness=5,  # people and providers at the door go first
        ),
        Role(
            "clock",
            [python, manage, "clock"],
            beats(wake.beat_path("clock")),
            forget=lambda: wake.beat_path("clock").unlink(missing_ok=True),
        ),
    ]
    if uses_sandbox():
        sign = answers(f"{settings.SANDBOX_URL}/control/faults")
        table.append(Role("sandbox", sandbox, sign, niceness=5))
    return table


def own_address() -> str:
    """Where this machine reaches its own web server."""
    if settings.HOST in {"0.0.0.0", "::", ""}:
        return "127.0.0.1"
    return f"[{settings.HOST}]" if ":" in settings.HOST else str(settings.HOST)


def answers(url: str) -> Callable[[float], bool]:
    """A sign of life: the address answers 200."""
    parts = urlsplit(url)

    def sign(_started_at: float) -> bool:
        timeout = max(2.0, settings.SILENCE_SECONDS / 3)
        asked = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        try:
            asked.request("GET", parts.path)
            return asked.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()

    return sign


def beats(path: Path) -> Callable[[float], bool]:
    """A sign of life: the file was touched since the process started and since the last look."""
    seen = 0.0

    def sign(started_at: float) -> bool:
        nonlocal seen
        touched = modified(path)
        fresh = touched > seen and touched >= started_at
        seen = max(seen, touched)
        return fresh

    return sign


def modified(path: Path) -> float:
    """When the file was last touched; 0 when it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def no_pulse_waits() -> bool:
    """Whether the worker's silence proves nothing: no pulse was sent since its last beat, or none
    could be sent lately, because the database or the clock is away."""
    sent, beat = modified(clock.pulse_path()), modified(wake.beat_path("worker"))
    return sent <= beat or time.time() - sent > settings.SILENCE_SECONDS / 2 + 1


def hold_place() -> IO[str]:
    """The right to run in this DATA_DIR, for as long as the file stays open.

    Raises:
        Taken: another supervisor has it, or a port is taken; the message is one line.
    """
    place = (Path(settings.RUN_DIR) / "supervisor.lock").open("w")
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        check_ports()
        raise Taken(f"{settings.DATA_DIR} is in use by another run; set DATA_DIR.") from None
    end_leftovers()
    check_ports()
    return place


def check_ports() -> None:
    """Raise Taken when something listens where a child would."""
    wanted = [("PORT", settings.HOST, settings.PORT)]
    if uses_sandbox():
        wanted.append(("SANDBOX_PORT", "127.0.0.1", settings.SANDBOX_PORT))
    for name, host, port in wanted:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError as error:
                reason = error.strerror or str(error)
                raise Taken(f"Cannot listen on {host}:{port} ({reason}); set {name}.") from None


def end_leftovers() -> None:
    """Kill what a killed supervisor left behind in this DATA_DIR: a qcluster that lost a worker
    hears no SIGTERM."""
    mine = str(settings.DATA_DIR)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mine:
                process.kill()
                process.wait(2)


def children_environment() -> dict[str, str]:
    """What every child finds in its environment."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "genproj.settings"),
        "DATA_DIR": str(settings.DATA_DIR),
        "HOST": settings.HOST,
        "PORT": str(settings.PORT),
        "SANDBOX_PORT": str(settings.SANDBOX_PORT),
        "PYTHONUNBUFFERED": "1",
        figures.FOLDER: str(Path(settings.RUN_DIR) / "metrics"),
        MARK: str(settings.DATA_DIR),
    }


class Supervisor:
    """The children of one installation.

    Args:
        announce: called once, when all children are ready for the first time.
        afterwards: the command of a child that runs once after that; its failure stops nothing.
    """

    def __init__(self, *, announce: Callable[[], None], afterwards: Role | None = None) -> None:
        self._announce = announce
        self._environment = children_environment()
        self._log_folder = Path(settings.DATA_DIR) / "log"
        self._will = LastWill()
        self._children = [self._child(role) for role in roles()]
        self._afterwards = self._child(afterwards) if afterwards else None
        self._asked = 0

    def _child(self, role: Role) -> Child:
        return Child(
            role,
            log_folder=self._log_folder,
            silence=settings.SILENCE_SECONDS,
            environment=self._environment,
            will=self._will,
        )

    def run(self) -> int:
        """Run until asked to stop (0) or until a child proves unable to start (1)."""
        figures_folder = Path(self._environment[figures.FOLDER])
        shutil.rmtree(figures_folder, ignore_errors=True)
        figures_folder.mkdir(parents=True, exist_ok=True)
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._ask_to_stop)
        try:
            for child in self._children:
                child.start()
                child.watch()
            return self._keep()
        finally:
            self._stop()

    def _ask_to_stop(self, _number: int, _frame: Any) -> None:
        self._asked += 1

    def _keep(self) -> int:
        announced = False
        while not self._asked:
            for child in self._children:
                child.tend()
                if child.has_given_up:
                    self._blame(child)
                    return 1
            if not announced and all(child.is_ready for child in self._children):
                announced = True
                self._announce()
                if self._afterwards:
                    self._afterwards.start()
            if self._afterwards and self._afterwards.process:
                self._afterwards.process.poll()  # reaped, so that no zombie stays
            time.sleep(LOOK_EVERY)
        return 0

    def _blame(self, child: Child) -> None:
        time.sleep(0.2)  # its last lines may still be in the pipe
        sys.stderr.write(
            f"\n{child.role.name} died {child.deaths_unready} times without becoming ready. "
            f"Its last lines (all of them in {child.log.path}):\n"
        )
        sys.stderr.write("".join(f"    {line}\n" for line in child.log.tail))

    def _stop(self) -> None:
        """Ask all to end at once, kill what has not after STOP_SECONDS or a second Ctrl-C."""
        everyone = [*self._children, *([self._afterwards] if self._afterwards else [])]
        if self._asked:
            say("run", "stopping")
        asked = self._asked
        for child in everyone:
            child.ask_to_end()
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and self._asked <= max(asked, 1):
            if all(child.process is None or child.process.poll() is not None for child in everyone):
                break
            time.sleep(0.05)
        for child in everyone:
            child.kill_group()
        self._will.close()
