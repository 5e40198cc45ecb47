"""Checks JSON against the typed schema of the official Runware SDK, key by key."""

import types
import typing
from typing import Any

from runware.types import task_map


def params_of(air: str) -> type:
    """The request schema of a model."""
    return next(
        kind
        for name, kind in vars(task_map).items()
        if name.endswith("Params") and air in typing.get_args(_hints(kind).get("model"))
    )


def result_of(air: str) -> type:
    """The result schema of a model."""
    return getattr(task_map, params_of(air).__name__.removesuffix("Params") + "Result")


def problems(value: Any, schema: type, *, also: type | None = None) -> list[str]:
    """What of a JSON object does not fit; `also` names a second schema whose keys may appear."""
    hints = _hints(schema)
    known = {**(_hints(also) if also else {}), **hints}
    found = [
        f"missing {name}" for name, hint in hints.items() if _required(hint) and name not in value
    ]
    for name, item in value.items():
        if name not in known:
            found.append(f"unknown {name}")
        elif not _fits(item, known[name]):
            found.append(f"{name} is {item!r}")
    return found


def _hints(schema: type) -> dict[str, Any]:
    if not isinstance(schema, type) or not hasattr(schema, "__total__"):
        return {}
    return typing.get_type_hints(schema, include_extras=True)


def _required(hint: Any) -> bool:
    return typing.get_origin(hint) is not typing.NotRequired


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.NotRequired:
        return _fits(value, inner[0])
    if origin is typing.Literal:
        return any(value == choice and type(value) is type(choice) for choice in inner)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, choice) for choice in inner)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(name, str) for name in value)
    if hint is object:
        return True
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)
