"""A web behind a door that somebody else holds open, as systemd does: restarted without a loss."""

import http.client
import os
import socket
import subprocess
import threading
from collections import Counter
from typing import Any

from tests import world
from tests.conftest import ROOT, environment, python

DOOR = 3


def start(door: socket.socket) -> "subprocess.Popen[bytes]":
    command = [python(), "-m", "uvicorn", "tests.deploy.ending:application"]
    return subprocess.Popen(
        [*command, "--fd", str(DOOR), "--log-level", "warning"],
        cwd=ROOT,
        env=environment(),
        pass_fds=[DOOR],
        preexec_fn=lambda: os.dup2(door.fileno(), DOOR, inheritable=True),
    )


def knock(port: int, stop: threading.Event, seen: "Counter[Any]") -> None:
    while not stop.is_set():
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            asking.request("POST", "/", b"once", {"Connection": "close"})
            seen[asking.getresponse().status] += 1
        except (OSError, http.client.HTTPException) as error:
            seen[repr(error)] += 1
        finally:
            asking.close()


def test_a_single_web_is_restarted_and_nobody_is_turned_away() -> None:
    stop = threading.Event()
    seen: Counter[Any] = Counter()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as door:
        port = door.getsockname()[1]
        web = start(door)
        threads = [threading.Thread(target=knock, args=(port, stop, seen)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            before = seen[200]
            world.until(lambda before=before: seen[200] > before + 20)
            web.terminate()
            web.wait(60)
            web = start(door)
        world.until(lambda before=seen[200]: seen[200] > before + 20)
        stop.set()
        for thread in threads:
            thread.join(60)
        web.terminate()
        web.wait(60)
    assert set(seen) == {200}
