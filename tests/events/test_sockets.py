"""/ws/me/ and /ws/staff/: who may come in, what they are told, and how they are let go."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from genproj.accounts import operations as accounts
from genproj.asgi import application
from genproj.events import consumers, log
from genproj.events.models import Event
from tests import world
from tests.conftest import Lines
from tests.events.conftest import Socket, beside, write

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = (b"origin", b"http://testserver")
HOST = (b"host", b"testserver")


@pytest.fixture
def alice() -> User:
    return world.person("alice")


@pytest.fixture
def cookie(alice: User) -> tuple[bytes, bytes]:
    """Alice's session."""
    client = Client()
    client.force_login(alice)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode())


@pytest.fixture(autouse=True)
def _plain_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full state that says which frames it knows, so that it can be compared."""
    monkeypatch.setitem(consumers.FULL_STATE, "user", (f"{__name__}.state_of",))


def state_of(user_id: int) -> dict[str, Any]:
    events = Event.objects.filter(stream_id=f"user:{user_id}").order_by("seq")
    things = {data["thing"]["id"]: seq for seq, data in events.values_list("seq", "data")}
    return {"things": [[number, seq] for number, seq in sorted(things.items())]}


@asynccontextmanager
async def opened(address: str, *headers: tuple[bytes, bytes]) -> AsyncIterator[Socket]:
    socket = Socket(application, address, [HOST, *headers])
    assert (await socket.open())["type"] == "websocket.accept"
    try:
        yield socket
    finally:
        await socket.leave()
        await sync_to_async(connections.close_all)()


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


@pytest.mark.parametrize(
    "extra",
    [
        [],
        [(b"origin", b"http://evil.example")],
        [(b"origin", b"null")],
        [(b"origin", b"http://testserver.evil.example")],
    ],
)
def test_a_cookie_without_our_origin_is_not_enough(
    cookie: tuple[bytes, bytes], extra: list[tuple[bytes, bytes]]
) -> None:
    async def story() -> None:
        async with opened("/ws/me/", cookie, *extra) as socket:
            assert await socket.close_code() == 4401

    run(story)


def test_nobody_is_turned_away_after_the_socket_was_accepted() -> None:
    async def story() -> None:
        async with opened("/ws/me/", ORIGIN) as socket:
            assert await socket.close_code() == 4401

    run(story)


def test_a_socket_that_nobody_knows_is_closed_so_that_browsers_see_why(alice: User) -> None:
    async def story() -> None:
        async with opened("/ws/nowhere/", ORIGIN) as socket:
            assert await socket.close_code() == 4404

    run(story)


def test_a_bearer_needs_no_origin(alice: User) -> None:
    token = accounts.issue_token(user=alice).secret

    async def story() -> None:
        async with opened("/ws/me/", (b"authorization", f"Bearer {token}".encode())) as socket:
            await socket.send({"type": "ping", "request_id": "p1"})
            assert await socket.hear() == {"type": "pong", "request_id": "p1"}
        async with opened("/ws/me/", (b"authorization", b"Bearer wrong")) as socket:
            assert await socket.close_code() == 4401

    run(story)


def test_a_foreign_page_opens_no_socket_with_a_bearer_or_a_ticket_either(alice: User) -> None:
    bearer = (b"authorization", f"Bearer {accounts.issue_token(user=alice).secret}".encode())
    ticket, _ = accounts.issue_ticket(user=alice)
    foreign = (b"origin", b"http://evil.example")

    async def story() -> None:
        async with opened("/ws/me/", bearer, foreign) as socket:
            assert await socket.close_code() == 4401
        async with opened(f"/ws/me/?ticket={ticket}", foreign) as socket:
            assert await socket.close_code() == 4401
        async with opened("/ws/me/", bearer, ORIGIN) as socket:
            await socket.send({"request_id": "r1"})
            told = await socket.hear()
            assert (told["code"], told["request_id"]) == ("malformed", "r1")

    run(story)


def test_a_ticket_opens_one_socket_once(alice: User) -> None:
    ticket, _ = accounts.issue_ticket(user=alice)

    async def story() -> None:
        async with opened(f"/ws/me/?ticket={ticket}") as socket:
            await socket.send({"type": "ping"})
            assert await socket.hear() == {"type": "pong"}
        async with opened(f"/ws/me/?ticket={ticket}") as socket:
            assert await socket.close_code() == 4401

    run(story)


def test_what_cannot_be_understood_is_an_error_and_the_socket_stays(
    cookie: tuple[bytes, bytes],
) -> None:
    async def story() -> None:
        async with opened("/ws/me/", cookie, ORIGIN) as socket:
            for text in ("nonsense", "[1]", '{"no": "type"}', '{"type": 5}', "[" * 100_000):
                await socket.send(text)
                told = await socket.hear()
                assert (told["type"], told["code"]) == ("error", "malformed")
            await socket.send(b"\x00\xff")
            assert (await socket.hear())["code"] == "malformed"
            await socket.send({"type": "generate:request", "request_id": "r7"})
            told = await socket.hear()
            assert (told["code"], told["request_id"]) == ("unknown_type", "r7")
            for since in (True, "5", 1.5, []):
                await socket.send({"type": "sync:request", "since": since})
                assert (await socket.hear())["code"] == "validation_failed"
            await socket.send({"type": "ping"})
            assert (await socket.hear())["type"] == "pong"

    run(story)


def test_since_gives_exactly_what_was_missed_and_then_live(
    alice: User, cookie: tuple[bytes, bytes]
) -> None:
    stream = f"user:{alice.pk}"

    async def story() -> None:
        for number in range(1, 6):
            await write(stream, number)
        await write("user:999", 1)
        async with opened("/ws/me/", cookie, ORIGIN) as socket:
            await socket.send({"type": "sync:request", "since": 2, "request_id": 1})
            assert await socket.hear() == {
                "type": "sync:delta",
                "seq": 5,
                "events": [
                    {"type": "thing:updated", "seq": number, "thing": {"id": number}}
                    for number in (3, 4, 5)
                ],
                "request_id": 1,
            }
            for number in (6, 7, 8):
                await write(stream, number)
            assert [(await socket.hear())["seq"] for _ in range(3)] == [6, 7, 8]
            await socket.send({"type": "sync:request", "since": 8})
            assert await socket.hear() == {"type": "sync:delta", "seq": 8, "events": []}
            await write(stream, 9)
            assert (await socket.hear())["seq"] == 9
            assert await socket.wire.receive_nothing(1.2)

    run(story)


@pytest.mark.parametrize("since", [{}, {"since": 99}, {"since": -1}, {"since": 1}])
def test_a_cursor_that_is_absent_or_unknown_or_too_old_gets_the_full_state(
    alice: User, cookie: tuple[bytes, bytes], since: dict[str, int]
) -> None:
    stream = f"user:{alice.pk}"

    async def story() -> None:
        for number in range(1, 5):
            await write(stream, number)
        swept = Event.objects.filter(stream_id=stream, seq__lt=4)
        await beside(swept.delete)
        async with opened("/ws/me/", cookie, ORIGIN) as socket:
            await socket.send({"type": "sync:request", **since})
            told = await socket.hear()
            assert (told["type"], told["seq"]) == ("sync:state", 4)
            await write(stream, 5)
            assert (await socket.hear())["seq"] == 5

    run(story)


def test_too_much_missed_gets_the_full_state(
    alice: User, cookie: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "LONGEST_DELTA", 3)

    async def story() -> None:
        for number in range(5):
            await write(f"user:{alice.pk}", number)
        async with opened("/ws/me/", cookie, ORIGIN) as socket:
            await socket.send({"type": "sync:request", "since": 1})
            assert (await socket.hear())["type"] == "sync:state"
            await socket.send({"type": "sync:request", "since": 2})
            assert (await socket.hear())["type"] == "sync:delta"

    run(story)


def test_silence_is_answered_by_leaving(
    cookie: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "SILENCE", 1.5)

    async def story() -> None:
        async with opened("/ws/me/", cookie, ORIGIN) as socket:
            for _ in range(3):
                await asyncio.sleep(0.6)
                await socket.send({"type": "ping"})
                assert (await socket.hear())["type"] == "pong"
            assert await socket.close_code() == 4408

    run(story)


def test_who_may_no_longer_be_here_is_let_go(
    alice: User, cookie: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers.Consumer, "CHECK_EVERY", 0.2)

    async def story() -> None:
        async with opened("/ws/me/", cookie, ORIGIN) as socket:
            await socket.send({"type": "ping"})
            assert (await socket.hear())["type"] == "pong"
            gone = User.objects.filter(pk=alice.pk)
            await beside(gone.update, is_active=False)
            assert await socket.close_code() == 4401

    run(story)


def test_a_client_that_does_not_read_is_let_go(
    alice: User, cookie: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "SLOWNESS", 0.2)
    closed: list[int] = []
    blocked = asyncio.Event()

    async def story() -> None:
        inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        sent = asyncio.Queue[dict[str, Any]]()

        async def send(message: Any) -> None:
            if message["type"] == "websocket.close":
                closed.append(message["code"])
                inbox.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
                return
            await sent.put(message)
            if "thing:updated" in (message.get("text") or ""):
                await blocked.wait()

        scope = Socket(application, "/ws/me/", [HOST, cookie, ORIGIN]).scope
        inbox.put_nowait({"type": "websocket.connect"})
        inbox.put_nowait({"type": "websocket.receive", "text": '{"type": "sync:request"}'})
        serving = asyncio.create_task(application(scope, inbox.get, send))
        while "sync:state" not in (await sent.get()).get("text", ""):
            pass
        await write(f"user:{alice.pk}", 1)
        await asyncio.wait_for(serving, 5)

    run(story)
    assert closed == [4429]


def test_staff_hear_kind_and_id_of_everything_and_others_nothing(alice: User) -> None:
    dana = world.person("dana", staff=True)
    tickets = [accounts.issue_ticket(user=person)[0] for person in (alice, dana)]

    async def story() -> None:
        async with opened(f"/ws/staff/?ticket={tickets[0]}") as socket:
            assert await socket.close_code() == 4403
        async with opened(f"/ws/staff/?ticket={tickets[1]}") as socket:
            await asyncio.sleep(1.5)
            await write(f"user:{alice.pk}", 5)
            assert await socket.hear() == {"type": "thing:updated", "id": 5}

    run(story)


def test_the_snapshot_and_its_frames_amount_to_a_fresh_snapshot(
    alice: User, cookie: tuple[bytes, bytes]
) -> None:
    stream = f"user:{alice.pk}"

    async def story() -> None:
        for number in (1, 2, 1):
            await write(stream, number)
        async with opened("/ws/me/", cookie, ORIGIN) as socket:
            writing = asyncio.gather(*(write(stream, number % 5) for number in range(20)))
            await socket.send({"type": "sync:request"})
            state = await socket.hear()
            await writing
            things = dict(state["things"])
            seq = state["seq"]
            while seq < 23:
                frame = await socket.hear()
                assert frame["seq"] == seq + 1
                seq = frame["seq"]
                things[frame["thing"]["id"]] = max(seq, things.get(frame["thing"]["id"], 0))
            await socket.send({"type": "sync:request"})
            fresh = await socket.hear()
            assert fresh["seq"] == seq == await beside(log.head_of, stream)
            assert dict(fresh["things"]) == things

    run(story)


def test_a_frame_is_made_into_text_once() -> None:
    frame = log.Frame("user:1", 3, "thing:updated", {"thing": {"id": 1}})
    assert json.loads(frame.text) == frame.wire()
    assert frame.text is frame.text


def test_one_person_holds_only_so_many_sockets(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MOST_PER_PERSON", 1)
    bob = world.person("bob")
    alices, bobs = (accounts.issue_token(user=person).secret for person in (alice, bob))

    def at(token: str) -> Any:
        return opened("/ws/me/", (b"authorization", f"Bearer {token}".encode()))

    async def story() -> None:
        async with at(alices) as first:
            await first.send({"type": "ping"})
            assert await first.hear() == {"type": "pong"}
            async with at(alices) as second:
                assert await second.close_code() == 4429
            async with at(bobs) as his:
                for socket in (first, his):  # the one who was there is left alone
                    await socket.send({"type": "ping"})
                    assert await socket.hear() == {"type": "pong"}
        async with at(alices) as again:
            await again.send({"type": "ping"})
            assert await again.hear() == {"type": "pong"}

    run(story)
    assert not consumers._open


def test_a_client_that_goes_while_it_is_told_is_no_failure(alice: User, lines: Lines) -> None:
    token = accounts.issue_token(user=alice).secret

    async def story() -> None:
        tried = asyncio.Event()

        async def broken(scope: Any, receive: Any, send: Any) -> None:
            async def told(message: Any) -> None:
                if message["type"] != "websocket.accept":
                    tried.set()
                    raise ConnectionResetError
                await send(message)

            await application(scope, receive, told)

        header = (b"authorization", f"Bearer {token}".encode())
        socket = Socket(broken, "/ws/me/", [HOST, header])
        await socket.open()
        await socket.send({"type": "sync:request"})
        async with asyncio.timeout(60):
            await tried.wait()
        await socket.leave()
        await sync_to_async(connections.close_all)()

    run(story)
    assert [line for line in lines if line["level"] == "error"] == []


def test_who_goes_while_they_are_corrected_leaves_nothing_behind(alice: User) -> None:
    token = accounts.issue_token(user=alice).secret

    async def gone(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            if message["type"] == "websocket.send":
                raise OSError("it has gone")
            await send(message)

        await application(scope, receive, told)

    async def story() -> None:
        header = (b"authorization", f"Bearer {token}".encode())
        socket = Socket(gone, "/ws/me/", [HOST, header])
        await socket.open()
        await socket.send("no frame")
        await socket.wire.wait(60)
        assert not consumers._open
        await sync_to_async(connections.close_all)()

    run(story)
