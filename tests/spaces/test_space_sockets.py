"""/ws/spaces/ID/: who may come in, what each may ask, one answer each, and how it ends."""

import asyncio
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from genproj.accounts import operations as accounts
from genproj.events.models import Event
from spaces.consumers import states
from spaces.consumers.frames import FRAMES
from spaces.models import Asset, Member, Space, Variant
from spaces.operations import lineage
from spaces.permissions import Role
from spaces.queries import full_state_of
from spaces.queries.state_text import full_state_text
from tests.spaces.wires import ORIGIN, beside, joined, opened, run, stop_threads
from tests.spaces.world import asset_in, line_between, variant_of

__all__ = ["stop_threads"]

pytestmark = pytest.mark.django_db(transaction=True)


def cookie_of(person: User) -> tuple[bytes, bytes]:
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode())


def bearer_of(person: User, *scopes: str) -> tuple[bytes, bytes]:
    issued = (
        accounts.issue_key(actor=person, name="k", scopes=scopes)
        if scopes
        else accounts.issue_token(user=person)
    )
    return (b"authorization", f"Bearer {issued.secret}".encode())


def test_a_member_comes_in_by_session_bearer_or_ticket(space: Space, bob: User) -> None:
    ticket, _ = accounts.issue_ticket(user=bob)
    doors: list[tuple[str, list[Any]]] = [
        ("", [cookie_of(bob), ORIGIN]),
        ("", [bearer_of(bob)]),
        (f"?ticket={ticket}", []),
    ]

    async def story() -> None:
        for query, headers in doors:
            async with opened(f"/ws/spaces/{space.pk}/{query}", *headers) as socket:
                state = await socket.answer({"type": "sync:request", "request_id": "r"})
                assert (state["type"], state["request_id"]) == ("sync:state", "r")
                for part in ("members", "assets", "variants", "lineage", "approvals", "messages"):
                    assert isinstance(state[part], list), part
                assert state["space"]["id"] == str(space.pk)
                assert [line["username"] for line in state["presence"]] == ["bob"]

    run(story)


def test_the_close_code_says_why_one_may_not_come_in(
    space: Space, bob: User, charlie: User
) -> None:
    ticket, _ = accounts.issue_ticket(user=bob)
    foreign = (b"origin", b"http://evil.example")
    doors: list[tuple[str, list[Any], int]] = [
        (f"{space.pk}/", [ORIGIN], 4401),
        (f"{space.pk}/", [cookie_of(bob)], 4401),
        (f"{space.pk}/", [cookie_of(bob), foreign], 4401),
        (f"{space.pk}/?ticket=nonsense", [], 4401),
        (f"{space.pk}/", [cookie_of(charlie), ORIGIN], 4404),
        (f"{uuid4()}/", [cookie_of(bob), ORIGIN], 4404),
        ("nonsense/", [cookie_of(bob), ORIGIN], 4404),
        (f"{space.pk}/?ticket={ticket}", [], 0),
        (f"{space.pk}/?ticket={ticket}", [], 4401),
    ]

    async def story() -> None:
        for path, headers, code in doors:
            async with opened(f"/ws/spaces/{path}", *headers) as socket:
                if code:
                    assert await socket.closing() == code, path
                else:
                    assert (await socket.answer({"type": "ping"}))["type"] == "pong"

    run(story)


def frames_of(space: Space) -> dict[str, dict[str, Any]]:
    """A frame of each type that changes something, as it could be sent."""
    asset, other = asset_in(space), asset_in(space, "Lamp")
    variant, second = variant_of(asset), variant_of(asset)
    line = line_between(variant, second)
    return {
        "asset:create": {"name": "Boat", "asset_type": "prop"},
        "asset:update": {"asset_id": str(asset.pk), "changes": {"name": "Old keeper"}},
        "asset:setActive": {"asset_id": str(asset.pk), "variant_id": str(variant.pk)},
        "variant:star": {"variant_id": str(variant.pk), "starred": True},
        "variant:rate": {"variant_id": str(variant.pk), "rating": "approved"},
        "lineage:sever": {"lineage_id": str(line.pk)},
        "variant:delete": {"variant_id": str(second.pk)},
        "asset:delete": {"asset_id": str(other.pk)},
    }


OWNERS = {"asset:delete", "variant:delete"}


def test_each_role_may_do_what_its_row_says(
    space: Space, alice: User, bob: User, vera: User
) -> None:
    people = {"viewer": vera, "editor": bob, "owner": alice}
    wishes = frames_of(space)

    async def story() -> None:
        for role, person in people.items():
            async with joined(space.pk, person) as socket:
                for kind, fields in wishes.items():
                    told = await socket.answer({"type": kind, "request_id": kind, **fields})
                    allowed = role == "owner" or (role == "editor" and kind not in OWNERS)
                    assert told["type"] == ("ack" if allowed else "error"), (kind, told)
                    assert told["request_id"] == kind
                    if not allowed:
                        assert told["code"] == "forbidden"

    run(story)


def test_who_only_looks_on_spends_nothing_and_says_nothing(
    space: Space, vera: User, bob: User
) -> None:
    id = str(uuid4())
    picture = {"name": "Boat", "asset_type": "prop", "prompt": "a boat"}
    wishes: dict[str, dict[str, Any]] = {
        "generate:request": picture,
        "derive:request": {**picture, "reference_variant_ids": [id]},
        "batch:request": {**picture, "count": 2, "mode": "set", "disable_style": True},
        "refine:request": {"asset_id": id, "prompt": "darker", "source_variant_id": id},
        "asset:fork": {"name": "Boat", "asset_type": "prop", "source_variant_id": id},
        "variant:retry": {"variant_id": id},
        "chat:send": {"content": "Hello", "forge_context": {"prompt": "x", "slot_variant_ids": []}},
        "chat:clear": {},
        "chat:stop": {},
        "approval:approve": {"approval_id": id},
        "approval:reject": {"approval_id": id},
        "approval:edit": {"approval_id": id, "arguments": {}},
    }
    assert wishes.keys() | frames_of(space).keys() == {k for k, v in FRAMES.items() if not v.reads}

    async def story() -> None:
        async with joined(space.pk, vera) as hers, joined(space.pk, bob) as his:
            for kind, fields in wishes.items():
                told = await hers.answer({"type": kind, "request_id": kind, **fields})
                assert (told.get("code"), told["request_id"]) == ("forbidden", kind), told
            told = await his.answer({"type": "chat:send", **wishes["chat:send"]})
            assert told["message"]["content"] == "Hello"
            told = await his.answer({"type": "chat:history"})
            assert [message["content"] for message in told["messages"]][:1] == ["Hello"]
            told = await his.answer({"type": "approval:approve", "approval_id": id})
            assert told["code"] == "not_found"

    run(story)


def test_an_ack_tells_the_result_and_everybody_hears_the_frame(
    space: Space, alice: User, vera: User
) -> None:
    async def story() -> None:
        async with joined(space.pk, alice) as mine, joined(space.pk, vera) as hers:
            wish = {"type": "asset:create", "request_id": "r1", "name": "Boat"}
            told = await mine.answer({**wish, "asset_type": "prop", "tags": ["sea"]})
            heard = await hers.next_of("asset:created")
            assert heard["asset"] == told["asset"]
            assert heard["asset"]["tags"] == ["sea"]
            wish = {"type": "asset:update", "asset_id": told["asset"]["id"], "version": 1}
            told = await mine.answer({**wish, "name": "Skiff"})
            assert (told["asset"]["name"], told["asset"]["version"]) == ("Skiff", 2)
            told = await mine.answer({**wish, "name": "Raft", "request_id": 7})
            assert (told["code"], told["request_id"]) == ("version_conflict", 7)
            assert (await hers.next_of("asset:updated"))["seq"] == heard["seq"] + 1

    run(story)


def test_the_same_request_is_carried_out_once(space: Space, bob: User) -> None:
    wish = {"type": "asset:create", "request_id": "once", "name": "Boat", "asset_type": "prop"}

    async def story() -> None:
        async with joined(space.pk, bob) as socket, joined(space.pk, bob) as other:
            first = await socket.answer(wish)
            again, elsewhere = await socket.answer(wish), await other.answer(wish)
            assert first == again == elsewhere
            told = await socket.answer({**wish, "name": "Skiff"})
            assert told["code"] == "idempotency_key_reused"
            await asyncio.gather(
                *(one.send({**wish, "request_id": "both"}) for one in (socket, other))
            )
            acks = [await one.next_of("ack") for one in (socket, other)]
            assert acks[0] == acks[1]

    run(story)
    assert Asset.objects.filter(space=space).count() == 2
    assert Event.objects.filter(kind="asset:created").count() == 2


def test_nothing_is_repeated_to_who_has_gone(space: Space, bob: User) -> None:
    frame = {"type": "asset:create", "name": "Gull", "asset_type": "animal", "request_id": "once"}

    async def story() -> None:
        async with joined(space.pk, bob) as socket:
            assert (await socket.answer(frame))["type"] == "ack"
            await beside(Member.objects.filter(user=bob).delete)
            assert (await socket.answer(frame))["code"] == "not_found"
            assert await socket.closing() == 4403

    run(story)


def test_nothing_is_repeated_to_who_may_no_longer_do_it(space: Space, bob: User) -> None:
    frame = {"type": "asset:create", "name": "Gull", "asset_type": "animal", "request_id": "once"}

    async def story() -> None:
        async with joined(space.pk, bob) as socket:
            assert (await socket.answer(frame))["type"] == "ack"
            await beside(Member.objects.filter(user=bob).update, role="viewer")
            assert (await socket.answer(frame))["code"] == "forbidden"

    run(story)


def test_a_refused_request_may_be_made_again(space: Space, bob: User) -> None:
    parent = uuid4()
    wish = {"type": "asset:create", "request_id": "r", "name": "Boat", "asset_type": "prop"}

    async def story() -> None:
        async with joined(space.pk, bob) as socket:
            told = await socket.answer({**wish, "parent_asset_id": str(parent)})
            assert told["code"] == "validation_failed"
            assert told["errors"][0]["pointer"] == "/parent_asset_id"
            assert (await socket.answer(wish))["type"] == "ack"

    run(story)


def test_null_moves_an_asset_to_the_top_and_absent_leaves_it(space: Space, bob: User) -> None:
    top = asset_in(space)
    below = asset_in(space, "Hand", parent=top)
    wish = {"type": "asset:update", "asset_id": str(below.pk)}

    async def story() -> None:
        async with joined(space.pk, bob) as socket:
            told = await socket.answer({**wish, "changes": {"name": "Left hand"}})
            assert told["asset"]["parent_asset_id"] == str(top.pk)
            told = await socket.answer({**wish, "changes": {"parent_asset_id": None}})
            assert told["asset"]["parent_asset_id"] is None
            told = await socket.answer({**wish, "changes": {"parent_asset_id": str(below.pk)}})
            assert told["errors"][0]["code"] == "cycle_detected"

    run(story)


ODD: list[Any] = [
    "nonsense",
    "[1]",
    '{"no": "type"}',
    "[" * 100_000,
    b"\x00\xff",
    '{"type": "ping", "request_id": NaN}',
    json.dumps({"type": "presence:update", "viewing": json.loads("[" * 30 + "]" * 30)}),
]


def test_what_cannot_be_understood_is_an_error_and_the_socket_stays(
    space: Space, alice: User
) -> None:
    async def story() -> None:
        async with joined(space.pk, alice, sync=False) as socket:
            for text in ODD:
                await socket.send(text)
                assert (await socket.next_of("error"))["code"] == "malformed", text
            await socket.send({"type": "asset:create", "name": "x" * 300_000})
            assert (await socket.next_of("error"))["code"] == "payload_too_large"
            told = await socket.answer({"type": "no:such", "request_id": 1})
            assert (told["code"], told["request_id"]) == ("unknown_type", 1)

    run(story)


def test_wrong_fields_are_all_named(space: Space, alice: User) -> None:
    async def story() -> None:
        async with joined(space.pk, alice, sync=False) as socket:
            for kind, row in FRAMES.items():
                wrong = {"type": kind, "request_id": "r", "surprise": 1}
                wrong |= dict.fromkeys(row.fields, [{"wrong": True}])
                told = await socket.answer(wrong)
                assert (told["code"], told["request_id"]) == ("validation_failed", "r")
                named = {row["pointer"].split("/")[1] for row in told["errors"]}
                assert named == {"surprise", *row.fields}
                await asyncio.sleep(0.03)

    run(story)


def test_a_letter_that_no_database_keeps_is_refused(space: Space, alice: User) -> None:
    asset = asset_in(space)
    wishes: list[dict[str, Any]] = [
        {"type": "asset:create", "asset_type": "prop"},
        {"type": "asset:update", "asset_id": str(asset.pk)},
    ]

    async def story() -> None:
        async with joined(space.pk, alice, sync=False) as socket:
            for wish in wishes:
                for name in ("a\x00b", "\ud800"):
                    told = await socket.answer({**wish, "name": name})
                    assert told["code"] == "validation_failed"
                    assert told["errors"][0]["code"] == "characters"

    run(story)


def test_a_key_that_may_only_read_changes_nothing(space: Space, bob: User) -> None:
    key = bearer_of(bob, "read")

    async def story() -> None:
        async with opened(f"/ws/spaces/{space.pk}/", key) as socket:
            assert (await socket.answer({"type": "sync:request"}))["type"] == "sync:state"
            told = await socket.answer({"type": "asset:create", "name": "B", "asset_type": "p"})
            assert told["code"] == "forbidden"
            assert (await socket.answer({"type": "approval:list"}))["approvals"] == []
            assert (await socket.answer({"type": "chat:history"}))["messages"] == []

    run(story)


def test_a_demotion_holds_at_once_and_a_promotion_too(space: Space, bob: User) -> None:
    wish = {"type": "asset:create", "name": "Boat", "asset_type": "prop"}
    place = Member.objects.filter(space=space, user=bob)

    async def story() -> None:
        async with joined(space.pk, bob) as socket:
            assert (await socket.answer(wish))["type"] == "ack"
            await beside(place.update, role=Role.VIEWER)
            assert (await socket.answer(wish))["code"] == "forbidden"
            await beside(place.update, role=Role.OWNER)
            assert (await socket.answer(wish))["type"] == "ack"

    run(story)


def test_who_is_removed_is_let_go_within_two_seconds(
    space: Space, alice: User, bob: User, vera: User
) -> None:
    async def story() -> None:
        async with joined(space.pk, alice) as mine:
            for person in (bob, vera):
                async with joined(space.pk, person) as socket:
                    place = Member.objects.filter(space=space, user=person)
                    began = time.monotonic()
                    await beside(place.delete)
                    if person is bob:
                        await socket.send({"type": "sync:request"})
                    assert await socket.closing(within=3) == 4403
                    assert time.monotonic() - began < 2
            told = await mine.answer({"type": "sync:request"})
            assert [line["username"] for line in told["presence"]] == ["alice"]

    run(story)


def test_a_space_in_the_trash_lets_all_but_its_owners_go(
    space: Space, alice: User, bob: User
) -> None:
    async def story() -> None:
        async with joined(space.pk, alice) as mine, joined(space.pk, bob) as his:
            there = Space.objects.filter(pk=space.pk)
            await beside(lambda: there.update(trashed_at=space.created_at))
            assert await his.closing(within=3) == 4403
            assert (await mine.answer({"type": "ping"}))["type"] == "pong"
            await beside(lambda: there.delete())
            assert await mine.closing(within=3) == 4404

    run(story)


def test_who_sends_too_quickly_is_let_go(space: Space, bob: User) -> None:
    async def story() -> None:
        async with joined(space.pk, bob) as socket:
            for _ in range(60):
                await socket.send({"type": "ping"})
            assert await socket.closing() == 4429

    run(story)


def test_a_state_is_built_once_while_nothing_changes(
    space: Space, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []
    monkeypatch.setattr(states, "DEAR", float("inf"))  # however busy the machine is
    monkeypatch.setattr(
        states, "full_state_text", lambda id: built.append(id) or full_state_text(id)
    )

    async def story() -> None:
        async with joined(space.pk, alice) as mine, joined(space.pk, bob) as his:
            before = await mine.answer({"type": "sync:request"})
            assert len(built) == 1
            await beside(asset_in, space)
            after = await his.answer({"type": "sync:request"})
            assert len(built) == 2
            assert (len(after["assets"]), after["seq"]) == (1, before["seq"] + 1)
            told = await mine.answer({"type": "sync:request", "since": before["seq"]})
            assert told["type"] == "sync:delta"
            assert [frame["type"] for frame in told["events"]] == ["asset:created"]
            assert len(built) == 2

    run(story)


def test_the_text_says_what_the_state_says(space: Space) -> None:
    top = asset_in(space, 'Ke"eper\u2028\U0001f600', tags=("sea", "\u00fc"))
    below = asset_in(space, parent=top)
    first = variant_of(below, active=True, starred=True, position=-0.25, batch=uuid4())
    recipe = {"prompt": "\u00fc\n", "n": [1.5, None]}
    facts = {"recipe": recipe, "comment": "a\tb", "rating": "approved"}
    Variant.objects.filter(pk=first.pk).update(**facts)
    second = variant_of(below, status="failed", error={"code": "x", "message": '"'}, position=1e11)
    line_between(first, second)
    lineage.sever(
        actor=space.created_by, space_id=space.pk, lineage_id=line_between(second, first).pk
    )
    whole = second.created_at.replace(microsecond=0)
    Variant.objects.filter(pk=second.pk).update(updated_at=whole, created_by=None)
    assert json.loads(f"{{{full_state_text(space.pk)}}}") == full_state_of(str(space.pk))
