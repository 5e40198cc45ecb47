"""TABLE: who may see what is addressed to an audience (`user:5`): kind -> the module that knows."""

from functools import cache
from pkgutil import resolve_name
from typing import Any

TABLE = {"user": "genproj.accounts.audiences"}

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
    found = level(user, audience)
    return found is not None and LEVELS.index(found) >= LEVELS.index(least)


def audiences_of(user: Any) -> list[str]:
    """Every audience that `user` belongs to; staff see beyond it."""
    return [f"{kind}:{key}" for kind in TABLE for key in _module(kind).keys_of(user)]
