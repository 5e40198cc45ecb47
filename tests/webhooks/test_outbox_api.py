"""The doors of endpoints: who may, what is refused, and the secret that is shown once."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.kernel.clock import now, zulu
from genproj.kernel.ids import uuid7
from genproj.runtime.models import IdempotentAnswer
from genproj.webhooks import outbox
from genproj.webhooks.models import Attempt, Delivery, Endpoint
from genproj.webhooks.operations import endpoints, sending
from tests import world
from tests.people import Person
from tests.webhooks.receiver import Receiver, receiving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

ROOT = "/api/v1/webhook-endpoints/"
TABLE = world.TABLES.setdefault("deliveries to others", [("case", "what became of it")])


@pytest.fixture
def her(alice: User) -> Person:
    return Person(alice)


@pytest.fixture
def him(bob: User) -> Person:
    return Person(bob)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.DELIVERY_ALLOWED_HOSTS = ("127.0.0.1",)
    with receiving() as found:
        yield found


@pytest.fixture
def made(her: Person, receiver: Receiver) -> dict[str, Any]:
    answer = her.send("POST", ROOT, {"url": receiver.url, "description": "mine"})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def owe(alice: User, **data: Any) -> None:
    outbox.owe(type="video.completed", audience=f"user:{alice.pk}", owner_id=alice.pk, data=data)


def test_from_making_to_forgetting(
    her: Person, made: dict[str, Any], receiver: Receiver, work: Callable[..., int]
) -> None:
    self = made["urls"]["self"]
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    answer = her.send("GET", self)
    assert answer.json() == made
    assert her.send("GET", self, **{"If-None-Match": answer["ETag"]}).status_code == 304
    assert her.send("GET", ROOT).json()["results"] == [made]

    ping = her.send("POST", f"{self}test/", {})
    assert (ping.status_code, ping.json()["type"], ping.json()["state"]) == (202, "ping", "pending")
    work("deliver")
    assert receiver.heard[0].verified(secret)["data"] == {"endpoint": made["id"]}
    [row] = her.send("GET", f"{self}deliveries/?state=delivered&type=ping").json()["results"]
    assert her.send("GET", f"{self}deliveries/?state=dead").json()["results"] == []
    full = her.send("GET", row["urls"]["self"]).json()
    assert json.loads(full["body"])["type"] == "ping"
    [attempt] = full["attempts"]
    assert (attempt["number"], attempt["status"], attempt["response_body"]) == (1, 200, "thanks")
    assert attempt["request_headers"]["webhook-id"] == row["event"] == receiver.heard[0].id

    again = her.send("POST", f"{row['urls']['self']}replay/")
    assert (again.status_code, again.json()["event"]) == (202, row["event"])
    work("deliver")
    assert receiver.ids() == [row["event"]] * 2

    assert her.send("DELETE", self).status_code == 204
    assert her.send("GET", self).status_code == 404
    assert not Delivery.objects.exists()
    assert not Attempt.objects.exists()


def test_changes_are_guarded_by_the_version(her: Person, made: dict[str, Any]) -> None:
    self = made["urls"]["self"]
    tag = her.send("GET", self)["ETag"]
    body = {"description": "ours", "types": ["video.failed", "ping"]}
    changed = her.send("PATCH", self, body, **{"If-Match": tag})
    assert changed.status_code == 200
    assert changed.json()["types"] == ["ping", "video.failed"]
    assert changed["ETag"] != tag
    stale = her.send("PATCH", self, {"description": "theirs"}, **{"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")
    assert her.send("DELETE", self, **{"If-Match": tag}).status_code == 412
    off = her.send("PATCH", self, {"enabled": False}).json()
    assert (off["enabled"], off["disabled_reason"]) == (False, "owner")
    assert her.send("POST", f"{self}test/").json()["code"] == "invalid_transition"
    assert her.send("PATCH", self, {"enabled": True}).json()["enabled"] is True


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/url", "required"),
        ({"url": 1}, "/url", "type"),
        ({"url": "https://a.example", "typs": []}, "/typs", "unknown"),
        ({"url": "https://a.example", "types": ["video.sang"]}, "/types/0", "choice"),
        ({"url": "https://a.example", "types": ["ping", "ping"]}, "/types", "repeated"),
        ({"url": "https://a.example", "conversation": "x"}, "/conversation", "format"),
        ({"url": "https://a.example/\x00"}, "/url", "characters"),
        ([], "", "type"),
    ],
)
def test_a_wrong_body_is_refused_field_by_field(
    her: Person, body: Any, pointer: str, code: str
) -> None:
    answer = her.send("POST", ROOT, body)
    assert answer.status_code == 422
    assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()


BAD = [
    "http://hooks.example/",  # plain http
    "ftp://hooks.example/",
    "https://user:word@hooks.example/",
    "https://hooks.example:8443/",
    "https://127.0.0.1/",
    "https://2130706433/",  # decimal
    "https://017700000001/",  # octal
    "https://0x7f000001/",
    "https://127.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",  # mapped
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://localhost/",  # a name of a private address
    "https://localhost./",
    "https:///nowhere",
    "https://exa mple/",
    "javascript:alert(1)",
    "https://hooks.example\\@127.0.0.1/",
]


@pytest.mark.parametrize("url", BAD)
def test_private_places_are_refused_when_they_are_registered(her: Person, url: str) -> None:
    answer = her.send("POST", ROOT, {"url": url})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/url", "address")
    assert not Endpoint.objects.exists()
    if url == BAD[-1]:
        TABLE.append((f"{len(BAD)} private or odd addresses", "refused at registration and send"))


@pytest.mark.parametrize("url", BAD)
def test_and_again_at_every_sending(
    alice: User, url: str, receiver: Receiver, settings: Any, work: Callable[..., int]
) -> None:
    settings.DELIVERY_ALLOWED_HOSTS = ()
    endpoints.create(actor=alice, url=url)
    owe(alice)
    work("deliver")
    assert Attempt.objects.get().error.startswith("refused: ")
    assert Delivery.objects.get().failures == 1


def test_a_name_that_changes_its_mind_reaches_nothing(
    her: Person, alice: User, receiver: Receiver, work: Callable[..., int], monkeypatch: Any
) -> None:
    address = "93.184.216.34"

    def lookup(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert her.send("POST", ROOT, {"url": "https://hooks.example/"}).status_code == 201
    address = "127.0.0.1"
    owe(alice)
    work("deliver")
    assert "not public" in Attempt.objects.get().error
    assert her.send("POST", ROOT, {"url": "https://hooks.example/"}).status_code == 422
    TABLE.append(("rebinding name", "refused at the sending, before anything is connected"))


def test_an_excepted_host_is_the_operators_word_and_nothing_near_it(
    her: Person, receiver: Receiver
) -> None:
    assert her.send("POST", ROOT, {"url": "http://127.0.0.2:8000/"}).status_code == 422
    assert her.send("POST", ROOT, {"url": "http://127.0.0.1.nip.example/"}).status_code == 422
    assert her.send("POST", ROOT, {"url": "http://127.0.0.1:1/"}).status_code == 201


def test_of_others_there_is_nothing_to_see(
    him: Person, dana: User, made: dict[str, Any], alice: User
) -> None:
    self = made["urls"]["self"]
    owe(alice)
    delivery = f"{self}deliveries/{Delivery.objects.get().pk}/"
    asked = [("GET", path) for path in (self, f"{self}deliveries/", delivery)]
    asked += [("PATCH", self), ("DELETE", self), ("POST", f"{delivery}replay/")]
    asked += [("POST", f"{self}{verb}/") for verb in ("rotate", "test", "enable", "replay")]
    for method, path in asked:
        body = {"since": zulu(now())} if path == f"{self}replay/" else {}
        answer = him.send(method, path, None if method == "GET" else body)
        assert answer.status_code == 404, (method, path, answer.content)
        assert answer.json()["code"] == "not_found"
    assert him.send("GET", ROOT).json()["results"] == []
    staff = Person(dana)
    assert staff.get(self)["id"] == made["id"]
    assert len(staff.get(ROOT)["results"]) == 1
    assert staff.get(f"{ROOT}?owner=me")["results"] == []
    assert Client().get(self).status_code == 401
    TABLE.append(("another person's endpoint", "404 at every door; staff see it"))


def test_one_sees_no_delivery_through_another_endpoint(
    her: Person, him: Person, made: dict[str, Any], receiver: Receiver, alice: User
) -> None:
    owe(alice)
    his = him.send("POST", ROOT, {"url": receiver.url}).json()["urls"]["self"]
    assert him.send("GET", f"{his}deliveries/{Delivery.objects.get().pk}/").status_code == 404


def test_a_repeated_answer_has_no_secret(her: Person, receiver: Receiver) -> None:
    keyed = {"Idempotency-Key": "once"}
    first = her.send("POST", ROOT, {"url": receiver.url}, **keyed)
    second = her.send("POST", ROOT, {"url": receiver.url}, **keyed)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotency-Replayed"] == "true"
    assert first.json()["id"] == second.json()["id"]
    assert second.json()["secret"] is None
    assert "whsec_" not in IdempotentAnswer.objects.get().body
    self = first.json()["urls"]["self"]
    rotated = her.send("POST", f"{self}rotate/", {}, **keyed).json()
    assert rotated["secret"] not in (None, first.json()["secret"])
    assert her.send("POST", f"{self}rotate/", {}, **keyed).json()["secret"] is None
    assert rotated["previous_secret_until"] is not None


def test_replay_since_a_moment(
    her: Person,
    made: dict[str, Any],
    receiver: Receiver,
    alice: User,
    work: Callable[..., int],
) -> None:
    self = made["urls"]["self"]
    owe(alice, n=1)
    work("deliver")
    receiver.status = 410
    owe(alice, n=2)
    work("deliver")
    shown = her.send("GET", self).json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")
    receiver.status = 200
    since = zulu(now() - timedelta(hours=1))
    early = her.send("POST", f"{self}replay/", {"since": since})
    assert early.json()["code"] == "invalid_transition"
    assert her.send("POST", f"{self}enable/", {"replay_since": since}).json()["enabled"] is True
    work("deliver")
    assert [json.loads(heard.body)["data"]["n"] for heard in receiver.heard] == [1, 2, 2]
    answer = her.send("POST", f"{self}replay/", {"since": since})
    assert (answer.status_code, answer.json()) == (202, {"replayed": 0})
    everything = {"since": since, "until": zulu(now() + timedelta(minutes=1)), "delivered": True}
    assert her.send("POST", f"{self}replay/", everything).json() == {"replayed": 2}
    odd = her.send("POST", f"{self}replay/", {"since": "yesterday"})
    assert odd.json()["errors"][0]["code"] == "format"
    assert her.send("POST", f"{self}replay/", {}).json()["errors"][0]["pointer"] == "/since"


def test_pages_of_deliveries(her: Person, made: dict[str, Any], alice: User) -> None:
    for n in range(5):
        owe(alice, n=n)
    url = f"{made['urls']['self']}deliveries/?page_size=2"
    seen: list[str] = []
    while url:
        page = her.send("GET", url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    newest = Delivery.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)
    assert [UUID(id) for id in seen] == list(newest)
    for query in ("state=open", "type=x", "cursor=x", "sort=1"):
        assert her.send("GET", f"{made['urls']['self']}deliveries/?{query}").status_code == 400


def test_there_is_an_end_to_endpoints(her: Person, alice: User, receiver: Receiver) -> None:
    Endpoint.objects.bulk_create(
        Endpoint(id=uuid7(), owner=alice, url="https://a.example/", created_at=now(), secret="")
        for _ in range(endpoints.MOST)
    )
    answer = her.send("POST", ROOT, {"url": receiver.url})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_two_claims_never_get_the_same_endpoint(alice: User, made: dict[str, Any]) -> None:
    owe(alice)
    owe(alice)
    assert len(sending.claim(limit=4, failing=False)) == 1
    assert sending.claim(limit=4, failing=False) == []
