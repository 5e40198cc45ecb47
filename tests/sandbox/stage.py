"""A sandbox in a process of its own, a client that speaks its wire, and a catcher of webhooks."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

ROOT = Path(__file__).resolve().parents[2]


class SandboxProcess:
    """One sandbox on a free port; it can be killed and started again on the same files."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.port = free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "SandboxProcess":
        command = [sys.executable, "-m", "genproj.sandbox", "--port", str(self.port)]
        command += ["--data-dir", str(self.folder), *self.options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                self.session.get(f"{self.root}/control/faults", timeout=1)
                return self
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError("the sandbox did not start")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> float:
        """End it politely. Gives the seconds that took."""
        begun = time.monotonic()
        self._end(signal.SIGTERM)
        return time.monotonic() - begun

    def _end(self, how: int) -> None:
        if self.process is not None:
            os.kill(self.process.pid, how)
            self.process.wait(60)
            self.process = None

    def post(self, *tasks: Any, key: str | None = "sandbox", **more: Any) -> requests.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        headers |= more.pop("headers", {})
        return self.session.post(
            f"{self.root}/v1", json=list(tasks), headers=headers, timeout=120, **more
        )

    def poll(self, uuid: str) -> dict[str, Any]:
        return self.post({"taskType": "getResponse", "taskUUID": uuid}).json()

    def settled(self, uuid: str, timeout: float = 120) -> dict[str, Any]:
        """The poll's body once nothing of the task is in work any more."""
        return eventually(
            lambda: self.poll(uuid),
            lambda body: all(item.get("status") != "processing" for item in body["data"]),
            timeout,
        )

    def google(
        self, path: str, body: Any = None, *, key: str | None = "sandbox", **more: Any
    ) -> requests.Response:
        """A call at Google's door: GET, or POST when there is a body."""
        headers = {"x-goog-api-key": key} if key else {}
        method = "GET" if body is None else "POST"
        return self.session.request(
            method, f"{self.root}{path}", json=body, headers=headers,
            timeout=more.pop("timeout", 60), allow_redirects=False, **more,
        )  # fmt: skip

    def faults(self, *rules: dict[str, Any]) -> requests.Response:
        return self.session.put(f"{self.root}/control/faults", json={"rules": rules}, timeout=60)

    def tasks(self, uuid: str) -> list[dict[str, Any]]:
        listed = self.session.get(f"{self.root}/control/tasks", timeout=60).json()["tasks"]
        return [task for task in listed if task["taskUUID"] == uuid]

    def tasks_of_google(self) -> list[dict[str, Any]]:
        """What Google's doors have accepted since the shared sandbox was last reset."""
        known = ("predictLongRunning", "generateContent")
        listed = self.session.get(f"{self.root}/control/tasks", timeout=60).json()["tasks"]
        return [task for task in listed if task["taskType"] in known]

    def calls(self, **query: Any) -> list[dict[str, Any]]:
        address = f"{self.root}/control/calls"
        return self.session.get(address, params=query, timeout=60).json()["calls"]

    def get(self, url: str, **more: Any) -> requests.Response:
        return self.session.get(url, timeout=more.pop("timeout", 60), **more)


class Catcher:
    """Receives webhooks and answers as told; `answers` is used up first, then 200."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.times: list[float] = []
        self.answers: list[int] = []
        catcher = self

        class Door(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                catcher.bodies.append(body)
                catcher.times.append(time.monotonic())
                self.send_response(catcher.answers.pop(0) if catcher.answers else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=t"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def json(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]

    def wait(self, count: int, timeout: float = 120) -> list[Any]:
        eventually(lambda: len(self.bodies), lambda number: number >= count, timeout)
        return self.bodies

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(ask: Callable[[], Any], fits: Callable[[Any], bool], timeout: float) -> Any:
    end = time.monotonic() + timeout
    while True:
        value = ask()
        if fits(value):
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not in {timeout} s; last was {value!r}")
        time.sleep(0.02)


def image_task(**fields: Any) -> dict[str, Any]:
    return {
        "taskType": "imageInference",
        "taskUUID": str(uuid4()),
        "model": "runware:100@1",
        "positivePrompt": "a lighthouse at dusk",
        "width": 256,
        "height": 192,
        "deliveryMethod": "async",
        **fields,
    }
