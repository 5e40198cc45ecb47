"""Who is here: seen at once, across processes, by connection, and gone when nothing is heard."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from genproj.events.whispers import WAITING, Reader, whisper, whispers
from genproj.kernel import bell
from spaces.consumers import presence, rooms
from spaces.models import Space
from tests.conftest import ROOT, environment
from tests.kernel.test_bell import REDIS, redis_is_there
from tests.spaces.wires import PATIENCE, Wire, beside, joined, run, stop_threads

__all__ = ["stop_threads"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

#: Another process's part: it listens, says who is in its room, and shows life until it ends. To
#: whoever it hears of it tells some words of an answer, as a worker does.
OTHER = """
import json, sys, time, uuid
import django
django.setup()
from django.conf import settings
settings.RUN_DIR = sys.argv[2]
from genproj.events.whispers import CHANNEL, whisper
from genproj.kernel import bell
space, name = sys.argv[1], uuid.uuid4().hex
stream, talk = f"presence:{space}", f"space:{space}"
line = ["c-of-zoe", 999, "zoe", 0.0, None, None]
say = lambda **words: whisper(stream=stream, frame={"room": name, **words})
listener = bell.listen(CHANNEL)
say(ask=True, lines=[line])
print("here", flush=True)
while True:
    for text in listener.texts(0.2):
        place, _, frame = text.partition("\\n")
        words = json.loads(frame)
        if place != stream or words["room"] == name:
            continue
        if words.get("ask"):
            say(lines=[line])
        for told in words.get("lines", ()):
            print(json.dumps(told), flush=True)
            delta = {"type": "chat:delta", "message_id": space, "at": 0, "text": "word by word"}
            whisper(stream=talk, frame=delta)
        for gone in words.get("gone", ()):
            print(json.dumps(["gone", gone]), flush=True)
"""


class Other:
    """A second process with somebody in the space."""

    def __init__(self, space: Space) -> None:
        command = [sys.executable, "-c", OTHER, str(space.pk), str(settings.RUN_DIR)]
        known = environment(REDIS_URL=settings.REDIS_URL or "")
        if connection.vendor == "postgresql":
            base = known["DATABASE_URL"].rpartition("/")[0]
            known["DATABASE_URL"] = f"{base}/{connection.settings_dict['NAME']}"
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=known, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout
        assert self.said.readline() == "here\n"

    def hear(self) -> Any:
        """The next that it hears of this process."""
        return json.loads(self.said.readline())

    def end(self, sign: int = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, sign)
        self.process.wait(60)
        self.said.close()


@pytest.fixture(params=["here", "redis"])
def other(space: Space, settings: Any, request: pytest.FixtureRequest) -> Iterator[Other]:
    """By what the database offers (unix sockets, NOTIFY), and by Redis where there is one."""
    if request.param == "redis" and not redis_is_there():
        pytest.skip("No Redis on 127.0.0.1:6379.")
    settings.REDIS_URL = REDIS if request.param == "redis" else ""
    bell._redis_client = None
    process = Other(space)
    yield process
    process.end()
    whispers.stop()
    bell._redis_client = None


def names(frame: dict[str, Any]) -> list[str]:
    return sorted(line["username"] for line in frame["presence"])


async def shown(socket: Wire, *wanted: str) -> dict[str, Any]:
    """The presence in which just these people are."""
    return await socket.until(
        lambda told: told["type"] == "presence:update" and names(told) == sorted(wanted)
    )


async def found(socket: Wire, *wanted: str, alive: Sequence[Wire] = ()) -> None:
    """Ask until just these people are there; whoever asks shows life, and so do others."""
    async with asyncio.timeout(PATIENCE):
        while names(await socket.answer({"type": "sync:request"})) != sorted(wanted):
            for one in alive:
                await one.answer({"type": "ping"})
            await asyncio.sleep(0.2)


def test_each_connection_is_seen_from_when_it_comes_until_it_goes(
    space: Space, alice: User, vera: User
) -> None:
    async def story() -> None:
        async with joined(space.pk, alice) as mine:
            async with joined(space.pk, vera), joined(space.pk, vera) as second:
                await shown(mine, "alice", "vera", "vera")
                look = {"type": "presence:update", "viewing": str(space.pk), "request_id": "p"}
                assert await second.answer(look) == {"type": "ack", "request_id": "p"}
                seen = await mine.until(lambda told: str(space.pk) in json.dumps(told))
                assert [line["viewing"] for line in seen["presence"]].count(str(space.pk)) == 1
                # What is not named stays; null clears it.
                await second.answer({"type": "presence:update", "request_id": "q"})
                state = await mine.answer({"type": "sync:request"})
                assert [line["viewing"] for line in state["presence"]].count(str(space.pk)) == 1
                await second.send({"type": "presence:update", "viewing": None})
                await mine.until(
                    lambda told: (
                        told["type"] == "presence:update"
                        and not any(line["viewing"] for line in told["presence"])
                    )
                )
                told = await second.answer({"type": "presence:update", "viewing": "the lamp"})
                assert told["code"] == "validation_failed"
            await shown(mine, "alice")

    run(story)


def test_people_of_another_process_are_seen_and_see(
    space: Space, alice: User, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "BEAT_EVERY", 0.5)

    async def story() -> None:
        async with joined(space.pk, alice) as mine:
            await found(mine, "alice", "zoe")
            told = await asyncio.to_thread(other.hear)
            assert told[2] == "alice"
            early = [frame for frame in mine.passed if frame["type"] == "chat:delta"]
            delta = early[0] if early else await mine.next_of("chat:delta")
            assert (delta["text"], delta["message_id"]) == ("word by word", str(space.pk))
            # A process that was killed says nothing any more, and alice is still alive.
            await asyncio.to_thread(other.end)
            monkeypatch.setattr(presence, "LIFE", 3.0)
            await found(mine, "alice")

    run(story)


def test_who_leaves_is_gone_elsewhere_too(space: Space, alice: User, other: Other) -> None:
    async def story() -> None:
        async with joined(space.pk, alice):
            connection = (await asyncio.to_thread(other.hear))[0]
        told = await asyncio.to_thread(other.hear)
        while told[0] != "gone":
            told = await asyncio.to_thread(other.hear)
        assert told[1] == connection

    run(story)


def test_a_silent_connection_is_not_shown_until_it_is_heard_again(
    space: Space, alice: User, vera: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LIFE", 1.5)
    monkeypatch.setattr(rooms, "LIFE", 1.5)
    monkeypatch.setattr(rooms, "BEAT_EVERY", 0.3)

    async def story() -> None:
        async with joined(space.pk, alice) as mine, joined(space.pk, vera) as hers:
            await found(mine, "alice", "vera", alive=[hers])
            await found(mine, "alice")
            await found(mine, "alice", "vera", alive=[hers])

    run(story)


def test_a_reader_that_does_not_read_keeps_the_newest_few() -> None:
    async def story() -> None:
        reader = Reader("space:1")
        for number in range(WAITING * 10):
            reader.offer([str(number)])
        first = await anext(reader)
        assert first == str(WAITING * 9)

    run(story)


def test_whispers_reach_followers_of_the_stream_and_too_long_ones_nobody() -> None:
    async def story() -> None:
        async with whispers.follow("space:1") as reader:
            for stream, n in (("space:1", 1), ("space:2", 2), ("space:1", 3)):
                await beside(lambda s=stream, n=n: whisper(stream=s, frame={"n": n}))
            text = "x" * bell.LONGEST_TEXT
            await beside(lambda: whisper(stream="space:1", frame={"text": text}))
            text = "\u00fc\n" * 500
            await beside(lambda: whisper(stream="space:1", frame={"text": text}))
            heard = [json.loads(await asyncio.wait_for(anext(reader), 60)) for _ in range(3)]
            assert heard == [{"n": 1}, {"n": 3}, {"text": text}]

    run(story)
