"""Who acts in the transaction that this thread is in, so that others are told who did it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from genproj.kernel import rows

_local = threading.local()


def begin(name: str) -> None:
    """This transaction is of somebody's doing, until it ends."""
    _local.name = name
    rows.last("acting", _forget, undo=_forget)


def name() -> str:
    """Who acts; empty where nobody does, as when the engine settles a picture."""
    return getattr(_local, "name", "")


@contextmanager
def apart() -> Iterator[None]:
    """Whoever acts in here, what comes after it in this transaction is not of their doing."""
    before = name()
    try:
        yield
    finally:
        _local.name = before


def _forget() -> None:
    _local.name = ""
