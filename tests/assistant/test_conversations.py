"""Conversations through their doors."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from genproj.assistant.models import Conversation, Message
from genproj.assistant.operations import conversations
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from tests.assistant.talking import CONVERSATIONS, Person

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_a_conversation_begins_without_a_title_and_is_there(anne: Person, wakes: Any) -> None:
    answer = anne.post(CONVERSATIONS)
    body = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == body["urls"]["self"]
    assert (body["title"], body["owner"], body["working"]) == ("", "alice", False)
    assert (body["message_count"], body["unread_count"], body["trashed_at"]) == (0, 0, None)
    assert anne.get(body["urls"]["self"]).json() == body
    assert anne.get(CONVERSATIONS).json()["results"] == [body]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"title": 5}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"title": "a\x00b"}, "/title"),
        ({"name": "x"}, "/name"),
        ({"audience": "user:1"}, "/audience"),
    ],
)
def test_a_bad_title_is_refused_by_name(anne: Person, body: Any, pointer: str) -> None:
    answer = anne.post(CONVERSATIONS, body)
    assert answer.status_code == 422
    assert [row["pointer"] for row in answer.json()["errors"]] == [pointer]
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("body", ["[]", "null", "0", '"x"', "false"])
def test_a_body_that_is_no_object_is_refused(anne: Person, body: str) -> None:
    address = anne.begin()
    for path in (CONVERSATIONS, f"{address}messages/", f"{address}read/", "/api/v1/notices/read/"):
        answer = anne.client.post(path, body, content_type="application/json")
        assert (path, answer.status_code) == (path, 422)
        assert anne.client.post(path, "{", content_type="application/json").status_code == 400


def test_an_empty_body_is_enough_where_nothing_is_required(anne: Person) -> None:
    address = anne.begin()
    for path in (CONVERSATIONS, f"{address}restore/", f"{address}read/", "/api/v1/notices/read/"):
        for kind in ("application/json", "multipart/form-data; boundary=x"):
            if path in (CONVERSATIONS, "/api/v1/notices/read/") and kind.startswith("multipart"):
                continue
            answer = anne.client.generic("POST", path, b"", content_type=kind)
            assert answer.status_code in {200, 201}, (path, kind, answer.content)


def test_what_others_own_is_not_there_and_staff_see_all(
    anne: Person, ben: Person, staff: Person
) -> None:
    address = anne.begin("Mine")
    for answer in (
        ben.get(address),
        ben.get(f"{address}messages/"),
        ben.post(f"{address}messages/", {"content": "hello"}),
        ben.patch(address, {"title": "Ours"}),
        ben.client.delete(address),
        ben.post(f"{address}restore/"),
        ben.post(f"{address}read/"),
        ben.get(f"{CONVERSATIONS}{uuid7()}/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert "Mine" not in answer.content.decode()
    assert ben.get(CONVERSATIONS).json()["results"] == []
    assert [row["title"] for row in staff.get(CONVERSATIONS).json()["results"]] == ["Mine"]
    assert staff.get(CONVERSATIONS, owner="me").json()["results"] == []
    assert staff.get(address).status_code == 200


def test_nobody_without_a_name_is_let_in(client: Any, anne: Person) -> None:
    address = anne.begin()
    for path in (CONVERSATIONS, address, f"{address}messages/"):
        assert client.get(path).status_code == 401


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", {"state": "x"}),
        ("", {"trashed": "perhaps"}),
        ("", {"owner": "bob"}),
        ("", {"cursor": "no"}),
        ("", {"page_size": "201"}),
        ("messages/", {"trashed": "true"}),
        ("messages/", {"after": "no"}),
        ("messages/", {"after": str(uuid7())}),
        ("messages/", {"newest": "2"}),
        ("messages/", {"page_size": "0"}),
    ],
)
def test_parameters_that_are_not_known_are_refused(anne: Person, path: str, query: Any) -> None:
    address = anne.begin()
    answer = anne.get(address + path if path else CONVERSATIONS, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_title_is_changed_only_by_who_knows_the_present_one(anne: Person) -> None:
    address = anne.begin("First")
    before = anne.get(address)["ETag"]
    changed = anne.patch(address, {"title": " Second "}, if_match=before)
    assert (changed.status_code, changed.json()["title"]) == (200, "Second")
    assert changed["ETag"] != before
    late = anne.patch(address, {"title": "Third"}, if_match=before)
    assert (late.status_code, late.json()["code"]) == (412, "version_conflict")
    assert anne.client.delete(address, headers={"if-match": before}).status_code == 412
    assert anne.patch(address, {}).status_code == 422
    assert anne.patch(address, {"title": "x", "talk": "other"}).status_code == 422
    assert anne.patch(address, {"title": "Third"}, if_match="*").status_code == 200
    assert anne.get(address).json()["title"] == "Third"


def test_an_unchanged_conversation_is_not_sent_again(anne: Person, work: Any) -> None:
    address = anne.begin()
    tag = anne.get(address)["ETag"]
    assert anne.client.get(address, headers={"if-none-match": tag}).status_code == 304
    anne.say(address, "hello")
    changed = anne.client.get(address, headers={"if-none-match": tag})
    assert (changed.status_code, changed.json()["working"]) == (200, True)
    work("answer_turns")
    answered = anne.client.get(address, headers={"if-none-match": changed["ETag"]})
    assert (answered.status_code, answered.json()["working"]) == (200, False)


def test_the_trash_takes_and_gives_back(anne: Person, wakes: Any) -> None:
    address = anne.begin("Old")
    assert anne.client.delete(address).status_code == 204
    assert anne.client.delete(address).status_code == 204
    assert anne.get(CONVERSATIONS).json()["results"] == []
    [row] = anne.get(CONVERSATIONS, trashed="true").json()["results"]
    assert row["trashed_at"]
    refused = anne.post(f"{address}messages/", {"content": "hello"})
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert not Message.objects.exists()
    restored = anne.post(f"{address}restore/")
    assert (restored.status_code, restored.json()["trashed_at"]) == (200, None)
    assert anne.post(f"{address}restore/").status_code == 200
    anne.say(address, "hello")


def test_what_lay_in_the_trash_for_a_month_is_deleted(anne: Person, wakes: Any) -> None:
    old, young = anne.begin("old"), anne.begin("young")
    anne.say(old, "hello")
    for address in (old, young):
        anne.client.delete(address)
    Conversation.objects.filter(title="old").update(trashed_at=now() - timedelta(days=31))
    assert conversations.delete_trashed() == 1
    assert conversations.delete_trashed() == 0
    assert anne.get(old).status_code == 404
    assert anne.post(f"{old}restore/").status_code == 404
    assert anne.get(young).status_code == 200
    assert not Message.objects.exists()


def test_a_conversation_is_named_after_its_first_message(anne: Person, wakes: Any) -> None:
    address = anne.begin()
    anne.say(address, "A lighthouse\n in fog, seen from a boat that comes home late in the evening")
    title = anne.get(address).json()["title"]
    assert title == "A lighthouse in fog, seen from a boat that comes home late…"
    anne.say(address, "Something else")
    assert anne.get(address).json()["title"] == title
    named = anne.begin("Mine")
    anne.say(named, "Something else")
    assert anne.get(named).json()["title"] == "Mine"


def test_the_list_begins_with_the_newest_talk_and_finds_words(anne: Person, wakes: Any) -> None:
    first, *_ = [anne.begin(title) for title in ("First", "Second", "Third")]
    anne.say(first, "A harbour with GULLS")
    found = anne.get(CONVERSATIONS).json()["results"]
    assert [row["title"] for row in found] == ["First", "Third", "Second"]
    assert found[0]["preview"] == "A harbour with GULLS"
    for words, titles in {"gulls": ["First"], "thi": ["Third"], "100%": []}.items():
        rows = anne.get(CONVERSATIONS, q=words).json()["results"]
        assert [row["title"] for row in rows] == titles


def test_pages_of_conversations_lose_nobody_at_equal_moments(anne: Person) -> None:
    at = now()
    for number in range(7):
        address = anne.begin(str(number))
        id = address.split("/")[-2]
        Conversation.objects.filter(pk=id).update(updated_at=at - timedelta(seconds=number // 4))
    page = anne.get(CONVERSATIONS, page_size=2).json()
    pages = [page]
    while page["next"]:
        page = anne.client.get(page["next"]).json()
        pages.append(page)
    titles = [row["title"] for page in pages for row in page["results"]]
    assert sorted(titles) == [str(number) for number in range(7)]
    assert [len(page["results"]) for page in pages] == [2, 2, 2, 1]
    back = anne.client.get(pages[-1]["previous"]).json()
    assert back["results"] == pages[-2]["results"]


def test_a_list_costs_as_many_queries_for_many_as_for_one(anne: Person, work: Any) -> None:
    def look() -> tuple[list[Any], list[str]]:
        with CaptureQueriesContext(connection) as found:
            answer = anne.get(CONVERSATIONS)
        # who asks, and in which spaces they are, is remembered for a second
        return answer.json()["results"], [
            one["sql"]
            for one in found
            if "accounts_" not in one["sql"] and "spaces_" not in one["sql"]
        ]

    anne.say(anne.begin(), "hello")
    work("answer_turns")
    _, few = look()
    for _ in range(8):
        address = anne.begin()
        anne.say(address, "hello")
        anne.say(address, "again")
    work("answer_turns")
    rows, many = look()
    assert len(many) == len(few)
    assert [row["message_count"] for row in rows] == [4] * 8 + [2]
    assert not [sql for sql in many if 'SELECT "assistant_message"."id"' in sql]


def test_what_is_unread_is_counted_for_each_reader(anne: Person, staff: Person, work: Any) -> None:
    address = anne.begin()
    anne.say(address, "one")
    anne.say(address, "two")
    assert anne.get(address).json()["unread_count"] == 0
    work("answer_turns")
    assert anne.get(address).json()["unread_count"] == 2
    assert staff.get(address).json()["unread_count"] == 4
    read = anne.post(f"{address}read/")
    assert (read.status_code, read.json()["unread_count"]) == (200, 0)
    assert staff.get(address).json()["unread_count"] == 4
    anne.say(address, "three")
    work("answer_turns")
    assert anne.get(CONVERSATIONS).json()["results"][0]["unread_count"] == 1
    assert anne.post(f"{address}read/", {"at": 1}).status_code == 422


def test_the_same_key_begins_one_conversation(anne: Person) -> None:
    first = anne.post(CONVERSATIONS, {"title": "Once"}, idempotency_key="k1")
    again = anne.post(CONVERSATIONS, {"title": "Once"}, idempotency_key="k1")
    other = anne.post(CONVERSATIONS, {"title": "Twice"}, idempotency_key="k1")
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Conversation.objects.count() == 1
