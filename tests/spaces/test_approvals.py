"""What the assistant proposes: decided once, carried out once, and told to it once."""

import random
import subprocess
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import turns
from genproj.assistant.transcript import transcript
from genproj.assistant.wire import require_answered
from genproj.events import log
from genproj.kernel.clock import now
from genproj.notices.models import Notice
from spaces.models import Approval, Asset
from spaces.operations import approvals
from tests import world
from tests.conftest import ROOT, environment, python
from tests.spaces.world import asset_in, space_of, variant_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def here(space: Any, studio: Any) -> str:
    """Where the doors of the space are."""
    return f"spaces/{space.pk}/"


@pytest.fixture
def knight(space: Any) -> Asset:
    return asset_in(space, "Knight")


@pytest.fixture
def ask(here: str, editor: Any, work: Any) -> Any:
    """Bob asks for something; what was proposed."""

    def asked(words: str) -> list[dict[str, Any]]:
        editor.post(f"{here}chat/", {"content": words})
        work("answer_turns")
        found: list[dict[str, Any]] = editor.get(f"{here}approvals/?status=pending")["results"]
        return found[::-1]

    return asked


def results_of(message: Message) -> dict[str, Any]:
    message.refresh_from_db()
    return dict(message.results)


def test_a_proposal_is_kept_shown_and_waited_for(here, knight, ask, owner, viewer) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    assert (proposed["tool"], proposed["status"], proposed["kind"]) == (
        "rename",
        "pending",
        "changes",
    )
    assert proposed["arguments"] == {"asset_id": str(knight.pk), "name": "Sir Fog"}
    assert proposed["requested_by"] == "bob"
    turn = Turn.objects.get()
    assert turn.waiting_at
    assert turn.leased_until is None
    assert owner.get(f"{here}chat/")["conversation"]
    assert [one["id"] for one in owner.get("approvals/")["results"]] == [proposed["id"]]
    assert viewer.get("approvals/")["results"][0]["may_decide"] is False
    assert list(Notice.objects.values_list("owner__username", flat=True)) == ["alice"]
    knight.refresh_from_db()
    assert knight.name == "Knight"


def test_an_approved_call_is_carried_out_and_the_model_goes_on(
    here, knight, ask, owner, work
) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    work("run_approved", "answer_turns")
    knight.refresh_from_db()
    assert knight.name == "Sir Fog"
    done = owner.get(f"{here}approvals/{proposed['id']}/")
    assert (done["status"], done["decided_by"]) == ("executed", "alice")
    assert done["result"]["asset_id"] == str(knight.pk)
    last = owner.get(f"{here}chat/?newest=true")["results"][-1]
    assert last["content"].startswith("Done")
    assert Turn.objects.get().outcome == "answered"


def test_the_first_decision_wins(here, knight, ask, owner, editor, viewer, stranger) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    door = f"{here}approvals/{proposed['id']}/"
    viewer.post(f"{door}approve/", status=403)
    stranger.post(f"{door}approve/", status=404)
    owner.post(f"{door}approve/", {"version": 7}, status=412)
    owner.post(f"{door}approve/", status=200)
    owner.post(f"{door}approve/", status=200)
    second = editor.post(f"{door}approve/", status=409)
    assert (second["code"], second["decided_by"]) == ("already_decided", "alice")
    assert editor.post(f"{door}reject/", status=409)["detail"] == "Already approved by alice."
    editor.post(f"{door}edit/", {"arguments": proposed["arguments"]}, status=409)


def test_two_approvers_at_once(here, knight, ask, owner, editor, work) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    answers: list[int] = []

    def approve(person: Any) -> None:
        path = f"{here}approvals/{proposed['id']}/approve/"
        answers.append(person.send("POST", path, {}).status_code)
        connection.close()

    both = [threading.Thread(target=approve, args=(one,)) for one in (owner, editor)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(answers) == [200, 409]
    work("run_approved", "answer_turns")
    assert Approval.objects.get().status == "executed"


def test_edited_arguments_are_judged_and_the_original_is_kept(
    here, knight, ask, owner, work
) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    door = f"{here}approvals/{proposed['id']}/"
    strange = {"asset_id": proposed["id"], "name": "Fog"}
    refused = owner.post(f"{door}edit/", {"arguments": strange}, status=422)
    assert refused["errors"][0] == {
        "pointer": "/asset_id",
        "code": "not_found",
        "detail": "There is no such asset here.",
    }
    owner.post(f"{door}edit/", {"arguments": {"name": "Fog"}}, status=422)
    given = {"asset_id": str(knight.pk), "name": "Dame Fog"}
    edited = owner.post(f"{door}edit/", {"arguments": given}, status=200)
    assert (edited["status"], edited["arguments"]["name"]) == ("pending", "Dame Fog")
    assert edited["original_arguments"]["name"] == "Sir Fog"
    owner.post(f"{door}approve/", {"version": edited["version"]}, status=200)
    work("run_approved", "answer_turns")
    knight.refresh_from_db()
    assert knight.name == "Dame Fog"
    assert "edited" in owner.get(f"{here}chat/?newest=true")["results"][-1]["content"]


def test_what_changed_after_approval_is_not_carried_out(here, knight, ask, owner, work) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    Approval.objects.update(arguments={"asset_id": str(knight.pk), "name": "Mallory"})
    work("run_approved", "answer_turns")
    knight.refresh_from_db()
    assert knight.name == "Knight"
    done = owner.get(f"{here}approvals/{proposed['id']}/")
    assert (done["status"], done["result"]["error"]["code"]) == ("failed", "arguments_changed")


def test_a_call_that_names_what_is_gone_says_where(here, knight, ask, owner, work) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    owner.delete(f"{here}assets/{knight.pk}/")
    work("run_approved", "answer_turns")
    done = owner.get(f"{here}approvals/{proposed['id']}/")
    assert (done["status"], done["result"]["error"]["code"]) == ("failed", "validation_failed")
    assert [row["pointer"] for row in done["result"]["error"]["errors"]] == ["/asset_id"]


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_both_who_asked_and_who_approved_must_still_be_allowed(
    here, space, knight, ask, owner, work, who
) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    space.members.filter(user__username=who).update(role="viewer")
    work("run_approved", "answer_turns")
    knight.refresh_from_db()
    assert knight.name == "Knight"
    row = Approval.objects.get()
    assert (row.status, row.result["error"]["code"]) == ("failed", "forbidden")


def test_what_nobody_decides_expires_and_the_model_is_told(here, knight, ask, owner, work) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    Approval.objects.update(expires_at=now() - timedelta(seconds=1))
    late = owner.post(f"{here}approvals/{proposed['id']}/approve/", status=409)
    assert late["code"] == "already_decided"
    assert approvals.expire() == 1
    assert approvals.expire() == 0
    work("answer_turns")
    assert Approval.objects.get().status == "expired"
    assert "in time" in owner.get(f"{here}chat/?newest=true")["results"][-1]["content"]


def test_people_go_on_talking_while_a_turn_waits(here, knight, ask, owner, work) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    owner.post(f"{here}chat/", {"content": "hello"})
    work("answer_turns")
    assert Turn.objects.filter(outcome="answered").count() == 1
    owner.post(f"{here}approvals/{proposed['id']}/reject/", {"reason": "No."}, status=200)
    work("answer_turns")
    assert Turn.objects.filter(outcome="answered").count() == 2
    assert "decided against" in owner.get(f"{here}chat/?newest=true")["results"][-1]["content"]


def test_all_at_once(here, knight, ask, owner, work) -> None:
    proposed = ask("Rename the knight to Sir Fog; tag the knight as hero; move the knight to top")
    assert [one["tool"] for one in proposed] == ["rename", "tag", "move"]
    owner.post(f"{here}approvals/{proposed[1]['id']}/reject/", status=200)
    done = owner.post(f"{here}approvals/approve-all/", status=200)
    assert [one["tool"] for one in done["approved"]] == ["rename", "move"]
    assert done["refused"] == []
    ids = [one["id"] for one in proposed]
    again = owner.post(f"{here}approvals/approve-all/", {"approval_ids": ids}, status=200)
    assert [one["code"] for one in again["refused"]] == ["already_decided"]
    work("run_approved", "answer_turns")
    assert Turn.objects.get().outcome == "answered"


def test_what_spends_shows_its_cost_and_makes_pictures(here, ask, owner, work) -> None:
    [proposed] = ask("Generate three variants of a lighthouse at night")
    assert (proposed["tool"], proposed["kind"]) == ("batch_generate", "spends")
    assert proposed["arguments"]["count"] == 3
    assert float(proposed["cost"]) > 0
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    work("run_approved")
    made = Approval.objects.get()
    assert made.status == "executed"
    assert len(made.result["variant_ids"]) == 3
    asset = Asset.objects.get(pk=made.result["asset_id"])
    assert asset.created_by.username == "bob"
    assert asset.variants.count() == 3


def test_events_tell_of_every_step(here, space, knight, ask, owner, work) -> None:
    head = log.head_of(f"space:{space.pk}")
    [proposed] = ask("Rename the knight to Sir Fog")
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    work("run_approved", "answer_turns")
    frames = [one.wire() for one in log.since(f"space:{space.pk}", head) or []]
    steps = [one["approval"]["status"] for one in frames if one["type"].startswith("approval:")]
    assert steps == ["pending", "approved", "executed"]


WORKER = """
import django, time
django.setup()
from spaces.jobs import run_approved
from spaces.operations import approvals, calls
run = calls.run
def slowly(tool, **given):
    done = run(tool, **given)
    print("done", flush=True)
    time.sleep(60)
    return done
calls.run = slowly
run_approved()
"""


@pytest.mark.processes
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the worker opens the test's own file")
def test_a_worker_killed_in_the_middle_of_a_call_leaves_nothing_of_it(
    here, ask, owner, work, sandbox
) -> None:
    [proposed] = ask("Generate three variants of a lighthouse at night")
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    worker = subprocess.Popen(
        [python(), "-c", WORKER],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env=environment(
            DJANGO_SETTINGS_MODULE="genproj.settings",
            DATABASE_URL=f"sqlite://{connection.settings_dict['NAME']}",
            SANDBOX_PORT=str(sandbox.port),
        ),
    )
    assert worker.stdout is not None
    with worker.stdout as told:
        assert told.readline() == b"done\n"
        worker.kill()
        worker.wait(10)
    assert not Asset.objects.exists()
    row = Approval.objects.get()
    assert (row.status, row.attempts) == ("approved", 1)
    assert work("run_approved") == 0
    Approval.objects.update(leased_until=now() - timedelta(seconds=1))
    work("run_approved", "answer_turns")
    assert Approval.objects.get().status == "executed"
    assert Asset.objects.get().variants.count() == 3
    [result] = Message.objects.get(blocks__icontains="batch_generate").results.values()
    assert '"status": "executed"' in result["content"]
    assert Turn.objects.get().outcome == "answered"


STEPS = (
    "rename the knight to Sir Fog; tag the knight as hero; move the knight to top; "
    "fork the knight as Squire; tag the tower with stone"
)


@pytest.mark.parametrize("seed", range(8))
def test_every_call_has_one_result_whatever_people_do(
    here, space, knight, ask, owner, editor, work, seed
) -> None:
    """Decisions of two people, edits, expiry and dying workers in any order."""
    chance = random.Random(seed)
    variant_of(knight, active=True)
    asset_in(space, "Tower")
    proposed = ask(STEPS)
    assert len(proposed) == 5
    turn = Turn.objects.get()
    message = Message.objects.get(of_turn=turn, blocks__icontains="rename")
    head = log.head_of(f"space:{space.pk}")
    people = [owner, editor]
    while turn.waiting_at or turn.due_at:
        one = chance.choice(proposed)
        door = f"{here}approvals/{one['id']}/"
        match chance.choice(
            ["approve", "approve", "reject", "edit", "expire", "run", "die", "all"]
        ):
            case "approve" | "reject" as verb:
                chance.choice(people).send("POST", f"{door}{verb}/", {})
            case "edit":
                given = {
                    **one["arguments"],
                    **({"name": "Edited"} if "name" in one["arguments"] else {}),
                }
                chance.choice(people).send("POST", f"{door}edit/", {"arguments": given})
            case "expire":
                pending = Approval.objects.filter(pk=one["id"], status="pending")
                pending.update(expires_at=now() - timedelta(seconds=1))
                approvals.expire()
            case "run":
                work("run_approved")
            case "die":  # a worker claims and is never heard of again
                approvals.leases.claim(approvals.approved_to_run(), limit=1)
                Approval.objects.update(leased_until=None)
            case "all" if chance.random() < 0.2:
                owner.send("POST", f"{here}approvals/approve-all/", {})
        turn.refresh_from_db()
        if turn.due_at:
            work("answer_turns")
            turn.refresh_from_db()
    rows = {row.call_id: row for row in Approval.objects.all()}
    assert set(results_of(message)) == set(rows)
    assert {row.status for row in rows.values()} <= {"executed", "failed", "rejected", "expired"}
    for call, row in rows.items():
        assert f'"status": "{row.status}"' in message.results[call]["content"]
    frames = [one.wire() for one in log.since(f"space:{space.pk}", head) or []]
    ended = [
        one["approval"]["id"]
        for one in frames
        if one["type"] == "approval:updated"
        and one["approval"]["status"] in ("executed", "failed", "rejected", "expired")
    ]
    assert sorted(ended) == sorted(str(row.pk) for row in rows.values())
    assert turn.outcome == "answered"
    require_answered(transcript(turn, words=lambda said: said.content)[:-1])


def test_tools_that_are_not_there_and_ids_of_others_are_told_to_the_model(
    here, space, studio, editor, owner, charlie, work
) -> None:
    other = world_elsewhere(charlie)
    studio.faults({"fault": "model_unknown_tool", "times": 1})
    editor.post(f"{here}chat/", {"content": "hello"})
    work("answer_turns")
    message = Message.objects.filter(role="assistant").first()
    [result] = message.results.values()
    assert result["is_error"]
    assert not Approval.objects.exists()
    turn = Turn.objects.get()
    with pytest.raises(approvals.calls.Invalid):
        approvals.propose(
            turn,
            message=message,
            space=space,
            call_id="toolu_x",
            name="rename",
            arguments={"asset_id": str(other), "name": "Stolen"},
        )


def world_elsewhere(person: Any) -> UUID:
    """An asset in a space of somebody else's."""
    return asset_in(space_of(person, name="Elsewhere"), "Secret").pk


def test_the_argument_for_names_of_people_is_not_taken(here, space, knight, ask) -> None:
    [proposed] = ask("Rename the knight to Sir Fog")
    row = Approval.objects.get(pk=proposed["id"])
    assert row.requested_by == world.person("bob")
    assert turns.resume(turn_id=row.turn)
