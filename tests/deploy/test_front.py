"""The front of `make scale`: requests in turn, to those that are well, and bytes both ways."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploy.scale import front as fronts
from deploy.scale.front import Front, Web, closed_after, rewritten

pytestmark = pytest.mark.asyncio


class Pretended:
    """A web that answers with its name, echoes what follows an upgrade, or is about to end."""

    def __init__(self, name: bytes) -> None:
        self.name, self.heads, self.is_ending = name, [b""], False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/healthz" in head:
            writer.write(
                b"HTTP/1.1 503 No\r\n\r\n" if self.is_ending else b"HTTP/1.1 200 OK\r\n\r\n"
            )
        elif b"Upgrade" in head:
            writer.write(b"HTTP/1.1 101 Go on\r\n\r\n")
            while chunk := await reader.read(100):
                writer.write(chunk.upper())
        else:
            self.heads.append(head)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + self.name)


@asynccontextmanager
async def serving(serve: Any) -> AsyncIterator[int]:
    served: list[asyncio.Task[None]] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        async with closed_after(writer):
            await serve(reader, writer)

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*served)


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[Pretended, Pretended, Front, int]]:
    one, two = Pretended(b"one"), Pretended(b"two")
    async with serving(one.serve) as first, serving(two.serve) as second:
        front = Front([first, second])
        async with serving(front.serve) as port:
            yield one, two, front, port


async def ask(port: int, *, head: bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with closed_after(writer):
        writer.write(head)
        return await reader.read()


async def test_requests_go_to_the_webs_in_turn() -> None:
    async with stage() as (_, _, _, port):
        answers = [(await ask(port))[-3:] for _ in range(4)]
    assert sorted(answers) == [b"one", b"one", b"two", b"two"]


async def test_one_that_is_about_to_end_gets_nobody_more() -> None:
    async with stage() as (one, _, front, port):
        one.is_ending = True
        for web in front.webs:
            await web.check()
        assert {(await ask(port))[-3:] for _ in range(4)} == {b"two"}
        one.is_ending = False
        await front.webs[0].check()
        assert {(await ask(port))[-3:] for _ in range(4)} == {b"one", b"two"}


async def test_a_web_that_is_gone_costs_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fronts, "PATIENCE", 0.5)
    async with stage() as (_, _, front, port):
        async with serving(Pretended(b"").serve) as gone:
            pass
        front.webs[0] = Web(gone)
        assert {(await ask(port))[-3:] for _ in range(4)} == {b"two"}
        assert not front.webs[0].is_well
        front.webs[1] = Web(gone)
        assert (await ask(port)).startswith(b"HTTP/1.1 503 ")


async def test_what_is_upgraded_passes_both_ways() -> None:
    async with stage() as (_, _, _, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with closed_after(writer):
            writer.write(b"GET /ws/ HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 101 Go on\r\n\r\n"
            for word in (b"first", b"second"):
                writer.write(word)
                assert await reader.readexactly(len(word)) == word.upper()


async def test_a_client_cannot_say_whose_address_it_has() -> None:
    head = (
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n"
        b"x-forwarded-proto: https\r\nConnection: keep-alive\r\n\r\n"
    )
    assert rewritten(head, "127.0.0.9").split(b"\r\n") == [
        *(b"GET / HTTP/1.1", b"Host: a", b"Connection: close"),
        *(b"X-Forwarded-For: 127.0.0.9", b"X-Forwarded-Proto: http", b"", b""),
    ]
