"""A real S3 server on this machine: OpenStack Swift with its S3 interface, from PyPI."""

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from genproj.kernel import storage

ROOT = Path(__file__).parents[1]
#: whether the whole run keeps what it keeps in a bucket
AT_S3 = os.environ.get("TEST_STORAGE") == "s3"
VENV = ROOT / ".venv-s3"
VERSION = "swift==2.38.3"

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
    endpoint: str
    process: subprocess.Popen
    access_key: str = "test:tester"
    secret_key: str = "testing"
    region: str = "us-east-1"

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def settings(self):
        """The settings, and environment variables, that lead here; the bucket is the caller's."""
        return {
            "S3_ENDPOINT_URL": self.endpoint,
            "S3_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }


def install():
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


def start(folder, *, bucket=None):
    """Start a server with its files in `folder`, ready to answer; NotAvailable with the reason."""
    install()
    folder = Path(folder).resolve()
    ports = dict(zip(("account", "container", "object", "proxy"), _free_ports(4), strict=True))
    (folder / "srv" / "d1").mkdir(parents=True, exist_ok=True)
    (folder / "swift.conf").write_text(SWIFT_CONF)
    for name, port in ports.items():
        text = PROXY_CONF if name == "proxy" else STORAGE_CONF
        (folder / f"{name}.conf").write_text(text.format(folder=folder, name=name, port=port))
        if name != "proxy":
            _ring(folder, name, port)
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [VENV / "bin" / "python", "-W", "ignore", "-c", LAUNCHER, folder]
            + [str(port) for port in ports.values()],
            stdout=log,
            stderr=log,
        )
    server = S3Server(f"http://127.0.0.1:{ports['proxy']}", process)
    with ExitStack() as undo:
        undo.callback(server.stop)
        _await(server, folder / "server.log")
        if bucket:
            make_bucket(server, bucket)
        undo.pop_all()
    return server


@functools.cache
def shared():
    """The one server of a test run, with the bucket `media`; a NotAvailable when there is none."""
    folder = tempfile.mkdtemp(prefix="genproj-s3-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        server = start(folder, bucket="media")
    except NotAvailable as reason:
        return reason
    atexit.register(server.stop)
    return server


@pytest.fixture(scope="session")
def s3_server(request):
    """A running S3Server. Without one its tests are left out, which is said aloud."""
    server = shared()
    if isinstance(server, NotAvailable):
        told = f"NOT TESTED, no S3 server: {server}"
        terminal = request.config.pluginmanager.get_plugin("terminalreporter")
        terminal.write_line(f"\n{told}", red=True, bold=True)
        pytest.skip(told)
    return server


def use(server, settings):
    """Have everything be kept in the server's bucket from now on."""
    for name, value in server.settings.items():
        setattr(settings, name, value)
    settings.STORAGE_BUCKET = "media"
    let_go()


def let_go():
    """Read the settings again; connections that lead elsewhere are closed, not left behind."""
    if client := getattr(storage._kept, "client", None):
        client.close()
    storage.reset()


def empty():
    """Remove every object."""
    for key, _ in list(storage.keys()):
        storage.delete(key)


def client(server):
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


def make_bucket(server, name):
    """A bucket of that name."""
    with contextlib.closing(client(server)) as maker:
        maker.create_bucket(Bucket=name)


def _ring(folder, name, port):
    builder = VENV / "bin" / "swift-ring-builder"
    file = folder / f"{name}.builder"
    if file.exists():
        file.unlink()
    _run(builder, file, "create", "6", "1", "1")
    _run(builder, file, "add", f"r1z1-127.0.0.1:{port}/d1", "1")
    _run(builder, file, "rebalance")


def _await(server, log):
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


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _run(*command):
    try:
        subprocess.run(
            [str(word) for word in command], check=True, capture_output=True, timeout=300, text=True
        )
    except subprocess.CalledProcessError as error:
        # The ring builder answers 1 for "done, with a warning".
        if Path(str(command[0])).name != "swift-ring-builder" or error.returncode != 1:
            raise NotAvailable(error.stderr[-300:] or str(error)) from error
