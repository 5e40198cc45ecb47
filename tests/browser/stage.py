"""What the browser tests stand on: a browser, an installation, an ear for complaints."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.ground import Ground

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = "axe-playwright-python==0.1.8"  # carries axe-core 4.x; only its script is used
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
READY_SECONDS = 300
#: how long anything may take to show: a busy machine is no fault of what is tested
PATIENCE = 60_000

expect.set_options(timeout=PATIENCE)


def chromium() -> str | None:
    """The Chromium of this machine."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def axe_script() -> str | None:
    """The accessibility checker's script, fetched once and kept; None where it cannot be had."""
    kept = ROOT / "var" / "axe" / "axe.min.js"
    if not kept.exists():
        folder = kept.parent
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        done = subprocess.run([*pip, "-d", str(folder), AXE], capture_output=True)
        if done.returncode:
            return None
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            kept.write_bytes(wheel.read("axe_playwright_python/axe.min.js"))
    return kept.read_text()


def free_pair() -> int:
    """A port that is free together with the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Installation:
    """A whole one, started as a person starts it, with the demo world in it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_pair()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "run.log"
        self.ground = Ground(folder / "data")
        keep = {"PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV"}
        self.environment = {name: text for name, text in os.environ.items() if name in keep}
        self.environment |= {
            "DATA_DIR": str(folder / "data"),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.port + 1),
            **self.ground.settings,
        }

    def start(self) -> None:
        """Start it and wait until the demo pictures are there."""
        command = [sys.executable, str(ROOT / "manage.py"), "run"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + READY_SECONDS
        while "Demo pictures:" not in self.log.read_text():
            if time.monotonic() > end or self.process.poll() is not None:
                self.stop()  # half an installation would go on working beside every other test
                raise RuntimeError("It did not start:\n" + self.log.read_text()[-3000:])
            time.sleep(0.3)

    def stop(self) -> None:
        """Stop it with everything it started."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.ground.close()

    def faults(self, *rules: dict[str, Any]) -> None:
        """What the sandbox does wrong from now on."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port + 1}/control/faults",
            data=json.dumps({"rules": list(rules)}).encode(),
            method="PUT",
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60):
            pass


class Visit:
    """One person's page, and whatever the browser complained of on it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("response", lambda answer: self._answered(answer.status, answer.url))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and "WebSocket" not in text:
            self.complaints.append(f"console: {text}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.complaints.append(f"{status}: {url}")

    async def sign_in(self, name: str) -> None:
        """Sign in as a demo person."""
        await self.page.goto(f"{self.url}/accounts/login/")
        await self.page.fill("#id_username", name)
        await self.page.fill("#id_password", "genproj")
        await self.page.press("#id_password", "Enter")
        await self.page.wait_for_selector("nav.rail")

    async def go(self, path: str) -> None:
        """Open a page and wait until its scripts have run."""
        await self.page.goto(f"{self.url}{path}")
        await self.page.wait_for_load_state("load")

    async def live(self) -> None:
        """Wait until the socket is there."""
        await self.page.wait_for_selector("#wire[data-state=live]", timeout=PATIENCE)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A Chromium of its own."""
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield made
        await made.close()


@asynccontextmanager
async def visit(place: Installation, name: str = "", **options: Any) -> AsyncIterator[Visit]:
    """A visit in a fresh profile; without complaints at its end, or the test fails."""
    async with browser() as made:
        context = await made.new_context(**({"viewport": {"width": 1280, "height": 860}} | options))
        context.set_default_timeout(PATIENCE)
        visiting = Visit(await context.new_page(), place.url)
        if name:
            await visiting.sign_in(name)
        yield visiting
        await context.close()
        if visiting.complaints:
            raise AssertionError("\n".join(visiting.complaints))
