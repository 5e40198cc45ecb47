"""Notices: told once, listed, read, forgotten."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.accounts import operations as accounts
from genproj.events.models import Event
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.notices.models import Notice
from genproj.notices.operations import forget_old_notices, notify

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
NOTICES = "/api/v1/notices/"


@pytest.fixture
def program() -> Callable[[User], Client]:
    def of(user: User) -> Client:
        secret = accounts.issue_token(user=user).secret
        return Client(headers={"authorization": f"Bearer {secret}"})

    return of


def tell(owner: User, title: str = "Your film is ready") -> Notice:
    return notify(owner=owner, kind="video.completed", title=title, url="/videos/1/")


def read(client: Client, body: Any) -> Any:
    return client.post(f"{NOTICES}read/", body, content_type="application/json")


def test_a_notice_is_told_listed_and_read(program: Any, alice: User, bob: User) -> None:
    client, other = program(alice), program(bob)
    first, second = tell(alice, "One"), tell(alice, "Two")
    body = client.get(NOTICES).json()
    assert [row["title"] for row in body["results"]] == ["Two", "One"]
    assert body["unread_count"] == 2
    assert body["results"][1].keys() == {"id", "kind", "title", "url", "created_at", "read_at"}
    frames = Event.objects.filter(stream_id=f"user:{alice.pk}").order_by("seq")
    assert [(frame.kind, frame.data["notice"]) for frame in frames] == [
        ("notice:created", body["results"][1]),
        ("notice:created", body["results"][0]),
    ]
    assert other.get(NOTICES).json()["results"] == []
    assert read(other, {"ids": [str(first.pk)]}).json() == {"read": 0, "unread_count": 0}
    assert read(client, {"ids": [str(first.pk), str(uuid7())]}).json() == {
        "read": 1,
        "unread_count": 1,
    }
    assert [row["title"] for row in client.get(NOTICES, {"unread": "true"}).json()["results"]] == [
        "Two"
    ]
    assert [row["id"] for row in client.get(NOTICES, {"unread": "false"}).json()["results"]] == [
        str(first.pk)
    ]
    assert read(client, {"ids": []}).json()["read"] == 0
    assert read(client, {}).json() == {"read": 1, "unread_count": 0}
    assert read(client, {}).json() == {"read": 0, "unread_count": 0}
    assert second.pk


def test_a_long_title_is_cut(alice: User) -> None:
    assert tell(alice, "x" * 400).title == "x" * 199 + "…"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ids": ["no"]}, "/ids/0"),
        ({"ids": "all"}, "/ids"),
        ({"ids": [4]}, "/ids/0"),
        ({"id": str(uuid7())}, "/id"),
        ({"ids": [str(uuid7())] * 201}, "/ids"),
    ],
)
def test_a_bad_body_is_refused_by_name(program: Any, alice: User, body: Any, pointer: str) -> None:
    answer = read(program(alice), body)
    assert answer.status_code == 422
    assert [row["pointer"] for row in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("query", [{"kind": "x"}, {"unread": "no"}, {"cursor": "x"}])
def test_a_parameter_that_is_not_known_is_refused(program: Any, alice: User, query: Any) -> None:
    assert program(alice).get(NOTICES, query).status_code == 400


def test_nobody_without_a_name_is_told(client: Client) -> None:
    assert client.get(NOTICES).status_code == 401
    assert read(client, {}).status_code == 401


def test_pages_lose_nobody_at_equal_moments(program: Any, alice: User) -> None:
    for number in range(7):
        tell(alice, str(number))
    Notice.objects.update(created_at=now())
    client = program(alice)
    page = client.get(NOTICES, {"page_size": 3}).json()
    pages = [page]
    while page["next"]:
        page = client.get(page["next"]).json()
        pages.append(page)
    titles = [row["title"] for page in pages for row in page["results"]]
    assert titles == ["6", "5", "4", "3", "2", "1", "0"]
    assert client.get(pages[2]["previous"]).json()["results"] == pages[1]["results"]


def test_what_was_read_long_ago_is_forgotten(alice: User) -> None:
    for title in ("unread", "read lately", "read long ago"):
        tell(alice, title)
    long_ago = now() - timedelta(days=91)
    Notice.objects.update(created_at=long_ago)
    Notice.objects.filter(title="read lately").update(read_at=now())
    Notice.objects.filter(title="read long ago").update(read_at=long_ago)
    assert forget_old_notices() == 1
    left = Notice.objects.order_by("id").values_list("title", flat=True)
    assert list(left) == ["unread", "read lately"]
