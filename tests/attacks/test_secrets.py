"""After a life with every kind of secret: none of them lies in the database, a log or a page."""

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from generations.models import RegisterEntry
from genproj.kernel.signing import callback_token
from tests import world
from tests.attacks.belongings import rows
from tests.conftest import Lines, Sandbox
from tests.people import Person
from tests.spaces.doors import Stage
from tests.spaces.world import lighthouse

pytestmark = pytest.mark.django_db(transaction=True)

LINK_PASSWORD = "open-sesame-to-the-link"
PAGES = ("/", "/settings/", "/settings/webhooks/", "/queue/", "/usage/", "/gallery/", "/notices/")
OFFICE = (
    *("accounts/accesskey", "accounts/socketticket", "webhooks/endpoint", "webhooks/delivery"),
    *("videos/worker", "spaces/sharelink", "spaces/invitation", "runtime/idempotentanswer"),
    *("webhooks/receipt", "generations/registerentry", "sessions/session"),
)


def lived(alice: User, dana: User) -> dict[str, str]:
    """The secrets that were given out, by what they open."""
    person, space = Person(alice), lighthouse()
    shown = Stage(space).asset.pk
    once = {"Idempotency-Key": "once"}
    credentials = {"username": "alice", "password": world.PASSWORD}
    key = person.post("api-keys/", {"name": "k", "scopes": ["read"]}, **once)
    hook = person.post("webhook-endpoints/", {"url": "https://93.184.216.34/"}, **once)
    turned = person.post(f"webhook-endpoints/{hook['id']}/rotate/", {}, status=200)
    person.post(f"webhook-endpoints/{hook['id']}/test/", {}, status=202)
    link = person.post(
        f"spaces/{space.pk}/shares/",
        {"asset_id": str(shown), "password": LINK_PASSWORD},
        **once,
    )
    invited = person.post(f"spaces/{space.pk}/invitations/", {"role": "viewer"}, **once)
    office = Person(dana).post("api-keys/", {"name": "m", "scopes": ["worker"]}, **once)
    machine = Client(headers={"authorization": f"Bearer {office['secret']}"})
    worker = machine.post("/api/v1/workers/", {"name": "shed"}, content_type="application/json")
    browser = Client()
    browser.post("/accounts/login/", credentials)
    browser.post(f"/shared/{link_token(link)}/", {"password": LINK_PASSWORD})
    person.post("generations/", {"model": world.MODEL, "prompt": "fog"}, status=202, **once)
    return {
        "password": world.PASSWORD,
        "password of a link": LINK_PASSWORD,
        "token": person.post("auth/token/", credentials, status=200)["token"],
        "key": key["secret"],
        "key of a machine": office["secret"],
        "endpoint": hook["secret"],
        "endpoint, later": turned["secret"],
        "worker": worker.json()["secret"],
        "link": link_token(link),
        "invitation": invited["token"],
        "ticket": person.post("ws-tickets/", {}, status=201)["ticket"],
        "installation": settings.SECRET_KEY,
        "callback": callback_token(
            settings.SECRET_KEY.encode(), str(RegisterEntry.objects.latest("created_at").pk)
        ),
    }


def link_token(link: Any) -> str:
    found = re.search(r"/shared/([^/]+)/", link["url"])
    assert found
    return found[1]


def refusals(alice: User, secrets: dict[str, str]) -> str:
    """What doors say to secrets that are not for them."""
    told = ""
    for secret in secrets.values():
        client = Client(headers={"authorization": f"Bearer {secret}!"})
        for path in ("/api/v1/generations/?x=1", "/api/v1/models/?nonsense", "/metrics"):
            told += client.get(path).content.decode()
        wrong = {"username": "alice", "password": secret + "!"}
        answer = client.post("/api/v1/auth/token/", wrong, content_type="application/json")
        told += answer.content.decode()
        person = Person(alice)
        told += person.send("POST", "invitations/accept/", {"token": "x"}).content.decode()
    return told


def test_no_secret_lies_about(
    alice: User, dana: User, lines: Lines, sandbox: Sandbox, settings: Any, work: Any
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"  # where nobody listens
    world.models()
    secrets = lived(alice, dana)
    work("call_providers")
    assert RegisterEntry.objects.latest("created_at").dispatched_at, "the provider knows no token"
    places = {"database": json.dumps(rows(), default=str), "refusals": refusals(alice, secrets)}
    for path in PAGES:
        places[path] = Person(alice).client.get(path).content.decode()
    for path in OFFICE:
        places[path] = Person(dana).client.get(f"/admin/{path}/").content.decode()
    places["log"] = json.dumps(lines, default=str)
    found = [
        f"{name} of {len(secret)} letters in {place}"
        for place, text in places.items()
        for name, secret in secrets.items()
        if secret in text
    ]
    assert not found, found
