"""From a sentence to a film, through the doors."""

from collections.abc import Callable
from typing import Any

import pytest

from genproj.usage import queries as ledger
from tests.conftest import Sandbox
from tests.videos.conftest import RUNWARE, SMALL, VEO, Person

pytestmark = pytest.mark.django_db(transaction=True)

Film = Callable[..., Any]


def kinds(id: str) -> list[str]:
    return [line.kind for line in ledger.lines_of(f"video:{id}")]


@pytest.mark.parametrize("model", [RUNWARE, VEO])
def test_a_complete_wish_becomes_a_film(
    studio: Sandbox, ali: Person, film: Film, model: str
) -> None:
    wish = ali.wish(model=model)
    assert wish["status"] == "pending_confirmation"
    assert wish["clarification_questions"] is None
    assert kinds(wish["id"]) == []
    queued = ali.post(f"videos/{wish['id']}/confirm/")
    assert queued["status"] == "queued"
    assert queued["queue"] == {"position": 1, "ahead": 0, "eta_seconds": 0.0}
    assert kinds(wish["id"]) == ["hold"]
    done = film(ali, wish["id"])
    assert done["status"] == "completed", done["error"]
    result = done["result"]
    assert result["resolution"] == "1280x720"
    assert result["duration"] == pytest.approx(4, abs=0.3)
    assert result["format"] == "mp4"
    assert ali.client.get(result["url"]).status_code == 200
    assert ali.client.get(result["thumbnail_url"]).status_code == 200
    assert kinds(wish["id"]) == ["hold", "settle"]
    steps = [line["step"] for line in ali.get(f"videos/{wish['id']}/timeline/")["results"]]
    assert steps[0] == "created"
    assert {"confirmed", "started", "submitted", "completed", "settle"} <= set(steps)


def test_a_sentence_in_the_chat_becomes_a_film(
    studio: Sandbox, ali: Person, film: Film, work: Callable[..., int]
) -> None:
    talk = ali.post("conversations/", {}, status=201)
    said = ali.post(
        f"conversations/{talk['id']}/messages/",
        {"content": "Create a video of a sunset over Lisbon"},
        status=201,
    )
    assert said["role"] == "user"
    assert ali.get(f"conversations/{talk['id']}/")["working"]
    work()
    [video] = ali.get(f"videos/?conversation={talk['id']}")["results"]
    assert video["status"] == "pending_clarification"
    assert video["message"] == said["id"]
    questions = video["clarification_questions"]
    assert 1 <= len(questions) <= 5
    assert all(row["question"] and "default" in row for row in questions)
    assert "video of" not in video["prompt"].lower()
    ready = ali.post(f"videos/{video['id']}/clarify/", {"responses": {}})
    assert ready["status"] == "pending_confirmation"
    assert ready["estimate"]["cost"]
    assert kinds(video["id"]) == []
    ali.post(f"videos/{video['id']}/confirm/")
    assert film(ali, video["id"])["status"] == "completed"
    said = ali.get(f"conversations/{talk['id']}/messages/")["results"]
    types = [message["type"] for message in said]
    assert types == [
        "text",
        "clarification",
        "confirmation",
        "progress",
        "progress",
        "generation_result",
    ]
    assert said[-1]["video"] == video["id"]


def test_a_short_wish_is_asked_about_and_answers_may_be_changed(
    studio: Sandbox, ali: Person
) -> None:
    video = ali.post("videos/", {"prompt": "a cat", "model": RUNWARE}, status=201)
    assert video["status"] == "pending_clarification"
    keys = [row["key"] for row in video["clarification_questions"]]
    assert keys[:4] == ["detail", "duration", "aspect_ratio", "resolution"]
    bad = ali.ask(
        "POST",
        f"videos/{video['id']}/clarify/",
        {"responses": {"duration": 5, "colour": "red"}},
        status=422,
    )
    assert {row["pointer"] for row in bad["errors"]} == {"/responses/duration", "/responses/colour"}
    ready = ali.post(f"videos/{video['id']}/clarify/", {"responses": {"duration": 4}})
    assert ready["parameters"]["duration"] == 4
    assert ready["changes"] == []
    again = ali.post(
        f"videos/{video['id']}/clarify/", {"responses": {"duration": 8, "style": "noir"}}
    )
    assert {row["field"] for row in again["changes"]} >= {"duration", "prompt"}
    assert again["parameters"]["duration"] == 8
    assert ali.post(f"videos/{video['id']}/confirm/")["status"] == "queued"
    ali.ask("POST", f"videos/{video['id']}/clarify/", {"responses": {}}, status=409)


def test_nothing_is_spent_before_the_gate(
    studio: Sandbox, ali: Person, work: Callable[..., int]
) -> None:
    video = ali.post("videos/", {"prompt": "a cat", "model": RUNWARE}, status=201)
    ali.ask("POST", f"videos/{video['id']}/confirm/", {}, status=409)
    work()
    assert studio.tasks() == []
    cancelled = ali.post(f"videos/{video['id']}/cancel/")
    assert cancelled["status"] == "cancelled"
    assert ali.post(f"videos/{video['id']}/cancel/")["status"] == "cancelled"
    ali.ask("POST", f"videos/{video['id']}/confirm/", {}, status=409)
    assert kinds(video["id"]) == []


def test_others_see_nothing_of_it(studio: Sandbox, ali: Person, bo: Person) -> None:
    video = ali.confirmed()
    for verb in ("clarify", "confirm", "cancel", "retry"):
        body = {"responses": {}} if verb == "clarify" else {}
        bo.ask("POST", f"videos/{video['id']}/{verb}/", body, status=404)
    bo.ask("GET", f"videos/{video['id']}/", status=404)
    assert bo.get("videos/")["results"] == []
    [row] = bo.get("queue/")["queue"]
    assert row["video"] is None
    assert row["position"] == 1


def test_a_polling_client_gets_304_until_something_changes(studio: Sandbox, ali: Person) -> None:
    wish = ali.wish(parameters=SMALL)
    first = ali.client.get(f"/api/v1/videos/{wish['id']}/status/")
    tag = first.headers["ETag"]
    again = ali.client.get(f"/api/v1/videos/{wish['id']}/status/", headers={"If-None-Match": tag})
    assert again.status_code == 304
    ali.post(f"videos/{wish['id']}/confirm/")
    moved = ali.client.get(f"/api/v1/videos/{wish['id']}/status/", headers={"If-None-Match": tag})
    assert moved.status_code == 200
    assert not moved.json()["is_final"]
