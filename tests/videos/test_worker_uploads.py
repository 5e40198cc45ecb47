"""Where workers put up films when files are kept on disk, through a real server."""

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core import signing

from generations.operations import verification
from genproj.kernel import storage
from genproj.kernel.clock import after
from tests.conftest import Sandbox, Web
from tests.videos.conftest import Person
from tests.videos.machines import Machine
from videos.models import Job
from videos.operations import uploads

pytestmark = pytest.mark.django_db(transaction=True)

BODY = b"a film, more or less" * 100_000


@pytest.fixture
def order(web: Web, studio: Sandbox, settings: Any, ali: Person, dana: User) -> Any:
    settings.VIDEO_SLOTS = 0
    settings.MAX_OUTPUT_BYTES = {**settings.MAX_OUTPUT_BYTES, "video": 3_000_000}
    ali.confirmed()
    machine = Machine(dana)
    found = machine.began()
    for address in found["uploads"].values():
        address["url"] = address["url"].replace("http://testserver", web.url)
    return found | {"machine": machine}


@pytest.fixture
def outside() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20, trust_env=False) as client:
        yield client


def put(outside: httpx.Client, address: Any, content: Any = BODY, **changes: Any) -> httpx.Response:
    url = changes.get("url", address["url"])
    return outside.request(
        changes.get("method", address["method"]),
        url,
        content=content,
        headers=address["headers"],
    )


def test_a_film_is_there_whole_after_it_was_put_up(order: Any, outside: httpx.Client) -> None:
    address = order["uploads"]["video"]
    answer = put(outside, address)
    assert answer.status_code == 200
    digest = hashlib.sha256(BODY).hexdigest()
    key = address["storage_key"]
    assert answer.json() == {"storage_key": key, "size": len(BODY), "sha256": digest}
    with storage.open_read(key) as file:
        assert file.read() == BODY
    assert put(outside, address, b"again, and otherwise").status_code == 200
    with storage.open_read(key) as file:
        assert file.read() == b"again, and otherwise"


def test_a_body_without_a_length_is_taken_within_the_limit(
    order: Any, outside: httpx.Client
) -> None:
    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * 2**16

    address = order["uploads"]["video"]
    assert put(outside, address, pieces(40)).status_code == 200
    assert storage.stat(address["storage_key"]) == storage.Stat(40 * 2**16)
    assert put(outside, address, pieces(60)).status_code == 413
    assert put(outside, address, b"y" * 3_000_001).status_code == 413
    assert storage.stat(address["storage_key"]) == storage.Stat(40 * 2**16)


def test_only_who_was_given_the_address_may_put_something_there(
    order: Any, outside: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = order["uploads"]["video"]
    forged = address["url"][:-3] + ("AAA" if address["url"][-3:] != "AAA" else "BBB")
    assert put(outside, address, url=forged).status_code == 404
    named = {"job": order["job"], "attempt": order["attempt"], "kind": "video"}
    token = signing.dumps(named, salt="something else")
    other = address["url"].rpartition("/")[0] + f"/{token}"
    assert put(outside, address, url=other).status_code == 404
    answer = put(outside, address, method="POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "PUT")
    assert answer.headers["content-type"] == "application/problem+json"
    monkeypatch.setattr(uploads, "GOOD_FOR", -1)
    assert put(outside, address).status_code == 404
    assert storage.stat(address["storage_key"]) is None


def test_an_address_is_good_as_long_as_its_attempt(order: Any, outside: httpx.Client) -> None:
    address, machine = order["uploads"]["video"], order["machine"]
    assert put(outside, address).status_code == 200
    result = {"storage_key": address["storage_key"]}
    assert machine.tell(order, "completed", result=result).json() == {"applied": True}
    assert put(outside, address, b"too late").status_code == 404
    with storage.open_read(address["storage_key"]) as file:
        assert file.read() == BODY


def test_what_nobody_collects_is_cleared_a_day_later(order: Any, outside: httpx.Client) -> None:
    key = order["uploads"]["thumbnail"]["storage_key"]
    assert put(outside, order["uploads"]["thumbnail"], b"small").status_code == 200
    assert list(verification.verify()) == []
    assert uploads.clear_incoming() == 0
    Job.objects.update(finished_at=after(-3600))
    assert uploads.clear_incoming() == 0
    Job.objects.update(finished_at=after(-26 * 3600))
    assert uploads.clear_incoming() == 1
    assert storage.stat(key) is None
