"""Nothing grows without end: each guard refuses what is too much, and says when to come again."""

import asyncio
import io
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generations.models import RegisterEntry
from generations.operations import pressure
from genproj.kernel import asgi, memory
from genproj.kernel.asgi import Unreadable, spool_body
from genproj.kernel.clock import now
from genproj.kernel.wsgi import WsgiInThreads
from genproj.webhooks import inbox as door
from genproj.webhooks.inbox import Inbox, NotKept
from tests import world

SCOPE = {
    **{"type": "http", "http_version": "1.1", "method": "GET", "path": "/"},
    **{"query_string": b"", "headers": []},
}
WISH = {"model": world.MODEL, "prompt": "a lighthouse"}


def ask(person: User) -> Any:
    client = Client()
    client.force_login(person)
    return client.post("/api/v1/generations/", WISH, content_type="application/json")


@pytest.fixture
def few(settings: Any) -> None:
    settings.MAX_OPEN_PER_USER, settings.MAX_OPEN = 2, 3


@pytest.mark.django_db
def test_who_has_enough_under_way_waits_and_others_do_not(
    few: None, alice: User, bob: User
) -> None:
    world.models()
    for _ in range(2):
        assert ask(alice).status_code == 202
        memory.forget_all()
    refused = ask(alice)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused["Retry-After"]) > 0
    assert ask(bob).status_code == 202
    memory.forget_all()
    refused = ask(bob)  # he has one, but all together have three
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused["Retry-After"]) > 0
    RegisterEntry.objects.filter(owner=alice).update(completed_at=now())
    memory.forget_all()
    assert ask(bob).status_code == 202


@pytest.mark.django_db
def test_what_is_under_way_is_counted_without_being_sorted(alice: User) -> None:
    memory.forget_all()
    with CaptureQueriesContext(connection) as asked:
        pressure.require_room(owner_id=alice.pk)
    assert len(asked) == 2
    assert not [query for query in asked.captured_queries if "ORDER BY" in query["sql"]]


def test_requests_that_find_no_thread_are_told_to_come_again() -> None:
    free = threading.Event()

    def app(request: Any, start: Any) -> list[bytes]:
        free.wait(60)
        start("200 OK", [])
        return [b"done"]

    threads = WsgiInThreads(app, threads=1, most=2)

    async def story() -> list[int]:
        asked = [asyncio.create_task(threads.answer(dict(SCOPE), io.BytesIO())) for _ in range(8)]
        refused = await next(asyncio.as_completed(asked))
        assert dict(refused.headers)[b"retry-after"]
        health = asyncio.create_task(threads.answer({**SCOPE, "path": "/healthz"}, io.BytesIO()))
        free.set()
        assert (await health).status == 200
        return [answer.status for answer in await asyncio.gather(*asked)]

    try:
        statuses = asyncio.run(story())
    finally:
        free.set()
        threads.stop()
    assert set(statuses) == {200, 503}
    assert 2 <= statuses.count(200) <= 3


def test_only_so_many_large_bodies_lie_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "MOST_LARGE", 2)

    async def sent() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * (asgi.IN_MEMORY + 1)}

    async def kept() -> Any:
        return await spool_body({"headers": []}, sent, limit=2**30)

    first, second = asyncio.run(kept()), asyncio.run(kept())
    with pytest.raises(Unreadable, match="503"):
        asyncio.run(kept())
    first.close()
    with asyncio.run(kept()):  # as the door does
        pass
    second.close()
    assert asgi._Spool.on_disk == 0


def test_the_inbox_takes_no_more_senders_than_it_can_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "MOST_SENDERS", 3)
    full = Inbox()
    monkeypatch.setattr(full, "start", lambda: None)  # the writer is far behind
    delivery: Any = {"source": "runware", "subject": "s", "headers": {}, "body": b"{}"}

    async def story() -> None:
        waiting = [
            asyncio.create_task(full.keep(delivery_id=str(place), **delivery)) for place in range(3)
        ]
        await asyncio.sleep(0)
        with pytest.raises(NotKept):
            await asyncio.wait_for(full.keep(delivery_id="4", **delivery), 30)
        for one in waiting:
            one.cancel()

    asyncio.run(story())
