"""The direction of dependencies, as contracts in pyproject.toml."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def lint(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_is_kept() -> None:
    found = lint()
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr


def test_every_app_stands_in_the_contracts() -> None:
    apps = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "deploy"}
    full = {app for app in apps if any((ROOT / app).glob("*.py")) and app != "templates"}
    assert set(CONTRACTS["root_packages"]) == full


@pytest.mark.parametrize(
    ("module", "line", "caught"),
    [
        ("generations/states.py", "import django", "vocabulary-pure"),
        ("generations/providers/base.py", "import generations.models", "providers-pure"),
        ("generations/queries/views.py", "import generations.operations", "rooms"),
        ("genproj/kernel/ids.py", "import genproj.events", "storeys"),
        ("genproj/health.py", "import django_q", "one-door-queue"),
        ("genproj/health.py", "import generations.models", "models-generations"),
        ("genproj/pages.py", "import genproj.events.log", "log-writers"),
        ("genproj/clock.py", "import requests", "one-door-outside"),
        ("genproj/clock.py", "import genproj.sandbox", "sandbox-unseen"),
        ("genproj/sandbox/paint.py", "import genproj.kernel", "sandbox-alone"),
        ("generations/jobs.py", "import PIL", "one-door-media"),
    ],
)
def test_a_breach_is_caught(tmp_path: Path, module: str, line: str, caught: str) -> None:
    for package in CONTRACTS["root_packages"]:
        for source in (ROOT / package).rglob("*.py"):
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    found = lint("--contract", caught, folder=tmp_path)
    assert found.returncode == 1, found.stdout[-2000:] + found.stderr
