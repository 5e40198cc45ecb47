"""What happened in a space, as its tab tells it: whole, and the part that is asked for again."""

from datetime import timedelta

import pytest

from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces.models import Approval, Space
from tests.people import Person
from tests.spaces.world import asset_in, variant_of

pytestmark = pytest.mark.django_db


def test_the_tab_tells_who_did_what(space: Space, viewer: Person, stranger: Person) -> None:
    variant_of(asset_in(space, "Keeper"))
    at = now()
    facts = {"space": space, "created_at": at, "updated_at": at, "decided_by": space.created_by}
    for tool, status in (
        ("rename", "rejected"),
        ("batch_generate", "executed"),
        ("tag", "expired"),
    ):
        moments = {"decided_at": at, "expires_at": at + timedelta(hours=1)}
        Approval.objects.create(id=uuid7(), tool=tool, status=status, **facts, **moments)
    address = f"/spaces/{space.pk}/?tab=activity"
    whole = viewer.client.get(address).content.decode()
    part = viewer.client.get(f"{address}&part=activity").content.decode()
    assert "<html" in whole
    assert "<html" not in part
    for text in (whole, part):
        words = " ".join(text.split())
        assert "made the asset" in words
        assert "rejected <a href=" in words
        assert "the proposal to batch generate</a>" in words
        assert "the proposal to tag" not in words
    assert stranger.client.get(address).status_code == 404
