"""The installation that is broken: machines, wires, a disk that can be full, and its people."""

import contextlib
import os
import random
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.installation import free_port
from tests.chaos.machines import Machine, NotStarted, call
from tests.chaos.services import Services, services
from tests.chaos.wires import Switchboard

PEOPLE = ("kim", "lou")
PASSWORD = "chaos-of-the-tests"
#: enough for a long run; what is not used costs nothing
DISK = "4g"


class Installation:
    """What the load, the faults and the audit share."""

    def __init__(self, folder: Path, board: Switchboard, chance: random.Random) -> None:
        self.folder, self.board, self.chance = folder, board, chance
        self.services: Services | None = None
        self.machines: list[Machine] = []
        self.tokens: dict[str, str] = {}
        self.space = ""
        self.disks: dict[str, Path] = {}
        #: fault names of lying providers that have been ordered since the start
        self.lies: set[str] = set()

    @property
    def is_large(self) -> bool:
        """Whether it stands on PostgreSQL, Redis and S3."""
        return self.services is not None

    @property
    def first(self) -> Machine:
        return self.machines[0]

    @property
    def control(self) -> str:
        """The sandbox's control door, beside every wire."""
        return f"http://127.0.0.1:{self.first.sandbox_port}/control"

    def machine(self) -> Machine:
        """Any machine, as a front in front of them would choose."""
        return self.chance.choice(self.machines)

    def ask(self, who: str, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """One request of a person; status and JSON. Raises OSError without a whole answer."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        if key:
            headers["Idempotency-Key"] = key
        return call(method, f"{self.machine().url}{path}", body, **headers)

    def read(self, who: str, path: str) -> Any:
        """What a person sees there; raises OSError when that is not 200."""
        status, found = self.ask(who, "GET", path)
        if status != 200:
            raise OSError(f"{path}: {status}")
        return found

    def all_of(self, who: str, path: str) -> list[dict[str, Any]]:
        """Every row of a list, by its pages."""
        mark = "&" if "?" in path else "?"
        page = self.read(who, f"{path}{mark}page_size=200")
        found = list(page["results"])
        while page.get("next"):
            page = self.read(who, page["next"][page["next"].index("/api/") :])
            found += page["results"]
        return found

    def order(self, rules: list[dict[str, Any]]) -> bool:
        """Tell the provider how to misbehave. False when it is dead just now."""
        self.lies |= {rule["fault"] for rule in rules}
        try:
            return call("PUT", f"{self.control}/faults", {"rules": rules})[0] == 200
        except OSError:
            return False

    def tasks(self) -> list[dict[str, Any]]:
        """The provider's own record of everything it was asked for, painted and delivered."""
        found: list[dict[str, Any]] = call("GET", f"{self.control}/tasks?limit=1000000")[1]["tasks"]
        return found

    def is_ready(self) -> bool:
        """Whether all is back."""
        with contextlib.suppress(OSError):
            told = call("GET", f"{self.control}/faults")[0] == 200
            return told and all(machine.is_ready() for machine in self.machines)
        return False

    # --- a disk that can be full ----------------------------------------------------------------

    def fill(self, disk: str) -> None:
        """Not one more page fits."""
        place = self.disks[disk]
        usage = shutil.disk_usage(place)
        _mount("-o", f"remount,size={max(usage.used, 4096)}", str(place))

    def empty(self, disk: str) -> None:
        """There is room again."""
        _mount("-o", f"remount,size={DISK}", str(self.disks[disk]))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


@contextlib.contextmanager
def installation(seed: int, *, large: bool, keep: bool = False) -> Iterator[Installation]:
    """A fresh one, ready, with people signed in and a space; gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    board = Switchboard()
    one = Installation(folder, board, random.Random(seed))
    with contextlib.ExitStack() as stack:
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(board.close)
        if large:
            one.services = stack.enter_context(services(board, folder))
        stack.enter_context(_disks(one, keep=keep))
        one.machines = _machines(one)
        _prepare(one)
        for machine in one.machines:
            stack.callback(machine.end)
            machine.start()
        for machine in one.machines:
            machine.await_ready()
        _settle_in(one)
        yield one


@contextlib.contextmanager
def _disks(one: Installation, *, keep: bool) -> Iterator[None]:
    """Where one may mount: the data and the media lie on small disks in memory. The provider's
    record lies elsewhere, as it is not ours."""
    data = one.folder / "data"
    data.mkdir()
    mounted: list[Path] = []
    try:
        if os.geteuid() == 0 and not one.is_large:
            for name, place in (("data", data), ("media", data / "media")):
                place.mkdir(exist_ok=True)
                with contextlib.suppress(subprocess.CalledProcessError, FileNotFoundError):
                    _mount("-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place))
                    mounted.append(place)
                    one.disks[name] = place
        record = one.folder / "provider"
        record.mkdir()
        (data / "sandbox").symlink_to(record)
        yield
    finally:
        if keep:
            sockets = shutil.ignore_patterns("run")
            shutil.copytree(data, one.folder / "kept", symlinks=True, ignore=sockets)
        for place in reversed(mounted):
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def _machines(one: Installation) -> list[Machine]:
    port, sandbox_port = free_port(), free_port()
    straight = f"http://127.0.0.1:{sandbox_port}"
    pictures = one.board.add("provider", sandbox_port).port
    words = one.board.add("language model", sandbox_port).port
    callbacks = one.board.add("callbacks", port).port
    settings = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PUBLIC_URL": f"http://127.0.0.1:{callbacks}",
        "RUNWARE_BASE_URL": f"http://127.0.0.1:{pictures}/v1",
        "GEMINI_BASE_URL": f"http://127.0.0.1:{pictures}",
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{words}",
        "LEASE_SECONDS": os.environ.get("LEASE_SECONDS", "4"),
        "SILENCE_SECONDS": os.environ.get("SILENCE_SECONDS", "6"),
        "LOG_FORMAT": "json",
        **(one.services.settings if one.services else {}),
    }
    first = Machine(
        one.folder / "data", port, sandbox_port, {**settings, "BILLING_BASE_URL": straight}
    )
    if not one.is_large:
        return [first]
    # A second machine beside it, with the same provider and services.
    other = free_port()
    second = Machine(one.folder / "other", other, free_port(), {**settings, "BILLING_BASE_URL": ""})
    return [first, second]


def _prepare(one: Installation) -> None:
    """Own people instead of the demo world, before anything is shaky."""
    first = one.first
    first.manage("migrate", "-v0")
    first.manage("sync_models")
    names = ", ".join(repr(name) for name in PEOPLE)
    first.manage(
        *("shell", "-v0", "-c"),
        "from django.contrib.auth.models import User\n"
        f"for name in ({names},): User.objects.create_user(name, password={PASSWORD!r})",
    )


def _settle_in(one: Installation) -> None:
    for name in PEOPLE:
        wish = {"username": name, "password": PASSWORD}
        status, answer = call("POST", f"{one.first.url}/api/v1/auth/token/", wish)
        if status != 200:
            raise NotStarted(f"nobody can sign in: {status}")
        one.tokens[name] = answer["token"]
    one.space = one.ask(PEOPLE[0], "POST", "/api/v1/spaces/", {"name": "Chaos"})[1]["id"]
