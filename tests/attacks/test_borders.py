"""What other sites, false names of the host and shared caches could make of a signed-in browser."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from genproj.openapi.document import document
from tests import world
from tests.attacks.belongings import Belongings, changed, routes, rows
from tests.people import Person

pytestmark = pytest.mark.django_db

FAR = "https://evil.example"
#: doors that know no session: a password, a signature or a token of their own opens them
WITHOUT_SESSION = ("/api/v1/auth/token/", "/webhooks/", "/api/v1/workers/", "/metrics", "/healthz")
UNSAFE = ("post", "put", "patch", "delete")


def refused_doors(hers: Belongings) -> list[tuple[str, str]]:
    """Every door that changes something, and every page, as an address of Alice's own."""
    found = [
        (method.upper(), path)
        for path, item in document()["paths"].items()
        for method in item
        if method in UNSAFE and not path.startswith(WITHOUT_SESSION)
    ]
    others = ("/api/", "/media/", "/shared/", "/badge/", "/readyz", "/admin/", *WITHOUT_SESSION)
    found += [("POST", path) for path in sorted(set(routes())) if not path.startswith(others)]
    return [(method, path.format(**hers.named(path))) for method, path in found]


def test_no_other_site_can_act_with_somebodys_session(hers: Belongings, alice: User) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"origin": FAR, "referer": f"{FAR}/"})
    browser.force_login(alice)
    wrong, before = [], rows()
    for method, address in refused_doors(hers):
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            answer = browser.generic(method, address, b"{}", kind)
            if answer.status_code != 403:
                wrong.append(f"{method} {address} ({kind}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert not changed(before, rows())


def test_a_session_is_not_sent_along_by_other_sites_nor_read_by_scripts(alice: User) -> None:
    browser = Client()
    answer = browser.post("/accounts/login/", {"username": "alice", "password": world.PASSWORD})
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["samesite"], cookie["httponly"]) == ("Lax", True)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
@pytest.mark.parametrize(
    "path", ["/", "/api/v1/generations/", "/api/v1/auth/token/", "/api/v1/schema/", "/media/x"]
)
def test_no_other_site_may_read_an_answer(alice: User, method: str, path: str) -> None:
    browser = Client(headers={"origin": FAR, "access-control-request-method": "POST"})
    browser.force_login(alice)
    answer = browser.generic(method, path)
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert answer.headers.get("X-Frame-Options", "DENY") == "DENY"


def test_an_unknown_host_is_refused_and_a_forwarded_one_not_believed(hers: Belongings) -> None:
    for path in ("/", "/accounts/login/", "/api/v1/models/", "/api/v1/docs/", "/shared/x/"):
        assert Client().get(path, headers={"host": "evil.example"}).status_code == 400, path
    person = Person(hers.stage.owner)
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    body = {"asset_id": str(hers.stage.asset.pk)}
    answer = person.send("POST", f"spaces/{hers.stage.space.pk}/shares/", body, **headers)
    assert answer.status_code == 201
    assert "evil.example" not in answer.content.decode()
    assert not [path for path in routes() if "password_reset" in path]  # nothing is sent by mail


AWAY = (
    *(FAR, "//evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)"),
    "\t//evil.example",
)


@pytest.mark.parametrize("there", AWAY)
def test_nobody_is_led_away(hers: Belongings, alice: User, there: str) -> None:
    credentials = {"username": "alice", "password": world.PASSWORD, "next": there}
    space = hers.stage.space.pk
    doors: list[tuple[str, str, dict[str, str]]] = [
        ("POST", "/accounts/login/", credentials),
        ("GET", "/accounts/login/", {"next": there}),
        ("POST", "/admin/login/", credentials),
        ("POST", f"/spaces/{space}/approvals/", {"back": there, "next": there}),
        ("POST", f"/spaces/{space}/act/", {"act": "x", "back": there, "next": there}),
        ("POST", f"/generations/{hers.entry.pk}/act/", {"act": "x", "back": there, "next": there}),
        ("POST", f"/videos/{hers.video.pk}/act/", {"act": "x", "back": there, "next": there}),
        ("POST", f"/chat/{hers.talk.pk}/act/", {"act": "x", "back": there, "next": there}),
        ("POST", "/accounts/logout/", {"next": there}),
    ]
    browser = Client(headers={"referer": FAR})
    for method, path, form in doors:
        answer = browser.get(path, form) if method == "GET" else browser.post(path, form)
        place = answer.headers.get("Location", "/")
        assert re.match(r"/(?![/\\])|\?|$", place), (path, place)


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example/x", "//evil.example/%2e%2e"])
def test_a_slash_that_is_missing_leads_nowhere_else(path: str) -> None:
    answer = Client().get("/", PATH_INFO=path)
    assert not answer.headers.get("Location", "").startswith(("//", "/\\", "http"))


def test_what_is_somebodys_is_kept_by_no_cache_in_between(hers: Belongings, alice: User) -> None:
    person, wrong = Person(alice), []
    doors = [path for path, item in document()["paths"].items() if "get" in item]
    doors += [path for path in sorted(set(routes())) if not path.startswith(("/api/", "/admin"))]
    others = ("/badge/", "/shared/", "/healthz", "/readyz", "/metrics", "/webhooks/")
    for path in doors:
        if path.endswith(("/export/", "/events/")) or path.startswith(others):
            continue
        answer: Any = person.send("GET", path.format(**hers.named(path)))
        kept = answer.headers.get("Cache-Control", "")
        if "public" in kept or "s-maxage" in kept:
            wrong.append(f"{path}: {kept}")
        elif "private" not in kept and "no-store" not in kept:
            wrong.append(f"{path}: {answer.status_code} {kept or 'nothing said'}")
    assert not wrong, "\n".join(wrong)
