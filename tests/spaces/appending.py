"""Reads the code for the operations by which something is appended to a space's stream."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.conftest import ROOT

OURS = "spaces.operations"
#: whatever reaches one of these appends to the stream of a space
TELLS = {f"{OURS}.telling._append", "genproj.assistant.operations.messages.tell"}
READ = (OURS, "genproj.assistant.operations")
APPS = ("genproj", "generations", "spaces", "videos")


def appending() -> set[str]:
    """Every operation that appends and that a door, a job or a table names, as `module.name`."""
    calls: dict[str, set[str]] = {}
    homes: dict[str, Mapping[str, str]] = {}
    for package in READ:
        for path in sorted((ROOT / package.replace(".", "/")).glob("*.py")):
            module = f"{package}.{path.stem}"
            tree = ast.parse(path.read_text())
            homes[module] = _names(tree, module)
            calls |= {
                f"{module}.{node.name}": set(_used(node, homes[module]))
                for node in tree.body
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
            }
    reaching = set(TELLS)
    while more := {
        name
        for name, used in calls.items()
        if name not in reaching and {_home(one, homes) for one in used} & reaching
    }:
        reaching |= more
    named = {_home(one, homes) for one in _named_outside()}
    ours = {name for name in reaching & named if name.startswith(f"{OURS}.")}
    return {name.removeprefix(f"{OURS}.") for name in ours if ".telling." not in name}


def _named_outside() -> Iterator[str]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if path.parent == ROOT / OURS.replace(".", "/") or "migrations" in path.parts:
                continue
            yield from _in_file(path)


def _in_file(path: Path) -> Iterator[str]:
    text = path.read_text()
    if OURS not in text:
        return
    tree = ast.parse(text)
    yield from _used(tree, _names(tree, ""))
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and node.value.startswith(f"{OURS}."):
            yield node.value


def _names(tree: ast.Module, module: str) -> dict[str, str]:
    """What the names of a module stand for, as dotted names."""
    found = {
        node.name: f"{module}.{node.name}"
        for node in tree.body
        if module and isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                found[one.asname or one.name] = f"{node.module}.{one.name}"
    return found


def _used(tree: ast.AST, names: Mapping[str, str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            yield names[node.id]
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in names
        ):
            yield f"{names[node.value.id]}.{node.attr}"


def _home(name: str, homes: Mapping[str, Mapping[str, str]]) -> str:
    """Where a name that a module only passes on is written."""
    module, _, last = name.rpartition(".")
    return homes.get(module, {}).get(last, name)
