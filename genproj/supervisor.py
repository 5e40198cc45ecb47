"""Starts, watches and stops the processes of an installation as one foreground command."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import psutil
from django.conf import settings

from genproj import roles
from genproj.children import Child, LastWill, Log, Role, say
from genproj.kernel import figures

LOOK_EVERY = 0.1
STOP_SECONDS = 7.0
MARK = "GENPROJ_SUPERVISED"

Port = tuple[str, str, int]


class Taken(Exception):
    """Something else already listens, or runs, where this installation would."""


def ports() -> list[Port]:
    """Where `manage.py run` listens: the variable that says so, host, port."""
    wanted = [("PORT", settings.HOST, settings.PORT)]
    if roles.uses_sandbox():
        wanted.append(("SANDBOX_PORT", "127.0.0.1", settings.SANDBOX_PORT))
    return wanted


def hold_place(wanted: Sequence[Port]) -> IO[str]:
    """The right to run in this DATA_DIR, for as long as the file stays open.

    Raises:
        Taken: another supervisor has it, or a port is taken; the message is one line.
    """
    place = (Path(settings.RUN_DIR) / "supervisor.lock").open("w")
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        check_ports(wanted)
        raise Taken(f"{settings.DATA_DIR} is in use by another run; set DATA_DIR.") from None
    end_leftovers()
    check_ports(wanted)
    return place


def check_ports(wanted: Sequence[Port]) -> None:
    """Raise Taken when something listens where a child would."""
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
    """The children of one installation. SIGUSR1 restarts those that may be, one after the other.

    Args:
        wanted: the children, in the order in which SIGUSR1 restarts those that `roll`.
        services: what the children need; started before them and stopped after them.
        prepare: called between the two.
        announce: called once, when all are ready for the first time.
        afterwards: the command of a child that runs once after that; its failure stops nothing.
    """

    def __init__(
        self,
        wanted: Sequence[Role],
        *,
        announce: Callable[[], None],
        services: Sequence[Role] = (),
        prepare: Callable[[], None] = lambda: None,
        afterwards: Role | None = None,
    ) -> None:
        self._announce, self._prepare = announce, prepare
        self._environment = children_environment()
        self._log_folder = Path(settings.DATA_DIR) / "log"
        self._will = LastWill()
        self._services = [self._child(role) for role in services]
        self._children = [self._child(role) for role in wanted]
        self._afterwards = self._child(afterwards) if afterwards else None
        self._tended: list[Child] = []
        self._to_roll: list[Child] = []
        self._rolling: Child | None = None
        self._asked = 0

    def _child(self, role: Role) -> Child:
        return Child(
            role,
            log=Log(
                role.name,
                self._log_folder,
                size=settings.LOG_MEGABYTES * 2**20,
                files=settings.LOG_FILES,
            ),
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
        signal.signal(signal.SIGUSR1, self._ask_to_roll)
        try:
            return self._live()
        finally:
            self._stop()

    def _ask_to_stop(self, _number: int, _frame: Any) -> None:
        self._asked += 1

    def _ask_to_roll(self, _number: int, _frame: Any) -> None:
        self._to_roll = [child for child in self._children if child.role.rolls]

    def _live(self) -> int:
        code = self._bring_up(self._services)
        if code is None:
            self._prepare()
            code = self._bring_up(self._children)
        if code is None:
            self._announce()
            if self._afterwards:
                self._afterwards.start()
            code = self._keep(lambda: False)
        return code or 0

    def _bring_up(self, children: list[Child]) -> int | None:
        for child in children:
            child.start()
            child.watch()
        self._tended += children
        return self._keep(lambda: all(child.is_ready for child in children))

    def _keep(self, until: Callable[[], bool]) -> int | None:
        """Tend the children until it is so (None), or until it is time to end."""
        while not self._asked:
            for child in self._tended:
                child.tend()
                if child.has_given_up:
                    self._blame(child)
                    return 1
            if until():
                return None
            self._roll()
            if self._afterwards and self._afterwards.process:
                self._afterwards.process.poll()  # reaped, so that no zombie stays
            time.sleep(LOOK_EVERY)
        return 0

    def _roll(self) -> None:
        """Restart the next child once the one before it is ready again."""
        if self._rolling and (self._rolling.leaving or not self._rolling.is_ready):
            return
        self._rolling = self._to_roll.pop(0) if self._to_roll else None
        if self._rolling:
            say("run", f"restarting {self._rolling.role.name}")
            self._rolling.leave()

    def _blame(self, child: Child) -> None:
        time.sleep(0.2)  # its last lines may still be in the pipe
        sys.stderr.write(
            f"\n{child.role.name} died {child.deaths_unready} times without becoming ready. "
            f"Its last lines (all of them in {child.log.path}):\n"
        )
        sys.stderr.write("".join(f"    {line}\n" for line in child.log.tail))

    def _stop(self) -> None:
        if self._asked:
            say("run", "stopping")
        self._end([*self._children, *([self._afterwards] if self._afterwards else [])])
        self._end(self._services)
        self._will.close()

    def _end(self, children: list[Child]) -> None:
        """Ask all to end at once, kill what has not after STOP_SECONDS or a second Ctrl-C."""
        asked = self._asked
        for child in children:
            child.ask_to_end()
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and self._asked <= max(asked, 1):
            if all(child.process is None or child.process.poll() is not None for child in children):
                break
            time.sleep(0.05)
        for child in children:
            child.kill_group()
