"""A reader with a cursor gets every frame once and in order, whatever gets lost on the way."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from genproj.events import log
from genproj.events.models import Event
from genproj.events.relay import TooOld, relay
from genproj.kernel import bell
from tests.events.conftest import append, beside, write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


async def take(frames: Any, number: int, *, within: float = 5.0) -> list[int]:
    """The seqs of the next frames."""
    async with asyncio.timeout(within):
        return [(await anext(frames)).seq for _ in range(number)]


def test_a_reader_gets_what_it_missed_and_then_what_happens() -> None:
    async def story() -> None:
        for number in range(3):
            await write("user:1", number)
        async with relay.follow("user:1", after=1) as frames:
            assert await take(frames, 2) == [2, 3]
            await write("user:1", 4)
            assert await take(frames, 1, within=0.5) == [4]

    asyncio.run(story())


def test_a_reader_from_now_on_hears_nothing_of_before() -> None:
    async def story() -> None:
        await write("user:1", 1)
        async with relay.follow("user:1") as frames:
            await write("user:1", 2)
            frame = await anext(frames)
            assert (frame.seq, frame.data) == (2, {"thing": {"id": 2}})

    asyncio.run(story())


def test_lost_rings_are_healed_within_about_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "ring", lambda names: None)

    async def story() -> None:
        async with relay.follow("user:1") as frames:
            await asyncio.sleep(0.3)
            await write("user:1", 1)
            assert await take(frames, 1, within=1.6) == [1]

    asyncio.run(story())


def test_a_slow_reader_reads_the_log_by_its_own_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genproj.events.relay.WAITING_FRAMES", 10)
    many = 35

    async def story() -> None:
        async with relay.follow("user:1") as frames:
            await write("user:1", 0)
            assert await take(frames, 1) == [1]
            for number in range(many):
                await write("user:1", number)
            await asyncio.sleep(0.5)
            assert await take(frames, many) == list(range(2, many + 2))

    asyncio.run(story())


def test_a_cursor_older_than_the_log_is_refused() -> None:
    async def story() -> None:
        for number in range(3):
            await write("user:1", number)
        await beside(Event.objects.filter(seq__lt=3).delete)
        async with relay.follow("user:1", after=0) as frames:
            with pytest.raises(TooOld):
                await anext(frames)

    asyncio.run(story())


def test_nothing_is_missed_under_eight_writers() -> None:
    each, writers, readers = 25, 8, 6

    def write_many(writer: int) -> None:
        try:
            for number in range(each):
                append("user:1", writer * 1000 + number)
        finally:
            connection.close()

    async def read(after: int) -> list[Any]:
        seen = []
        async with relay.follow("user:1", after=after) as frames, asyncio.timeout(60):
            async for frame in frames:
                seen.append(frame)
                if frame.seq == each * writers:
                    return seen
        raise AssertionError("unreachable")

    async def story() -> list[list[Any]]:
        reading = [asyncio.create_task(read(0)) for _ in range(readers)]
        with ThreadPoolExecutor(writers) as pool:
            writing = [pool.submit(write_many, writer) for writer in range(writers)]
            seen = await asyncio.gather(*reading)
            for done in writing:
                done.result()
        return seen

    for frames in asyncio.run(story()):
        assert [frame.seq for frame in frames] == list(range(1, each * writers + 1))
        assert len({frame.data["thing"]["id"] for frame in frames}) == each * writers


def test_the_relay_heals_after_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    away = threading.Event()
    heads_of, since = log.heads_of, log.since

    def failing(act: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            if away.is_set():
                raise OperationalError("the connection is lost")
            return act(*args, **kwargs)

        return run

    monkeypatch.setattr(log, "heads_of", failing(heads_of))
    monkeypatch.setattr(log, "since", failing(since))

    async def story() -> None:
        async with relay.follow("user:1") as frames:
            away.set()
            await write("user:1", 1)
            await asyncio.sleep(0.6)
            away.clear()
            assert await take(frames, 1, within=2) == [1]

    asyncio.run(story())


def test_cut_connections_are_opened_again() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to cut.")

    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

    async def story() -> None:
        async with relay.follow("user:1") as frames:
            await write("user:1", 0)
            assert await take(frames, 1) == [1]
            for number in range(2, 5):
                await beside(cut)
                await write("user:1", number)
                assert await take(frames, 1, within=4) == [number]

    asyncio.run(story())
    connection.close()


def test_a_reader_of_everything_hears_kinds_and_ids_only() -> None:
    async def story() -> None:
        async with relay.everything() as news:
            await asyncio.sleep(1.5)
            await write("user:1", 7)
            await write("space:2", 8, "thing:created")
            async with asyncio.timeout(3):
                assert await anext(news) == ("thing:updated", 7)
                assert await anext(news) == ("thing:created", 8)

    asyncio.run(story())


def test_the_doorbell_carries_names_only() -> None:
    listener = bell.listen(log.CHANNEL)
    try:
        listener.wait(0.1)
        append("user:1", 1)
        assert listener.wait(2) == {"user:1"}
    finally:
        listener.close()
