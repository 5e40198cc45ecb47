"""The only opener of transactions: retries what the database asks to repeat, and runs what must
come last in a transaction."""

import fcntl
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 3
#: deadlock_detected and serialization_failure; SQLite says "locked" or "busy".
REPEATABLE = {"40P01", "40001"}

#: seconds a writer waits for SQLite's one write lock, and between two tries
LONGEST_WAIT = 30.0
BETWEEN_TRIES = 0.0005

_local = threading.local()
_turn = threading.Lock()


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
        with _begun():
            yield
            while _local.last:
                _, (write, _undo) = _local.last.popitem()
                write()
    finally:
        unwritten, _local.last = _local.last, None
        for _write, undo in unwritten.values():
            undo()  # rolled back before its last writes


@contextmanager
def _begun() -> Iterator[None]:
    """A transaction; on SQLite the writers take turns.

    SQLite's own busy handler sleeps up to 100 ms between two tries, so that of several writers
    one waits for seconds. Threads of one process queue at a lock, processes at a locked file,
    which the kernel gives on at once and frees when its holder dies.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    if not _turn.acquire(timeout=LONGEST_WAIT):
        raise OperationalError("database is locked")
    try:
        turn = _turnstile()
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            with ExitStack() as stack:
                _enter_when_free(stack)
                yield
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)
    finally:
        _turn.release()


_turnstiles: dict[str, int] = {}


def _turnstile() -> int:
    """This process's own handle of the file at which the database's writers queue."""
    path = f"{connection.settings_dict['NAME']}-turn"
    if path not in _turnstiles:
        _turnstiles[path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return _turnstiles[path]


def _forget_inherited() -> None:
    """A forked child must not keep its parent's turn."""
    global _turn
    _turn = threading.Lock()
    while _turnstiles:
        os.close(_turnstiles.popitem()[1])


os.register_at_fork(after_in_child=_forget_inherited)


def _enter_when_free(stack: ExitStack) -> None:
    connection.ensure_connection()
    end = time.monotonic() + LONGEST_WAIT
    connection.connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                stack.enter_context(transaction.atomic())
            except OperationalError as error:
                if not is_repeatable(error) or time.monotonic() > end:
                    raise
                time.sleep(BETWEEN_TRIES)
            else:
                return
    finally:
        connection.connection.execute(f"PRAGMA busy_timeout = {LONGEST_WAIT * 1000:.0f}")


@contextmanager
def atomic() -> Iterator[None]:
    """A transaction, or a savepoint inside one. Use `atomically` where it should be repeated."""
    if inside():
        with transaction.atomic():
            yield
    else:
        with _outermost():
            yield


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
