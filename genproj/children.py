"""One supervised process: how it is started in a group of its own, watched, logged and ended."""

import collections
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

LOG_BYTES, LOG_FILES = 5 * 2**20, 4
LONGEST_LINE = 16_384
LONGEST_BACKOFF = 5.0
#: A child that stayed ready this long begins its backoff anew.
STEADY_SECONDS = 20.0
STARTS_ALLOWED = 3
#: how long the first start may take, and any
START_SECONDS, LONGEST_START = 30.0, 600.0
#: How long one that is asked to leave may take over what it has begun.
LEAVING_SECONDS = 60.0
PR_SET_PDEATHSIG = 1

_terminal = threading.Lock()
_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None


def say(name: str, line: str) -> None:
    """Write one line to the terminal under a child's name; a closed terminal stops nothing."""
    with _terminal, contextlib.suppress(OSError, ValueError):
        sys.stdout.write(f"{line}\n" if _is_object(line) else f"{name:<8}| {line}\n")
        sys.stdout.flush()


def _is_object(line: str) -> bool:
    """Whether it is a line of LOG_FORMAT=json, which whatever stood before it would spoil."""
    return line.startswith("{") and line.endswith("}")


@dataclass(frozen=True)
class Role:
    """What a child is for.

    `sign` says whether it shows life, given when it was started; it may block. `excused` says
    that silence proves nothing just now. One that `rolls` may be restarted at work, because
    others of its kind take over meanwhile.
    """

    name: str
    command: Sequence[str]
    sign: Callable[[float], bool]
    excused: Callable[[], bool] = lambda: False
    forget: Callable[[], None] = lambda: None
    extra: Mapping[str, str] = field(default_factory=dict)
    niceness: int = 0
    rolls: bool = False
    ends_by: signal.Signals = signal.SIGTERM


def _begin(parent: int, niceness: int) -> None:
    """Run in the child between fork and exec: end with the parent, and stand back if asked to."""
    os.nice(niceness)
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)  # the parent died between fork and prctl


class Log:
    """Copies a child's lines to the terminal and to files of bounded size; keeps the tail.

    Of `files` files, each of about `size` bytes, the newest is `name.log`, then `name.log.1`.
    """

    def __init__(
        self, name: str, folder: Path, *, size: int = LOG_BYTES, files: int = LOG_FILES
    ) -> None:
        self.name, self.size, self.files = name, size, files
        self.path = folder / f"{name}.log"
        self.tail: collections.deque[str] = collections.deque(maxlen=30)
        folder.mkdir(parents=True, exist_ok=True)

    def follow(self, pipe: IO[bytes]) -> threading.Thread:
        """Copy until every process that holds the other end is gone."""
        thread = threading.Thread(target=self._copy, args=(pipe,), daemon=True)
        thread.start()
        return thread

    def _copy(self, pipe: IO[bytes]) -> None:
        with pipe:
            while raw := pipe.readline(LONGEST_LINE):
                line = raw.decode(errors="replace").rstrip("\n")
                self.tail.append(line)
                say(self.name, line)
                with contextlib.suppress(OSError):  # a full disk must not stop the child
                    self._write(line)

    def _write(self, line: str) -> None:
        if self.path.exists() and self.path.stat().st_size > self.size:
            self._turn_over()
        stamp = "" if _is_object(line) else time.strftime("%Y-%m-%dT%H:%M:%S%z ")
        with self.path.open("a") as file:
            file.write(f"{stamp}{line}\n")

    def _turn_over(self) -> None:
        """Begin a new file; the oldest gives way."""
        names = [self.path, *(self.path.with_suffix(f".log.{n}") for n in range(1, self.files))]
        for older, newer in reversed(list(zip(names[1:], names, strict=False))):
            if newer.exists():
                newer.replace(older)
        if self.files == 1:
            self.path.unlink()


class LastWill:
    """A small process that outlives us just long enough to kill what a SIGKILL made us leave."""

    def __init__(self) -> None:
        program = Path(__file__).with_name("lastwill.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def holds(self, group: int) -> None:
        """The group is to be killed should we die."""
        self._write(f"+{group}\n")

    def releases(self, group: int) -> None:
        """The group is gone, and its number may come to belong to others."""
        self._write(f"-{group}\n")

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()

    def close(self) -> None:
        """All groups are gone."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        self._process.kill()
        self._process.wait()


class Child:
    """A role's present process, and what became of those before it.

    Started from the main thread only: the kernel ends it when the *thread* that made it ends.
    """

    def __init__(
        self,
        role: Role,
        *,
        log: Log,
        silence: float,
        environment: Mapping[str, str],
        will: LastWill,
    ) -> None:
        self.role = role
        self.will = will
        self.log = log
        self.silence = silence
        self.environment = {**environment, **role.extra}
        self.process: subprocess.Popen[bytes] | None = None
        self.ready_since: float | None = None
        self.ever_ready = False
        self.deaths_unready = 0
        self.restarts = 0
        self.slow_starts = 0
        self.start_at = 0.0
        self.started_at = 0.0
        self.last_sign = 0.0
        self.leaving = False

    @property
    def is_ready(self) -> bool:
        """Whether the present process has shown life."""
        return self.process is not None and self.ready_since is not None

    @property
    def has_given_up(self) -> bool:
        """Whether it died so often without ever becoming ready that trying on is pointless."""
        return not self.ever_ready and self.deaths_unready >= STARTS_ALLOWED

    def watch(self) -> None:
        """Keep looking for signs of life, in a thread of its own, for as long as we live."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            process = self.process
            if process is not None:
                alive = self.role.sign(self.started_at)
                if process is self.process:
                    self._note(alive=alive)
            time.sleep(0.5 if self.is_ready else 0.1)

    def _note(self, *, alive: bool) -> None:
        if alive:
            self.last_sign = time.monotonic()
            self.ready_since = self.ready_since or self.last_sign
            self.ever_ready, self.slow_starts = True, 0
        elif self.is_ready and self.role.excused():
            self.last_sign = time.monotonic()

    def start(self) -> None:
        """Start it in its own session, so that signals reach it alone or its group as a whole."""
        self.role.forget()
        parent = os.getpid()
        self.ready_since = None
        self.started_at = time.time()
        self.last_sign = time.monotonic()
        process = subprocess.Popen(
            list(self.role.command),
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: _begin(parent, self.role.niceness),  # noqa: PLW1509
        )
        self.will.holds(process.pid)
        assert process.stdout is not None
        self.log.follow(process.stdout)
        self.process = process

    def tend(self) -> None:
        """Restart it when it has died or fallen silent; called a few times a second."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_at:
                self.start()
        elif (code := self.process.poll()) is not None:
            self._bury(f"ended ({'signal ' + str(-code) if code < 0 else f'exit {code}'})")
        elif now - self.last_sign > (patience := self._patience()):
            self.slow_starts += 0 if self.is_ready else 1
            self.end(grace=1.0)
            self._bury(f"gave no sign of life for {patience:.0f} s")

    def leave(self) -> None:
        """Have it end by itself and be started again at once."""
        if self.process is not None:
            self.leaving, self.last_sign = True, time.monotonic()
            self.ask_to_end()

    def _patience(self) -> float:
        if self.leaving:
            return LEAVING_SECONDS
        if self.is_ready:
            return self.silence
        # Where all are started again and again before they are done, none ever is.
        start = max(START_SECONDS, 2 * self.silence) * 2.0**self.slow_starts
        return min(start, LONGEST_START)

    def _bury(self, what: str) -> None:
        """Take note of the end, kill what is left of the group, and set the next start."""
        self.kill_group()
        now = time.monotonic()
        if self.ready_since is not None and now - self.ready_since > STEADY_SECONDS:
            self.restarts = 0
        if not self.ever_ready:
            self.deaths_unready += 1
        wait = 0.0 if self.leaving else min(LONGEST_BACKOFF, 0.25 * 2 ** min(self.restarts, 10))
        self.restarts += 0 if self.leaving else 1
        self.leaving = False
        self.process, self.ready_since, self.start_at = None, None, now + wait
        if not self.has_given_up:
            say("run", f"{self.role.name} {what}; starting it again in {wait:.1f} s")

    def ask_to_end(self) -> None:
        """A signal to the main process only: sent to the group, it hangs a qcluster for ever."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.role.ends_by)

    def end(self, *, grace: float) -> None:
        """Ask it to end, wait a little, then kill the whole group."""
        self.ask_to_end()
        deadline = time.monotonic() + grace
        while self.process and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.kill_group()

    def kill_group(self) -> None:
        """SIGKILL every process of the group and wait for the main one. Safe to repeat."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.will.releases(self.process.pid)
