"""The queue at work: limits, pauses, places, and what is moved."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations.models import ProviderModel
from genproj.usage import queries as ledger
from tests import world
from tests.conftest import Sandbox
from tests.videos.conftest import RUNWARE, VEO, Person, hurry
from videos.models import Job, Video
from videos.operations import gates, queue, wishes
from videos.queries.queue import usual_seconds

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[..., int]


def statuses() -> Counter[str]:
    return Counter(Video.objects.values_list("status", flat=True))


def confirmed(owner: User, *, model: str = RUNWARE, priority: int = 5) -> Video:
    video = wishes.open_video(
        actor=owner,
        prompt=f"A film that {owner.username} wished for",
        model=model,
        choices={"duration": 4, "aspect_ratio": "16:9", "resolution": "720p"},
    )
    return gates.confirm(actor=owner, video_id=video.pk, priority=priority)


def test_slots_limit_what_runs_in_all_of_a_person_and_at_a_provider(
    studio: Sandbox, alice: User, bob: User, dana: User, settings: Any, work: Work
) -> None:
    studio.faults({"fault": "never"}, {"fault": "veo_never"})
    settings.VIDEO_SLOTS, settings.VIDEO_SLOTS_PER_USER = 4, 2
    for owner in (alice, alice, alice, bob, dana, dana):
        confirmed(owner)
    work("run_queue")
    running = Counter(queue.running_jobs().values_list("video__owner__username", flat=True))
    assert running == {"alice": 2, "bob": 1, "dana": 1}
    settings.VIDEO_SLOTS, settings.VIDEO_SLOTS_PER_PROVIDER = 10, 4
    confirmed(bob, model=VEO)
    work("run_queue")
    at = Counter(queue.running_jobs().values_list("video__provider", flat=True))
    assert at == {"runware": 4, "veo": 1}


def test_a_place_in_the_queue_counts_down(
    studio: Sandbox, ali: Person, bo: Person, settings: Any, work: Work
) -> None:
    settings.VIDEO_SLOTS = 1
    studio.faults({"fault": "never"})
    running, waiting, last = (one.confirmed()["id"] for one in (ali, bo, ali))
    work("run_queue")
    assert ali.video(running)["status"] == "processing"
    assert bo.video(waiting)["queue"] == {
        "position": 1,
        "ahead": 0,
        "eta_seconds": usual_seconds(),
    }
    assert ali.video(last)["queue"]["position"] == 2
    assert [row["mine"] for row in ali.get("queue/")["queue"]] == [False, True]
    ali.post(f"videos/{running}/cancel/")
    work("run_queue")
    assert bo.video(waiting)["status"] == "processing"
    assert ali.video(last)["queue"]["position"] == 1


def test_staff_pause_all_a_provider_or_a_person_and_move_to_the_front(
    studio: Sandbox, ali: Person, bo: Person, staff: Person, settings: Any, work: Work
) -> None:
    settings.VIDEO_SLOTS = 1
    studio.faults({"fault": "never"})
    ali.ask("POST", "queue/pause/", {}, status=403)
    staff.post("queue/pause/", {"user": "alice"})
    of_ali, of_bo = ali.confirmed()["id"], bo.confirmed()["id"]
    assert staff.post("queue/pause/", {})["paused"]
    work("run_queue")
    assert statuses() == {"queued": 2}
    assert not staff.post("queue/resume/", {})["paused"]
    work("run_queue")
    assert bo.video(of_bo)["status"] == "processing"
    bo.post(f"videos/{of_bo}/cancel/")
    work("run_queue")
    assert ali.video(of_ali)["status"] == "queued"
    staff.post("queue/resume/", {"user": "alice"})
    staff.post("queue/pause/", {"provider": "runware"})
    work("run_queue")
    assert ali.video(of_ali)["status"] == "queued"
    later = bo.confirmed(model=VEO)["id"]
    work("run_queue")
    assert bo.video(later)["status"] == "processing"
    waiting = bo.confirmed()["id"]
    ali.ask("POST", f"videos/{of_ali}/to-front/", {}, status=403)
    staff.post(f"videos/{waiting}/to-front/")
    assert bo.video(waiting)["queue"]["position"] == 1
    staff.ask("POST", "queue/pause/", {"provider": "nobody"}, status=422)


def test_only_staff_ask_for_the_highest_priorities(
    studio: Sandbox, ali: Person, staff: Person
) -> None:
    wish = ali.wish()
    ali.post(f"videos/{wish['id']}/confirm/", {"priority": 9}, status=422)
    assert staff.post(f"videos/{wish['id']}/confirm/", {"priority": 9})["priority"] == 9


def test_two_hundred_films_of_three_people_are_taken_in_order_and_all_end(
    studio: Sandbox, alice: User, bob: User, dana: User, settings: Any, work: Work
) -> None:
    settings.VIDEO_SLOTS, settings.VIDEO_SLOTS_PER_USER = 4, 4
    studio.faults({"fault": "error_before_402"})  # each attempt is over at once
    people = [alice] * 150 + [bob] * 40 + [dana] * 10
    for number, owner in enumerate(people):
        gates.confirm(
            actor=dana,
            video_id=wishes.open_video(
                actor=owner,
                prompt="One of two hundred films",
                model=RUNWARE,
                choices={"duration": 4, "aspect_ratio": "16:9", "resolution": "720p"},
            ).pk,
            priority=[2, 5, 5, 8][number % 4],
        )
    while statuses()["queued"] + statuses()["processing"]:
        while queue.run_queue():
            assert queue.running_jobs().count() <= 4
        work("call_providers", "project")
        hurry()
    assert statuses() == {"failed": 200}
    taken = list(
        Job.objects.order_by("started_at").values_list("priority", "video__owner__username")
    )
    priorities = [priority for priority, _ in taken]
    assert priorities == sorted(priorities, reverse=True)
    for priority in (8, 5, 2):
        names = [name for one, name in taken if one == priority]
        few = [place for place, name in enumerate(names) if name != "alice"]
        # while all three wait, each has about every third place; Alice's many do not crowd out
        assert max(few) < 3 * len(few) + 8
    assert not list(ledger.open_subjects("video:"))


def test_a_retired_model_refuses_at_the_gate_and_in_the_queue(
    studio: Sandbox, ali: Person, settings: Any, work: Work
) -> None:
    settings.VIDEO_SLOTS = 0
    wish, queued = ali.wish(), ali.confirmed()
    ProviderModel.objects.filter(pk=RUNWARE).update(sunset_at="2026-01-01T00:00:00Z")
    world.models()
    refused = ali.post(f"videos/{wish['id']}/confirm/", status=410)
    assert refused["code"] == "model_retired"
    settings.VIDEO_SLOTS = 1
    work("run_queue")
    failed = ali.video(queued["id"])
    assert (failed["status"], failed["error"]["code"]) == ("failed", "model_retired")
    assert not list(ledger.open_subjects("video:"))
