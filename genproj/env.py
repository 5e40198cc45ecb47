"""Reads one environment variable at a time and refuses nonsense by its name."""

import os
from pathlib import Path

from dotenv import load_dotenv

load_dotenv(Path(__file__).resolve().parent.parent / ".env")


class BadVariable(Exception):
    """An environment variable holds something that cannot be used."""


def text(name: str, default: str = "") -> str:
    """The variable as it stands; empty counts as unset."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """`1 true yes on` or `0 false no off`. Raises BadVariable for anything else."""
    value = text(name).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    if value:
        raise BadVariable(f"{name} must be true or false, not {value!r}.")
    return default


def number(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least `least`. Raises BadVariable for anything else."""
    value = text(name)
    if not value:
        return default
    if not value.isdigit() or int(value) < least:
        raise BadVariable(f"{name} must be a whole number of at least {least}, not {value!r}.")
    return int(value)


def amount(name: str) -> str:
    """An amount of money as it is written, or nothing. Raises BadVariable for anything else."""
    value = text(name)
    whole, _, part = value.partition(".")
    if value and not (whole.isdecimal() and (part.isdecimal() or "." not in value)):
        raise BadVariable(f"{name} must be an amount such as 3.75, not {value!r}.")
    return value


def is_emptied(name: str) -> bool:
    """Whether the variable is set, to nothing."""
    return name in os.environ and not os.environ[name].strip()


def words(name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A comma-separated list; blanks are dropped."""
    value = text(name)
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else default


def secret(name: str) -> str:
    """A secret: read like text, and by its own name so that it is never printed."""
    return text(name)
