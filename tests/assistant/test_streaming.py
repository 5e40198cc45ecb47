"""Answers that come word by word: seen while they come, stopped, interrupted, taken over."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from genproj.assistant.jobs import answer_turns
from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import turns
from genproj.events import whispers
from genproj.kernel import bell
from genproj.kernel.clock import now
from tests import world
from tests.assistant.talking import Person
from tests.conftest import ROOT, Sandbox, environment, python

pytestmark = pytest.mark.django_db(transaction=True)

SLOW = {"fault": "model_drip", "seconds": 6, "times": 1}
WORKER = """
import django, sys
django.setup()
from genproj import talks
from genproj.assistant.jobs import answer_turns
talks.TALKS["video"] = talks.Talk(answer="tests.assistant.talking.streams")
answer_turns()
"""


@pytest.fixture
def streamed(talk: Any, anne: Person, sandbox: Sandbox) -> Person:
    """Alice, in a talk whose answers are streamed."""
    talk("streams")
    return anne


@pytest.fixture
def whispered() -> Iterator[Any]:
    """What was whispered so far, as frames."""
    listener = bell.listen(whispers.CHANNEL)
    yield lambda: [json.loads(text.partition("\n")[2]) for text in listener.texts(0.2)]
    listener.close()


class Working:
    """A worker in a thread of the test."""

    def __enter__(self) -> "Working":
        self.thread = threading.Thread(target=self._work)
        self.thread.start()
        return self

    def _work(self) -> None:
        answer_turns()
        connection.close()

    def __exit__(self, *_: object) -> None:
        self.thread.join(60)
        assert not self.thread.is_alive()


def answers(person: Person, address: str) -> list[tuple[str, str]]:
    found = person.get(f"{address}messages/").json()["results"]
    return [(one["state"], one["content"]) for one in found if one["role"] == "assistant"]


def half_said() -> Any:
    """The message once some of its words are kept."""
    return world.until(
        lambda: Message.objects.filter(state="working").exclude(content="").first(), seconds=40
    )


def lapse() -> None:
    """Time passes: whoever holds a turn has not been heard of for a lease."""
    Turn.objects.update(leased_until=now() - timedelta(seconds=1))


def test_words_are_whispered_as_they_come_and_kept_whole(
    streamed: Person, whispered: Any, work: Any
) -> None:
    address = streamed.begin()
    streamed.say(address, "hello")
    work("answer_turns")
    [(state, content)] = answers(streamed, address)
    assert state == "complete"
    deltas = [one for one in whispered() if one["type"] == "chat:delta"]
    assert all(content[one["at"] :].startswith(one["text"]) for one in deltas)
    turn = Turn.objects.get()
    assert (turn.outcome, turn.rounds) == ("answered", 1)
    assert turn.input_tokens > 0
    assert turn.output_tokens > 0


def test_a_reload_shows_what_was_said_so_far(
    streamed: Person, sandbox: Sandbox, whispered: Any
) -> None:
    sandbox.faults({**SLOW, "seconds": 3})
    address = streamed.begin()
    streamed.say(address, "hello")
    with Working():
        half_said()
        [(state, part)] = answers(streamed, address)
        assert state == "working"
        assert streamed.get(address).json()["working"] is True
    [(state, content)] = answers(streamed, address)
    assert state == "complete"
    assert content.startswith(part)
    told = "".join(one["text"] for one in whispered())
    assert content.startswith(told)


def test_stop_ends_it_at_once_and_keeps_the_words(streamed: Person, sandbox: Sandbox) -> None:
    sandbox.faults(SLOW)
    address = streamed.begin()
    streamed.say(address, "hello")
    with Working():
        message = half_said()
        turns.stop(conversation_id=message.conversation_id)
        [(state, part)] = answers(streamed, address)
        assert state == "stopped"
    assert answers(streamed, address) == [("stopped", part)]
    assert Turn.objects.get().outcome == "stopped"
    turns.retry(conversation_id=message.conversation_id)
    answer_turns()
    [(state, content)] = answers(streamed, address)
    assert state == "complete"
    assert content.startswith(part)


def test_who_lost_the_turn_adds_nothing(streamed: Person, sandbox: Sandbox) -> None:
    sandbox.faults({**SLOW, "seconds": 3})
    address = streamed.begin()
    streamed.say(address, "hello")
    with Working():
        half_said()
        lapse()
        answer_turns()
        [(state, content)] = answers(streamed, address)
        assert state == "complete"
    assert answers(streamed, address) == [("complete", content)]
    assert Turn.objects.get().rounds == 1


def test_a_cut_stream_is_interrupted_and_gone_on_with(streamed: Person, sandbox: Sandbox) -> None:
    sandbox.faults({"fault": "model_cut", "times": 1})
    address = streamed.begin()
    streamed.say(address, "hello")
    answer_turns()
    [(state, part)] = answers(streamed, address)
    assert (state, bool(part)) == ("interrupted", True)
    turns.retry(conversation_id=Turn.objects.get().conversation_id)
    answer_turns()
    [(state, content)] = answers(streamed, address)
    assert state == "complete"
    assert content.count(part) == 1


@pytest.mark.processes
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the worker opens the test's own file")
def test_a_killed_workers_turn_is_gone_on_with_and_nothing_is_said_twice(
    streamed: Person, sandbox: Sandbox, settings: Any
) -> None:
    sandbox.faults(SLOW)
    address = streamed.begin()
    streamed.say(address, "hello")
    worker = subprocess.Popen(
        [python(), "-c", WORKER],
        cwd=ROOT,
        env=environment(
            DJANGO_SETTINGS_MODULE="genproj.settings",
            DATABASE_URL=f"sqlite://{connection.settings_dict['NAME']}",
            SANDBOX_PORT=str(sandbox.port),
        ),
    )
    half_said()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(60)
    [(state, part)] = answers(streamed, address)
    assert (state, bool(part)) == ("working", True)
    assert answer_turns() == 0
    lapse()
    assert answer_turns() == 1
    [(state, content)] = answers(streamed, address)
    assert state == "complete"
    assert content.count(part) == 1
    turn = Turn.objects.get()
    assert (turn.outcome, turn.rounds, turn.attempts) == ("answered", 1, 2)
