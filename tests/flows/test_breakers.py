"""Breakers: what does not answer is left alone, tried by one, and asked again when it answers."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from genproj.kernel.clock import after, now
from genproj.kernel.errors import Forbidden
from genproj.runtime import breakers
from genproj.runtime.breakers import Shut, State, state_of
from genproj.runtime.models import Breaker

pytestmark = pytest.mark.django_db(transaction=True)

OURS = "provider:of-this-test"
ENOUGH = 5


def fail(times: int = 1) -> None:
    breakers.note(OURS, failures=times, error="no answer")


def pause_is_over() -> None:
    Breaker.objects.filter(target=OURS).update(probe_at=after(-1))
    breakers.forget()


def test_it_opens_after_failures_in_a_row_and_not_before(settings: Any) -> None:
    settings.BREAKER_FAILURES = ENOUGH
    fail(ENOUGH - 1)
    assert breakers.allowed(OURS, wanted=8) == 8
    breakers.note(OURS, answered=True)
    fail(ENOUGH - 1)
    assert not breakers.is_shut(OURS)
    fail()
    assert breakers.is_shut(OURS)
    assert breakers.allowed(OURS, wanted=8) == 0
    with pytest.raises(Shut), breakers.through(OURS, trouble=OSError):
        raise AssertionError("it was entered")


def test_after_its_pause_one_caller_tries_and_an_answer_closes_it() -> None:
    fail(ENOUGH)
    pause_is_over()
    assert state_of(breakers.known()[OURS]) is State.HALF_OPEN
    assert not breakers.is_shut(OURS)
    assert breakers.allowed(OURS, wanted=8) == 1
    assert breakers.allowed(OURS, wanted=8) == 0
    breakers.note(OURS, answered=True)
    assert breakers.allowed(OURS, wanted=8) == 8
    assert Breaker.objects.get().failures == 0


def test_a_try_that_tells_nothing_is_made_again_by_another() -> None:
    fail(ENOUGH)
    pause_is_over()
    assert breakers.allowed(OURS) == 1
    assert Breaker.objects.get().probe_at <= after(breakers.PROBE_SECONDS)
    pause_is_over()
    assert breakers.allowed(OURS) == 1


@pytest.mark.parametrize(("open_for", "pause"), [(0, 5), (12, 12), (3600, 30)])
def test_it_waits_as_long_as_it_was_open_within_bounds(open_for: int, pause: int) -> None:
    fail(ENOUGH)
    Breaker.objects.update(opened_at=after(-open_for))
    fail()
    waits = (Breaker.objects.get().probe_at or now()) - now()
    assert timedelta(seconds=pause - 2) < waits <= timedelta(seconds=pause + 1)


def test_what_is_well_costs_no_write() -> None:
    breakers.note(OURS, answered=True)
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            assert breakers.allowed(OURS) == 1
            breakers.note(OURS, answered=True)
    assert [query["sql"] for query in asked if not query["sql"].startswith("SELECT")] == []
    assert not Breaker.objects.exists()


def test_through_learns_from_what_is_raised() -> None:
    def ask(problem: Exception) -> None:
        with breakers.through(OURS, trouble=OSError, is_outage=lambda found: "away" in str(found)):
            raise problem

    for _ in range(ENOUGH - 1):
        with pytest.raises(OSError, match="away"):
            ask(OSError("away"))
    with pytest.raises(ValueError, match="ours"):
        ask(ValueError("ours"))
    assert Breaker.objects.get().failures == ENOUGH - 1
    with pytest.raises(OSError, match="refused"):
        ask(OSError("refused"))  # a refusal is an answer
    assert Breaker.objects.get().failures == 0


def test_staff_keep_it_open_or_closed(dana: User, alice: User) -> None:
    with pytest.raises(Forbidden):
        breakers.force(actor=alice, target=OURS, mode="open")
    breakers.force(actor=dana, target=OURS, mode="open", reason="moving house")
    assert breakers.allowed(OURS) == 0
    pause_is_over()
    assert breakers.allowed(OURS) == 0
    breakers.force(actor=dana, target=OURS, mode="closed")
    fail(3 * ENOUGH)
    assert breakers.allowed(OURS) == 1
    breakers.force(actor=dana, target=OURS, mode="auto")
    assert breakers.allowed(OURS) == 1


def test_measures_tell_what_is_left_alone(dana: User) -> None:
    client = Client()
    client.force_login(dana)
    fail(ENOUGH)
    page = client.get("/metrics").content.decode()
    assert f'genproj_breaker_open{{target="{OURS}"}} 1.0' in page


def test_the_admin_shows_and_forces_breakers(dana: User) -> None:
    dana.is_superuser = True
    dana.save()
    client = Client()
    client.force_login(dana)
    fail(ENOUGH)
    page = client.get("/admin/runtime/breaker/").content.decode()
    assert OURS in page
    assert "no answer" in page
    row = Breaker.objects.get()
    act = {"action": "keep_closed", "_selected_action": [row.pk]}
    assert client.post("/admin/runtime/breaker/", act).status_code == 302
    assert Breaker.objects.get().mode == "closed"
    forced = {"act": "storage open"}
    assert client.post("/admin/runtime/breaker/force/", forced).status_code == 302
    assert breakers.is_shut("storage")
    for wrong in ("Storage! open", "storage ajar", "storage", ""):
        assert client.post("/admin/runtime/breaker/force/", {"act": wrong}).status_code == 404
    dana.is_superuser = False
    dana.save()
    assert client.post("/admin/runtime/breaker/force/", forced).status_code == 403
