"""TABLE: who may see what is addressed to an audience (`user:5`): kind -> the module that knows."""

from collections.abc import Iterable
from functools import cache
from pkgutil import resolve_name
from typing import Any

TABLE = {"user": "genproj.accounts.audiences", "space": "spaces.audiences"}

LEVELS = ("viewer", "editor", "owner")


@cache
def _module(kind: str) -> Any:
    return resolve_name(TABLE[kind])


def level(user: Any, audience: str) -> str | None:
    """What `user` may do with things of `audience`: owner, editor, viewer, or None: not even see.

    Staff own everything.
    """
    if not user.is_active:
        return None
    if user.is_staff:
        return "owner"
    kind, _, key = audience.partition(":")
    return _module(kind).level(user, key) if kind in TABLE else None


def may(user: Any, audience: str, least: str) -> bool:
    """Whether `user` has at least the level `least` there."""
    return reaches(level(user, audience), least)


def reaches(found: str | None, least: str) -> bool:
    """Whether a level that was found is at least `least`."""
    return found is not None and LEVELS.index(found) >= LEVELS.index(least)


def level_to_delete(audience: str) -> str:
    """The least level that may throw away what is there, and take it back."""
    kind = audience.partition(":")[0]
    deletes: str = _module(kind).DELETES if kind in TABLE else LEVELS[-1]
    return deletes


def audiences_of(user: Any) -> list[str]:
    """Every audience that `user` belongs to; staff see beyond it."""
    return [f"{kind}:{key}" for kind in TABLE for key in _module(kind).keys_of(user)]


def owner_ids_of(audience: str) -> list[int]:
    """The people who own what is addressed to an audience."""
    kind, _, key = audience.partition(":")
    found: list[int] = _module(kind).owner_ids(key) if kind in TABLE else []
    return found


def names_of(audiences: Iterable[str]) -> dict[str, str]:
    """What audiences are called; those that are gone are left out."""
    by_kind: dict[str, list[str]] = {}
    for audience in audiences:
        kind, _, key = audience.partition(":")
        by_kind.setdefault(kind, []).append(key)
    return {
        f"{kind}:{key}": name
        for kind, keys in by_kind.items()
        if kind in TABLE
        for key, name in _module(kind).names(keys).items()
    }
