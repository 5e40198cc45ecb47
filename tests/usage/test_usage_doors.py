"""Doors of money: one's own, a space's, budgets; who may see and who may set."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from genproj.kernel import memory
from genproj.kernel.clock import now
from genproj.usage.models import Budget
from genproj.usage.operations import charge, hold
from spaces.models import Space
from tests import world
from tests.people import Person
from tests.spaces.world import lighthouse

pytestmark = pytest.mark.django_db


@pytest.fixture
def space(alice: User, bob: User) -> Space:
    """Alice owns it, Bob edits, Vera looks on; Charlie is not in it."""
    for name in ("vera", "charlie"):
        world.person(name)
    return lighthouse()


@pytest.fixture
def people(space: Space, dana: User) -> dict[str, Person]:
    names = ("alice", "bob", "vera", "charlie", "dana")
    return {name: Person(world.person(name)) for name in names}


def paid(owner: User, amount: str, *, key: str = "1", audience: str = "", **more: Any) -> None:
    given: dict[str, Any] = {"what": "images", "units": 4, "model": "runware:100@1"} | more
    charge(
        subject=f"entry:{key}",
        key=key,
        amount=Decimal(amount),
        audience=audience or f"user:{owner.pk}",
        owner=owner,
        provider="runware",
        reason="settled",
        **given,
    )


def test_a_month_is_told_by_day_person_audience_model_and_kind(
    people: dict[str, Person], space: Space
) -> None:
    alice = people["alice"]
    paid(alice.user, "0.5")
    paid(alice.user, "0.25", key="2", audience=f"space:{space.pk}")
    paid(alice.user, "0.003", key="3", what="tokens_in", units=1000, model="claude")
    paid(people["bob"].user, "7", key="4")
    hold(
        subject="video:1",
        audience=f"user:{alice.user.pk}",
        owner=alice.user,
        amount=Decimal("1.5"),
        provider="veo",
        model="veo:3",
        reason="",
        what="videos",
        units=1,
    )
    month = alice.get("usage/")
    assert (month["spent"], month["held"], month["currency"]) == ("0.753", "1.5", "USD")
    assert Decimal(month["projected"]) >= Decimal("0.75")
    assert {day["day"]: day["spent"] for day in month["days"]}[f"{now():%Y-%m-%d}"] == "0.753"
    kinds = {part["key"]: (part["spent"], part["units"]) for part in month["kinds"]}
    assert kinds == {"images": ("0.75", 8), "tokens_in": ("0.003", 1000)}
    assert [part["name"] for part in month["people"]] == ["alice"]
    assert {part["name"] for part in month["audiences"]} == {"alice", "Lighthouse"}
    assert month["top"][0] == {"subject": "entry:1", "spent": "0.5"}
    assert alice.get("usage/?month=2020-01")["spent"] == "0"
    for wrong in ("month=2020-13", "month=soon", "day=1"):
        assert alice.get(f"usage/?{wrong}", status=400)["code"] == "malformed"


def test_lines_come_in_pages_and_as_a_table(people: dict[str, Person]) -> None:
    alice = people["alice"]
    for number in range(5):
        paid(alice.user, "0.1", key=str(number), model="=cmd()")
    first = alice.get("usage/lines/?page_size=2")
    assert len(first["results"]) == 2
    assert first["results"][0]["person"] == "alice"
    second = alice.get(first["next"].partition("testserver")[2])
    assert not {row["id"] for row in first["results"]} & {row["id"] for row in second["results"]}
    assert alice.get("usage/lines/?what=videos")["results"] == []
    assert alice.get("usage/lines/?what=cars", status=400)["code"] == "malformed"
    answer = alice.send("GET", "usage/csv/")
    assert answer["Content-Type"].startswith("text/csv")
    table = answer.content.decode().splitlines()
    assert len(table) == 6
    assert table[0].startswith("id,kind,what,units,amount")
    assert "'=cmd()" in table[1]


def test_members_see_the_money_of_a_space_and_nobody_else_does(
    people: dict[str, Person], space: Space
) -> None:
    paid(people["bob"].user, "0.25", audience=f"space:{space.pk}")
    for path in ("usage/", "usage/lines/", "budgets/"):
        for name in ("alice", "bob", "vera", "dana"):
            people[name].get(f"spaces/{space.pk}/{path}")
        lost = people["charlie"].get(f"spaces/{space.pk}/{path}", status=404)
        assert str(space.pk) not in str(lost.get("detail"))
    month = people["vera"].get(f"spaces/{space.pk}/usage/")
    assert month["people"] == [
        {"key": str(people["bob"].user.pk), "name": "bob", "spent": "0.25", "units": 4}
    ]
    assert people["vera"].send("GET", f"spaces/{space.pk}/usage/csv/").status_code == 200


def test_owners_set_the_budgets_of_a_space(people: dict[str, Person], space: Space) -> None:
    path = f"spaces/{space.pk}/budgets/"
    for name, status in (("bob", 403), ("vera", 403), ("charlie", 404)):
        people[name].post(path, {"limit": "5"}, status=status)
    alice = people["alice"]
    made = alice.post(path, {"limit": "5"})
    assert made["limit"] == "5"
    assert made["left"] == "5"
    assert (made["hard"], made["person"], made["model"]) == (True, None, "")
    again = alice.post(path, {"limit": 6.5, "hard": False}, status=200)
    assert (again["id"], again["limit"], again["hard"]) == (made["id"], "6.5", False)
    bobs = alice.post(path, {"limit": "1", "person": "bob"})
    assert bobs["person"] == "bob"
    for wrong in (
        {},
        {"limit": "-1"},
        {"limit": "1.0000001"},
        {"limit": "much"},
        {"limit": "1", "person": "charlie"},
        {"limit": "1", "person": "nobody"},
        {"limit": "1", "color": "red"},
    ):
        assert alice.post(path, wrong, status=422)["code"] == "validation_failed"
    one = f"{path}{bobs['id']}/"
    people["bob"].patch(one, {"limit": "9"}, status=403)
    assert alice.patch(one, {"limit": "2"})["limit"] == "2"
    stale = {"If-Match": '"0-1"'}
    assert alice.patch(one, {"limit": "3"}, status=412, **stale)["code"] == "version_conflict"
    alice.delete(one)
    alice.get(one, status=404)
    assert len(people["vera"].get(path)["results"]) == 1


def test_what_does_not_fit_is_402_with_what_is_left(
    people: dict[str, Person], settings: Any
) -> None:
    world.models()
    staff, alice = people["dana"], people["alice"]
    staff.post("budgets/", {"person": "alice", "limit": "0.01"})
    memory.forget_all()
    wish = {"model": world.MODEL, "prompt": "a lighthouse", "count": 20}
    refused = alice.post("generations/", wish, status=402)
    assert refused["code"] == "budget_exhausted"
    assert refused["left"] == "0.01"
    people["bob"].post("generations/", wish, status=202)


def test_staff_set_budgets_over_people(people: dict[str, Person]) -> None:
    staff, alice, bob = people["dana"], people["alice"], people["bob"]
    assert alice.post("budgets/", {"person": "alice", "limit": "5"}, status=403)
    made = staff.post("budgets/", {"person": "alice", "limit": "5"})
    assert made["person"] == "alice"
    assert made["audience"] == f"user:{alice.user.pk}"
    assert [row["id"] for row in alice.get("budgets/")["results"]] == [made["id"]]
    assert bob.get("budgets/")["results"] == []
    bob.get(f"budgets/{made['id']}/", status=404)
    alice.patch(f"budgets/{made['id']}/", {"limit": "50"}, status=403)
    key = {"Idempotency-Key": "one"}
    first = staff.post("budgets/", {"person": "bob", "limit": "1"}, **key)
    assert staff.post("budgets/", {"person": "bob", "limit": "1"}, **key) == first
    staff.delete(f"budgets/{made['id']}/")
    assert Budget.objects.count() == 1


def test_the_page_shows_the_month_and_sets_budgets(people: dict[str, Person], space: Space) -> None:
    alice, address = people["alice"], f"/usage/?space={space.pk}"
    paid(people["bob"].user, "4.5", audience=f"space:{space.pk}")
    page = alice.send("GET", address)
    assert page.status_code == 200
    assert b"4.50 USD" in page.content
    assert b"No budget is set" in page.content
    form = {"form": "preview", "limit": "4", "person": "", "model": "", "hard": "hard"}
    assert "<strong>over</strong>" in alice.client.post(address, form).content.decode()
    assert not Budget.objects.exists()
    assert alice.client.post(address, form | {"form": "set", "limit": "5,00"}).status_code == 302
    page = alice.send("GET", address).content.decode()
    assert "90 % of this month’s budget is used." in page
    assert "Nearly used" in page
    wrong = alice.client.post(address, form | {"form": "set", "limit": "much"})
    assert "an amount such as" in wrong.content.decode()
    budget = Budget.objects.get()
    assert people["bob"].client.post(address, form | {"form": "set"}).status_code == 200
    assert Budget.objects.get().limit == 5
    gone = {"form": "delete", "budget": str(budget.pk)}
    assert people["charlie"].client.post(address, gone).status_code == 404
    assert alice.client.post(address, gone).status_code == 302
    assert not Budget.objects.exists()


def test_the_pages_of_others_are_not_there(people: dict[str, Person], space: Space) -> None:
    for address in (f"/usage/?space={space.pk}", "/usage/?all=1", "/usage/?space=x"):
        assert people["charlie"].send("GET", address).status_code == 404
    assert people["dana"].send("GET", "/usage/?all=1").status_code == 200
    assert people["alice"].send("GET", "/usage/?month=2020-01").status_code == 200
    assert people["alice"].send("GET", "/usage/?month=x").status_code == 404
    assert people["alice"].send("GET", "/usage/csv/").status_code == 200
