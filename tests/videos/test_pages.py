"""The pages about films, as a browser without scripts sees and uses them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import Sandbox
from tests.videos.conftest import Person

pytestmark = pytest.mark.django_db(transaction=True)

Film = Callable[..., Any]
AS_JSON = {"Accept": "application/json"}


def act(person: Person, id: str, verb: str, **form: str) -> Any:
    return person.client.post(f"/videos/{id}/act/", {"act": verb, **form})


def text(person: Person, path: str, *, status: int = 200) -> str:
    answer = person.client.get(path)
    assert answer.status_code == status, answer.content[:500]
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_wish_is_said_answered_and_confirmed_by_forms(
    studio: Sandbox, ali: Person, film: Film, work: Callable[..., int]
) -> None:
    sent = ali.client.post("/chat/", {"content": "Create a video of a sunset over Lisbon"})
    assert sent.status_code == 302
    assert "data-working" in text(ali, sent["Location"])
    work()
    page = text(ali, sent["Location"])
    assert 'data-status="pending_clarification"' in page
    assert 'name="r.duration" value="8" checked' in page
    [video] = ali.get("videos/")["results"]
    back = act(ali, video["id"], "clarify", **{"r.duration": "4", "back": sent["Location"]})
    assert back["Location"] == sent["Location"]
    page = text(ali, sent["Location"])
    assert "Confirm and spend" in page
    assert "4 seconds" in page
    assert act(ali, video["id"], "confirm")["Location"] == f"/videos/{video['id']}/"
    film(ali, video["id"])
    page = text(ali, sent["Location"])
    assert page.count('class="film"') == 1
    assert page.count('class="record"') == 4
    assert "<video " in page
    own = text(ali, f"/videos/{video['id']}/")
    assert "Money settled" in own
    assert f"/chat/{video['conversation']}/" in own


def test_what_is_asked_of_a_form_is_checked(studio: Sandbox, ali: Person) -> None:
    id = ali.wish()["id"]
    path = f"/videos/{id}/act/"
    answer = ali.client.post(path, {"act": "clarify", "r.duration": "5"}, headers=AS_JSON)
    assert answer.status_code == 422
    assert [row["pointer"] for row in answer.json()["errors"]] == ["/responses/duration"]
    answer = ali.client.post(path, {"act": "clarify", "r.duration": "5"}, follow=True)
    assert "Duration: " in answer.content.decode()
    assert ali.client.post(path, {"act": "dance"}, headers=AS_JSON).status_code == 400
    assert ali.client.post(path, {"act": "retry"}, headers=AS_JSON).status_code == 409
    away = act(ali, id, "cancel", back="//elsewhere.example/")
    assert away["Location"] == f"/videos/{id}/"


def test_another_model_keeps_what_it_can_do(studio: Sandbox, ali: Person) -> None:
    wish = ali.wish(model="google:3@3")
    form = text(ali, f"/videos/{wish['id']}/?part=form&model=veo-3.1-fast-generate-001")
    assert 'name="r.duration" value="4" checked' in form
    assert "r.seed" not in form
    act(ali, wish["id"], "clarify", **{"r.model": "veo-3.1-fast-generate-001", "r.style": "noir"})
    page = text(ali, f"/videos/{wish['id']}/")
    assert ali.video(wish["id"])["model"] == "veo-3.1-fast-generate-001"
    assert "Before: " in page
    assert "noir" in page


def test_a_failed_film_says_why_and_what_became_of_the_money(
    studio: Sandbox, ali: Person, film: Film
) -> None:
    studio.faults({"fault": "reject"})
    id = ali.confirmed()["id"]
    film(ali, id, "failed")
    page = text(ali, f"/videos/{id}/")
    assert "The provider refused this request." in page
    assert "You were not charged." in page
    assert "api_rejected" in page
    studio.faults()
    assert "Needs you" in text(ali, "/")
    act(ali, id, "model", model="veo-3.1-fast-generate-001")
    video = ali.video(id)
    assert (video["status"], video["model"]) == (
        "pending_confirmation",
        "veo-3.1-fast-generate-001",
    )


def test_the_queue_shows_others_without_content(
    studio: Sandbox, ali: Person, bo: Person, staff: Person
) -> None:
    first = ali.confirmed(prompt="A secret garden behind a high wall")
    second = bo.confirmed(prompt="A pier in a storm, seen from the shore")
    page = text(bo, "/queue/")
    assert "A pier in a storm" in page
    assert "A member’s film" in page
    assert "secret garden" not in page
    assert "2 of yours" not in page
    assert "1 of yours, 2 in all" in page
    text(bo, f"/videos/{first['id']}/", status=404)
    assert act(bo, first["id"], "cancel").status_code == 404
    assert act(bo, second["id"], "front").status_code == 302
    assert ali.video(first["id"])["queue"]["position"] == 1
    assert act(staff, second["id"], "front").status_code == 302
    assert bo.video(second["id"])["queue"]["position"] == 1
    assert "Move to front" in text(staff, f"/videos/{first['id']}/")
    assert "Move to front" not in text(ali, f"/videos/{first['id']}/")
    act(ali, first["id"], "cancel")
    page = text(ali, f"/videos/{first['id']}/")
    assert "You were not charged." in page
    assert "Nothing more is awaited." in page


def test_conversations_are_one_s_own(
    studio: Sandbox, ali: Person, bo: Person, client: Client
) -> None:
    talk = ali.post("conversations/", {"title": "Herons"}, status=201)["id"]
    path = f"/chat/{talk}/"
    assert "Herons" in text(ali, path)
    text(bo, path, status=404)
    assert bo.client.post(path, {"content": "Hello"}).status_code == 404
    assert bo.client.post(f"{path}act/", {"act": "delete"}).status_code == 404
    assert client.get("/chat/")["Location"].startswith("/accounts/login/")
    ali.client.post(f"{path}act/", {"act": "rename", "title": "Egrets"})
    assert "Egrets" in text(ali, "/chat/")
    assert "Egrets" not in text(ali, "/chat/?q=heron")
    ali.client.post(f"{path}act/", {"act": "delete"})
    assert "Egrets" not in text(ali, "/chat/")
    assert "In the trash" in text(ali, path)
    ali.client.post(f"{path}act/", {"act": "restore"})
    assert "Egrets" in text(ali, "/chat/")
    assert "A message needs words." in ali.client.post(path, follow=True).content.decode()


def test_a_film_is_thrown_away_and_wished_for_again(studio: Sandbox, ali: Person) -> None:
    id = ali.wish()["id"]
    act(ali, id, "cancel")
    again = act(ali, id, "again")["Location"]
    assert again != f"/videos/{id}/"
    assert "Confirm and spend" in text(ali, again)
    act(ali, id, "delete")
    assert "In the trash" in text(ali, f"/videos/{id}/")
    act(ali, id, "restore")
    assert "In the trash" not in text(ali, f"/videos/{id}/")
