"""Deliveries as a provider sends them, and the writer that is stopped after each test."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.conf import settings

from genproj.kernel.ids import uuid7
from genproj.kernel.signing import callback_token
from genproj.webhooks.inbox import inbox


@pytest.fixture(autouse=True)
def _stop_the_writer() -> Iterator[None]:
    yield
    inbox.stop()


def address(entry_id: str | None = None, *, slash: str = "/", **changes: str) -> str:
    """Where the provider calls back for an entry."""
    entry_id = entry_id or str(uuid7())
    secret = settings.CALLBACK_SECRETS[0].encode()
    query = {"generation_id": entry_id, "token": callback_token(secret, entry_id), **changes}
    return f"/webhooks/runware{slash}?{urlencode(query)}"
