"""Who gets in: tokens, keys, scopes, tickets."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.accounts import authentication, operations
from genproj.accounts.models import AccessKey, SocketTicket
from genproj.kernel import memory
from genproj.kernel.clock import now
from genproj.runtime.models import IdempotentAnswer
from tests import world

pytestmark = pytest.mark.django_db

Program = Callable[..., Client]
KEYS = "/api/v1/api-keys/"


def knock(client: Client, username: str, password: str):
    return client.post(
        "/api/v1/auth/token/",
        {"username": username, "password": password},
        content_type="application/json",
    )


def test_name_and_password_give_a_token_that_opens_the_api(client: Client, alice: User) -> None:
    answer = knock(client, "alice", world.PASSWORD)
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expires_at"}
    assert answer.json()["expires_at"].endswith("Z")
    token = answer.json()["token"]
    assert not AccessKey.objects.filter(digest=token).exists()
    opened = client.get(KEYS, headers={"authorization": f"Bearer {token}"})
    assert opened.status_code == 200
    assert opened["Cache-Control"] == "private, no-cache"


def test_a_wrong_password_and_an_unknown_name_answer_alike(client: Client, alice: User) -> None:
    wrong, unknown = knock(client, "alice", "nonsense"), knock(client, "nobody", "nonsense")
    for answer in (wrong, unknown):
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthenticated"
    same = [{**answer.json(), "request_id": ""} for answer in (wrong, unknown)]
    assert same[0] == same[1]


def test_the_sixth_knock_after_five_failures_is_refused(
    client: Client, alice: User, bob: User
) -> None:
    for _ in range(5):
        assert knock(client, "alice", "nonsense").status_code == 401
    refused = knock(client, "alice", world.PASSWORD)
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["retryable"] is True
    assert 0 < int(refused["Retry-After"]) <= 60
    assert knock(client, "bob", world.PASSWORD).status_code == 200


def test_success_is_not_counted(client: Client, alice: User) -> None:
    for _ in range(7):
        assert knock(client, "alice", world.PASSWORD).status_code == 200


def test_the_token_door_names_every_wrong_field(client: Client) -> None:
    answer = client.post(
        "/api/v1/auth/token/", {"username": 7, "else": 1}, content_type="application/json"
    )
    assert answer.status_code == 422
    found = {(row["pointer"], row["code"]) for row in answer.json()["errors"]}
    assert found == {("/username", "type"), ("/password", "required"), ("/else", "unknown")}


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer gp_tok_x", "Bearer \xff"])
def test_a_secret_that_opens_nothing_is_401(client: Client, header: str) -> None:
    answer = client.get(KEYS, headers={"authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


def test_nobody_is_401(client: Client) -> None:
    assert client.get(KEYS).status_code == 401


def test_an_expired_a_revoked_and_a_leavers_key_open_nothing(client: Client, alice: User) -> None:
    issued = operations.issue_token(user=alice)
    headers = {"authorization": f"Bearer {issued.secret}"}
    rows = AccessKey.objects.filter(pk=issued.row.pk)
    for facts in ({"expires_at": now() - timedelta(seconds=1)}, {"revoked_at": now()}):
        rows.update(**facts)
        memory.forget_all()  # another process's change is seen within a second
        assert client.get(KEYS, headers=headers).status_code == 401
        rows.update(expires_at=None, revoked_at=None)
        memory.forget_all()
        assert client.get(KEYS, headers=headers).status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    memory.forget_all()
    assert client.get(KEYS, headers=headers).status_code == 401


def test_a_key_is_shown_once_and_revoked_for_ever(program: Program, alice: User) -> None:
    client = program(alice)
    made = client.post(
        KEYS, {"name": "press", "scopes": ["read", "write"]}, content_type="application/json"
    )
    assert made.status_code == 201
    secret = made.json()["secret"]
    [listed] = [row for row in client.get(KEYS).json()["results"] if row["name"] == "press"]
    assert "secret" not in listed
    assert secret.startswith(listed["prefix"])
    assert secret not in client.get(KEYS).content.decode()
    assert client.delete(f"{KEYS}{listed['id']}/").status_code == 204
    assert client.delete(f"{KEYS}{listed['id']}/").status_code == 204
    assert client.get(KEYS, headers={"authorization": f"Bearer {secret}"}).status_code == 401


def test_somebody_elses_key_cannot_be_revoked_or_seen(
    program: Program, alice: User, bob: User
) -> None:
    key = operations.issue_key(actor=alice, name="mine", scopes=["read"]).row
    assert program(bob).delete(f"{KEYS}{key.pk}/").status_code == 404
    assert all(row["name"] != "mine" for row in program(bob).get(KEYS).json()["results"])


def test_a_key_is_made_with_known_scopes_a_future_and_only_what_one_may_give(
    program: Program, alice: User, dana: User
) -> None:
    wrong = {"name": "", "scopes": ["fly"], "expires_at": "2020-01-01T00:00:00Z"}
    answer = program(alice).post(KEYS, wrong, content_type="application/json")
    assert answer.status_code == 422
    told = {(row["pointer"], row["code"]) for row in answer.json()["errors"]}
    assert told == {("/name", "too_short"), ("/scopes/0", "choice"), ("/expires_at", "min")}
    staff = {"name": "x", "scopes": ["staff"]}
    refused = program(alice).post(KEYS, staff, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert program(dana).post(KEYS, staff, content_type="application/json").status_code == 201


def test_a_key_is_made_once_and_its_secret_is_kept_nowhere(program: Program, alice: User) -> None:
    client, wish = program(alice), {"name": "press", "scopes": ["read"]}
    once = {"Idempotency-Key": "k1"}
    first, again = (
        client.post(KEYS, wish, content_type="application/json", headers=once) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "secret": None}
    assert first.json()["secret"] not in IdempotentAnswer.objects.get().body
    assert AccessKey.objects.filter(name="press").count() == 1


def test_keys_are_listed_page_by_page(program: Program, alice: User) -> None:
    client = program(alice)
    for number in range(4):
        operations.issue_key(actor=alice, name=f"key {number}", scopes=["read"])
    whole = client.get(KEYS).json()
    assert (whole["next"], whole["previous"], len(whole["results"])) == (None, None, 5)
    first = client.get(f"{KEYS}?page_size=2").json()
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()
    assert third["next"] is None
    assert [*first["results"], *second["results"], *third["results"]] == whole["results"]
    assert client.get(third["previous"]).json()["results"] == second["results"]
    assert client.get(second["previous"]).json()["results"] == first["results"]
    for wrong in ("page_size=0", "cursor=nonsense", "cursor=W10", "cursor=Wy0xXQ", "colour=blue"):
        assert client.get(f"{KEYS}?{wrong}").status_code == 400, wrong


def test_a_key_for_reading_cannot_write(program: Program, alice: User) -> None:
    client = program(alice, "read")
    assert client.get(KEYS).status_code == 200
    refused = client.post("/api/v1/ws-tickets/", {}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_staffs_key_without_the_scope_is_an_ordinary_persons(dana: User) -> None:
    secret = operations.issue_key(actor=dana, name="plain", scopes=["read"]).secret
    user = authentication.user_of_headers({"authorization": f"Bearer {secret}"}, cookies={})
    assert user is not None
    assert not user.is_staff
    assert User.objects.get(pk=dana.pk).is_staff


def test_the_session_of_a_browser_is_known_outside_django(client: Client, alice: User) -> None:
    client.force_login(alice)
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    assert authentication.user_of_headers({}, cookies=cookies) == alice
    alice.set_password("another one")
    alice.save()
    assert authentication.user_of_headers({}, cookies=cookies) is None
    assert authentication.user_of_headers({}, cookies={"sessionid": "nonsense"}) is None
    assert authentication.user_of_headers({}, cookies={}) is None


def test_a_ticket_opens_once_and_within_a_minute(program: Program, alice: User) -> None:
    answer = program(alice).post("/api/v1/ws-tickets/", content_type="application/json")
    assert answer.status_code == 201
    ticket = answer.json()["ticket"]
    assert authentication.user_of_ticket(ticket) == alice
    assert authentication.user_of_ticket(ticket) is None
    late, _ = operations.issue_ticket(user=alice)
    SocketTicket.objects.update(expires_at=now() - timedelta(seconds=1))
    assert authentication.user_of_ticket(late) is None
    assert authentication.user_of_ticket("nonsense") is None


def test_a_write_with_a_session_needs_the_csrf_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    refused = client.post("/api/v1/ws-tickets/", {}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
