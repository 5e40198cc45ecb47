"""A backup of the embedded form, taken while it runs and restored elsewhere, is whole."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from generations.models import Artifact
from tests import world
from tests.conftest import ROOT, Sandbox, environment, python


@pytest.mark.django_db(transaction=True)
def test_what_was_backed_up_is_verified_elsewhere(
    alice: User, sandbox: Sandbox, work: Any, work_until: Any, tmp_path: Path
) -> None:
    if connection.vendor != "sqlite" or settings.STORAGE_BUCKET:
        pytest.skip("Elsewhere pg_dump and the bucket's own tools do it.")
    world.opened(alice, count=1)
    work_until(Artifact.objects.exists)
    work()
    # as the README says: the rows first, then the files, so that no row names one that is not there
    with (
        closing(sqlite3.connect(str(connection.settings_dict["NAME"]))) as running,
        closing(sqlite3.connect(tmp_path / "genproj.sqlite3")) as copy,
    ):
        running.backup(copy)
    shutil.copytree(settings.MEDIA_ROOT, tmp_path / "media")
    said = subprocess.run(
        [python(), "manage.py", "verify_storage"],
        cwd=ROOT,
        env=environment(DATA_DIR=str(tmp_path), DATABASE_URL="", REDIS_URL=""),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.strip() == "Every file is there, whole and wanted.", said.stderr[-500:]
