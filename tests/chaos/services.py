"""What an installation at scale stands on: a PostgreSQL, a Redis and an S3 server of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from deploy.scale import swift
from tests.bench.installation import answers, free_port
from tests.chaos.machines import NotStarted, until
from tests.chaos.wires import Switchboard

BUCKET = "chaos"


class Server:
    """A program that serves, and can be killed and started again where it was."""

    def __init__(self, name: str, port: int, command: Sequence[str], log: Path) -> None:
        self.name, self.port, self.command, self.log = name, port, command, log
        self.process: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def running(self, is_up: Callable[[], bool]) -> Iterator[None]:
        """From when it answers until the end of the block."""
        self.start()
        try:
            until(lambda: self._has_ended() or is_up(), 120, self.name)
            if self._has_ended():
                raise NotStarted(f"{self.name} ended: {self.log.read_text()[-300:]}")
            yield
        finally:
            self.kill()

    def start(self) -> None:
        """Start it, as often as it takes: what a kill left may be in its way for a moment."""
        for _ in range(20):
            with self.log.open("a") as log:
                self.process = subprocess.Popen(
                    self.command, cwd="/", stdout=log, stderr=log, start_new_session=True
                )
            time.sleep(0.5)
            if self.process.poll() is None:
                return

    def kill(self) -> None:
        """SIGKILL to all of it."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def signal(self, number: int) -> None:
        """To every process of it."""
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None:
                os.killpg(self.process.pid, number)

    def _has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None


@dataclass
class Services:
    """Addresses, straight and by wire, and the programs behind them."""

    settings: dict[str, str] = field(default_factory=dict)
    database: str = ""
    s3: "swift.S3Server | None" = None
    servers: dict[str, Server] = field(default_factory=dict)


@contextlib.contextmanager
def services(board: Switchboard, folder: Path) -> Iterator[Services]:
    """All three, each behind a wire of its own; gone afterwards."""
    with contextlib.ExitStack() as stack:
        found = Services()
        for server in (stack.enter_context(_database()), stack.enter_context(_redis(folder))):
            found.servers[server.name] = server
            board.add(server.name, server.port)
        found.database = _address(found.servers["database"].port)
        found.s3 = stack.enter_context(_bucket())
        store = board.add("store", urlsplit(found.s3.endpoint).port or 80)
        found.settings = {
            "DATABASE_URL": _address(board.wires["database"].port),
            "REDIS_URL": f"redis://127.0.0.1:{board.wires['redis'].port}/0",
            "STORAGE_BUCKET": BUCKET,
            **found.s3.settings,
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{store.port}",
        }
        yield found


def _address(port: int, name: str = "postgres") -> str:
    return f"postgresql://postgres@127.0.0.1:{port}/{name}"


@contextlib.contextmanager
def _database() -> Iterator[Server]:
    """A PostgreSQL of its own, because it is to be killed, and has few connections to give."""
    programs = _folder_of("initdb", "/usr/lib/postgresql/*/bin")
    place = Path(tempfile.mkdtemp(prefix="chaos-postgres-"))
    lower: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(place, "postgres", "postgres")
        lower = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
    data, port = place / "data", free_port()
    try:
        made = subprocess.run(
            [*lower, str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise NotStarted(f"initdb: {made.stderr[-300:]}")
        command = [
            *(*lower, str(programs / "postgres"), "-D", str(data), "-p", str(port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        ]
        server = Server("database", port, command, place.with_suffix(".txt"))
        with server.running(lambda: _lets_in(port)):
            yield server
    finally:
        shutil.rmtree(place, ignore_errors=True)
        place.with_suffix(".txt").unlink(missing_ok=True)


def _lets_in(port: int) -> bool:
    with contextlib.suppress(psycopg.Error):
        psycopg.connect(_address(port), connect_timeout=2).close()
        return True
    return False


def _folder_of(program: str, usual: str) -> Path:
    known = sorted(Path("/").glob(f"{usual[1:]}/{program}"))
    found = str(known[-1]) if known else shutil.which(program)
    if not found:
        raise NotStarted(f"no {program}")
    return Path(found).parent


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[Server]:
    """A Redis of its own, because it is to be emptied and killed."""
    port = free_port()
    program = str(_folder_of("redis-server", "/usr/bin") / "redis-server")
    command = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    server = Server("redis", port, command, folder / "redis.txt")
    client = redis.Redis(port=port)
    with server.running(lambda: _pongs(client)):
        yield server


def _pongs(client: "redis.Redis") -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(client.ping())
    return False


@contextlib.contextmanager
def _bucket() -> Iterator["swift.S3Server"]:
    folder = tempfile.mkdtemp(prefix="chaos-s3-")
    try:
        server = swift.start(folder, bucket=BUCKET)
    except swift.NotAvailable as reason:
        raise NotStarted(f"no S3 server: {reason}") from None
    try:
        until(lambda: answers(f"{server.endpoint}/healthcheck"), 20, "the S3 server")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
