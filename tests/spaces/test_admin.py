"""Staff look at spaces in the admin, throw them away and bring them back."""

from uuid import uuid4

import pytest

from spaces.models import Space
from tests.spaces.doors import Stage
from tests.spaces.world import Person, variant_of

pytestmark = pytest.mark.django_db


def page(staff: Person, path: str) -> str:
    answer = staff.client.get(f"/admin/spaces/{path}")
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def test_every_page_shows_what_it_is_about(space: Space, staff: Person) -> None:
    it = Stage(space)
    failed = variant_of(it.asset, status="failed", error={"code": "timeout"}, generation=uuid4())
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
        "lineage/": "derived",
        f"lineage/{it.line.pk}/change/": str(it.other.pk),
    }.items():
        assert words in page(staff, path), path


@pytest.mark.parametrize("model", ["space", "member", "asset", "variant", "lineage"])
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
