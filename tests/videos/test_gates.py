"""Cancel at every state, retry, what comes late: and what happens to the money each time."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from generations.models import RegisterEntry
from genproj.kernel.errors import InvalidTransition
from genproj.usage import queries as ledger
from tests.conftest import Sandbox
from tests.videos.conftest import RUNWARE, VEO, Person, hurry
from videos.models import Video
from videos.operations import gates

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[..., int]
Film = Callable[..., Any]


def kinds(id: str) -> list[str]:
    return [line.kind for line in ledger.lines_of(f"video:{id}")]


def test_cancelled_in_the_queue_costs_nothing(
    studio: Sandbox, ali: Person, settings: Any, work: Work
) -> None:
    settings.VIDEO_SLOTS = 0
    video = ali.confirmed()
    assert ali.post(f"videos/{video['id']}/cancel/")["status"] == "cancelled"
    work()
    assert kinds(video["id"]) == ["hold", "release"]
    assert studio.tasks() == []
    ali.ask("POST", f"videos/{video['id']}/retry/", {}, status=409)


def test_cancelled_before_it_was_sent_is_never_sent(
    studio: Sandbox, ali: Person, work: Work
) -> None:
    video = ali.confirmed()
    work("run_queue")
    ali.post(f"videos/{video['id']}/cancel/")
    work()
    assert kinds(video["id"]) == ["hold", "release"]
    assert studio.tasks() == []


def test_cancelled_while_it_is_made_holds_the_money_until_the_last_word(
    studio: Sandbox, ali: Person, work: Work
) -> None:
    studio.faults({"fault": "veo_polls", "polls": 3})
    video = ali.confirmed(model=VEO)
    work("run_queue", "call_providers", "project")
    cancelled = ali.post(f"videos/{video['id']}/cancel/")
    assert cancelled["status"] == "cancelled"
    assert cancelled["held"] is not None
    assert kinds(video["id"]) == ["hold"]
    for _ in range(8):
        hurry()
        work()
    shown = ali.video(video["id"])
    assert shown["status"] == "cancelled"
    assert shown["result"]["late"]
    assert shown["held"] is None
    assert kinds(video["id"]) == ["hold", "settle"]


def test_cancelled_and_never_heard_of_again_is_released_at_the_deadline(
    studio: Sandbox, ali: Person, work: Work
) -> None:
    studio.faults({"fault": "veo_never"})
    video = ali.confirmed(model=VEO)
    work("run_queue", "call_providers", "project")
    ali.post(f"videos/{video['id']}/cancel/")
    entry = ali.video(video["id"])["generation"]
    RegisterEntry.objects.filter(pk=entry).update(deadline_at="2026-01-01T00:00:00Z")
    for _ in range(4):
        hurry()
        work()
    assert kinds(video["id"]) == ["hold", "release"]


def test_a_film_that_comes_after_the_timeout_is_kept_charged_and_told(
    studio: Sandbox, ali: Person, film: Film, work: Work
) -> None:
    studio.faults({"fault": "slow", "seconds": 3})
    video = ali.confirmed()
    work("run_queue", "call_providers", "project")
    entry = RegisterEntry.objects.get(pk=ali.video(video["id"])["generation"])
    RegisterEntry.objects.filter(pk=entry.pk).update(deadline_at="2026-01-01T00:00:00Z")
    failed = film(ali, video["id"], "failed")
    assert failed["error"]["code"] == "timeout"
    assert kinds(video["id"]) == ["hold", "release"]
    end = time.monotonic() + 15
    while "charge" not in kinds(video["id"]) and time.monotonic() < end:
        RegisterEntry.objects.filter(pk=entry.pk).update(due_at="2026-01-01T00:00:00Z")
        hurry()
        work()
        time.sleep(0.2)
    shown = ali.video(video["id"])
    assert shown["status"] == "failed"
    assert shown["result"]["late"]
    assert kinds(video["id"]) == ["hold", "release", "charge"]


def test_a_failed_film_is_tried_again_as_it_was(studio: Sandbox, ali: Person, film: Film) -> None:
    studio.faults({"fault": "reject", "times": 1})
    video = ali.confirmed()
    failed = film(ali, video["id"])
    assert failed["status"] == "failed"
    assert failed["actions"] == ["retry"]
    again = ali.post(f"videos/{video['id']}/retry/")
    assert again["status"] == "queued"
    assert ali.post(f"videos/{video['id']}/retry/")["status"] == "queued"
    done = film(ali, video["id"])
    assert done["status"] == "completed"
    assert done["error"] is None
    assert kinds(video["id"]) == ["hold", "release", "hold", "settle"]


def test_a_failed_film_with_edits_goes_through_the_gate_again(
    studio: Sandbox, ali: Person, film: Film, work: Work
) -> None:
    studio.faults({"fault": "reject", "times": 1})
    video = ali.confirmed()
    film(ali, video["id"])
    asked = ali.post(
        f"videos/{video['id']}/retry/",
        {"edits": {"prompt": "A quiet harbour at dawn", "model": VEO}},
    )
    assert asked["status"] == "pending_confirmation"
    assert asked["provider"] == "veo"
    assert {row["field"] for row in asked["changes"]} >= {"prompt", "model"}
    work()
    assert kinds(video["id"]) == ["hold", "release"]
    ali.post(f"videos/{video['id']}/confirm/")
    assert film(ali, video["id"])["status"] == "completed"
    assert kinds(video["id"]) == ["hold", "release", "hold", "settle"]


def test_a_model_that_was_retired_may_be_replaced(studio: Sandbox, ali: Person) -> None:
    video = ali.post("videos/", {"prompt": "a cat", "model": RUNWARE}, status=201)
    answer = ali.post(
        f"videos/{video['id']}/clarify/",
        {"responses": {"model": "veo-3.0-generate-001"}},
        status=410,
    )
    assert answer["code"] == "model_retired"
    assert answer["replacement"] == "veo-3.1-generate-001"


def test_two_verdicts_at_once_have_one_effect(
    studio: Sandbox, alice: User, ali: Person, settings: Any
) -> None:
    settings.VIDEO_SLOTS = 0
    wishes = [ali.wish()["id"] for _ in range(6)]
    said: list[str] = []
    start = threading.Barrier(2)

    def decide(verb: Callable[..., Video], id: str) -> None:
        start.wait()
        try:
            said.append(verb(actor=alice, video_id=id).status)
        except InvalidTransition:
            said.append("refused")
        finally:
            connection.close()

    for id in wishes:
        said.clear()
        pair = [
            threading.Thread(target=decide, args=(verb, id))
            for verb in (gates.confirm, gates.cancel)
        ]
        for one in pair:
            one.start()
        for one in pair:
            one.join()
        status = ali.video(id)["status"]
        assert status == "cancelled"
        assert kinds(id) in ([], ["hold", "release"])


def test_the_trash_takes_what_has_ended_and_gives_it_back(studio: Sandbox, ali: Person) -> None:
    running, waiting = ali.confirmed(), ali.wish()
    ali.ask("DELETE", f"videos/{running['id']}/", status=409)
    ali.ask("DELETE", f"videos/{waiting['id']}/", status=204)
    assert [row["id"] for row in ali.get("videos/")["results"]] == [running["id"]]
    assert [row["id"] for row in ali.get("videos/?trashed=true")["results"]] == [waiting["id"]]
    assert ali.post(f"videos/{waiting['id']}/restore/")["status"] == "cancelled"
    assert len(ali.get("videos/")["results"]) == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/prompt"),
        ({"prompt": "x"}, "/prompt"),
        ({"prompt": "  "}, "/prompt"),
        ({"prompt": "a" * 3001}, "/prompt"),
        ({"prompt": "a cat", "model": "runware:100@1"}, "/model"),
        ({"prompt": "a cat", "model": "nobody"}, "/model"),
        ({"prompt": "a cat", "colour": 1}, "/colour"),
        ({"prompt": "a cat", "parameters": {"webhookURL": "x"}}, "/parameters/webhookURL"),
        ({"prompt": "a cat", "parameters": {"duration": 5}}, "/parameters/duration"),
        ({"prompt": "a cat", "parameters": {"duration": 4, "resolution": "1080p"}}, None),
        ({"prompt": "a cat", "conversation": "nonsense"}, "/conversation"),
    ],
)
def test_a_wish_that_cannot_be_taken_is_refused_at_its_field(
    studio: Sandbox, ali: Person, body: dict[str, Any], pointer: str | None
) -> None:
    refused = ali.post("videos/", body, status=422)
    assert refused["code"] == "validation_failed"
    if pointer:
        assert pointer in {row["pointer"] for row in refused["errors"]}
    assert not Video.objects.exists()


def test_the_same_wish_with_one_key_is_one_video(studio: Sandbox, ali: Person) -> None:
    body = {"prompt": "a cat on a roof in Lisbon"}
    first = ali.post("videos/", body, status=201, **{"Idempotency-Key": "k1"})
    again = ali.post("videos/", body, status=201, **{"Idempotency-Key": "k1"})
    assert first["id"] == again["id"]
    assert Video.objects.count() == 1
