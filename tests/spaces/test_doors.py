"""Role by act by door: what NEEDS says is what every door does."""

import re
from typing import Any

import pytest
from django.db import transaction

from spaces import urls
from spaces.api.doors import SpaceDoor
from spaces.models import Member, Space
from spaces.permissions import NEEDS, Act, Role, allows
from tests.people import Person
from tests.spaces.doors import DOORS, OPEN, REFUSING, Row, Stage

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
by_name = pytest.mark.parametrize("row", DOORS, ids=lambda row: row.name)


@pytest.fixture
def stage(space: Space) -> Stage:
    return Stage(space)


@pytest.fixture
def people(owner: Person, editor: Person, viewer: Person) -> dict[Role, Person]:
    return {Role.OWNER: owner, Role.EDITOR: editor, Role.VIEWER: viewer}


def knock(person: Person, row: Row, stage: Stage) -> Any:
    if row.multipart:
        return person.client.post(f"/api/v1/{row.address(stage)}", row.said(stage))
    return person.send(row.method, row.address(stage), row.said(stage))


def code_of(answer: Any) -> Any:
    return answer.json().get("code")


def tried(person: Person, row: Row, stage: Stage) -> Any:
    """The answer to a knock that leaves no trace."""
    with transaction.atomic():
        answer = knock(person, row, stage)
        transaction.set_rollback(True)
    return answer


@by_name
def test_a_role_opens_what_the_table_says(
    row: Row, stage: Stage, people: dict[Role, Person], stranger: Person, staff: Person
) -> None:
    answer = tried(stranger, row, stage)
    assert (answer.status_code, code_of(answer)) == (404, "not_found"), answer.content
    assert b"Lighthouse" not in answer.content
    for role, person in people.items():
        answer = tried(person, row, stage)
        if allows(role, row.act):
            assert answer.status_code == row.status, answer.content
        else:
            assert (answer.status_code, code_of(answer)) == (403, "forbidden"), answer.content
            assert b"Lighthouse" not in answer.content
    assert tried(staff, row, stage).status_code == row.status
    stranger.client.logout()
    assert tried(stranger, row, stage).status_code == 401


@by_name
def test_a_space_in_the_trash_is_seen_by_its_owners_only(
    row: Row, stage: Stage, people: dict[Role, Person]
) -> None:
    people[Role.OWNER].delete(f"spaces/{stage.space.pk}/")
    assert tried(people[Role.EDITOR], row, stage).status_code == 404
    answer = tried(people[Role.OWNER], row, stage)
    done = row.method == "GET" or row.act == Act.DELETE_SPACE
    assert answer.status_code == (row.status if done else 409), answer.content


@pytest.mark.parametrize("row", REFUSING, ids=lambda row: row.name)
def test_a_role_that_is_too_low_is_refused(
    row: Row, stage: Stage, people: dict[Role, Person], stranger: Person
) -> None:
    assert tried(stranger, row, stage).status_code == 404
    for role, person in people.items():
        if not allows(role, row.act):
            assert tried(person, row, stage).status_code == 403
        elif row.method == "GET":
            assert tried(person, row, stage).status_code == row.status


def test_nothing_is_repeated_to_who_has_gone_or_may_no_longer_do_it(
    space: Space, editor: Person
) -> None:
    path, body = f"spaces/{space.pk}/assets/", {"name": "Gull", "asset_type": "animal"}
    key = {"Idempotency-Key": "once"}
    first = editor.post(path, body, **key)
    again = editor.send("POST", path, body, **key)
    assert (again.status_code, again.json()) == (201, first)
    assert again["Idempotency-Replayed"] == "true"
    mine = Member.objects.filter(space=space, user=editor.user)
    mine.update(role=Role.VIEWER)
    editor.post(path, body, status=403, **key)
    mine.update(role=Role.EDITOR)
    editor.post(path, body, **key)
    editor.post(f"spaces/{space.pk}/leave/", status=204, **key)
    editor.post(f"spaces/{space.pk}/leave/", status=204, **key)
    assert "Gull" not in str(editor.post(path, body, status=404, **key))


def doors_there() -> dict[str, type[SpaceDoor]]:
    """Every method of every door below a space."""
    there = {}
    for pattern in urls.urlpatterns:
        route = re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
        if not route.startswith("api/v1/spaces/{id}/"):
            continue
        view = pattern.callback.cls
        assert issubclass(view, SpaceDoor), route
        path = route.removeprefix("api/v1/spaces/")
        verbs = [verb for verb in METHODS if hasattr(view, verb.lower())]
        there |= {f"{verb} {path}": view for verb in verbs}
    return there


def test_every_door_has_a_row() -> None:
    rows = [row.name for row in (*DOORS, *REFUSING)]
    assert len(rows) == len(set(rows))
    assert doors_there().keys() == {*rows, *OPEN}


def test_every_door_asks_for_the_act_of_its_row() -> None:
    there = doors_there()
    for row in (*DOORS, *REFUSING):
        assert there[row.name].needs.get(row.method, Act.VIEW) == row.act, row.name
    assert {name for name, door in there.items() if None in door.needs.values()} >= OPEN


def test_every_act_needs_a_role() -> None:
    assert NEEDS.keys() == set(Act)
