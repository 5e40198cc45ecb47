"""`manage.py generate`: files that open, beside running workers or all alone."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from PIL import Image

from generations.management.commands.generate import slug_of
from generations.models import RegisterEntry
from genproj.kernel import wake
from tests.conftest import Sandbox, free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nobody_hears_callbacks(settings: Any) -> None:
    settings.PORT = free_port()
    settings.PUBLIC_URL = f"http://127.0.0.1:{settings.PORT}"


def generate(folder: Path, prompt: str = "a lighthouse in fog", **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("generate", prompt, out=folder, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_four_files_come_that_open(dana: User, sandbox: Sandbox, tmp_path: Path) -> None:
    out, err = generate(tmp_path, count=4, width=512, height=512)
    paths = [Path(line) for line in out.splitlines()]
    assert [path.name for path in paths] == [f"a-lighthouse-in-fog-{n}.png" for n in (1, 2, 3, 4)]
    for path in paths:
        with Image.open(path) as picture:
            picture.load()
            assert picture.size == (512, 512)
    assert err == ""
    entry = RegisterEntry.objects.get()
    assert entry.owner == dana
    assert entry.catalogued_at is not None
    assert not wake.beat_path("command").exists()


def test_files_are_never_overwritten(dana: User, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "a-boat-1.webp").write_text("mine")
    out, _ = generate(tmp_path, "A boat!", format="webp", width=256, height=256)
    assert Path(out.strip()).name == "a-boat-2.webp"
    assert (tmp_path / "a-boat-1.webp").read_text() == "mine"


def test_where_nobody_has_signed_up_yet_it_works_as_well(sandbox: Sandbox, tmp_path: Path) -> None:
    out, _ = generate(tmp_path, width=256, height=256)
    assert Path(out.strip()).exists()
    assert not User.objects.exists()


def test_a_sandbox_that_is_not_running_is_started_meanwhile(
    settings: Any, tmp_path: Path, dana: User
) -> None:
    port = free_port()
    settings.SANDBOX_URL = f"http://127.0.0.1:{port}"
    settings.RUNWARE_BASE_URL = f"{settings.SANDBOX_URL}/v1"
    settings.DATA_DIR = tmp_path / "data"
    out, _ = generate(tmp_path, width=256, height=256)
    assert Path(out.strip()).exists()
    with pytest.raises(OSError, match="refused"):
        Sandbox(port, tmp_path).get("/control/faults")


def test_a_partial_result_is_written_and_its_reasons_told(
    dana: User, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults({"fault": "one_fails", "result": 1})
    out, err = generate(tmp_path, count=3, width=256, height=256)
    assert len(out.splitlines()) == 2
    assert err.strip()


def test_nothing_at_all_is_a_failure_with_its_reason(
    dana: User, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults({"fault": "content_policy"})
    with pytest.raises(CommandError, match=r"\w+ \w+") as raised:
        generate(tmp_path)
    assert raised.value.returncode == 1
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_asked_for_is_refused_in_words(
    dana: User, sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="width: Must be at least 128"):
        generate(tmp_path, width=5)
    with pytest.raises(CommandError, match="nobody called zed"):
        generate(tmp_path, user="zed")
    with pytest.raises(CommandError, match="google:4@3"):
        generate(tmp_path, model="google:1@1")
    assert not RegisterEntry.objects.exists()


def test_a_prompt_without_letters_still_names_its_file() -> None:
    assert slug_of("…!") == "picture"
    assert slug_of("Ein Leuchtturm im Nebel") == "ein-leuchtturm-im-nebel"
