"""TABLE: the processes of an installation, their commands, and how each shows that it lives."""

import http.client
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from genproj import clock
from genproj.children import Role
from genproj.kernel import wake


def everything() -> list[Role]:
    """One of each, which is an installation on one machine."""
    table = [web("web", host=settings.HOST, port=settings.PORT), worker("worker"), ticking("clock")]
    return [*table, pretending("sandbox")] if uses_sandbox() else table


def web(name: str, *, host: str, port: int, drain_seconds: int = 0) -> Role:
    """A web server. Asked to end it still answers for `drain_seconds`, then for as long as what
    has begun takes, at most five seconds more."""
    command = [
        *(sys.executable, "-m", "uvicorn", "genproj.asgi:application"),
        *("--host", host, "--port", str(port), "--workers", "1"),
        *("--no-access-log", "--timeout-graceful-shutdown", "5", "--ws-max-size", "1048576"),
        *("--proxy-headers", "--lifespan", "on", "--log-level", "warning"),
        # Packing each frame anew for each socket would double what telling it costs.
        *("--ws-per-message-deflate", "false"),
    ]
    sign = answers(f"http://{own_address(host)}:{port}/healthz")
    return Role(name, command, sign, extra={"DRAIN_SECONDS": str(drain_seconds)})


def worker(name: str) -> Role:
    """A cluster of workers."""
    beat = wake.beat_path(name)
    return Role(
        name,
        [sys.executable, _manage(), "qcluster", "--skip-checks"],
        beats(beat),
        excused=partial(no_pulse_waits, beat),
        forget=lambda: beat.unlink(missing_ok=True),
        extra={"GENPROJ_CLUSTER": name},
        niceness=5,  # people and providers at the door go first
    )


def ticking(name: str) -> Role:
    """The clock."""
    beat = wake.beat_path("clock")
    command = [sys.executable, _manage(), "clock"]
    return Role(name, command, beats(beat), forget=lambda: beat.unlink(missing_ok=True))


def pretending(name: str) -> Role:
    """The sandbox, which stands in for the providers."""
    command = [
        *(sys.executable, "-m", "genproj.sandbox", "--port", str(settings.SANDBOX_PORT)),
        *("--data-dir", str(Path(settings.DATA_DIR) / "sandbox")),
    ]
    return Role(name, command, answers(f"{settings.SANDBOX_URL}/control/faults"), niceness=5)


def _manage() -> str:
    return str(Path(settings.BASE_DIR) / "manage.py")


def uses_sandbox() -> bool:
    """Whether any provider's address is the sandbox's."""
    addresses = [getattr(settings, name) for name in dir(settings) if name.endswith("_BASE_URL")]
    return any(str(address).startswith(settings.SANDBOX_URL) for address in addresses)


def own_address(host: str) -> str:
    """Where this machine reaches a server of its own that listens on `host`."""
    if host in {"0.0.0.0", "::", ""}:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


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


def no_pulse_waits(beat: Path) -> bool:
    """Whether a worker's silence proves nothing: no pulse was sent since its last beat, or none
    could be sent lately, because the database or the clock is away."""
    sent = modified(clock.pulse_path())
    return sent <= modified(beat) or time.time() - sent > settings.SILENCE_SECONDS / 2 + 1
