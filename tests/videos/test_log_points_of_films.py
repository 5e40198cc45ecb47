"""Each step of a film leaves its line, once, with its ids, the request that caused it, and
without what somebody wrote or what is secret."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import Lines, Sandbox, Web
from tests.generations.test_films import mp4
from tests.videos.conftest import RUNWARE, SMALL, Person
from tests.videos.machines import Machine
from videos.operations.log_points import FILM_POINTS, FilmPoint

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "Create a video of a sunset over Lisbon"
STYLE = "hand-painted azulejos"


def told(ali: Person, work: Callable[..., int]) -> str:
    """A film that was said, answered and confirmed, each by a request of its own."""
    talk = ali.post("conversations/", {}, status=201)["id"]
    ali.post(f"conversations/{talk}/messages/", {"content": SENTENCE}, status=201, **said("said"))
    work()
    [video] = ali.get(f"videos/?conversation={talk}")["results"]
    answers = {"responses": {"model": RUNWARE, "style": STYLE, **SMALL}}
    ali.post(f"videos/{video['id']}/clarify/", answers, **said("answered"))
    ali.post(f"videos/{video['id']}/confirm/", **said("confirmed"))
    return str(video["id"])


def said(name: str) -> dict[str, str]:
    return {"X-Request-Id": name}


def lines_of(point: FilmPoint, lines: Lines) -> list[dict[str, Any]]:
    named = {"component": point.component, "action": point.action, **point.where}
    return [line for line in lines if named.items() <= line.items()]


def judge(outcome: str, video: str, lines: Lines) -> None:
    for point in FILM_POINTS:
        found = lines_of(point, lines)
        assert len(found) == (outcome in point.when), (point, found)
        for line in found:
            assert [name for name in point.ids if name not in line] == [], (point, line)
            if "request_id" in point.ids and point.of != "reported":
                assert line["request_id"] == point.of, (point, line)
            if "conversation" not in point.ids or "about" in point.ids:
                assert video in json.dumps(line), (point, line)
    text = json.dumps(lines)
    assert "sunset" not in text.lower()
    assert STYLE not in text
    for secret in ("whsec_", "webhook-signature", "Bearer sandbox", "/uploads/ey"):
        assert secret not in text
    assert "token=" not in text.replace("token=***", "")


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_one_grep_tells_the_story_of_one_film(
    outcome: str,
    web: Web,
    studio: Sandbox,
    ali: Person,
    work: Callable[..., int],
    film: Callable[..., Any],
    lines: Lines,
) -> None:
    if outcome == "failure":
        studio.faults({"fault": "reject"})
    video = told(ali, work)
    assert film(ali, video)["status"] == ("completed" if outcome == "success" else "failed")
    judge(outcome, video, lines)


def test_a_worker_elsewhere_leaves_its_lines_too(
    web: Web,
    studio: Sandbox,
    ali: Person,
    dana: User,
    work: Callable[..., int],
    film: Callable[..., Any],
    settings: Any,
    lines: Lines,
) -> None:
    settings.VIDEO_SLOTS = 0
    video = told(ali, work)
    machine = Machine(dana)
    order = machine.began()
    key = machine.put(order, content=mp4())
    assert machine.tell(order, "completed", result={"storage_key": key}).json()["applied"]
    assert film(ali, video)["status"] == "completed"
    judge("remote", video, lines)
