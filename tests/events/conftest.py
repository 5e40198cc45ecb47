"""Streams of the tests, and the relay that is stopped after each."""

from collections.abc import Iterator

import pytest
from django.db import connection

from genproj.events import log
from genproj.events.relay import relay
from genproj.kernel import rows
from genproj.kernel.threads import ASIDE


@pytest.fixture(autouse=True)
def _stop_threads() -> Iterator[None]:
    """Threads that outlived a test would read the next one's database."""
    yield
    relay.stop()
    ASIDE.stop()


def append(stream: str, number: int, kind: str = "thing:updated") -> None:
    """One frame, committed."""
    with rows.atomic():
        log.append(stream, kind, thing={"id": number})


def append_and_leave(stream: str, number: int, kind: str = "thing:updated") -> None:
    """The same from a thread that gives its connection back."""
    try:
        append(stream, number, kind)
    finally:
        connection.close()
