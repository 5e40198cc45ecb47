"""The door for deliveries, through a real server: every row of its table of answers."""

import asyncio
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.db import connection

from genproj.kernel import bell
from genproj.kernel.ids import uuid7
from genproj.webhooks import inbox as inbox_module
from genproj.webhooks.models import Receipt
from tests.webhooks.conftest import address

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

BODY = b'{"data": [{"taskType": "imageInference", "imageUUID": "a"}]}'
LARGEST = 2**20


@pytest.fixture
def door(web: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web.url, timeout=20, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_delivery_is_on_disk_when_it_is_acknowledged(
    door: httpx.Client, wakes: bell.Listener, slash: str
) -> None:
    entry = str(uuid7())
    wakes.wait(0.01)
    answer = door.post(
        address(entry, slash=slash),
        content=BODY,
        headers={"Authorization": "Bearer x", "Cookie": "a=b", "X-Request-Id": "r-1"},
    )
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "r-1")
    kept = Receipt.objects.get()
    assert (kept.source, kept.subject, bytes(kept.body)) == ("runware", entry, BODY)
    assert kept.due_at is not None
    assert kept.due_at == kept.received_at
    assert kept.applied_at is None
    assert kept.headers["content-length"] == str(len(BODY))
    assert not {"authorization", "cookie"} & set(kept.headers)
    assert wakes.wait(2) == {"generations.jobs.apply_receipts"}


def test_the_same_again_is_acknowledged_and_kept_once(door: httpx.Client) -> None:
    entry = str(uuid7())
    for _ in range(3):
        assert door.post(address(entry), content=BODY).status_code == 200
    assert Receipt.objects.count() == 1
    assert door.post(address(entry), content=BODY + b" ").status_code == 200
    assert door.post(address(), content=BODY).status_code == 200
    assert Receipt.objects.count() == 3


@pytest.mark.parametrize("body", [b"", b"not json", b"\x00\xff\xfe", b"[]", b'{"a": "\\u0000"}'])
def test_what_nobody_can_read_is_kept_all_the_same(door: httpx.Client, body: bytes) -> None:
    assert door.post(address(), content=body).status_code == 200
    assert bytes(Receipt.objects.get().body) == body


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/runware/",
        "/webhooks/runware",
        "/webhooks/runware/?generation_id=x",
        "/webhooks/runware/?token=x",
        "/webhooks/runware/?generation_id=&token=",
        "/webhooks/runware/?generation_id=%00&token=%ff",
        address(token="wrong"),
        address(token=""),
        address(generation_id=str(uuid7())),
    ],
    ids=range(9),
)
def test_a_stranger_is_told_nothing_and_leaves_nothing(door: httpx.Client, path: str) -> None:
    answer = door.post(path, content=BODY)
    assert answer.status_code == 404
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["status"]) == ("not_found", 404)
    assert "token" not in json.dumps(problem)
    assert Receipt.objects.count() == 0


def test_a_token_made_for_no_entry_opens_nothing(door: httpx.Client) -> None:
    assert door.post(address("nonsense"), content=BODY).status_code == 404
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(door: httpx.Client, method: str) -> None:
    answer = door.request(method, address())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert Receipt.objects.count() == 0


def test_one_mebibyte_is_kept_and_one_byte_more_is_refused(door: httpx.Client) -> None:
    assert door.post(address(), content=b"x" * LARGEST).status_code == 200
    assert door.post(address(), content=b"x" * (LARGEST + 1)).status_code == 413
    assert Receipt.objects.count() == 1


def test_a_body_without_a_length_is_measured_while_it_comes(door: httpx.Client) -> None:
    def endless(size: int) -> Iterator[bytes]:
        for _ in range(size // 2**16):
            yield b"x" * 2**16

    assert door.post(address(), content=endless(2**18)).status_code == 200
    assert door.post(address(), content=endless(LARGEST + 2**17)).status_code == 413
    assert Receipt.objects.count() == 1


def test_a_stranger_is_refused_before_its_body_is_read(web: Any) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=5) as wire:
        wire.sendall(
            b"POST /webhooks/runware/?generation_id=x&token=y HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 1000000\r\n\r\n"
        )
        assert wire.recv(100).startswith(b"HTTP/1.1 404")


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(web: Any, door: Any) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=5) as wire:
        line = f"POST {address()} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
        wire.sendall(line.encode())
        time.sleep(0.1)
    assert door.post(address(), content=BODY).status_code == 200
    assert Receipt.objects.count() == 1


async def post_all(port: int, places: list[str]) -> list[int]:
    """Post to each place in turn over one connection; the answers' statuses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses = []
    try:
        for place in places:
            head = f"POST {place} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n"
            writer.write(head.encode() + BODY)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: 0" in answer
            statuses.append(int(answer.split()[1]))
    finally:
        writer.close()
    return statuses


def test_a_thousand_at_once_are_all_kept_once(web: Any) -> None:
    places = [address() for _ in range(1000)]
    # Half of them are sent twice, as an impatient provider does.
    posts = places + places[::2]

    async def story() -> list[list[int]]:
        shares = [posts[first::150] for first in range(150)]
        return await asyncio.gather(*(post_all(web.port, share) for share in shares))

    statuses = [status for share in asyncio.run(story()) for status in share]
    assert statuses == [200] * 1500
    assert Receipt.objects.count() == 1000


def test_a_bad_row_does_not_cost_the_others_their_place(
    web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = str(uuid7())
    row_of = inbox_module._row

    def spoiled(number: Any, delivery: Any) -> tuple[Any, ...]:
        row = row_of(number, delivery)
        if delivery["subject"] != bad:
            return row
        place = [field.attname for field in inbox_module.COLUMNS].index("source")
        return (*row[:place], None, *row[place + 1 :])

    monkeypatch.setattr(inbox_module, "_row", spoiled)

    async def story() -> list[int]:
        places = [address() for _ in range(20)] + [address(bad)] + [address() for _ in range(20)]
        async with httpx.AsyncClient(base_url=web.url, timeout=30, trust_env=False) as client:
            answers = await asyncio.gather(*(client.post(one, content=BODY) for one in places))
            return [answer.status_code for answer in answers]

    statuses = asyncio.run(story())
    assert statuses == [200] * 20 + [503] + [200] * 20
    assert Receipt.objects.count() == 40


def test_a_database_that_cannot_commit_is_said_so_and_the_repetition_is_kept(
    door: httpx.Client,
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("One writer at a time is SQLite's way.")
    locked, free = threading.Event(), threading.Event()

    def hold() -> None:
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locked.set()
        free.wait(120)
        other.execute("ROLLBACK")
        other.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(60)
    place, began = address(), time.monotonic()
    answer = door.post(place, content=BODY)
    took = time.monotonic() - began
    free.set()
    holder.join()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["retryable"] is True
    assert took > 3.5
    assert Receipt.objects.count() == 0
    assert door.post(place, content=BODY).status_code == 200
    assert Receipt.objects.count() == 1


def test_a_lock_of_a_moment_is_waited_for(door: httpx.Client) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("One writer at a time is SQLite's way.")
    locked = threading.Event()

    def hold() -> None:
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locked.set()
        time.sleep(1)
        other.execute("COMMIT")
        other.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(60)
    assert door.post(address(), content=BODY).status_code == 200
    holder.join()


def test_a_connection_that_was_cut_is_opened_again(door: httpx.Client) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to cut.")
    assert door.post(address(), content=BODY).status_code == 200
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        assert door.post(address(), content=BODY).status_code == 200
    assert Receipt.objects.count() == 4
