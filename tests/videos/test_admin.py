"""Staff look at films, jobs and workers in the admin, and act on them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Sandbox
from tests.videos.conftest import Person
from videos.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


def page(staff: Person, path: str) -> str:
    answer = staff.client.get(f"/admin/videos/{path}")
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def act(staff: Person, model: str, action: str, *ids: object) -> str:
    answer = staff.client.post(
        f"/admin/videos/{model}/",
        {"action": action, "_selected_action": [str(id) for id in ids]},
        follow=True,
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_page_shows_a_film_and_its_story(
    studio: Sandbox, ali: Person, staff: Person, film: Callable[..., Any]
) -> None:
    studio.faults({"fault": "error_after", "times": 1})
    video = film(ali, ali.confirmed()["id"])
    assert video["status"] == "completed"
    shown = page(staff, f"video/{video['id']}/change/")
    for words in ("Attempt failed; in the queue again", "webhook_error", "Money settled"):
        assert words in shown
    assert "A sunset over the roofs" in page(staff, "video/?status__exact=completed")
    job = Job.objects.get()
    assert "completed" in page(staff, f"job/{job.pk}/change/")
    assert "places of this installation" in page(staff, "job/?standing=finished")
    assert "This installation" in page(staff, "worker/")
    assert "A sunset over" in page(staff, "worker/engine/change/")
    assert page(staff, "report/")


def test_acts_go_through_the_operations(
    studio: Sandbox, ali: Person, staff: Person, settings: Any
) -> None:
    settings.VIDEO_SLOTS = 0
    first, second = ali.confirmed(), ali.confirmed()
    act(staff, "video", "move_to_front", second["id"])
    assert ali.video(second["id"])["queue"]["position"] == 1
    ali.post(f"videos/{first['id']}/cancel/")
    assert "1 refused" in act(staff, "video", "retry", first["id"])
    first = ali.confirmed()
    job = Job.objects.get(video=first["id"])
    assert "1 cancelled" in act(staff, "job", "cancel", job.pk)
    assert ali.video(first["id"])["status"] == "cancelled"
    act(staff, "job", "pause_all", job.pk)
    assert ali.get("queue/")["paused"]
    assert "the queue is paused" in page(staff, "job/")
    act(staff, "job", "resume_all", job.pk)
    assert not ali.get("queue/")["paused"]
