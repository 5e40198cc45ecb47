"""A real S3 server on this machine: OpenStack Swift with its S3 interface, from PyPI."""

import contextlib
import fcntl
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv-s3"
VERSION = "swift==2.38.3"
ACCESS_KEY, SECRET_KEY, REGION = "test:tester", "testing", "us-east-1"
#: of the server's parts, in the order in which the launcher takes their ports
PARTS = ("account", "container", "object", "proxy")

# The whole cluster in one process. Swift reads its hash secrets from /etc unless told otherwise.
LAUNCHER = """
import eventlet
eventlet.monkey_patch()
import logging, sys
logging.disable(logging.CRITICAL)
from pathlib import Path
from eventlet import wsgi
from swift.common import utils
folder = Path(sys.argv[1])
utils.SWIFT_CONF_FILE = str(folder / "swift.conf")
from swift.common.wsgi import loadapp
threads = []
for name, port in zip(("account", "container", "object", "proxy"), sys.argv[2:]):
    app = loadapp(str(folder / f"{name}.conf"))
    threads.append(eventlet.spawn(
        wsgi.server, eventlet.listen(("127.0.0.1", int(port))), app, log_output=False))
for thread in threads:
    thread.wait()
"""

STORAGE_CONF = """[DEFAULT]
swift_dir = {folder}
devices = {folder}/srv
mount_check = false
bind_port = {port}
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

PROXY_CONF = """[DEFAULT]
swift_dir = {folder}
bind_port = {port}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck listing_formats s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
"""

SWIFT_CONF = """[swift-hash]
swift_hash_path_prefix = genproj
swift_hash_path_suffix = genproj
[storage-policy:0]
name = one
default = yes
"""


class NotAvailable(Exception):
    """No S3 server can be started here; the message says why."""


@dataclass
class S3Server:
    """A running server."""

    endpoint: str
    process: "subprocess.Popen[bytes]"
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def settings(self) -> dict[str, str]:
        """The settings, and environment variables, that lead here; the bucket is the caller's."""
        return settings_for(self.endpoint)


def settings_for(endpoint: str) -> dict[str, str]:
    """The settings that lead to a server of ours; the bucket is the caller's."""
    return {
        "S3_ENDPOINT_URL": endpoint,
        "S3_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }


def install() -> None:
    """Make the server's own environment once; NotAvailable when it cannot be made."""
    with Path(tempfile.gettempdir(), "genproj-s3.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (VENV / "bin" / "swift-ring-builder").exists():
            return
        try:
            _run(sys.executable, "-m", "venv", VENV)
            _run(VENV / "bin" / "python", "-m", "pip", "install", "-q", VERSION)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotAvailable(f"{VERSION} cannot be installed: {error}") from error


def laid_out(folder: Path, *, port: int = 0) -> tuple[list[str], str]:
    """The command of a server with its files in `folder`, and its address; safe to repeat."""
    install()
    folder = folder.resolve()
    free = _free_ports(len(PARTS))
    ports = dict(zip(PARTS, [*free[:-1], port or free[-1]], strict=True))
    (folder / "srv" / "d1").mkdir(parents=True, exist_ok=True)
    (folder / "swift.conf").write_text(SWIFT_CONF)
    for name, number in ports.items():
        text = PROXY_CONF if name == "proxy" else STORAGE_CONF
        (folder / f"{name}.conf").write_text(text.format(folder=folder, name=name, port=number))
        if name != "proxy":
            _ring(folder, name, number)
    python = str(VENV / "bin" / "python")
    command = [python, "-W", "ignore", "-c", LAUNCHER, str(folder), *map(str, ports.values())]
    return command, f"http://127.0.0.1:{ports['proxy']}"


def start(folder: str | Path, *, bucket: str | None = None) -> S3Server:
    """Start a server with its files in `folder`, ready to answer; NotAvailable with the reason."""
    log_path = Path(folder) / "server.log"
    command, endpoint = laid_out(Path(folder))
    with log_path.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    server = S3Server(endpoint, process)
    with ExitStack() as undo:
        undo.callback(server.stop)
        _await(server, log_path)
        if bucket:
            make_bucket(server, bucket)
        undo.pop_all()
    return server


def make_bucket(server: S3Server, name: str) -> None:
    """Make a bucket."""
    with contextlib.closing(client(server)) as maker:
        maker.create_bucket(Bucket=name)


def client(server: S3Server) -> Any:
    """A client of the server; whoever takes it closes it."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
    )


def _ring(folder: Path, name: str, port: int) -> None:
    builder = VENV / "bin" / "swift-ring-builder"
    file = folder / f"{name}.builder"
    if file.exists():
        file.unlink()
    _run(builder, file, "create", "6", "1", "1")
    _run(builder, file, "add", f"r1z1-127.0.0.1:{port}/d1", "1")
    _run(builder, file, "rebalance")


def _await(server: S3Server, log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise NotAvailable(f"the server ended at once: {log.read_text()[-500:]}")
        try:
            with urlopen(f"{server.endpoint}/healthcheck", timeout=2):
                return
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.05)
    raise NotAvailable("the server did not answer within 30 s")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _run(*command: Any) -> None:
    try:
        subprocess.run(
            [str(word) for word in command], check=True, capture_output=True, timeout=300, text=True
        )
    except subprocess.CalledProcessError as error:
        # The ring builder answers 1 for "done, with a warning".
        if Path(str(command[0])).name != "swift-ring-builder" or error.returncode != 1:
            raise NotAvailable(error.stderr[-300:] or str(error)) from error
