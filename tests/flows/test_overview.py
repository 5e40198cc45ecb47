"""The staff overview: what runs, what waits, what failed, who lives, and what is left alone."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from generations.models import Projection, RegisterEntry
from genproj import overview, schedules
from genproj.kernel import memory
from genproj.kernel.boards import Figure
from genproj.kernel.clock import after, now
from genproj.kernel.ids import uuid7
from genproj.runtime import breakers
from genproj.runtime import operations as runtime
from genproj.runtime.models import Heartbeat
from genproj.usage.models import Budget
from genproj.webhooks.models import Delivery, Endpoint
from tests import world

pytestmark = pytest.mark.django_db


def board(heading: str) -> dict[str, Figure]:
    memory.forget_all()
    [found] = [one for one in overview.boards() if one.heading.startswith(heading)]
    return {figure.name: figure for figure in found.figures}


def test_every_lane_of_the_workers_is_shown() -> None:
    jobs = {name.rsplit(".", 1)[-1] for name in schedules.JOBS}
    assert set(overview.LANES) == jobs - {"paint"}  # these are calls of providers, too


def test_what_waits_is_counted_with_its_age(alice: User) -> None:
    for _ in range(3):
        world.opened(alice, count=1)
    lane = board("Waiting")["Provider calls"]
    assert (lane.value.startswith("3, oldest"), lane.tone) == (True, "")
    RegisterEntry.objects.update(due_at=after(-300))
    lane = board("Waiting")["Provider calls"]
    assert (lane.value, lane.tone) == ("3, oldest 5 min", "failed")


def test_failures_are_counted_by_code(alice: User) -> None:
    for code in ("timeout", "timeout", "http_error"):
        entry = world.opened(alice, count=1)
        RegisterEntry.objects.filter(pk=entry.pk).update(
            completed_at=now(), error={"code": code, "message": "", "detail": {}}
        )
    found = board("Failures")
    assert {name: figure.value for name, figure in found.items()} == {
        "timeout": "2",
        "http_error": "1",
    }


def test_what_is_dead_or_used_up_needs_a_person(alice: User) -> None:
    calm = board("Needs")
    assert {figure.tone for figure in calm.values()} == {"done"}
    entry = world.opened(alice, count=1)
    hook = Endpoint.objects.create(
        id=uuid7(), owner=alice, url="https://x.example/", types=[], created_at=now()
    )
    Delivery.objects.create(
        id=uuid7(),
        endpoint=hook,
        event_id="e",
        type="ping",
        body=b"",
        created_at=now(),
        dead_at=now(),
    )
    Budget.objects.create(
        id=uuid7(),
        audience=f"user:{alice.pk}",
        limit=0,
        exhausted_at=now(),
        created_at=now(),
        updated_at=now(),
    )
    Projection.objects.create(
        entry=entry, projector="catalogue", stage="settled", failed_at=now(), created_at=now()
    )
    found = board("Needs")
    assert found["Outgoing webhooks given up"].value == "1"
    assert found["Budgets used up"].tone == "partial"
    assert found["Failed projections"].tone == "failed"


def test_workers_are_shown_with_their_last_sign() -> None:
    assert board("Workers")["Live workers"].tone == "failed"
    runtime.beat()
    Heartbeat.objects.create(
        name="old", kind="worker", host="elsewhere", pid=7, started_at=now(), last_at=after(-120)
    )
    found = board("Workers")
    assert "Live workers" not in found
    assert found["worker 7 at elsewhere"].chip == ("Silent", "failed", "failed")
    assert found["Storage"].tone == "done"


def test_breakers_are_shown_before_they_ever_fail_and_tell_why() -> None:
    calm = board("Breakers")
    assert {"provider:runware", "download:veo", "storage", "language_model", "billing"} <= set(calm)
    assert {figure.chip[0] for figure in calm.values() if figure.chip} == {"Closed"}
    breakers.note("storage", failures=9, error="the bucket is away")
    told = board("Breakers")["storage"]
    assert told.chip
    assert told.chip[0] == "Open"
    assert "the bucket is away" in told.value
    assert told.acts == (
        ("Keep open", "storage open"),
        ("Keep closed", "storage closed"),
    )


def test_staff_force_a_breaker_from_the_page_and_others_see_no_button(dana: User) -> None:
    runtime.turn("queue:all", on=True, reason="moving house")
    client = Client()
    client.force_login(dana)
    page = client.get(reverse("admin:index")).content.decode()
    assert "moving house" in page
    assert 'value="provider:runware open"' in page
    answer = client.post(reverse("admin:runtime_breaker_force"), {"act": "provider:runware open"})
    assert answer.status_code == 302
    assert breakers.is_shut("provider:runware")
    page = client.get(reverse("admin:index")).content.decode()
    assert f"kept open by {dana.username} in the admin" in page
    User.objects.filter(pk=dana.pk).update(is_superuser=False)
    assert "provider:runware open" not in client.get(reverse("admin:index")).content.decode()


def test_looking_costs_few_queries(dana: User, django_assert_max_num_queries: Any) -> None:
    memory.forget_all()
    with django_assert_max_num_queries(60):
        overview.boards()
    with django_assert_max_num_queries(40):  # what is dear is remembered for some seconds
        overview.boards()
