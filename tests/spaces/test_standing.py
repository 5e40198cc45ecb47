"""What is always allowed: covered at once, never beyond its ceiling, and taken back at once."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from genproj.assistant.models import Message, Turn
from genproj.kernel import rows
from spaces import tools
from spaces.models import Approval, Asset, StandingPermission
from spaces.operations import approvals, standing
from spaces.operations.entering import locked
from tests.people import Person
from tests.spaces.world import asset_in, space_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

RENAME = "Rename the knight to Sir Fog"
GENERATE = "Generate a lighthouse at night"


@pytest.fixture
def here(space: Any, studio: Any) -> str:
    """Where the doors of the space are."""
    return f"spaces/{space.pk}/"


@pytest.fixture
def knight(space: Any) -> Asset:
    return asset_in(space, "Knight")


@pytest.fixture
def ask(here: str, editor: Person, work: Any) -> Any:
    """Somebody, Bob if nobody else, asks for something; the newest proposal of it."""

    def asked(words: str, person: Person = editor) -> Approval:
        person.post(f"{here}chat/", {"content": words})
        work("answer_turns")
        newest = Approval.objects.order_by("-created_at", "-id").first()
        assert newest is not None
        return newest

    return asked


@pytest.fixture
def allow(here: str, owner: Person, work: Any) -> Any:
    """Alice approves a proposal, and has it always allowed."""

    def allowed(approval: Approval, ceiling: str = "1", **more: Any) -> StandingPermission:
        body = {"always": {"ceiling": ceiling, **more}}
        owner.post(f"{here}approvals/{approval.pk}/approve/", body, status=200)
        work("run_approved", "answer_turns")
        return StandingPermission.objects.order_by("-created_at", "-id")[0]

    return allowed


def test_what_is_always_allowed_is_approved_at_once(here, knight, ask, allow, owner, work) -> None:
    given = allow(ask(RENAME))
    again = ask("Rename Sir Fog to Dame Fog")
    assert (again.status, again.decided_by.username) == ("approved", "alice")
    assert (again.reason, again.standing) == ("standing permission", given.pk)
    assert owner.get("approvals/")["results"] == []
    work("run_approved", "answer_turns")
    knight.refresh_from_db()
    assert knight.name == "Dame Fog"
    assert Approval.objects.get(pk=again.pk).status == "executed"
    assert Turn.objects.filter(outcome="answered").count() == 2


def test_one_is_of_its_tool_conversation_and_person(here, knight, ask, allow, owner) -> None:
    given = allow(ask(RENAME))
    assert given.conversation_id
    assert ask("Tag Sir Fog as hero").status == "pending"
    owner.post(f"{here}chat/clear/", status=200)
    assert ask("Rename Sir Fog to Dame Fog").status == "pending"


def test_in_the_whole_space_it_is_for_what_its_giver_asks(here, knight, ask, allow, owner) -> None:
    given = allow(ask(RENAME), conversation_only=False)
    assert given.conversation_id is None
    assert ask("Rename Sir Fog to Lady Fog").status == "pending"
    owner.post(f"{here}chat/clear/", status=200)
    assert ask("Rename Sir Fog to Dame Fog", owner).status == "approved"


def test_nothing_is_approved_beyond_the_ceiling(here, ask, allow, work) -> None:
    first = ask(GENERATE)
    assert first.cost
    given = allow(first, ceiling=f"{first.cost * Decimal(1.5):.6f}")
    assert given.spent == 0
    assert ask(GENERATE).status == "approved"
    given.refresh_from_db()
    assert given.spent == first.cost
    assert ask(GENERATE).status == "pending"
    work("run_approved")
    assert Asset.objects.count() == 2


def test_what_fails_is_not_counted(here, space, ask, allow, work) -> None:
    given = allow(ask(GENERATE))
    covered = ask(GENERATE)
    given.refresh_from_db()
    assert given.spent == covered.cost
    space.members.filter(user__username="bob").update(role="viewer")
    work("run_approved")
    given.refresh_from_db()
    assert (Approval.objects.get(pk=covered.pk).status, given.spent) == ("failed", 0)


def test_calls_at_once_do_not_pass_one_ceiling(here, space, ask, allow) -> None:
    first = ask(GENERATE)
    given = allow(first, ceiling=f"{first.cost * 3:.6f}")
    turn, message = Turn.objects.get(), Message.objects.get(blocks__icontains="toolu")

    @rows.atomically
    def propose(number: int) -> None:
        locked(space.pk)
        approvals.propose(
            turn,
            message=message,
            space=space,
            call_id=f"toolu_more_{number}",
            name="generate",
            arguments={"name": f"Gull {number}", "prompt": "a gull"},
        )

    def run(number: int) -> None:
        propose(number)
        connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    new = Approval.objects.filter(call_id__startswith="toolu_more")
    assert sorted(new.values_list("status", flat=True)) == ["approved"] * 3 + ["pending"] * 5
    given.refresh_from_db()
    assert given.spent == given.ceiling == first.cost * 3


def test_one_that_is_revoked_meanwhile_carries_nothing_out(
    here, knight, ask, allow, editor, viewer, work
) -> None:
    given = allow(ask(RENAME))
    covered = ask("Rename Sir Fog to Dame Fog")
    door = f"{here}standing-permissions/{given.pk}/"
    viewer.delete(door, status=403)
    editor.delete(door)
    editor.delete(door)
    work("run_approved", "answer_turns")
    covered.refresh_from_db()
    assert (covered.status, covered.result["error"]["code"]) == ("failed", "forbidden")
    knight.refresh_from_db()
    assert knight.name == "Sir Fog"
    assert ask("Rename Sir Fog to Lady Fog").status == "pending"


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_who_may_no_longer_do_it_is_asked_again(here, space, knight, ask, allow, work, who) -> None:
    """Alice gave it, Bob asks: demoted before the execution, nothing is done."""
    allow(ask(RENAME))
    covered = ask("Rename Sir Fog to Dame Fog")
    space.members.filter(user__username=who).update(role="viewer")
    work("run_approved", "answer_turns")
    covered.refresh_from_db()
    assert (covered.status, covered.result["error"]["code"]) == ("failed", "forbidden")
    if who == "alice":
        assert ask("Rename Sir Fog to Lady Fog").status == "pending"


def test_what_deletes_is_asked_for_each_time(here, knight, ask, owner, monkeypatch) -> None:
    proposed = ask(RENAME)
    tool = tools.TABLE["rename"]
    deletes = {**vars(tool), "kind": tools.Kind.DELETES}
    monkeypatch.setitem(tools.TABLE, "rename", tools.Tool(**deletes))
    door = f"{here}approvals/{proposed.pk}/approve/"
    refused = owner.post(door, {"always": {"ceiling": "1"}}, status=422)
    assert refused["errors"][0]["pointer"] == "/always"
    proposed.refresh_from_db()
    assert proposed.status == "pending"
    StandingPermission.objects.create(
        id=proposed.pk,
        space=proposed.space,
        given_by=owner.user,
        tool="rename",
        conversation=proposed.conversation,
        ceiling=1,
        created_at=proposed.created_at,
    )
    assert standing.cover(proposed, tool=tools.TABLE["rename"]) is None


@pytest.mark.parametrize(
    "always",
    [{}, {"ceiling": "-1"}, {"ceiling": "x"}, {"ceiling": -0.5}, {"ceiling": "1", "tool": "fork"}],
)
def test_a_wrong_ceiling_is_refused(always: Any, here, knight, ask, owner) -> None:
    proposed = ask(RENAME)
    owner.post(f"{here}approvals/{proposed.pk}/approve/", {"always": always}, status=422)
    proposed.refresh_from_db()
    assert proposed.status == "pending"
    assert not StandingPermission.objects.exists()


def test_those_that_hold_are_listed(here, knight, ask, allow, owner, viewer, stranger) -> None:
    first = allow(ask(RENAME), "0.5")
    second = allow(ask("Tag Sir Fog as hero"), "2.25")
    listed = viewer.get(f"{here}standing-permissions/")["results"]
    assert [(one["tool"], one["ceiling"], one["spent"]) for one in listed] == [
        ("tag", "2.25", "0"),
        ("rename", "0.5", "0"),
    ]
    assert listed[0]["given_by"] == "alice"
    stranger.get(f"{here}standing-permissions/", status=404)
    owner.delete(f"{here}standing-permissions/{second.pk}/")
    listed = viewer.get(f"{here}standing-permissions/")["results"]
    assert [one["id"] for one in listed] == [str(first.pk)]
    elsewhere = space_of(stranger.user, name="Elsewhere")
    stranger.delete(f"spaces/{elsewhere.pk}/standing-permissions/{first.pk}/", status=404)


def test_a_second_one_for_the_same_takes_the_place_of_the_first(
    here, knight, ask, allow, owner
) -> None:
    allow(ask(GENERATE), "0")
    allow(ask(GENERATE), "0.02")
    [only] = owner.get(f"{here}standing-permissions/")["results"]
    assert only["ceiling"] == "0.02"


def test_the_page_of_approvals_gives_shows_and_revokes(
    here, space, knight, ask, editor, owner, work
) -> None:
    proposed = ask(RENAME)
    page = owner.client.get("/approvals/").content.decode()
    assert "Approve and always allow" in page
    assert "Always allowed" not in page
    door = f"/spaces/{space.pk}/approvals/{proposed.pk}/"
    form = {"act": "always", "ceiling": "0", "for": "all", "back": "/approvals/"}
    assert owner.client.post(door, form).url == "/approvals/"
    given = StandingPermission.objects.get()
    page = editor.client.get("/approvals/").content.decode()
    assert "Always allowed" in page
    revoke = f"/spaces/{space.pk}/standing-permissions/{given.pk}/revoke/"
    assert revoke in page
    assert editor.client.post(revoke, {"back": "/approvals/"}).url == "/approvals/"
    given.refresh_from_db()
    assert given.revoked_by == editor.user
    assert revoke not in editor.client.get("/approvals/").content.decode()
