"""Loaded before the settings: the tests' data lie in a folder of their own."""

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="genproj-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["DATA_DIR"] = _folder
os.environ.setdefault("LEASE_SECONDS", "4")
os.environ.setdefault("SILENCE_SECONDS", "6")
os.environ["SECRET_KEY"] = "tests-only-key-of-more-than-fifty-characters-0123456789"
for name in ("RUNWARE_API_KEY", "RUNWARE_BASE_URL", "STORAGE_BUCKET", "PUBLIC_URL", "DEBUG"):
    os.environ.pop(name, None)
