"""Turns: answered in order, once, whoever dies; and never left open."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from genproj import talks
from genproj.assistant import jobs
from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import messages, turns
from genproj.kernel import leases, logs, rows
from genproj.kernel.clock import now
from tests.assistant.talking import Person, echo

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def claim() -> list[Turn]:
    return leases.claim(turns.turns_to_answer(), limit=5)


def let_leases_lapse() -> None:
    Turn.objects.filter(leased_until__isnull=False).update(leased_until=now() - timedelta(1))


def make_due() -> None:
    Turn.objects.filter(due_at__isnull=False).update(due_at=now() - timedelta(seconds=1))


def test_a_message_is_answered(anne: Person, work: Any) -> None:
    address = anne.begin()
    anne.say(address, "hello")
    assert jobs.answer_turns_due()
    assert work("answer_turns") == 1
    assert not jobs.answer_turns_due()
    assert anne.heard(address) == [("user", "hello"), ("assistant", "You said: hello")]
    assert anne.get(address).json()["working"] is False


def test_a_later_message_waits_for_the_earlier_turn(anne: Person, work: Any) -> None:
    first, second = anne.begin(), anne.begin()
    anne.say(first, "one")
    anne.say(first, "two")
    anne.say(second, "three")
    taken = claim()
    assert sorted(turn.asked.content for turn in taken) == ["one", "three"]
    assert not jobs.answer_turns_due()
    assert claim() == []
    [one] = [turn for turn in taken if turn.asked.content == "one"]
    echo(one)
    assert jobs.answer_turns_due()
    assert [turn.asked.content for turn in claim()] == ["two"]
    let_leases_lapse()
    work("answer_turns")
    assert [content for _, content in anne.heard(first)] == [
        *("one", "two", "You said: one", "You said: two"),
    ]
    assert anne.heard(second)[-1] == ("assistant", "You said: three")


def test_a_killed_workers_turn_comes_back_and_is_answered_once(anne: Person, work: Any) -> None:
    address = anne.begin()
    anne.say(address, "hello")
    [dead] = claim()
    assert work("answer_turns") == 0
    assert anne.get(address).json()["working"] is True
    let_leases_lapse()
    assert work("answer_turns") == 1
    echo(dead)  # it was only slow: the other attempt has answered
    assert turns.settle(dead) is False
    assert len(anne.heard(address)) == 2


def test_the_attempt_that_lost_its_lease_adds_nothing(anne: Person, wakes: Any) -> None:
    address = anne.begin()
    anne.say(address, "hello")
    [slow] = claim()
    let_leases_lapse()
    [quick] = claim()
    echo(slow)
    assert anne.get(address).json()["working"] is True
    echo(quick)
    assert anne.heard(address)[1:] == [("assistant", "You said: hello")]


@pytest.mark.parametrize("name", ["breaks", "forgets", "does_not_exist"])
def test_a_broken_talk_ends_in_plain_words(anne: Person, talk: Any, work: Any, name: str) -> None:
    talk(name)
    address = anne.begin()
    anne.say(address, "hello")
    for failures in (1, 2):
        work("answer_turns")
        assert Turn.objects.get().failures == failures
        assert anne.get(address).json()["working"] is True
        make_due()
    work("answer_turns")
    [_, sorry] = anne.get(f"{address}messages/").json()["results"]
    assert (sorry["role"], sorry["type"]) == ("assistant", "error")
    assert "Your message is kept." in sorry["content"]
    assert "broken" not in sorry["content"]
    assert anne.get(address).json()["working"] is False
    turn = Turn.objects.get()
    assert turn.due_at is None
    assert turn.last_error
    talk("echo")
    anne.say(address, "again")
    work("answer_turns")
    assert anne.heard(address)[-1] == ("assistant", "You said: again")


def test_a_turn_whose_workers_always_die_is_given_up(anne: Person, work: Any) -> None:
    address = anne.begin()
    anne.say(address, "hello")
    Turn.objects.update(attempts=turns.MOST_ATTEMPTS)
    work("answer_turns")
    assert anne.get(f"{address}messages/").json()["results"][-1]["type"] == "error"


def loses_the_database(turn: Turn) -> None:
    raise OperationalError("server closed the connection")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_away_uses_up_no_failure(
    anne: Person, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = anne.begin()
    anne.say(address, "hello")
    away = talks.Talk(answer=f"{__name__}.loses_the_database")
    with monkeypatch.context() as patch:
        patch.setitem(talks.TALKS, "video", away)
        with pytest.raises(OperationalError):
            jobs.answer_turns()
    turn = Turn.objects.get()
    assert (turn.failures, turn.leased_until) == (0, None)
    assert turn.due_at
    assert turn.due_at < now() + timedelta(seconds=3)
    make_due()
    work("answer_turns")
    assert anne.heard(address)[-1] == ("assistant", "You said: hello")


@rows.atomically
def tells_its_request(turn: Turn) -> None:
    if turns.settle(turn):
        words = logs.request_id.get() or ""
        messages.add(conversation_id=turn.conversation_id, type="text", content=words)


def test_the_requests_id_goes_into_the_work(
    anne: Person, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = talks.Talk(answer=f"{__name__}.tells_its_request")
    monkeypatch.setitem(talks.TALKS, "video", named)
    address = anne.begin()
    anne.post(f"{address}messages/", {"content": "hello"}, x_request_id="traced-7")
    work("answer_turns")
    assert anne.heard(address)[-1] == ("assistant", "traced-7")


@rows.atomically
def answers_twice(turn: Turn) -> None:
    for _ in range(2):
        if turns.settle(turn):
            messages.add(conversation_id=turn.conversation_id, type="text", content="once")


def test_a_turn_is_settled_once(anne: Person, work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = talks.Talk(answer=f"{__name__}.answers_twice")
    monkeypatch.setitem(talks.TALKS, "video", twice)
    address = anne.begin()
    anne.say(address, "hello")
    work("answer_turns")
    assert anne.heard(address)[1:] == [("assistant", "once")]


def together(*acts: Any) -> None:
    """Run acts at the same moment, each with a connection of its own."""
    barrier = threading.Barrier(len(acts))
    broken: list[BaseException] = []

    def run(act: Any) -> None:
        try:
            barrier.wait(60)
            act()
        except BaseException as error:
            broken.append(error)
            raise
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert broken == []


@pytest.mark.django_db(transaction=True)
def test_messages_said_at_once_are_answered_one_after_the_other(anne: Person, wakes: Any) -> None:
    address = anne.begin()
    together(*(lambda number=number: anne.say(address, str(number)) for number in range(6)))

    def drain() -> None:
        while Turn.objects.filter(done_at__isnull=True).exists():
            jobs.answer_turns()

    together(drain, drain, drain)
    heard = anne.heard(address)
    said = [content for role, content in heard if role == "user"]
    answers = [content for role, content in heard if role == "assistant"]
    assert sorted(said) == [str(number) for number in range(6)]
    assert answers == [f"You said: {content}" for content in said]
    assert set(Turn.objects.values_list("attempts", flat=True)) == {1}
    assert Message.objects.values("created_at").distinct().count() == 12
