"""Two webs behind the front, restarted one after the other while people work: nobody notices."""

import asyncio
import json
import signal
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests import world
from tests.conftest import ROOT, environment, free_port, python

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

NAME, PASSWORD = "kim", "kim-of-the-tests"


class Pair:
    """Two webs on one database, and the front before them; nobody works what they accept."""

    def __init__(self, folder: Path) -> None:
        self.port, self.webs = free_port(), [free_port(), free_port()]
        self.token = ""
        self.environment = environment(
            DATA_DIR=str(folder),
            PORT=str(self.port),
            DATABASE_URL="",
            REDIS_URL="",
            DRAIN_SECONDS="1",
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )
        who = ["--username", NAME, "--email", "kim@example.com"]
        for command in (
            ["migrate", "-v0"],
            ["sync_models"],
            ["createsuperuser", "--noinput", *who],
        ):
            subprocess.run(
                [python(), "manage.py", *command], cwd=ROOT, env=self.environment, check=True
            )
        self.running = {port: self.start(port) for port in self.webs}
        front = [python(), "-m", "deploy.scale.front", str(self.port), *map(str, self.webs)]
        self.front = subprocess.Popen(front, cwd=ROOT, env=self.environment)

    def start(self, port: int) -> "subprocess.Popen[bytes]":
        command = [python(), "-m", "uvicorn", "genproj.asgi:application", "--port", str(port)]
        more = ["--log-level", "warning", "--timeout-graceful-shutdown", "30", "--lifespan", "on"]
        return subprocess.Popen([*command, *more], cwd=ROOT, env=self.environment)

    def is_well(self, port: int) -> bool:
        try:
            return bool(self.ask("GET", "/healthz", port=port)[0] == 200)
        except OSError:
            return False

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{more.get('port', self.port)}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Prefer": more.get("prefer", ""),
                **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")

    def end(self) -> None:
        for process in (self.front, *self.running.values()):
            process.kill()
            process.wait(10)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    running = Pair(tmp_path / "data")
    try:
        for port in (*running.webs, running.port):
            world.until(lambda port=port: running.is_well(port), seconds=120)
        wish = {"username": NAME, "password": PASSWORD}
        running.token = running.ask("POST", "/api/v1/auth/token/", wish)[1]["token"]
        yield running
    finally:
        running.end()


WISH = {"model": "runware:100@1", "prompt": "a lighthouse", "width": 256, "height": 256}
HELD = WISH | {"prompt": "a buoy"}


def load(pair: Pair, stop: threading.Event, seen: "Counter[Any]") -> None:
    """Read and create again and again; what breaks is counted by its words."""
    while not stop.is_set():
        for method, path, body in (
            ("GET", "/api/v1/generations/", None),
            ("POST", "/api/v1/generations/", WISH),
        ):
            try:
                seen[pair.ask(method, path, body)[0]] += 1
            except OSError as error:
                seen[repr(error)] += 1


async def close_code(pair: Pair, port: int, connected: threading.Event) -> int:
    """What a socket is closed with."""
    headers = {"Authorization": f"Bearer {pair.token}"}
    url = f"ws://127.0.0.1:{port}/ws/me/"
    async with websockets.connect(url, additional_headers=headers) as socket:
        await socket.send('{"type": "sync:request"}')
        await socket.recv()
        connected.set()
        await socket.wait_closed()
        return int(socket.close_code or 0)


def test_no_request_fails_while_the_webs_are_restarted(pair: Pair) -> None:
    stop, connected = threading.Event(), threading.Event()
    seen: Counter[Any] = Counter()
    codes: list[int] = []
    held: list[int] = []
    first = pair.webs[0]
    threads = [threading.Thread(target=load, args=(pair, stop, seen)) for _ in range(3)]
    threads += [
        threading.Thread(
            target=lambda: codes.append(asyncio.run(close_code(pair, first, connected)))
        ),
        threading.Thread(
            target=lambda: held.append(
                pair.ask("POST", "/api/v1/generations/", HELD, port=first, prefer="wait=30")[0]
            )
        ),
    ]
    for thread in threads:
        thread.start()
    assert connected.wait(60)
    world.until(lambda: sum(seen.values()) > 10, seconds=60)
    world.until(lambda: pair.ask("GET", "/api/v1/generations/?q=buoy")[1]["results"], seconds=60)
    for port in pair.webs:
        pair.running[port].send_signal(signal.SIGTERM)
        pair.running[port].wait(60)
        before = sum(seen.values())
        world.until(lambda before=before: sum(seen.values()) > before + 10, seconds=60)
        pair.running[port] = pair.start(port)
        world.until(lambda port=port: pair.is_well(port), seconds=120)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert set(seen) == {200, 202}
    # "service restart", or cut off when it was just sending: clients resume elsewhere either way
    assert codes in ([1012], [1006])
    assert held == [202]  # answered when the web was to end, not cut off
