"""Whatever is sent to the doors of films is answered with a clear refusal, and breaks nothing."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import Sandbox
from tests.videos.conftest import RUNWARE, SMALL, Person
from tests.videos.machines import Machine

pytestmark = pytest.mark.django_db

NESTED: Any = []
for _ in range(60):
    NESTED = [NESTED]
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**70,
    1.5,
    1e308,
    "",
    " ",
    "x",
    "\x00",
    "a\x00b",
    "👩‍👩‍👧‍👦" * 40,
    "\ud800",
    "x" * 10_001,
    "x" * 500_000,
    [],
    [None],
    {},
    {"": None},
    {"a": {"b": [1]}},
    NESTED,
    "null",
    "019",
    "../../etc/passwd",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "2026-02-30T25:61:00Z",
    "\u202e\u2066",
)
#: for reports, which are signed one by one
SHORT = (None, True, -1, 1e308, "", "a\x00b", "x" * 10_001, [None], {"a": 1}, NESTED, "../x")
WISH = {"prompt": "a cat on a roof", "model": RUNWARE, "parameters": SMALL, "conversation": None}


def bodies(whole: dict[str, Any], values: Sequence[Any] = ODD) -> Iterator[Any]:
    """The body with each field in turn odd, with a field nobody knows, and odd as a whole."""
    for odd in values:
        yield odd
        yield {**whole, "unknown": odd}
        for name, value in whole.items():
            yield {**whole, name: odd}
            if isinstance(value, dict):
                for inner in value:
                    yield {**whole, name: {**value, inner: odd}}
                yield {**whole, name: {**value, "unknown": odd}}


RAW = (
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"prompt": NaN}',
    b"1e999",
    b'{"prompt":"x","prompt":"y"}',
)


def knock(client: Client, path: str, body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(f"/api/v1/{path}", content, content_type="application/json")
    shown = content[:300]
    assert answer.status_code < 500, (path, shown, answer.content[:500])
    if answer.status_code >= 400:
        assert answer.json()["code"], (path, shown)
    return answer


@pytest.mark.parametrize(
    "door",
    ["videos", "clarify", "confirm", "retry", "cancel", "messages", "conversations", "pause"],
)
def test_an_odd_body_is_refused_with_a_code(
    door: str, studio: Sandbox, ali: Person, staff: Person
) -> None:
    film = ali.wish()
    talk = ali.post("conversations/", {}, status=201)["id"]
    doors: dict[str, tuple[Person, str, dict[str, Any]]] = {
        "videos": (ali, "videos/", WISH),
        "clarify": (
            ali,
            f"videos/{film['id']}/clarify/",
            {
                "responses": {
                    "duration": 4,
                    "style": "noir",
                    "prompt": "a dog",
                    "model": RUNWARE,
                    "sound": True,
                    "seed": 3,
                    "negative_prompt": "rain",
                }
            },
        ),
        "confirm": (ali, f"videos/{ali.wish()['id']}/confirm/", {"priority": 3}),
        "retry": (ali, f"videos/{film['id']}/retry/", {"edits": {"duration": 4}}),
        "cancel": (ali, f"videos/{film['id']}/cancel/", {}),
        "messages": (ali, f"conversations/{talk}/messages/", {"content": "hello"}),
        "conversations": (ali, "conversations/", {"title": "films"}),
        "pause": (staff, "queue/pause/", {"provider": "veo", "user": "alice", "reason": "why"}),
    }
    person, path, whole = doors[door]
    for body in (*bodies(whole), *RAW):
        knock(person.client, path, body)


@pytest.mark.parametrize("door", ["workers/", "heartbeat/", "claim/", "uploads/"])
def test_an_odd_body_of_a_worker_is_refused(
    door: str, studio: Sandbox, ali: Person, dana: User, settings: Any
) -> None:
    settings.VIDEO_SLOTS = 0
    ali.confirmed()
    machine = Machine(dana)
    order = machine.began()
    wholes: dict[str, dict[str, Any]] = {
        "workers/": {"name": "x"},
        "heartbeat/": {"jobs": [order["job"]]},
        "claim/": {},
        "uploads/": {"job": order["job"]},
    }
    path = door if door == "workers/" else f"workers/{machine.id}/{door}"
    for body in (*bodies(wholes[door]), *RAW):
        knock(machine.client, path, body)


def test_an_odd_report_is_refused(studio: Sandbox, ali: Person, dana: User, settings: Any) -> None:
    settings.VIDEO_SLOTS = 0
    ali.confirmed()
    machine = Machine(dana)
    order = machine.began()
    for kind, data in (
        ("progress", {"progress": 3}),
        (
            "completed",
            {
                "result": {
                    "storage_key": "x",
                    "thumbnail_key": "y",
                    "duration": 3,
                    "file_size": 3,
                    "width": 1,
                    "height": 1,
                    "format": "mp4",
                    "processing_time": 1,
                    "cost": "0.1",
                }
            },
        ),
        ("failed", {"error": {"code": "x", "message": "y"}}),
    ):
        whole = machine.body(order, kind, **data)
        if kind == "failed":
            whole["data"]["attempt"] = 7
        for body in bodies(whole, SHORT):
            answer = machine.send(body)
            assert answer.status_code < 500, (body, answer.content[:300])
        for inner in ("result", "error"):
            for name in data.get(inner, ()):
                for odd in SHORT:
                    value = {**whole, "data": {**whole["data"], inner: {**data[inner], name: odd}}}
                    answer = machine.send(value)
                    assert answer.status_code < 500, (value, answer.content[:300])
    for raw in RAW:
        if raw not in (b"\xff\xfe",):
            assert machine.send(raw).status_code < 500
    assert ali.get("videos/")["results"][0]["status"] == "processing"


QUERIES = (
    "status",
    "conversation",
    "created_after",
    "created_before",
    "trashed",
    "cursor",
    "page_size",
    "after",
    "q",
    "newest",
)


def test_an_odd_query_is_refused(studio: Sandbox, ali: Person) -> None:
    talk = ali.post("conversations/", {}, status=201)["id"]
    ali.wish()
    for path in (
        "videos/",
        "conversations/",
        f"conversations/{talk}/messages/",
        "queue/",
        "notices/",
    ):
        for name in QUERIES:
            for odd in (
                "",
                "x",
                "\x00",
                "-1",
                "9" * 400,
                "2026-02-30",
                "👩" * 50,
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59-23:59",
                "null",
            ):
                answer = ali.client.get(f"/api/v1/{path}", {name: odd})
                assert answer.status_code in {200, 400}, (
                    path,
                    name,
                    odd,
                    answer.status_code,
                    answer.content[:300],
                )
