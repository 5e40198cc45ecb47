"""Waits for SQLite's one write lock in many short tries, for every statement that takes it.

SQLite's own busy handler sleeps up to 100 ms between two tries, so that of several writers one
waits for seconds while the others pass it. With this, all of Django's writes wait alike: the
threads of a process queue, and the one whose turn it is tries each half millisecond.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.db.backends.signals import connection_created

TAKES_THE_LOCK = ("BEGIN IMMEDIATE", "INSERT", "UPDATE", "DELETE", "REPLACE")
LONGEST_WAIT = 30.0
BETWEEN_TRIES = 0.0005

_turn = threading.Lock()


def wait_for_lock(
    execute: Callable[..., Any],
    sql: str,
    params: Any,
    many: bool,  # noqa: FBT001 - Django's order
    context: dict[str, Any],
) -> Any:
    """Django's wrapper round every statement; those that take the lock wait here for it."""
    connection = context["connection"]
    if connection.in_atomic_block or not sql.startswith(TAKES_THE_LOCK):
        return execute(sql, params, many, context)
    end = time.monotonic() + LONGEST_WAIT
    if not _turn.acquire(timeout=LONGEST_WAIT):
        raise OperationalError("database is locked")
    handle = connection.connection
    handle.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                return execute(sql, params, many, context)
            except OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(BETWEEN_TRIES)
    finally:
        handle.execute(f"PRAGMA busy_timeout = {LONGEST_WAIT * 1000:.0f}")
        _turn.release()


def _install(connection: Any, **signal: Any) -> None:
    if connection.vendor == "sqlite" and wait_for_lock not in connection.execute_wrappers:
        connection.execute_wrappers.append(wait_for_lock)


def install() -> None:
    """Have every connection that is opened from now on wait in turn."""
    connection_created.connect(_install, dispatch_uid="genproj.kernel.turns")
