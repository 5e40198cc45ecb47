"""The S3 server of a test run, which `make scale` starts too."""

import atexit
import functools
import os
import shutil
import tempfile

import pytest

from deploy.scale.swift import NotAvailable, S3Server, client, make_bucket, start
from genproj.kernel import storage

__all__ = ["NotAvailable", "S3Server", "client", "make_bucket", "s3_server", "shared", "start"]

#: whether the whole run keeps what it keeps in a bucket
AT_S3 = os.environ.get("TEST_STORAGE") == "s3"


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
