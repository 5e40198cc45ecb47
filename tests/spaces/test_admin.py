"""Staff look at spaces in the admin, throw them away and bring them back."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces.models import Approval, ShareLink, Space
from tests.people import Person
from tests.spaces.doors import Stage
from tests.spaces.world import variant_of

pytestmark = pytest.mark.django_db


def page(staff: Person, path: str) -> str:
    answer = staff.client.get(f"/admin/spaces/{path}")
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def proposed(it: Stage, **facts: Any) -> Approval:
    """A call that the assistant asked for."""
    at = now()
    return Approval.objects.create(
        **{"id": uuid7(), "space": it.space, "tool": "rename", "status": "pending"},
        **{"requested_by": it.owner, "created_at": at, "updated_at": at},
        **{"expires_at": at + timedelta(hours=1), **facts},
    )


def linked(it: Stage) -> ShareLink:
    """A link that was given away."""
    return ShareLink.objects.create(
        **{"id": uuid7(), "space": it.space, "name": "For Smith", "token_hash": uuid4().hex},
        **{"variants": [str(it.variant.pk)], "created_by": it.owner, "created_at": now()},
    )


def test_every_page_shows_what_it_is_about(space: Space, staff: Person) -> None:
    it = Stage(space)
    failed = variant_of(it.asset, status="failed", error={"code": "timeout"}, generation=uuid4())
    link = linked(it)
    call = proposed(it, original_arguments={"name": "Lamp"}, arguments={"name": "Old wick"})
    for path, words in {
        "space/?q=light": "Lighthouse",
        f"space/{space.pk}/change/": "vera",
        "member/?role__exact=editor": "bob",
        "invitation/": "open",
        f"invitation/{it.invitation.pk}/change/": "ina",
        "accessrequest/": "asta",
        "asset/?q=Lamp": "Lamp",
        f"asset/{it.asset.pk}/change/": "Done",
        "variant/?status__exact=failed": "timeout",
        f"variant/{failed.pk}/change/": str(failed.generation),
        "approval/?status__exact=pending": "Waits for a decision",
        f"approval/{call.pk}/change/": "Old wick",
        "plan/?q=Fog": "Draft",
        f"plan/{it.plan.pk}/change/": "rename",
        "standingpermission/?revoked_at__isempty=1": "Holds",
        f"standingpermission/{it.permission.pk}/change/": "its giver",
        "sharelink/?q=smith": "For Smith",
        f"sharelink/{link.pk}/change/": "Open",
        "snippet/": "in fog",
        "lineage/": "derived",
        f"lineage/{it.line.pk}/change/": str(it.other.pk),
    }.items():
        assert words in page(staff, path), path


def test_a_longer_list_asks_the_database_no_more_often(space: Space, staff: Person) -> None:
    it = Stage(space)

    def asked(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            page(staff, path)
        return len(queries)

    def more() -> None:
        linked(it)
        proposed(it)
        variant_of(it.asset)

    more()
    paths = ("approval/", "sharelink/", "variant/")
    before = {path: asked(path) for path in paths}
    more()
    more()
    assert {path: asked(path) for path in paths} == before


MODELS = ["space", "member", "asset", "variant", "lineage", "approval", "plan", "sharelink"]


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_added_by_hand(model: str, staff: Person) -> None:
    assert staff.client.get(f"/admin/spaces/{model}/add/").status_code == 403


def test_a_space_goes_to_the_trash_and_comes_back(space: Space, staff: Person) -> None:
    for action, trashed in (("trash", True), ("restore", False)):
        answer = staff.client.post(
            "/admin/spaces/space/",
            {"action": action, "_selected_action": [str(space.pk)]},
            follow=True,
        )
        assert answer.status_code == 200
        space.refresh_from_db()
        assert bool(space.trashed_at) is trashed
