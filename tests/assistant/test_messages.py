"""What is said, through its door: kept, in order, by page, once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from genproj.assistant import queries
from genproj.assistant.models import Conversation, Message, Turn
from genproj.assistant.operations import messages
from genproj.events.models import Event
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from tests.assistant.talking import Person

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def id_of(address: str) -> UUID:
    return UUID(address.split("/")[-2])


@pytest.mark.django_db(transaction=True)
def test_what_is_said_is_kept_as_the_persons_own(anne: Person, wakes: Any) -> None:
    wakes.wait(0)  # from now on
    address = anne.begin()
    message = anne.say(address, "  A lighthouse\nin fog ")
    assert message.keys() == {
        *("id", "conversation", "role", "type", "content", "video", "state", "author"),
        *("context", "calls", "waiting", "version", "created_at"),
    }
    assert (message["role"], message["type"]) == ("user", "text")
    assert message["content"] == "  A lighthouse\nin fog "
    assert message["video"] is None
    assert message["conversation"] == str(id_of(address))
    assert anne.get(f"{address}messages/").json()["results"] == [message]
    assert anne.get(address).json()["working"] is True
    row = Message.objects.get()
    assert row.author == anne.user
    assert "genproj.assistant.jobs.answer_turns" in wakes.wait(2)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"content": ""}, "too_short"),
        ({"content": " \n\t "}, "too_short"),
        ({"content": "x" * 10_001}, "too_long"),
        ({"content": 7}, "type"),
        ({"content": None}, "type"),
        ({"content": "a\x00b"}, "characters"),
        ({"content": "hello", "role": "assistant"}, "unknown"),
        ({"content": "hello", "type": "progress"}, "unknown"),
        ({"content": "hello", "video": str(uuid7())}, "unknown"),
    ],
)
def test_what_cannot_be_said_is_refused_and_leaves_nothing(
    anne: Person, body: Any, code: str
) -> None:
    address = anne.begin()
    answer = anne.post(f"{address}messages/", body)
    assert answer.status_code == 422
    assert [row["code"] for row in answer.json()["errors"]] == [code]
    assert not Message.objects.exists()
    assert not Turn.objects.exists()


def test_the_longest_message_is_kept_whole(anne: Person, wakes: Any) -> None:
    address = anne.begin()
    words = "é" * 9_999 + "!"
    assert anne.say(address, words)["content"] == words
    assert len(anne.get(address).json()["preview"]) == 140


def test_the_same_key_says_it_once(anne: Person, work: Any) -> None:
    address = anne.begin()
    body = {"content": "hello"}
    first = anne.post(f"{address}messages/", body, idempotency_key="once")
    again = anne.post(f"{address}messages/", body, idempotency_key="once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    work("answer_turns")
    assert anne.heard(address) == [("user", "hello"), ("assistant", "You said: hello")]


def test_messages_read_downwards_both_ways(anne: Person, wakes: Any) -> None:
    address = anne.begin()
    at = now() - timedelta(hours=1)
    Message.objects.bulk_create(
        Message(
            id=uuid7(),
            conversation_id=id_of(address),
            role="assistant",
            type="text",
            content=str(number),
            created_at=at + timedelta(seconds=number // 4),  # equal moments lose nobody
            updated_at=at,
        )
        for number in range(11)
    )
    path = f"{address}messages/"

    def said(page: Any) -> list[str]:
        return [row["content"] for row in page["results"]]

    page = anne.get(path, page_size=4).json()
    assert page["previous"] is None
    pages = [page]
    while page["next"]:
        page = anne.client.get(page["next"]).json()
        pages.append(page)
    assert [said(page) for page in pages] == [
        ["0", "1", "2", "3"],
        ["4", "5", "6", "7"],
        ["8", "9", "10"],
    ]
    for before, page in zip(pages, pages[1:], strict=False):
        assert said(anne.client.get(page["previous"]).json()) == said(before)
    newest = anne.get(path, page_size=4, newest="true").json()
    assert said(newest) == ["7", "8", "9", "10"]
    assert newest["next"] is None
    older = anne.client.get(newest["previous"]).json()
    assert said(older) == ["3", "4", "5", "6"]
    assert said(anne.client.get(older["next"]).json()) == ["7", "8", "9", "10"]
    assert said(anne.client.get(older["previous"]).json()) == ["0", "1", "2"]
    behind = pages[1]["results"][1]["id"]
    assert said(anne.get(path, after=behind).json()) == ["6", "7", "8", "9", "10"]
    last = pages[2]["results"][-1]["id"]
    assert said(anne.get(path, after=last).json()) == []
    assert said(anne.get(path, q="1").json()) == ["1", "10"]


def test_every_message_is_later_than_the_one_before(anne: Person, wakes: Any) -> None:
    address = anne.begin()
    ahead = now() + timedelta(minutes=5)
    Conversation.objects.filter(pk=id_of(address)).update(updated_at=ahead)
    first = anne.say(address, "one")
    anne.say(address, "two")
    messages.add(conversation_id=id_of(address), type="text", content="three")
    rows = list(Message.objects.order_by("created_at"))
    assert [row.content for row in rows] == ["one", "two", "three"]
    assert rows[0].created_at > ahead
    after = anne.get(f"{address}messages/", after=first["id"]).json()["results"]
    assert [row["content"] for row in after] == ["two", "three"]


def test_frames_tell_of_every_message_in_order(anne: Person, work: Any) -> None:
    address = anne.begin()
    anne.say(address, "hello")
    work("answer_turns")
    film = uuid7()
    about = messages.add(
        conversation_id=id_of(address), type="progress", content="0 %", about=f"video:{film}"
    )
    messages.change(message_id=about.pk, content="50 %")
    messages.change(message_id=about.pk, content="50 %")
    events = list(Event.objects.filter(stream_id=f"user:{anne.user.pk}").order_by("seq"))
    assert [(event.kind, event.data["message"]["content"]) for event in events] == [
        ("message:created", "hello"),
        ("message:created", "You said: hello"),
        ("message:created", "0 %"),
        ("message:updated", "50 %"),
    ]
    assert [event.data["conversation"]["working"] for event in events] == [
        *(True, False, False, False),
    ]
    shown = anne.get(f"{address}messages/").json()["results"]
    assert shown[-1] == events[-1].data["message"]
    assert shown[-1]["video"] == str(film)


def test_history_is_what_was_said_last(anne: Person, wakes: Any) -> None:
    address = anne.begin()
    for number in range(5):
        anne.say(address, str(number))
    said = queries.history(id_of(address), limit=3)
    assert [(one.role, one.content) for one in said] == [("user", n) for n in ("2", "3", "4")]
