"""One generation: looking, versions, verbs, whose it is, and what its errors tell."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generations import queries
from generations.models import Output, Projection, RegisterEntry, Trash
from generations.operations import keeping, register
from genproj.kernel.clock import now, zulu
from genproj.kernel.ids import uuid7
from tests import world
from tests.generations.conftest import GENERATIONS, Program, of
from tests.generations.stored import catalogue, come, settle

pytestmark = pytest.mark.django_db

Count = Callable[..., Any]


def trouble(code: str, **detail: Any) -> dict[str, Any]:
    return {
        "code": code,
        "message": "It went wrong.",
        "retryable": True,
        "at": zulu(now()),
        "detail": detail,
    }


def test_states_follow_from_what_came(alices: Client, alice: User) -> None:
    def state_with(count: int, stored: int, **facts: object) -> dict[str, Any]:
        entry = world.opened(alice, count=count)
        for index in range(stored):
            come(entry, index)
        settle(entry, **facts)
        return alices.get(of(entry.pk)).json()

    assert state_with(2, 2)["state"] == "completed"
    assert state_with(2, 1)["state"] == "partial"
    assert state_with(2, 0)["state"] == "failed"
    assert state_with(2, 1, cancelled_at=now())["state"] == "cancelled"


def test_pictures_are_there_one_by_one(alices: Client, alice: User) -> None:
    entry = world.opened(alice, count=4)
    announced = come(entry, 1, stored_at=None, storage_key="", sha256="")
    stored = come(entry, 0)
    body = alices.get(of(entry.pk)).json()
    assert body["state"] == "pending"
    assert body["artifact_count"] == 1
    assert body["progress"] == {"done": 1, "expected": 4, "percent": None}
    assert body["cost"] == "0.0026"
    [output] = body["outputs"]
    assert output["artifact"] == str(stored.pk)
    assert output["url"] == f"/media/{stored.pk}/original"
    assert (output["index"], output["type"], output["seed"]) == (0, "success", 7)
    assert output["cost"] == "0.0013"
    assert output["error"] is None
    view = queries.generation_view(viewer=alice, id=entry.pk)
    assert [slot.type for slot in view.outputs] == ["success", "pending", "pending", "pending"]
    assert view.outputs[1].artifact == str(announced.pk)
    assert view.phase == "fetching"


def test_details_of_errors_are_for_staff_alone(
    alices: Client, program: Program, alice: User, dana: User
) -> None:
    entry = world.opened(alice, count=1)
    problem = trouble("fetch_failed", url="https://secret.example", status=404)
    Output.objects.create(
        id=uuid7(), entry=entry, index=0, ref="r", announced_at=now(), error=problem
    )
    settle(entry, error=trouble("http_error", url="https://secret.example", body="stack"))
    mine, staffs = (client.get(of(entry.pk)) for client in (alices, program(dana)))
    assert "secret.example" not in mine.content.decode()
    assert mine.json()["error"]["code"] == "http_error"
    assert mine.json()["error"]["detail"] is None
    assert mine.json()["outputs"][0]["error"]["code"] == "fetch_failed"
    assert staffs.json()["error"]["detail"]["body"] == "stack"
    assert staffs.json()["outputs"][0]["error"]["detail"]["status"] == 404
    assert mine["ETag"] != staffs["ETag"]


@pytest.mark.parametrize("verb", ["", "timeline"])
def test_what_one_may_not_see_is_not_there(
    program: Program, alice: User, bob: User, dana: User, verb: str
) -> None:
    entry = world.opened(alice)
    assert program(alice).get(of(entry.pk, verb)).status_code == 200
    assert program(dana).get(of(entry.pk, verb)).status_code == 200
    hidden = program(bob).get(of(entry.pk, verb))
    absent = program(bob).get(of(uuid7(), verb))
    assert hidden.status_code == absent.status_code == 404
    names = {"instance": "", "request_id": ""}
    assert hidden.json() | names == absent.json() | names
    assert "lighthouse" not in hidden.content.decode()


@pytest.mark.parametrize("verb", ["cancel", "retry", "restore"])
def test_verbs_on_others_things_are_404(
    program: Program, alice: User, bob: User, verb: str
) -> None:
    entry = world.opened(alice)
    client = program(bob)
    assert client.post(of(entry.pk, verb)).status_code == 404
    assert client.delete(of(entry.pk)).status_code == 404
    assert RegisterEntry.objects.get(pk=entry.pk).completed_at is None


def test_an_unchanged_generation_costs_one_query_and_no_body(
    alices: Client, alice: User, django_assert_num_queries: Count
) -> None:
    entry = world.opened(alice, count=2)
    come(entry, 0)
    first = alices.get(of(entry.pk))
    tag = first["ETag"]
    assert tag.startswith('"')
    with django_assert_num_queries(1):
        assert queries.generation_version(viewer=alice, id=entry.pk) == tag.strip('"')
    for header in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = alices.get(of(entry.pk), headers={"if-none-match": header})
        assert again.status_code == 304
        assert again.content == b""
        assert again["ETag"] == tag
    come(entry, 1)
    changed = alices.get(of(entry.pk), headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed["ETag"] != tag


def test_everything_that_shows_changes_the_version(alice: User) -> None:
    entry = world.opened(alice, count=2)
    rows = RegisterEntry.objects.filter(pk=entry.pk)
    seen = set()

    def look() -> None:
        version = queries.generation_version(viewer=alice, id=entry.pk)
        assert version == queries.generation_view(viewer=alice, id=entry.pk).version
        assert version not in seen
        seen.add(version)

    look()
    rows.update(dispatched_at=now())
    look()
    rows.update(progress=40)
    look()
    output = come(entry, 0, stored_at=None, storage_key="", sha256="")
    look()
    Output.objects.filter(pk=output.pk).update(error=trouble("fetch_failed"))
    look()
    settle(entry)
    look()
    rows.update(error=trouble("timeout"))
    look()
    keeping.trash_entry(actor=alice, entry_id=entry.pk)
    look()


def test_cancel_holds_once_and_is_repeated_with_200(alices: Client, alice: User) -> None:
    entry = world.opened(alice)
    for _ in range(2):
        answer = alices.post(of(entry.pk, "cancel"))
        assert answer.status_code == 200
        assert answer.json()["state"] == "cancelled"
        assert answer["X-Follow"] == f"user:{alice.pk}"


def test_what_has_settled_cannot_be_cancelled(alices: Client, alice: User) -> None:
    entry = world.opened(alice, count=1)
    come(entry)
    settle(entry)
    answer = alices.post(of(entry.pk, "cancel"))
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")


def test_a_retry_is_a_new_generation_for_what_is_missing(alices: Client, alice: User) -> None:
    entry = world.opened(alice, count=3, tags=["coast"])
    come(entry)
    assert alices.post(of(entry.pk, "retry")).status_code == 409
    settle(entry)
    answer = alices.post(of(entry.pk, "retry"), headers={"idempotency-key": "k"})
    assert answer.status_code == 202
    body = answer.json()
    assert body["id"] != str(entry.pk)
    assert answer["Location"] == of(body["id"])
    assert (body["retry_of"], body["expected_count"]) == (str(entry.pk), 2)
    assert body["tags"] == ["coast"]
    again = alices.post(of(entry.pk, "retry"), headers={"idempotency-key": "k"})
    assert again.json()["id"] == body["id"]
    come(entry, 1)
    come(entry, 2)
    complete = alices.post(of(entry.pk, "retry"))
    assert (complete.status_code, complete.json()["code"]) == (409, "invalid_transition")


def test_verbs_know_no_fields(alices: Client, alice: User) -> None:
    entry = world.opened(alice)
    answer = alices.post(of(entry.pk, "cancel"), {"force": True}, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/force"
    assert RegisterEntry.objects.get(pk=entry.pk).cancelled_at is None


def test_what_is_thrown_away_leaves_the_list_and_comes_back(alices: Client, alice: User) -> None:
    entry = world.opened(alice, count=1)
    come(entry)
    settle(entry)
    catalogue(entry)

    def listed(query: str = "") -> list[str]:
        return [row["id"] for row in alices.get(GENERATIONS + query).json()["results"]]

    assert listed() == [str(entry.pk)]
    for _ in range(2):
        assert alices.delete(of(entry.pk)).status_code == 204
    assert listed() == []
    assert listed("?trashed=true") == [str(entry.pk)]
    assert alices.get("/api/v1/artifacts/").json()["results"] == []
    assert alices.get(of(entry.pk)).json()["trashed_at"]
    answer = alices.post(of(entry.pk, "restore"))
    assert (answer.status_code, answer.json()["trashed_at"]) == (200, None)
    assert listed() == [str(entry.pk)]
    assert not Trash.objects.exists()


def test_a_delete_of_another_version_than_believed_is_refused(alices: Client, alice: User) -> None:
    entry = world.opened(alice)
    stale = alices.get(of(entry.pk))["ETag"]
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    answer = alices.delete(of(entry.pk), headers={"if-match": stale})
    assert (answer.status_code, answer.json()["code"]) == (412, "version_conflict")
    fresh = alices.get(of(entry.pk))["ETag"]
    assert alices.delete(of(entry.pk), headers={"if-match": fresh}).status_code == 204


def test_replay_is_for_staff(alices: Client, program: Program, alice: User, dana: User) -> None:
    entry = world.opened(alice, count=1)
    come(entry)
    settle(entry, error=trouble("projection_failed", projector="catalogue"))
    Projection.objects.update_or_create(
        entry=entry,
        projector="catalogue",
        stage="settled",
        defaults={"created_at": now(), "failed_at": now(), "cause": {"error": "x"}},
    )
    refused = alices.post(of(entry.pk, "replay"))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    view = queries.generation_view(viewer=dana, id=entry.pk)
    assert view.acts["replay"]
    dry = program(dana).post(
        of(entry.pk, "replay"), {"dry_run": True}, content_type="application/json"
    )
    assert dry.status_code == 200
    assert [row["projector"] for row in dry.json()["results"]] == ["catalogue"]
    done = program(dana).post(of(entry.pk, "replay"))
    assert [row["outcome"] for row in done.json()["results"]] == ["created"]
    assert RegisterEntry.objects.get(pk=entry.pk).catalogued_at is not None
    assert program(dana).post(of(uuid7(), "replay")).status_code == 404


def test_the_timeline_tells_every_step_in_order(
    alices: Client, program: Program, alice: User, dana: User
) -> None:
    entry = world.opened(alice, count=1)
    RegisterEntry.objects.filter(pk=entry.pk).update(submit_started_at=now(), dispatched_at=now())
    come(entry, raw={"secret": "payload"})
    settle(entry, error=trouble("timeout", received=0))
    answer = alices.get(of(entry.pk, "timeline"))
    steps = answer.json()["results"]
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    words = [step["step"] for step in steps]
    assert words[0] == "created"
    assert {"submitting", "accepted", "announced", "stored", "timeout", "settled"} <= set(words)
    assert steps[0]["actor"] == "alice"
    assert all(step["detail"] is None for step in steps)
    staffs = program(dana).get(of(entry.pk, "timeline"))
    assert "payload" in staffs.content.decode()


def test_a_wrong_method_says_which_are_right(alices: Client, alice: User) -> None:
    entry = world.opened(alice)
    answer = alices.put(of(entry.pk), {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer["Allow"]


def test_the_id_of_a_request_is_taken_and_returned(alices: Client) -> None:
    answer = alices.get(of(uuid7()), headers={"x-request-id": "mine-1"})
    assert answer["X-Request-Id"] == "mine-1"
    assert answer.json()["request_id"] == "mine-1"


def test_frames_are_what_the_api_shows(alices: Client, alice: User) -> None:
    entry = world.opened(alice, count=2)
    come(entry)
    shown = alices.get(of(entry.pk)).json()
    [frame] = queries.frames_of([RegisterEntry.objects.get(pk=entry.pk)])
    assert frame == shown
    assert queries.full_state_of(alice.pk) == {"generations": [shown], "notices": []}
    [view] = queries.open_generations(alice)
    assert view.id == shown["id"]
