"""Plans: one step after the other, held and gone on with by people, never beyond the ceiling."""

import subprocess
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from genproj.events import log
from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid
from spaces.models import Approval, Asset, Lineage, Plan, Variant
from spaces.operations import approvals, plans, settling
from spaces.queries import full_state_of
from tests.conftest import ROOT, environment, python
from tests.people import Person
from tests.spaces.making import settled
from tests.spaces.test_approvals import WORKER
from tests.spaces.world import asset_in, space_of, variant_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

STEPS = "Plan: rename the knight to Sir Fog; tag the knight as hero; move the knight to top"
SPENDS = "Plan: generate a lighthouse at night; generate a lamp; generate a gull"


@pytest.fixture
def here(space: Any, studio: Any) -> str:
    """Where the doors of the space are."""
    return f"spaces/{space.pk}/"


@pytest.fixture
def knight(space: Any) -> Asset:
    return asset_in(space, "Knight")


@pytest.fixture
def plan(here: str, editor: Person, work: Any) -> Any:
    """Bob has something planned; where the plan's doors are."""

    def planned(words: str) -> str:
        editor.post(f"{here}chat/", {"content": words})
        work("answer_turns")
        return f"{here}plans/{Plan.objects.get().pk}/"

    return planned


def statuses(shown: Any) -> list[str]:
    return [step["status"] for step in shown["steps"]]


def test_a_plan_is_drafted_shown_and_does_nothing(
    here, space, knight, plan, viewer, stranger
) -> None:
    door = plan(STEPS)
    shown = viewer.get(door)
    assert (shown["status"], shown["requested_by"]) == ("draft", "bob")
    assert [step["tool"] for step in shown["steps"]] == ["rename", "tag", "move"]
    assert viewer.get(f"{here}plans/")["results"] == [shown]
    assert full_state_of(str(space.pk))["plans"] == [shown]
    viewer.post(f"{door}start/", status=403)
    stranger.get(door, status=404)
    assert not Approval.objects.exists()
    knight.refresh_from_db()
    assert knight.name == "Knight"
    last = viewer.get(f"{here}chat/?newest=true")["results"][-1]
    assert last["content"].startswith("Done: plan")


def test_steps_run_in_order_each_begun_by_hand(here, knight, plan, owner, work) -> None:
    door = plan(STEPS)
    for done in range(3):
        shown = owner.post(f"{door}start/", status=200)
        assert (shown["status"], shown["started_by"]) == ("running", "alice")
        wanted = ["done"] * done + ["running"] + ["waiting"] * (2 - done)
        assert statuses(shown) == wanted
        owner.post(f"{door}start/", status=409)
        work("run_approved")
        assert owner.get(door)["status"] == ("paused" if done < 2 else "done")
    knight.refresh_from_db()
    assert (knight.name, knight.tags) == ("Sir Fog", ["hero"])
    row = Approval.objects.earliest("created_at")
    assert (row.status, row.decided_by.username, row.requested_by.username) == (
        "executed",
        "alice",
        "bob",
    )
    owner.post(f"{door}start/", status=409)


def test_steps_follow_one_another_by_themselves(here, space, knight, plan, owner, work) -> None:
    door = plan(STEPS)
    head = log.head_of(f"space:{space.pk}")
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    while work("run_approved"):
        pass
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("done", ["done"] * 3)
    frames = [one.wire() for one in log.since(f"space:{space.pk}", head) or []]
    told = [one["plan"] for one in frames if one["type"] == "plan:updated"]
    assert [one["version"] for one in told] == [2, 3, 4, 5]
    assert told[-1] == shown == full_state_of(str(space.pk))["plans"][0]


def test_a_pause_in_the_middle_lets_the_step_end(here, knight, plan, owner, work) -> None:
    door = plan(STEPS)
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    assert owner.post(f"{door}pause/", status=200)["status"] == "paused"
    work("run_approved")
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("paused", ["done", "waiting", "waiting"])
    assert work("run_approved") == 0
    owner.post(f"{door}start/", {"version": 1}, status=412)
    owner.post(f"{door}start/", {"version": shown["version"]}, status=200)
    while work("run_approved"):
        pass
    assert owner.get(door)["status"] == "done"


def test_a_step_that_fails_holds_the_plan_until_it_is_retried_or_skipped(
    here, space, knight, plan, owner, work
) -> None:
    door = plan(STEPS)
    space.members.filter(user__username="bob").update(role="viewer")
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    work("run_approved")
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("paused", ["failed", "waiting", "waiting"])
    assert shown["steps"][0]["result"]["error"]["code"] == "forbidden"
    assert "Retry" in shown["note"]
    owner.post(f"{door}start/", status=409)
    step = {"step_id": shown["steps"][0]["id"]}
    owner.post(f"{door}retry/", step, status=200)
    work("run_approved")
    assert statuses(owner.get(door))[0] == "failed"
    space.members.filter(user__username="bob").update(role="editor")
    owner.post(f"{door}retry/", step, status=200)
    owner.post(f"{door}retry/", step, status=409)
    while work("run_approved"):
        pass
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("done", ["done"] * 3)
    assert Approval.objects.count() == 5


def test_what_is_skipped_is_not_done(here, knight, plan, owner, work) -> None:
    door = plan(STEPS)
    steps = owner.get(door)["steps"]
    shown = owner.post(f"{door}skip/", {"step_id": steps[0]["id"]}, status=200)
    assert (shown["status"], statuses(shown)[0]) == ("draft", "skipped")
    owner.post(f"{door}skip/", {"step_id": steps[0]["id"]}, status=409)
    owner.post(f"{door}skip/", {"step_id": shown["id"]}, status=404)
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    while work("run_approved"):
        pass
    assert statuses(owner.get(door)) == ["skipped", "done", "done"]
    knight.refresh_from_db()
    assert (knight.name, knight.tags) == ("Knight", ["hero"])


def test_a_plan_that_is_stopped_does_nothing_more(here, knight, plan, owner, work) -> None:
    door = plan(STEPS)
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    stopped = owner.post(f"{door}stop/", status=200)
    assert (stopped["status"], statuses(stopped)) == ("stopped", ["running", "skipped", "skipped"])
    owner.post(f"{door}stop/", status=200)
    work("run_approved")
    assert statuses(owner.get(door)) == ["failed", "skipped", "skipped"]
    knight.refresh_from_db()
    assert knight.name == "Knight"
    owner.post(f"{door}start/", status=409)
    owner.post(f"{door}retry/", {"step_id": stopped["steps"][0]["id"]}, status=409)


def test_nothing_is_begun_beyond_the_ceiling(here, plan, owner, work) -> None:
    door = plan(SPENDS)
    shown = owner.get(door)
    price = Decimal(shown["steps"][0]["cost"])
    assert Decimal(shown["ceiling"]) == price * 3
    refused = owner.post(f"{door}start/", {"ceiling": f"{price / 2:.6f}"}, status=409)
    assert refused["code"] == "ceiling_reached"
    assert owner.get(door)["status"] == "draft"
    body = {"ceiling": f"{price * 2:.6f}", "auto_advance": True}
    owner.post(f"{door}start/", body, status=200)
    while work("run_approved"):
        pass
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("paused", ["done", "done", "waiting"])
    assert Decimal(shown["spent"]) == price * 2
    assert "ceiling" in shown["note"]
    assert Asset.objects.count() == 2
    owner.post(f"{door}start/", {"ceiling": f"{price * 3:.6f}"}, status=200)
    work("run_approved")
    assert owner.get(door)["status"] == "done"


def test_steps_that_do_not_fit_are_told_to_the_model(here, space, knight, editor, work) -> None:
    strange = {"tool": "rename", "arguments": {"asset_id": str(space.pk), "name": "Fog"}}
    with pytest.raises(approvals.calls.Invalid) as refused:
        approvals.calls.run(
            approvals.calls.tool_of("plan"),
            actor=editor.user,
            space_id=space.pk,
            arguments={"title": "Fog", "steps": [strange]},
        )
    assert refused.value.errors[0]["pointer"] == "/steps/0/arguments/asset_id"
    assert not Plan.objects.exists()


@pytest.mark.processes
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the worker opens the test's own file")
def test_a_worker_killed_in_a_step_has_one_effect(here, plan, owner, work, sandbox) -> None:
    door = plan(SPENDS)
    owner.post(f"{door}start/", status=200)
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
    assert statuses(owner.get(door)) == ["running", "waiting", "waiting"]
    Approval.objects.update(leased_until=now() - timedelta(seconds=1))
    while work("run_approved"):
        pass
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("paused", ["done", "waiting", "waiting"])
    assert Asset.objects.count() == 1
    assert shown["spent"] == shown["steps"][0]["cost"]


def test_the_chat_shows_a_card_with_what_can_be_done(
    here, space, knight, plan, owner, viewer, work
) -> None:
    plan(STEPS)
    row = Plan.objects.get()
    door, tab = f"/spaces/{space.pk}/plans/{row.pk}/", f"/spaces/{space.pk}/?tab=chat"
    assert "Start</button>" in owner.client.get(tab).content.decode()
    part = f"{tab}&part=plans"
    assert "</button>" not in viewer.client.get(part).content.decode()
    assert owner.client.post(door, {"act": "start"}).url == tab
    assert "Pause</button>" in owner.client.get(part).content.decode()
    work("run_approved")
    second = row.steps.get(position=2)
    owner.client.post(door, {"act": "skip", "step": str(second.pk)})
    owner.client.post(door, {"act": "start", "auto_advance": "on", "ceiling": "x"})
    row.refresh_from_db()
    assert row.status == "paused"
    assert "Go on</button>" in owner.client.get(part).content.decode()
    owner.client.post(door, {"act": "stop"})
    assert "</button>" not in owner.client.get(part).content.decode()
    second.refresh_from_db()
    assert second.status == "skipped"
    assert viewer.client.post(door, {"act": "start"}).url == tab
    row.refresh_from_db()
    assert row.status == "stopped"


def drafted(bob: Any, space: Any, *steps: tuple[str, dict[str, Any]]) -> str:
    """A plan of these steps; where its doors are."""
    said = [{"tool": tool, "arguments": arguments} for tool, arguments in steps]
    made = plans.draft(actor=bob, space_id=space.pk, arguments={"title": "Sea", "steps": said})
    return f"spaces/{space.pk}/plans/{made['plan_id']}/"


BUOY = ("generate", {"name": "Buoy", "prompt": "a red buoy at sea"})
TWO = {"name": "Two buoys", "prompt": "two of them", "reference_variant_ids": ["step:1"]}


def test_a_step_works_on_what_an_earlier_one_has_made(space, bob, studio, owner, work) -> None:
    tag = ("tag", {"asset_id": "step:2", "add": ["sea"]})
    door = drafted(bob, space, BUOY, ("derive", TWO), tag)
    assert owner.get(door)["steps"][1]["arguments"] == TWO
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    while work("run_approved"):
        pass
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("running", ["done", "waiting", "waiting"])
    assert shown["note"] == "Waits for the pictures of step 1."
    for name in ("Buoy", "Two buoys"):
        variant = Variant.objects.get(asset__name=name)
        assert settled(work, owner, space, str(variant.pk))["status"] == "completed"
    shown = owner.get(door)
    assert (shown["status"], shown["note"], statuses(shown)) == ("done", "", ["done"] * 3)
    assert Asset.objects.get(name="Two buoys").tags == ["sea"]
    line = Lineage.objects.get()
    assert line.parent_variant == Variant.objects.get(asset__name="Buoy").pk


def test_a_step_whose_source_fails_waits_for_people(space, bob, studio, owner, work) -> None:
    door = drafted(bob, space, BUOY, ("derive", TWO))
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    work("run_approved")
    with rows.atomic():
        settling.fail(Variant.objects.get(), error={"code": "timeout", "retryable": True})
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("paused", ["done", "waiting"])
    assert shown["note"] == "Step 1 has made nothing that this step could use."
    owner.post(f"{door}start/", status=409)
    skipped = owner.post(f"{door}skip/", {"step_id": shown["steps"][1]["id"]}, status=200)
    assert (skipped["status"], statuses(skipped)) == ("done", ["done", "skipped"])


@pytest.mark.parametrize("noun", ["variant", "asset"])
def test_a_step_whose_source_is_deleted_waits_for_people(
    space, bob, studio, owner, work, noun
) -> None:
    door = drafted(bob, space, BUOY, ("derive", TWO))
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    work("run_approved")
    assert owner.get(door)["status"] == "running"
    variant = Variant.objects.get()
    id = variant.pk if noun == "variant" else variant.asset_id
    owner.delete(f"spaces/{space.pk}/{noun}s/{id}/")
    shown = owner.get(door)
    assert (shown["status"], statuses(shown)) == ("paused", ["done", "waiting"])
    assert shown["note"] == "Step 1 has made nothing that this step could use."


def test_what_comes_with_a_picture_is_not_told_as_of_who_planned_on_it(
    space, alice, bob, studio, owner, work
) -> None:
    door = drafted(bob, space, BUOY, ("derive", TWO))
    owner.post(f"{door}start/", {"auto_advance": True}, status=200)
    work("run_approved")
    owner.post(f"{door}pause/", status=200)
    buoy = Variant.objects.get()
    assert settled(work, owner, space, str(buoy.pk))["status"] == "completed"
    Plan.objects.update(status="running")
    elsewhere = variant_of(asset_in(space_of(alice, name="Elsewhere")), status="pending")
    stream = f"space:{elsewhere.space_id}"
    head = log.head_of(stream)
    with rows.atomic():
        plans.picture_settled(buoy)
        settling.fail(elsewhere, error={"code": "timeout", "retryable": True})
    assert statuses(owner.get(door)) == ["done", "running"]
    [frame] = [one.wire() for one in log.since(stream, head) or []]
    assert frame["variant"]["status"] == "failed"
    assert "who" not in frame


def test_a_step_that_is_refused_has_told_of_nothing(space, bob, studio, owner, work) -> None:
    door = drafted(bob, space, BUOY)
    owner.post(f"spaces/{space.pk}/budgets/", {"limit": "0.000001"})
    head = log.head_of(f"space:{space.pk}")
    owner.post(f"{door}start/", status=200)
    work("run_approved")
    [step] = owner.get(door)["steps"]
    assert step["result"]["error"]["code"] == "budget_exhausted"
    told = {one.kind for one in log.since(f"space:{space.pk}", head) or []}
    assert told == {"approval:created", "approval:updated", "plan:updated"}
    assert not Asset.objects.exists()


def test_an_asset_to_lie_below_is_no_picture_that_goes_along(space, bob, studio, owner) -> None:
    below = ("generate", {**BUOY[1], "parent_asset_id": "step:1"})
    first, second = owner.get(drafted(bob, space, BUOY, below))["steps"]
    assert first["cost"] == second["cost"]


@pytest.mark.parametrize("named", ["step:1", "step:2", "step:3", "step:0"])
def test_a_step_names_none_but_an_earlier_one_that_makes_something(
    space, bob, knight, studio, named
) -> None:
    rename = ("rename", {"asset_id": str(knight.pk), "name": "Sir Fog"})
    with pytest.raises(Invalid) as refused:
        drafted(bob, space, rename, ("tag", {"asset_id": named, "add": ["sea"]}))
    assert refused.value.errors[0]["pointer"] == "/steps/1/arguments/asset_id"
    assert not Plan.objects.exists()
