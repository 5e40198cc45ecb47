"""Role by act by door: what NEEDS says is what every door does."""

import itertools
import re
from typing import Any

import pytest
from django.db import transaction

from genproj.kernel.api import Door
from spaces import urls
from spaces.models import Space
from spaces.permissions import NEEDS, Act, Role, allows
from tests.people import Person
from tests.spaces.doors import DOORS, OPEN, REFUSING, Row, Stage

pytestmark = pytest.mark.django_db

by_name = pytest.mark.parametrize("row", DOORS, ids=lambda row: row.name)


@pytest.fixture
def stage(space: Space) -> Stage:
    return Stage(space)


@pytest.fixture
def people(owner: Person, editor: Person, viewer: Person) -> dict[Role, Person]:
    return {Role.OWNER: owner, Role.EDITOR: editor, Role.VIEWER: viewer}


def knock(person: Person, row: Row, stage: Stage) -> Any:
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


def test_every_door_has_a_row() -> None:
    ours = [urls.SPACES, urls.MEMBERS, urls.ASSETS, urls.VARIANTS, urls.STYLE]
    there = set()
    for pattern in itertools.chain(*ours):
        route = re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
        view = getattr(pattern.callback, "cls", None)
        if not route.startswith("api/v1/spaces/{id}/") or not issubclass(view or object, Door):
            continue
        path = route.removeprefix("api/v1/spaces/")
        verbs = {"get", "post", "put", "patch", "delete"}
        there |= {f"{verb.upper()} {path}" for verb in verbs if hasattr(view, verb)}
    assert there - {row.name for row in DOORS} - OPEN == set()
    assert {row.name for row in DOORS} - there == set()


def test_every_act_needs_a_role() -> None:
    assert NEEDS.keys() == set(Act)
