"""Many machines at once: every job goes to one of them, and every report is heard once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests import world
from tests.conftest import Sandbox
from tests.videos.conftest import Person
from tests.videos.machines import Machine
from videos.models import Attempt, Report

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """What each of them returns, all run at the same time."""

    def run(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.VIDEO_SLOTS = 0


def test_no_job_is_given_to_two(studio: Sandbox, dana: User, settings: Any) -> None:
    settings.VIDEO_SLOTS_PER_PROVIDER = 100
    for name in ("ann", "ben", "cat"):
        person = Person(world.person(name))
        for _ in range(2):
            person.confirmed()
    machines = [Machine(dana, name=f"m{number}") for number in range(8)]
    answers = at_once(
        [lambda one=one: one.client.post(f"/api/v1/workers/{one.id}/claim/") for one in machines]
    )
    assert Counter(answer.status_code for answer in answers) == {200: 6, 204: 2}
    jobs = [answer.json()["job"] for answer in answers if answer.status_code == 200]
    assert len(set(jobs)) == 6
    assert Attempt.objects.count() == 6


def test_of_the_same_last_word_said_five_times_at_once_one_counts(
    studio: Sandbox, ali: Person, dana: User, work: Callable[..., int]
) -> None:
    id = ali.confirmed()["id"]
    machine = Machine(dana)
    order = machine.began()
    error = {"code": "api_rejected", "message": "Not allowed."}
    body = machine.body(order, "failed", error=error)
    ids = [f"{machine.id}.{number}" for number in (90, 90, 91, 92, 93)]
    answers = at_once([lambda one=one: machine.send(body, id=one) for one in ids])
    assert [answer.status_code for answer in answers] == [200] * 5
    assert sorted(answer.json()["applied"] for answer in answers) == [False] * 4 + [True]
    assert Report.objects.filter(type="generation.failed", applied=True).count() == 1
    work("project")
    assert ali.video(id)["status"] == "failed"
