"""The person's socket tells of talk and notices: all at first, then each frame as it happens."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User

from genproj.accounts import operations
from genproj.asgi import application
from genproj.assistant import jobs
from genproj.events.relay import relay
from genproj.kernel.threads import ASIDE
from genproj.notices.operations import notify
from tests.assistant.talking import CONVERSATIONS, Person
from tests.events.conftest import Socket, beside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@pytest.fixture(autouse=True)
def _stop_threads() -> Iterator[None]:
    """Threads that outlived a test would read the next one's database."""
    yield
    relay.stop()
    ASIDE.stop()


@pytest.fixture
def key(alice: User) -> str:
    return operations.issue_token(user=alice).secret


@asynccontextmanager
async def following(key: str) -> AsyncIterator[Socket]:
    bearer = (b"authorization", f"Bearer {key}".encode())
    socket = Socket(application, "/ws/me/", [(b"host", b"testserver"), bearer])
    assert (await socket.open())["type"] == "websocket.accept"
    try:
        yield socket
    finally:
        await socket.leave()


async def test_a_message_and_its_answer_reach_every_tab(anne: Person, wakes: Any, key: str) -> None:
    address = await beside(anne.begin)
    async with following(key) as first, following(key) as second:
        for tab in (first, second):
            await tab.send({"type": "sync:request"})
            assert (await tab.hear())["type"] == "sync:state"
        said = await beside(anne.say, address, "hello")
        for tab in (first, second):
            frame = await tab.hear()
            assert (frame["type"], frame["message"]) == ("message:created", said)
            assert frame["conversation"]["working"] is True
        await beside(jobs.answer_turns)
        for tab in (first, second):
            frame = await tab.hear()
            assert frame["message"]["content"] == "You said: hello"
            assert frame["conversation"]["working"] is False


async def test_the_first_state_is_what_the_doors_answer(
    anne: Person, wakes: Any, key: str, alice: User
) -> None:
    address = await beside(anne.begin, "Lighthouse")
    await beside(anne.say, address, "hello")
    await beside(lambda: notify(owner=alice, kind="video.completed", title="Ready", url="/"))
    async with following(key) as tab:
        await tab.send({"type": "sync:request"})
        state = await tab.hear()
        conversations = await beside(lambda: anne.get(CONVERSATIONS).json()["results"])
        notices = await beside(lambda: anne.get("/api/v1/notices/").json())
        assert state["conversations"] == conversations
        assert state["notices"] == notices["results"]
        assert state["unread_notices"] == notices["unread_count"] == 1
        assert "generations" in state
        await beside(lambda: notify(owner=alice, kind="video.failed", title="Lost", url="/"))
        frame = await tab.hear()
        assert (frame["type"], frame["notice"]["title"]) == ("notice:created", "Lost")
        assert frame["seq"] == state["seq"] + 1


async def test_nobody_hears_what_is_said_to_others(anne: Person, ben: Person, wakes: Any) -> None:
    key = await beside(lambda: operations.issue_token(user=ben.user).secret)
    address = await beside(anne.begin)
    async with following(key) as tab:
        await tab.send({"type": "sync:request"})
        state = await tab.hear()
        assert (state["conversations"], state["notices"]) == ([], [])
        await beside(anne.say, address, "hello")
        assert await tab.wire.receive_nothing(0.5)
