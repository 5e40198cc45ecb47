"""The rules of the house that imports cannot show."""

import ast
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from generations import providers
from genproj import audiences, projectors, schedules, streams, talks
from spaces.consumers import FRAMES
from tests.conftest import ROOT
from tests.house import rules

PACKAGES = ("genproj", "generations", "spaces", "videos")
FILES = sorted(
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts
)
ALONE = PurePosixPath("genproj/sandbox")


def parsed(path: Path) -> tuple[str, ast.Module]:
    source = (ROOT / path).read_text()
    return source, ast.parse(source)


def ours() -> list[Path]:
    """Everything but the sandbox, which keeps no rows and knows no operations."""
    return [path for path in FILES if not path.is_relative_to(ALONE)]


def breaches(files: list[Path], rule: Callable[[Path], list[str]]) -> str:
    """One line each, nothing when all is well: pytest shows a text whole, a list cut."""
    return "\n".join(f"{path}:{found}" for path in files for found in rule(path))


def test_rows_are_written_only_in_operations() -> None:
    files = [path for path in ours() if not rules.may_write(PurePosixPath(path))]
    assert breaches(files, lambda path: list(rules.rows_written(parsed(path)[1]))) == ""


def test_operations_take_named_and_typed_arguments() -> None:
    files = [p for p in ours() if "operations" in p.parts or p.name == "operations.py"]
    assert breaches(files, lambda path: list(rules.loose_operations(parsed(path)[1]))) == ""


def test_nothing_is_long_without_a_reason() -> None:
    assert breaches(FILES, lambda path: list(rules.too_long(*parsed(path)))) == ""


def test_everything_is_caught_only_where_that_is_right() -> None:
    found = {
        str(path): len(list(rules.broad_excepts(parsed(path)[1])))
        for path in ours()
        if list(rules.broad_excepts(parsed(path)[1]))
    }
    assert {path: count for path, count in found.items() if count > rules.BROAD.get(path, 0)} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in FILES if parsed(path)[0].strip() and not _speaks(path)]
    assert silent == []


def _speaks(path: Path) -> bool:
    return rules.has_docstring(parsed(path)[1])


def test_every_doorbell_names_a_job() -> None:
    rung = {(str(path), name) for path in ours() for _, name in rules.doorbells(parsed(path)[1])}
    assert rung
    assert {(path, name) for path, name in rung if name not in schedules.JOBS} == set()


@pytest.mark.parametrize("name", schedules.JOBS)
def test_a_job_names_what_works_and_what_tells_that_work_waits(name: str) -> None:
    job = schedules.JOBS[name]
    assert callable(pkgutil.resolve_name(job.run))
    assert callable(pkgutil.resolve_name(job.due))
    assert job.threads >= 1


@pytest.mark.parametrize("name", schedules.SWEEPS)
def test_a_sweep_names_an_operation(name: str) -> None:
    assert callable(pkgutil.resolve_name(name))
    assert schedules.SWEEPS[name] > 0


@pytest.mark.parametrize("name", projectors.PROJECTORS)
def test_a_projector_names_an_operation(name: str) -> None:
    row = projectors.PROJECTORS[name]
    assert row.runs.keys() <= set(projectors.STAGES)
    for dotted in filter(None, (*row.runs.values(), row.locks)):
        assert callable(pkgutil.resolve_name(dotted))


@pytest.mark.parametrize("name", providers.PROVIDERS)
def test_a_provider_names_its_client_and_its_inbound(name: str) -> None:
    row = providers.PROVIDERS[name]
    assert row.name == name
    assert callable(pkgutil.resolve_name(row.client))
    assert row.inbound is None or callable(pkgutil.resolve_name(row.inbound))


@pytest.mark.parametrize("kind", streams.FULL_STATE)
def test_a_stream_names_what_its_readers_are_given_first(kind: str) -> None:
    for name in streams.FULL_STATE[kind]:
        assert callable(pkgutil.resolve_name(name))


@pytest.mark.parametrize("kind", talks.TALKS)
def test_a_talk_names_who_answers(kind: str) -> None:
    assert callable(pkgutil.resolve_name(talks.TALKS[kind].answer))


@pytest.mark.parametrize("kind", audiences.TABLE)
def test_an_audience_names_a_module_that_knows(kind: str) -> None:
    module = pkgutil.resolve_name(audiences.TABLE[kind])
    assert callable(module.level)
    assert callable(module.keys_of)
    assert module.DELETES in audiences.LEVELS


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_names_an_operation_that_takes_its_fields(kind: str) -> None:
    operation = pkgutil.resolve_name(FRAMES[kind].does)
    taken = inspect.signature(operation).parameters
    assert {"actor", "space_id", *FRAMES[kind].arguments} <= set(taken)


BAD = """
def open_entry(actor, entry, *, count):
    RegisterEntry.objects.filter(pk=1).select_related("owner").update(due_at=None)
    Output.objects.create(entry=entry)
    {"a": 1}.update(b=2)
    entry.outputs.all().delete()
    wake("generations.jobs.no_such")
    try:
        pass
    except (ValueError, Exception):
        pass
    try:
        pass
    except:
        pass
"""


def test_the_rules_see_a_bad_snippet() -> None:
    tree = ast.parse(BAD)
    assert [found.split(":")[0] for found in rules.rows_written(tree)] == ["3", "4", "6"]
    assert len(list(rules.broad_excepts(tree))) == 2
    assert [name for _, name in rules.doorbells(tree)] == ["generations.jobs.no_such"]
    loose = "\n".join(rules.loose_operations(tree))
    assert "more than one positional" in loose
    assert "open_entry(count) has no type" in loose
    assert "does not say what it returns" in loose
    assert not rules.has_docstring(tree)


def test_the_rules_measure() -> None:
    long = "def f() -> None:\n" + "    x = 1\n" * 50
    assert list(rules.too_long(long, ast.parse(long))) == ["1: f has 51 lines"]
    excused = long.replace("x = 1", "x = 1  # Long because it is a table.", 1)
    assert list(rules.too_long(excused, ast.parse(excused))) == []
    file = "x = 1\n" * 401
    assert list(rules.too_long(file, ast.parse(file))) == ["1: the file has 401 lines"]


def test_the_rules_spare_what_is_right() -> None:
    good = ast.parse(
        '"""Says."""\ndef settle(entry: Entry, *, at: datetime) -> None:\n    x.update(y)\n'
    )
    assert list(rules.loose_operations(good)) == []
    assert list(rules.rows_written(good)) == []
    assert rules.may_write(PurePosixPath("generations/operations/settling.py"))
    assert not rules.may_write(PurePosixPath("generations/api/generations.py"))
