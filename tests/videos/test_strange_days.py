"""Films on bad days: the language model fails, people leave, conversations are thrown away."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.accounts import operations as accounts
from genproj.assistant.models import Conversation
from genproj.usage import queries as ledger
from tests.conftest import Sandbox
from tests.videos.conftest import RUNWARE, SMALL, Person, hurry
from tests.videos.machines import key_of
from videos.models import Job, Video
from videos.operations import leaving

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[..., int]
FAULTS = (
    {"fault": "model_rejected"},
    {"fault": "model_billing"},
    {"fault": "model_denied"},
    {"fault": "model_retired"},
    {"fault": "model_busy"},
    {"fault": "model_spent"},
    {"fault": "model_500"},
    {"fault": "model_overloaded"},
    {"fault": "model_html"},
    {"fault": "model_slow", "seconds": 20},
    {"fault": "model_drip", "seconds": 20},
    {"fault": "model_lost"},
    {"fault": "model_cut"},
    {"fault": "model_refusal"},
    {"fault": "model_max_tokens"},
    {"fault": "model_full"},
    {"fault": "model_nonsense"},
    {"fault": "model_bad_shape"},
    {"fault": "model_unknown_tool"},
)


def said(person: Person, words: str) -> str:
    talk = person.post("conversations/", {}, status=201)["id"]
    person.post(f"conversations/{talk}/messages/", {"content": words}, status=201)
    return str(talk)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault["fault"]))
def test_a_rule_asks_where_the_language_model_fails(
    studio: Sandbox, ali: Person, work: Work, fault: dict[str, Any]
) -> None:
    studio.faults(fault)
    began = time.monotonic()
    talk = said(ali, "Create a video of a sunset over Lisbon")
    work()
    assert time.monotonic() - began < 10
    [video] = ali.get(f"videos/?conversation={talk}")["results"]
    assert video["status"] == "pending_clarification"
    assert 1 <= len(video["clarification_questions"]) <= 5
    steps = ali.get(f"videos/{video['id']}/timeline/")["results"]
    asked = next(step for step in steps if step["step"] == "clarification_requested")
    assert asked["detail"]["asked_by"] == "heuristic"
    ali.post(f"conversations/{talk}/messages/", {"content": "use defaults"}, status=201)
    work()
    assert ali.video(video["id"])["status"] == "pending_confirmation"


def test_a_film_ends_although_its_conversation_is_in_the_trash(
    studio: Sandbox, ali: Person, work: Work, film: Callable[..., Any]
) -> None:
    talk = said(ali, "Create a video of a sunset over Lisbon")
    work()
    [video] = ali.get(f"videos/?conversation={talk}")["results"]
    ali.post(f"videos/{video['id']}/clarify/", {"responses": {"model": RUNWARE, **SMALL}})
    ali.post(f"videos/{video['id']}/confirm/")
    work("run_queue")
    ali.ask("DELETE", f"conversations/{talk}/", status=204)
    assert film(ali, video["id"])["status"] == "completed"
    ali.ask("POST", f"conversations/{talk}/messages/", {"content": "more"}, status=409)
    ali.post(f"conversations/{talk}/restore/")
    told = ali.get(f"conversations/{talk}/messages/")["results"]
    assert told[-1]["type"] == "generation_result"


def test_a_film_of_a_conversation_that_is_gone_for_good_ends_all_the_same(
    studio: Sandbox, ali: Person, work: Work, film: Callable[..., Any]
) -> None:
    talk = ali.post("conversations/", {}, status=201)["id"]
    video = ali.confirmed(conversation=talk)
    work("run_queue")
    Conversation.objects.all().delete()
    done = film(ali, video["id"])
    assert done["status"] == "completed"
    assert done["conversation"] is None


@pytest.mark.parametrize("began", [False, True], ids=["waiting", "running"])
def test_who_is_deleted_takes_the_film_along_and_stops_nobody(
    studio: Sandbox, ali: Person, bo: Person, work: Work, film: Callable[..., Any], began: bool
) -> None:
    gone = ali.confirmed()
    if began:
        work("run_queue", "call_providers")
    other = bo.confirmed()
    User.objects.filter(pk=ali.user.pk).delete()
    assert film(bo, other["id"])["status"] == "completed"
    for _ in range(20):
        work()
        hurry()
    leaving.close_money_of_gone()
    assert not Job.objects.filter(finished_at__isnull=True).exists()
    assert not Video.objects.filter(pk=gone["id"]).exists()
    kinds = [line.kind for line in ledger.lines_of(f"video:{gone['id']}")]
    assert kinds == ["hold", "settle" if began else "release"]
    assert leaving.close_money_of_gone() == 0


def test_who_may_not_sign_in_any_more_may_not_confirm(studio: Sandbox, ali: Person) -> None:
    wish = ali.wish()
    made = accounts.issue_key(actor=ali.user, name="program", scopes=("read", "write"))
    reader = Client(headers={"authorization": f"Bearer {key_of(ali.user, 'read')}"})
    program = Client(headers={"authorization": f"Bearer {made.secret}"})
    path = f"/api/v1/videos/{wish['id']}/confirm/"
    assert reader.post(path).status_code == 403
    assert program.get("/api/v1/videos/").status_code == 200
    User.objects.filter(pk=ali.user.pk).update(is_active=False)
    assert program.post(path).status_code == 401
    assert ali.client.post(path).status_code in {401, 403}
    assert Video.objects.get(pk=wish["id"]).status == "pending_confirmation"


def test_a_key_of_scope_worker_opens_no_other_door(studio: Sandbox, dana: User) -> None:
    machine = Client(headers={"authorization": f"Bearer {key_of(dana)}"})
    for path in ("videos/", "queue/", "conversations/", "generations/", "workers/"):
        assert machine.get(f"/api/v1/{path}").status_code in {401, 403}, path
    assert machine.post("/api/v1/videos/", {"prompt": "a cat"}).status_code in {401, 403}


def test_staff_look_at_anybodys_film_and_its_owner_is_charged(
    studio: Sandbox, ali: Person, staff: Person, film: Callable[..., Any]
) -> None:
    wish = ali.wish()
    assert staff.video(wish["id"])["owner"] == "alice"
    staff.post(f"videos/{wish['id']}/confirm/")
    assert film(ali, wish["id"])["status"] == "completed"
    assert {line.audience for line in ledger.lines_of(f"video:{wish['id']}")} == {
        f"user:{ali.user.pk}"
    }


def test_a_paused_queue_is_gone_on_with(
    studio: Sandbox, ali: Person, staff: Person, work: Work, film: Callable[..., Any]
) -> None:
    staff.post("queue/pause/", {"reason": "drill"})
    video = ali.confirmed()
    time.sleep(2.2)  # what is remembered of switches
    work()
    assert ali.video(video["id"])["status"] == "queued"
    assert ali.get("queue/")["paused"]
    staff.post("queue/resume/", {})
    assert film(ali, video["id"])["status"] == "completed"


def test_words_that_no_database_keeps_are_refused(studio: Sandbox, ali: Person) -> None:
    talk = ali.post("conversations/", {}, status=201)["id"]
    for words in ("a\x00b", "\ud800 x"):
        ali.ask("POST", "videos/", {"prompt": words}, status=422)
        ali.ask("POST", f"conversations/{talk}/messages/", {"content": words}, status=422)
    ali.ask("POST", "videos/", {"prompt": "x" * 3001}, status=422)
    long = "Create a video of " + "waves, " * 700
    ali.post(f"conversations/{talk}/messages/", {"content": long}, status=201)
