"""The settings' pages of endpoints, by forms alone; and what staff see and do."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.webhooks import outbox, queries
from genproj.webhooks.models import Delivery, Endpoint
from genproj.webhooks.operations import endpoints
from tests.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/settings/webhooks/"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{40,}")


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.DELIVERY_ALLOWED_HOSTS = ("127.0.0.1",)
    with receiving() as found:
        yield found


@pytest.fixture
def her(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def boss(dana: User) -> Client:
    client = Client()
    client.force_login(dana)
    return client


def owe(owner: User) -> Delivery:
    outbox.owe(type="video.failed", audience=f"user:{owner.pk}", owner_id=owner.pk, data={})
    return Delivery.objects.latest("created_at")


def test_made_tested_looked_at_rotated_and_deleted(
    her: Client, receiver: Receiver, work: Callable[..., int]
) -> None:
    made = her.post(LIST, {"url": receiver.url, "types": ["ping", "video.failed"]})
    [secret] = SECRET.findall(made.content.decode())
    assert made["Cache-Control"] == "no-store"
    endpoint = Endpoint.objects.get()
    page = f"{LIST}{endpoint.pk}/"
    assert not SECRET.findall(her.get(page).content.decode())
    assert receiver.url in her.get("/settings/").content.decode()

    sent = her.post(page, {"form": "test"})
    work("deliver")
    receiver.heard[0].verified(secret)
    shown = her.get(sent["Location"]).content.decode()
    assert receiver.heard[0].id in shown
    assert "thanks" in shown
    assert her.post(sent["Location"]).status_code == 302
    work("deliver")
    assert len(set(receiver.ids())) == 1
    assert len(receiver.heard) == 2

    [newer] = SECRET.findall(her.post(page, {"form": "rotate"}).content.decode())
    assert newer != secret
    saved = {"form": "save", "url": receiver.url, "description": "ours"}
    assert her.post(page, saved).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.types) == ("ours", [])
    assert her.post(page, {"form": "delete"})["Location"] == LIST
    assert her.get(page).status_code == 404


def test_switched_off_and_on_again_with_what_was_missed(
    her: Client, alice: User, receiver: Receiver, work: Callable[..., int]
) -> None:
    issued = endpoints.create(actor=alice, url=receiver.url)
    page = f"{LIST}{issued.row.pk}/"
    her.post(page, {"form": "disable"})
    owe(alice)
    shown = her.get(page).content.decode()
    assert "Nothing is sent here." in shown
    assert "Held 1" in shown
    assert "enable it first" in her.post(page, {"form": "replay", "span": "1"}).content.decode()
    her.post(page, {"form": "enable", "span": "720"})
    work("deliver")
    assert len(receiver.heard) == 1
    assert (
        "0 not received"
        in her.post(page, {"form": "replay", "span": "1"}, follow=True).content.decode()
    )
    assert her.get(f"{page}?state=delivered").status_code == 200
    assert her.get(f"{page}?state=x&cursor=x").status_code == 200


def test_a_bad_address_is_told_and_kept_in_the_form(her: Client) -> None:
    shown = her.post(LIST, {"url": "https://10.0.0.1/x", "description": "d"}).content.decode()
    assert "Nothing can be delivered there" in shown
    assert 'value="https://10.0.0.1/x"' in shown
    assert not Endpoint.objects.exists()


def test_others_have_no_page(boss: Client, alice: User, bob: User, receiver: Receiver) -> None:
    issued = endpoints.create(actor=alice, url=receiver.url)
    delivery = owe(alice)
    him = Client()
    him.force_login(bob)
    for path in (f"{LIST}{issued.row.pk}/", f"{LIST}{issued.row.pk}/{delivery.pk}/"):
        assert him.get(path).status_code == 404
        assert him.post(path, {"form": "delete"}).status_code == 404
        assert Client().get(path).status_code == 302
        assert boss.get(path).status_code == 200
    assert Endpoint.objects.exists()


def test_staff_see_deliveries_with_their_attempts_and_act_on_them(
    boss: Client, alice: User, receiver: Receiver, work: Callable[..., int]
) -> None:
    issued = endpoints.create(actor=alice, url=receiver.url)
    receiver.status, receiver.body = 500, b"<b>the receiver is on fire</b>"
    row = owe(alice)
    work("deliver")
    listed = boss.get("/admin/webhooks/delivery/?state=pending").content.decode()
    assert row.event_id in listed
    assert row.event_id not in boss.get("/admin/webhooks/delivery/?state=dead").content.decode()
    shown = boss.get(f"/admin/webhooks/delivery/{row.pk}/change/").content.decode()
    assert "the receiver is on fire" in shown
    assert "<b>the receiver" not in shown
    assert receiver.url in boss.get("/admin/webhooks/endpoint/").content.decode()
    page = boss.get(f"/admin/webhooks/endpoint/{issued.row.pk}/change/").content.decode()
    assert Endpoint.objects.get().secret not in page

    def act(name: str) -> None:
        sent = {"action": name, "_selected_action": [str(row.pk)]}
        assert boss.post("/admin/webhooks/delivery/", sent).status_code == 302

    act("try_now")
    work("deliver")
    assert len(receiver.heard) == 2
    act("give_up")
    assert queries.state_of(Delivery.objects.get()) == "dead"
