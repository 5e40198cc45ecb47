"""Loaded before the settings: the tests' data lie in a folder of their own."""

import atexit
import os
import shutil
import tempfile
from urllib.parse import urlsplit

_folder = tempfile.mkdtemp(prefix="genproj-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["DATA_DIR"] = _folder
os.environ.setdefault("LEASE_SECONDS", "4")
os.environ.setdefault("SILENCE_SECONDS", "6")
os.environ["SECRET_KEY"] = "tests-only-key-of-more-than-fifty-characters-0123456789"
for name in ("RUNWARE_API_KEY", "RUNWARE_BASE_URL", "STORAGE_BUCKET", "PUBLIC_URL", "DEBUG"):
    os.environ.pop(name, None)

# Tests that run side by side empty their Redis: each process has a database of its own.
if redis := os.environ.get("REDIS_URL"):
    _parts, _worker = urlsplit(redis), os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    _number = (int(_parts.path.strip("/") or 0) + int(_worker.removeprefix("gw"))) % 16
    os.environ["REDIS_URL"] = _parts._replace(path=f"/{_number}").geturl()
