"""What stands in front of Django: waits, event streams, files, and the headers between them."""

import asyncio
import io
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from generations.operations import register
from genproj.accounts import operations as accounts
from genproj.events import sse, waiting
from genproj.kernel.asgi import Answer
from genproj.kernel.sendfile import READERS, send_file
from genproj.kernel.wsgi import WsgiInThreads, environ
from tests import world

BYTES = bytes(range(256)) * 4096


def bearer(person: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {accounts.issue_token(user=person).secret}"}


@pytest.fixture
def alice(transactional_db: None) -> User:
    return world.person("alice")


@pytest.fixture
def client(web: Any, alice: User) -> Iterator[httpx.Client]:
    """Alice's program, at a real server."""
    headers = bearer(alice)
    with httpx.Client(base_url=web.url, headers=headers, timeout=40, trust_env=False) as client:
        yield client


def later(seconds: float, act: Any) -> threading.Thread:
    """Do something in a while, beside the test."""

    def run() -> None:
        time.sleep(seconds)
        try:
            act()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def cancel(person: User, entry_id: Any) -> None:
    register.cancel_entry(actor=person, entry_id=entry_id)


# --- Prefer: wait ---------------------------------------------------------------------------


def test_a_wish_to_wait_is_answered_when_the_thing_settles(
    client: httpx.Client, alice: User
) -> None:
    world.models()
    wish = {"model": world.MODEL, "prompt": "a lighthouse"}
    found: list[str] = []

    def settle() -> None:
        entry = register.RegisterEntry.objects.get(owner=alice)
        found.append(str(entry.pk))
        cancel(alice, entry.pk)

    thread = later(1.0, settle)
    began = time.monotonic()
    answer = client.post("/api/v1/generations/", json=wish, headers={"Prefer": "wait=10"})
    took = time.monotonic() - began
    thread.join()
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "cancelled"
    assert answer.headers["location"] == answer.json()["urls"]["self"]
    assert answer.headers["preference-applied"] == "wait=10"
    assert answer.headers["etag"]
    assert answer.json()["id"] == found[0]
    assert 0.9 < took < 9


def test_a_wait_that_is_over_answers_as_it_stands(client: httpx.Client) -> None:
    world.models()
    wish = {"model": world.MODEL, "prompt": "a lighthouse"}
    began = time.monotonic()
    answer = client.post(
        "/api/v1/generations/", json=wish, headers={"Prefer": "respond-async, wait=1"}
    )
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    assert answer.headers["preference-applied"] == "wait=1"
    assert time.monotonic() - began > 0.9


def test_a_wait_too_many_is_answered_at_once(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.models()
    monkeypatch.setattr(waiting, "MOST_WAITS", 0)
    wish = {"model": world.MODEL, "prompt": "a boat"}
    answer = client.post("/api/v1/generations/", json=wish, headers={"Prefer": "wait=30"})
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers
    assert waiting._waits == 0


def test_a_single_object_can_be_waited_for(client: httpx.Client, alice: User) -> None:
    entry = world.opened(alice)
    thread = later(0.7, lambda: cancel(alice, entry.pk))
    path = f"/api/v1/generations/{entry.pk}/"
    tag = client.get(path).headers["etag"]
    wait = {"Prefer": "wait=10", "If-None-Match": tag}
    answer = client.get(path, headers=wait)
    thread.join()
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    began = time.monotonic()
    assert client.get(path, headers={"Prefer": "wait=10"}).status_code == 200
    assert time.monotonic() - began < 9


@pytest.mark.parametrize("prefer", ["wait=0", "wait=x", "wait", "return=minimal", "wait=-5"])
def test_a_wish_that_cannot_be_honoured_is_left_alone(
    client: httpx.Client, alice: User, prefer: str
) -> None:
    entry = world.opened(alice)
    answer = client.get(f"/api/v1/generations/{entry.pk}/", headers={"Prefer": prefer})
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers


def test_more_waits_than_threads_hold_up_nobody(client: httpx.Client, alice: User) -> None:
    entry = world.opened(alice)
    path, number = f"/api/v1/generations/{entry.pk}/", 12
    with ThreadPoolExecutor(number) as pool:
        waits = [
            pool.submit(client.get, path, headers={"Prefer": "wait=20"}) for _ in range(number)
        ]
        time.sleep(1.5)
        began = time.monotonic()
        assert client.get(path).json()["state"] == "pending"
        assert time.monotonic() - began < 15
        cancel(alice, entry.pk)
        assert {wait.result().json()["state"] for wait in waits} == {"cancelled"}
        assert time.monotonic() - began < 18


def test_what_the_parts_tell_each_other_stays_inside(client: httpx.Client, alice: User) -> None:
    entry = world.opened(alice)
    path = f"/api/v1/generations/{entry.pk}/"
    spoofed = {"X-Follow": "user:1", "X-Send-File": "/etc/passwd", "X_Send_File": "/etc/passwd"}
    for method in ("GET", "HEAD"):
        answer = client.request(method, path, headers=spoofed)
        assert answer.status_code == 200
        assert not {"x-follow", "x-send-file"} & set(answer.headers)


# --- server-sent events ---------------------------------------------------------------------


def test_a_forgotten_slash_loses_no_body(client: httpx.Client, alice: User) -> None:
    entry = world.opened(alice)
    asked = client.post(f"/api/v1/generations/{entry.pk}/cancel", follow_redirects=True)
    assert [one.status_code for one in asked.history] == [308]
    assert asked.json()["state"] == "cancelled"
    assert client.get("/api/v1/generations?page_size=1").status_code == 301
    text = client.get(f"/api/v1/generations/{entry.pk}/events").text
    assert "event: snapshot" in text


def test_an_answer_without_a_body_names_no_type(client: httpx.Client, alice: User) -> None:
    entry = world.opened(alice)
    path = f"/api/v1/generations/{entry.pk}/"
    known = {"If-None-Match": client.get(path).headers["etag"]}
    for answer, status in ((client.get(path, headers=known), 304), (client.delete(path), 204)):
        assert answer.status_code == status
        assert "content-type" not in answer.headers


def events_in(text: str) -> list[tuple[str, int, dict[str, Any]]]:
    found = re.findall(r"event: (\w+)\nid: (\d+)\ndata: (.*)\n", text)
    return [(name, int(seq), json.loads(data)) for name, seq, data in found]


def test_a_stream_begins_with_a_snapshot_and_ends_with_the_last_change(
    client: httpx.Client, alice: User
) -> None:
    entry, other = world.opened(alice), world.opened(alice)
    path = f"/api/v1/generations/{entry.pk}/events/"
    threads = [
        later(0.5, lambda: cancel(alice, other.pk)),
        later(0.8, lambda: cancel(alice, entry.pk)),
    ]
    answer = client.get(path)
    for thread in threads:
        thread.join()
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text.startswith("retry: 3000\n\n")
    events = events_in(answer.text)
    assert [name for name, _, _ in events] == ["snapshot", "update"]
    assert [thing["id"] for _, _, thing in events] == [str(entry.pk)] * 2
    assert [thing["state"] for _, _, thing in events] == ["pending", "cancelled"]
    assert events[0][1] < events[1][1]

    resumed = client.get(path, headers={"Last-Event-ID": str(events[0][1])})
    assert events_in(resumed.text) == events[1:]
    ended = client.get(path, headers={"Last-Event-ID": str(events[1][1])})
    assert ended.status_code == 204
    for stale in ("999999", "nonsense"):
        again = client.get(path, headers={"Last-Event-ID": stale})
        assert [name for name, _, _ in events_in(again.text)] == ["snapshot"]


def test_a_stream_pings_while_nothing_happens(
    client: httpx.Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "PING_EVERY", 0.2)
    entry = world.opened(alice)
    thread = later(1, lambda: cancel(alice, entry.pk))
    text = client.get(f"/api/v1/generations/{entry.pk}/events/").text
    thread.join()
    assert text.count(": ping\n\n") >= 2


def test_a_stream_is_only_for_who_may_see_the_thing(web: Any, alice: User) -> None:
    entry = world.opened(alice)
    path = f"{web.url}/api/v1/generations/{entry.pk}/events/"
    with httpx.Client(trust_env=False) as nobody:
        assert nobody.get(path).json()["code"] == "unauthenticated"
        stranger = bearer(world.person("charlie"))
        answer = nobody.get(path, headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert nobody.post(path, headers=stranger).status_code == 405


def test_the_eleventh_stream_of_one_person_is_refused(
    web: Any, client: httpx.Client, alice: User
) -> None:
    entry = world.opened(alice)
    path = f"/api/v1/generations/{entry.pk}/events/"
    line = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['authorization']}"
    wires = []
    for _ in range(10):
        wire = socket.create_connection(("127.0.0.1", web.port), timeout=5)
        wire.sendall(f"{line}\r\n\r\n".encode())
        assert b"200" in wire.recv(100)
        wires.append(wire)
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_streams")
    # more streams than database connections or threads: others are served all the same
    assert client.get(f"/api/v1/generations/{entry.pk}/").status_code == 200
    for wire in wires:
        wire.close()
    world.until(lambda: sse._open[alice.pk] == 0)
    cancel(alice, entry.pk)
    assert client.get(path).status_code == 200


# --- files ----------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "picture.png"
    path.write_bytes(BYTES)
    yield path
    READERS.stop()


def ask_file(path: Path, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """What a client gets of a file."""
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/media/x/original",
        "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()],
    }
    given = [
        (b"content-type", b"image/png"),
        (b"etag", b'"abc"'),
        (b"content-length", b"0"),
        (b"x-send-file", str(path).encode()),
        (b"cache-control", b"private"),
    ]
    asyncio.run(send_file(scope, receive, send, Answer(200, given), str(path)))
    start, *bodies = sent
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    assert "x-send-file" not in told
    assert not bodies[-1].get("more_body")
    return start["status"], told, b"".join(body["body"] for body in bodies)


def test_a_file_is_sent_whole(file: Path) -> None:
    status, told, body = ask_file(file)
    assert (status, body) == (200, BYTES)
    assert told["content-length"] == str(len(BYTES))
    assert (told["accept-ranges"], told["content-type"]) == ("bytes", "image/png")
    assert (told["cache-control"], told["etag"]) == ("private", '"abc"')
    assert told["last-modified"].endswith("GMT")


def test_of_a_file_only_the_head_can_be_asked(file: Path) -> None:
    status, told, body = ask_file(file, "HEAD")
    assert (status, told["content-length"], body) == (200, str(len(BYTES)), b"")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=300000-900000", 300_000, 900_000),
        ("bytes=1048000-", 1_048_000, len(BYTES) - 1),
        ("bytes=-10", len(BYTES) - 10, len(BYTES) - 1),
        ("bytes=-99999999", 0, len(BYTES) - 1),
        ("bytes=5-99999999", 5, len(BYTES) - 1),
    ],
)
def test_a_range_of_a_file_is_sent(file: Path, asked: str, first: int, last: int) -> None:
    status, told, body = ask_file(file, range=asked)
    assert (status, body) == (206, BYTES[first : last + 1])
    assert told["content-range"] == f"bytes {first}-{last}/{len(BYTES)}"
    assert told["content-length"] == str(len(body))


@pytest.mark.parametrize("asked", ["bytes=1048576-", "bytes=99999999-99999999", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(file: Path, asked: str) -> None:
    status, told, body = ask_file(file, range=asked)
    assert (status, told["content-range"]) == (416, f"bytes */{len(BYTES)}")
    assert json.loads(body)["code"] == "range_not_satisfiable"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,5-6", "bytes=a-b"]
)
def test_a_range_that_cannot_be_read_gets_the_whole(file: Path, asked: str) -> None:
    assert ask_file(file, range=asked)[::2] == (200, BYTES)


def test_a_range_counts_only_for_the_same_file(file: Path) -> None:
    assert ask_file(file, range="bytes=0-1", if_range='"abc"')[0] == 206
    assert ask_file(file, range="bytes=0-1", if_range='"old"')[0] == 200
    assert ask_file(file, range="bytes=0-1", if_range='W/"abc"')[0] == 200
    changed = ask_file(file)[1]["last-modified"]
    assert ask_file(file, range="bytes=0-1", if_range=changed)[0] == 206


def test_a_file_that_is_gone_is_said_to_be_unavailable(tmp_path: Path) -> None:
    status, told, body = ask_file(tmp_path / "gone.png")
    assert (status, json.loads(body)["code"]) == (503, "storage_unavailable")
    assert str(tmp_path) not in body.decode()


# --- Django in threads ----------------------------------------------------------------------

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "path": "/ä",
    "query_string": b"a=1",
    "headers": [(b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x_follow", b"x"), (b"accept", b"y")],
}


def test_a_request_becomes_what_wsgi_expects() -> None:
    found = environ(dict(SCOPE), io.BytesIO(b"12345"))
    assert found["PATH_INFO"].encode("latin-1").decode() == "/ä"
    assert (found["HTTP_COOKIE"], found["HTTP_ACCEPT"]) == ("a=1; b=2", "y")
    assert found["CONTENT_LENGTH"] == "5"
    assert found["wsgi.input"].read() == b"12345"
    assert "HTTP_X_FOLLOW" not in found


@pytest.mark.django_db(transaction=True)
def test_each_thread_keeps_its_connection_and_a_large_answer_its_order() -> None:
    used: set[int] = set()

    def app(request: dict[str, Any], start: Any) -> Iterator[bytes]:
        connection.ensure_connection()
        used.add(id(connection.connection))
        start("200 OK", [("Content-Type", "text/plain")])
        yield from (bytes([number]) * 2**18 for number in range(20))

    threads = WsgiInThreads(app, threads=2)

    async def story() -> list[Any]:
        asks = [threads.answer(dict(SCOPE), io.BytesIO()) for _ in range(10)]
        return await asyncio.gather(*asks)

    try:
        for answer in asyncio.run(story()):
            with answer.body as body:
                assert body.read() == b"".join(bytes([n]) * 2**18 for n in range(20))
    finally:
        threads.stop()
    assert 1 <= len(used) <= 2
