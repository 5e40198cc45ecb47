"""The bell on every page, its panel, and the page of all notices."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.kernel.ids import uuid7
from genproj.notices.models import Notice
from genproj.notices.operations import notify
from tests import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(client: Client, alice: User) -> Client:
    world.models()
    client.force_login(alice)
    return client


def tell(owner: User, title: str = "Your film is ready") -> Notice:
    return notify(owner=owner, kind="video.completed", title=title, url="/queue/")


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_page_tells_how_much_is_unread(visitor: Client, alice: User, bob: User) -> None:
    assert "Notices: 0 unread" in page(visitor, "/queue/")
    for number in range(3):
        tell(alice, str(number))
    tell(bob)
    assert "Notices: 3 unread" in page(visitor, "/queue/")
    assert "Notices: 3 unread" in page(visitor, "/notices/?part=bell")
    Notice.objects.bulk_create(
        Notice(id=uuid7(), owner=alice, kind="x", title="x", url="/", created_at=now)
        for now in [Notice.objects.earliest("created_at").created_at] * 100
    )
    assert ">99+<" in page(visitor, "/notices/?part=bell")


def test_the_panel_holds_the_newest_twenty_and_words_stay_words(
    visitor: Client, alice: User
) -> None:
    assert "Nothing yet." in page(visitor, "/notices/?part=list")
    for number in range(21):
        tell(alice, f"<b>film {number}</b>")
    panel = page(visitor, "/notices/?part=list")
    assert panel.count("<li") == 20
    assert "&lt;b&gt;film 20&lt;/b&gt;" in panel
    assert "film 0&lt;" not in panel
    assert page(visitor, "/notices/").count("data-key") == 21


def test_going_there_is_knowing_it(visitor: Client, alice: User, bob: User) -> None:
    notice, other = tell(alice), tell(bob)
    assert visitor.head(f"/notices/{notice.pk}/").status_code == 302
    assert Notice.objects.filter(read_at__isnull=True).count() == 2
    answer = visitor.get(f"/notices/{notice.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, "/queue/")
    assert list(Notice.objects.filter(read_at__isnull=True)) == [other]
    assert visitor.get(f"/notices/{other.pk}/").status_code == 404
    assert visitor.get(f"/notices/{uuid7()}/").status_code == 404


def test_without_scripts_all_are_marked_by_a_form(visitor: Client, alice: User, bob: User) -> None:
    tell(alice)
    other = tell(bob)
    assert visitor.post("/notices/").status_code == 302
    assert list(Notice.objects.filter(read_at__isnull=True)) == [other]


@pytest.mark.parametrize("query", ["cursor=nonsense", "cursor="])
def test_an_address_that_was_cut_short_begins_anew(
    visitor: Client, alice: User, query: str
) -> None:
    tell(alice, "Still here")
    assert "Still here" in page(visitor, f"/notices/?{query}")


def test_a_part_that_is_none_is_not_found(visitor: Client) -> None:
    assert visitor.get("/notices/?part=x").status_code == 404


def test_strangers_are_asked_to_sign_in(client: Client) -> None:
    for path in ("/notices/", "/notices/?part=bell", f"/notices/{uuid7()}/"):
        assert client.get(path)["Location"].startswith("/accounts/login/")
