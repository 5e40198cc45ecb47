"""Forms made by hand: a refusal in words each time, never a broken page."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from spaces.models import Space

pytestmark = pytest.mark.django_db

LONG = "9" * 5000
ODD = [
    {"act": "style", "artifact": "x"},
    {"act": "create_asset", "name": "A", "asset_type": "b", "parent_asset_id": "zz"},
    {"act": "set_role", "member": LONG, "role": "viewer"},
    {"act": "set_role", "member": "²", "role": "viewer"},
    {"act": "remove", "member": ""},
    {"act": "transfer", "member": LONG},
    {"act": "revoke", "invitation": "nonsense"},
    {"act": "decide", "request": "x", "role": "owner"},
]


@pytest.mark.parametrize("form", ODD, ids=lambda form: f"{form['act']} {len(form)}")
def test_an_odd_form_is_refused_in_words(
    client: Client, space: Space, alice: User, form: dict[str, str]
) -> None:
    client.force_login(alice)
    answer = client.post(f"/spaces/{space.pk}/act/", form, follow=True)
    assert answer.status_code < 500


@pytest.mark.parametrize("days", [LONG, "x", "-1", ""])
def test_odd_days_of_a_link_are_refused(
    client: Client, space: Space, alice: User, days: str
) -> None:
    client.force_login(alice)
    form = {"act": "share", "asset": "x", "days": days}
    assert client.post(f"/spaces/{space.pk}/shares/", form, follow=True).status_code < 500


@pytest.mark.parametrize("field", ["invitation", "token", ""])
def test_odd_invitations_are_refused(client: Client, alice: User, field: str) -> None:
    client.force_login(alice)
    for act in ("accept", "join", "decline"):
        form = {"act": act, **({field: "\0"} if field else {})}
        assert client.post("/spaces/", form, follow=True).status_code < 500
