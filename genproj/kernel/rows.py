"""The only opener of transactions: retries what the database asks to repeat, and runs what must
come last in a transaction."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

from genproj.kernel import turns

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 3
#: deadlock_detected and serialization_failure; SQLite says "locked" or "busy".
REPEATABLE = {"40P01", "40001"}

_local = threading.local()
_remembering: list[Callable[[], Callable[[], None]]] = []

turns.install()


def is_repeatable(error: OperationalError) -> bool:
    """Whether the database asks for the same transaction once more."""
    state = getattr(error.__cause__, "sqlstate", None)
    if state is not None:
        return state in REPEATABLE
    return "database is locked" in str(error) or "database table is locked" in str(error)


@contextmanager
def _outermost() -> Iterator[None]:
    """One transaction at the top level, with its last writes run inside it."""
    _local.last = {}
    try:
        with transaction.atomic():
            yield
            while _local.last:
                _, (write, _undo) = _local.last.popitem()
                write()
    finally:
        unwritten, _local.last = _local.last, None
        for _write, undo in unwritten.values():
            undo()  # rolled back before its last writes


@contextmanager
def atomic() -> Iterator[None]:
    """A transaction, or a savepoint inside one. Use `atomically` where it should be repeated."""
    if inside():
        put_back = [remember() for remember in _remembering]
        try:
            with transaction.atomic():
                yield
        except BaseException:
            for one in put_back:
                one()
            raise
    else:
        with _outermost():
            yield


def at_savepoints(remember: Callable[[], Callable[[], None]]) -> None:
    """Have `remember` called as each savepoint begins, and what it gives when that is rolled back:
    what a transaction keeps in memory goes back with its rows."""
    _remembering.append(remember)


def inside() -> bool:
    """Whether this thread is inside a transaction opened here."""
    return getattr(_local, "last", None) is not None


def atomically(operation: Callable[P, R]) -> Callable[P, R]:
    """Run an operation in one transaction; deadlocks and serialization failures up to three times.

    Inside a transaction it simply joins it: the outermost caller repeats.
    """

    @wraps(operation)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if inside():
            return operation(*args, **kwargs)
        for last in (False,) * (TRIES - 1) + (True,):
            try:
                with _outermost():
                    return operation(*args, **kwargs)
            except OperationalError as error:
                if last or not is_repeatable(error):
                    raise
                time.sleep(random.uniform(0.01, 0.05))
        raise AssertionError("unreachable")

    return run


def last(name: str, write: Callable[[], None], *, undo: Callable[[], None]) -> None:
    """Have `write` run once, at the end of the outermost transaction, inside it.

    A second call with the same name in the same transaction changes nothing. `undo` runs instead
    when the transaction is rolled back first.

    Raises:
        RuntimeError: there is no transaction opened by this module.
    """
    if not inside():
        raise RuntimeError("There is no transaction that this could be the last write of.")
    _local.last.setdefault(name, (write, undo))


def after_commit(act: Callable[[], None]) -> None:
    """Run `act` once the transaction is committed (at once when there is none)."""
    transaction.on_commit(act, robust=True)


def locks_rows() -> bool:
    """Whether the database can lock rows and skip locked ones (PostgreSQL); SQLite locks whole."""
    return connection.features.has_select_for_update_skip_locked
