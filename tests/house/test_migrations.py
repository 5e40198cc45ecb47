"""Migrations say what the models say, under names that people chose, and need no code of ours."""

import ast
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.conftest import ROOT

MIGRATIONS = sorted(
    path
    for package in ("genproj", "generations", "spaces", "videos")
    for path in (ROOT / package).rglob("migrations/0*.py")
)
OURS = {"genproj", "generations", "spaces", "videos"}
#: Fields and defaults that a migration has to name; they never change their meaning.
SPARED = {"genproj.kernel.ids"}


def test_there_are_migrations() -> None:
    assert MIGRATIONS


@pytest.mark.django_db
def test_no_change_of_a_model_lacks_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_migration_has_a_name_and_stands_alone(path: Path) -> None:
    assert "_auto_" not in path.stem
    assert imported_from_us(path.read_text()) - SPARED == set()


def imported_from_us(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.split(".")[0] in OURS}


def test_an_import_of_ours_would_be_seen() -> None:
    bad = "import generations.models\nfrom genproj.runtime import operations\nimport django\n"
    assert imported_from_us(bad) == {"generations.models", "genproj.runtime"}
