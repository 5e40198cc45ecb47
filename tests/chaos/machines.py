"""One machine of an installation: `manage.py run` as a person starts it, and its processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
ROLES = {"web": "uvicorn", "cluster": "qcluster", "clock": "clock", "sandbox": "genproj.sandbox"}


class NotStarted(Exception):
    """The installation cannot be started; the message says why."""


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until it is so; NotStarted when it does not come about."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise NotStarted(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


def call(method: str, url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """One request: status and JSON. Raises OSError when there is no whole answer."""
    data = None if body is None else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, data, given, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, _json(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _json(error.read())
    except (ValueError, EOFError) as error:  # an answer cut in the middle
        raise OSError(str(error)) from error


def _json(content: bytes) -> Any:
    try:
        return json.loads(content or b"null")
    except ValueError:
        raise OSError(f"no JSON: {content[:80]!r}") from None


class Machine:
    """One supervisor with its children, its data and its ports."""

    def __init__(self, folder: Path, port: int, sandbox_port: int, more: Mapping[str, str]) -> None:
        self.folder, self.port, self.sandbox_port = folder, port, sandbox_port
        self.output = folder.with_name(f"{folder.name}.txt")
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "genproj.settings",
            "PYTHONUNBUFFERED": "1",
            "DATA_DIR": str(folder),
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            **more,
        }
        self.prefix: list[str] = []  # what the command is run by, as `ip netns exec NAME`
        self.address = "127.0.0.1"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def manage(self, *words: str, **more: str) -> None:
        """Run a management command to its end."""
        done = subprocess.run(
            [*self.prefix, sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotStarted(f"manage.py {words[0]}: {(done.stderr or done.stdout)[-400:]}")

    def start(self) -> None:
        """Start it; ready when `is_ready`."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "manage.py", "run"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Whether work that is accepted now will be done."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def await_ready(self, seconds: float = 240.0) -> None:
        """Wait until it is ready."""
        until(lambda: self.has_ended() or self.is_ready(), seconds, "readiness")
        if self.has_ended():
            raise NotStarted(f"manage.py run ended: {self.output.read_text()[-400:]}")

    def has_ended(self) -> bool:
        """Whether the supervisor is gone."""
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        """As a power cut: the supervisor and all its children at once."""
        if self.process is not None:
            for one in self._all():
                with contextlib.suppress(psutil.Error):
                    one.kill()
            self.process.wait()

    def end(self) -> None:
        """As Ctrl-C does it, then without asking."""
        if self.process is None:
            return
        everyone = self._all()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        for one in everyone:
            with contextlib.suppress(psutil.Error):
                one.kill()
        self.process.wait()

    def _all(self) -> list[psutil.Process]:
        if self.process is None or self.process.poll() is not None:
            return []
        with contextlib.suppress(psutil.Error):
            first = psutil.Process(self.process.pid)
            return [first, *first.children(recursive=True)]
        return []

    # --- who can be shot at ---------------------------------------------------------------------

    def main_of(self, role: str) -> psutil.Process | None:
        """The present process of a role."""
        word = ROLES[role]
        for one in self._all()[1:]:
            with contextlib.suppress(psutil.Error):
                if any(word in part for part in one.cmdline()):
                    return one
        return None

    def workers(self) -> list[psutil.Process]:
        """What the sentinel holds: those that run tasks, and its two helpers, who may die too."""
        cluster = self.main_of("cluster")
        with contextlib.suppress(psutil.Error, IndexError):
            return list(cluster.children()[0].children()) if cluster else []
        return []

    def victim(self, name: str) -> psutil.Process | None:
        """Who is meant by a name; None when there is nobody of that kind just now."""
        if name == "sentinel":
            cluster = self.main_of("cluster")
            with contextlib.suppress(psutil.Error, IndexError):
                return cluster.children()[0] if cluster else None
            return None
        if name not in {"busy worker", "idle worker"}:
            return self.main_of(name)
        bells = (self.folder / "run" / "bell" / "work").glob("*-*")
        busy = {int(bell.name.split("-")[0]) for bell in bells}
        workers = self.workers()
        wanted = [one for one in workers if (one.pid in busy) == (name == "busy worker")]
        return next(iter(wanted or workers), None)
