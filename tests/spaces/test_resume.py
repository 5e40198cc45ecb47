"""A full state, and the events since, amount to the full state after: for every operation.

TABLE: `OPERATIONS`. Whoever adds an operation that a space hears of adds a row; the last test
finds those that have none.
"""

import inspect
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from genproj.events import log
from spaces.models import Space
from spaces.operations import (
    access,
    assets,
    importing,
    invitations,
    lineage,
    members,
    spaces,
    style,
    variants,
)
from spaces.queries import full_state_of
from tests import world
from tests.people import Person
from tests.spaces.appending import appending
from tests.spaces.archives import exported, rich_space
from tests.spaces.doors import Stage
from tests.spaces.happenings import HAPPENINGS, NEEDS_MODEL, Operation, at
from tests.spaces.world import asset_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

State = dict[str, Any]
LISTS = ("members", "assets", "variants", "lineage", "approvals", "plans", "messages")
PLURAL = {
    **{"member": "members", "asset": "assets", "variant": "variants"},
    **{"approval": "approvals", "plan": "plans"},
}


def snapshot(space: Space) -> tuple[int, State]:
    """The seq first, then the rows: as the socket does it."""
    seq = log.head_of(f"space:{space.pk}")
    state = full_state_of(str(space.pk))
    return seq, {**state, **{name: {it["id"]: it for it in state[name]} for name in LISTS}}


def applied(state: State, frames: list[log.Frame]) -> State:
    """What a client makes of a state and the frames after it."""
    now = {**state, **{name: dict(state[name]) for name in LISTS}}
    for frame in frames:
        noun, _, verb = frame.kind.partition(":")
        for place, thing in frame.data.items():
            things = thing if isinstance(thing, list) else [thing]
            for it in things:
                if isinstance(it, dict):  # who did it stands beside it
                    _apply(now, place, verb, it)
        assert noun in {"space", *PLURAL, "lineage", "chat"}
    return now


def _apply(now: State, place: str, verb: str, thing: dict[str, Any]) -> None:
    if place == "space":
        if now["space"] and now["space"]["conversation"] != thing["conversation"]:
            now["messages"] = {}
        now["space"] = thing
    elif place == "message" and thing["conversation"] != now["space"]["conversation"]:
        return  # of a talk that was cleared meanwhile
    elif verb == "deleted" or (place == "member" and thing["role"] is None):
        now[PLURAL[place]].pop(thing["id"], None)
    else:
        name = {"lineage": "lineage", "message": "messages", **PLURAL}[place]
        now[name][thing["id"]] = thing


def _asset(stage: Stage) -> dict[str, Any]:
    return {"space_id": stage.space.pk, "asset_id": stage.asset.pk}


def _variant(stage: Stage) -> dict[str, Any]:
    return {"space_id": stage.space.pk, "variant_id": stage.variant.pk}


def _invited(it: Stage, actor: User) -> None:
    made = invitations.invite(actor=actor, **at(it), role="editor")
    invitations.accept_link(actor=it.friend, token=made.token)


def _family(it: Stage, actor: User) -> None:
    """Delete an asset with children and variants."""
    asset_in(it.space, "Wick", parent=it.asset)
    assets.delete(actor=actor, **_asset(it))


OPERATIONS: dict[str, Operation] = {
    "spaces.rename": lambda it, a: spaces.rename(actor=a, **at(it), name="Beacon"),
    "spaces.trash": lambda it, a: spaces.trash(actor=a, **at(it)),
    "spaces.restore": lambda it, a: (
        spaces.trash(actor=a, **at(it)),
        spaces.restore(actor=a, **at(it)),
    ),
    "members.add": lambda it, a: members.add(actor=a, **at(it), username="fred", role="owner"),
    "members.set_role": lambda it, a: members.set_role(
        actor=a, **at(it), user_id=it.guest.pk, role="editor"
    ),
    "members.remove": lambda it, a: members.remove(actor=a, **at(it), user_id=it.guest.pk),
    "members.leave": lambda it, a: members.leave(actor=it.guest, **at(it)),
    "members.transfer": lambda it, a: members.transfer(actor=a, **at(it), user_id=it.guest.pk),
    "invitations.accept": lambda it, a: invitations.accept(
        actor=world.person("ina"), invitation_id=it.invitation.pk
    ),
    "invitations.accept_link": _invited,
    "access.decide": lambda it, a: access.decide(
        actor=a, **at(it), request_id=it.asker.pk, role="viewer"
    ),
    "assets.create": lambda it, a: assets.create(actor=a, **at(it), name="Sea", asset_type="sky"),
    "assets.update": lambda it, a: assets.update(
        actor=a, **_asset(it), name="Lantern", tags=["brass"], parent_asset_id=None
    ),
    "assets.set_active": lambda it, a: assets.set_active(
        actor=a, **_asset(it), variant_id=it.other.pk
    ),
    "assets.delete": _family,
    "variants.update": lambda it, a: variants.update(
        actor=a, **_variant(it), starred=True, rating="approved", label="best", position=2.5
    ),
    "variants.star": lambda it, a: variants.star(actor=a, **_variant(it), starred=True),
    "variants.rate": lambda it, a: variants.rate(
        actor=a, **_variant(it), rating="needs_changes", comment="Warmer."
    ),
    "variants.delete": lambda it, a: variants.delete(actor=a, **_variant(it)),
    "lineage.sever": lambda it, a: lineage.sever(actor=a, **at(it), lineage_id=it.line.pk),
    "style.set_style": lambda it, a: style.set_style(
        actor=a, **at(it), description="gouache", artifacts=[it.picture().pk], enabled=True
    ),
    "style.delete": lambda it, a: (
        style.set_style(actor=a, **at(it), description="ink"),
        style.delete(actor=a, **at(it)),
    ),
    "style.add_snippet": lambda it, a: style.add_snippet(actor=a, **at(it), name="Sun", text="!"),
    "style.change_snippet": lambda it, a: style.change_snippet(
        actor=a, **at(it), snippet_id=it.snippet.pk, text="in mist"
    ),
    "style.delete_snippet": lambda it, a: style.delete_snippet(
        actor=a, **at(it), snippet_id=it.snippet.pk
    ),
    **HAPPENINGS,
}


def _archive(owner: User) -> io.BytesIO:
    return io.BytesIO(exported(Person(owner), rich_space(owner, 3).pk))


#: what makes a space: nothing was there before
BORN: dict[str, Callable[[User], Space]] = {
    "spaces.create": lambda a: spaces.create(actor=a, name="Lighthouse"),
    "importing.settle_in": lambda a: (
        importing.settle_in(actor=a, unpacked=importing.unpack(file=_archive(a))).space
    ),
    "importing.bring_in": lambda a: importing.bring_in(actor=a, file=_archive(a)).space,
}


def begun(row: Operation, stage: Stage, actor: User) -> Callable[[], object]:
    """What is left to be done of a row, after what it prepares."""
    if not inspect.isgeneratorfunction(row):
        return lambda: row(stage, actor)
    story = row(stage, actor)
    next(story)
    return lambda: next(story, None)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_state_and_the_events_since_are_the_state_after(
    name: str, space: Space, wakes: Any, request: pytest.FixtureRequest
) -> None:
    if name in NEEDS_MODEL:
        request.getfixturevalue("studio")
    act = begun(OPERATIONS[name], Stage(space), world.person("alice"))
    seq, before = snapshot(space)
    act()
    _, after = snapshot(space)
    frames = log.since(f"space:{space.pk}", seq)
    assert frames, "nothing was told"
    assert applied(before, frames) == after
    # A frame that is told twice changes nothing.
    assert applied(applied(before, frames), frames) == after
    assert [frame.seq for frame in frames] == list(range(seq + 1, seq + 1 + len(frames)))


@pytest.mark.parametrize("name", BORN)
def test_the_events_of_a_new_space_are_its_state(name: str, alice: User) -> None:
    space = BORN[name](alice)
    frames = log.since(f"space:{space.pk}", 0)
    nothing: State = {"space": None, **{place: {} for place in LISTS}}
    assert frames
    assert applied(nothing, frames) == snapshot(space)[1]


def test_every_operation_that_appends_has_a_row() -> None:
    rows = {name.partition(":")[0] for name in (*OPERATIONS, *BORN)}
    assert appending() - rows == set()
    assert rows - appending() == set()


@pytest.mark.parametrize(
    "again",
    [
        lambda it, a: spaces.rename(actor=a, **at(it), name="Lighthouse"),
        lambda it, a: assets.update(actor=a, **_asset(it), name="Lamp", tags=["glass"]),
        lambda it, a: assets.set_active(actor=a, **_asset(it), variant_id=it.variant.pk),
        lambda it, a: variants.star(actor=a, **_variant(it), starred=False),
        lambda it, a: variants.rate(actor=a, **_variant(it), rating=None),
        lambda it, a: members.add(actor=a, **at(it), username="gus", role="viewer"),
        lambda it, a: style.delete(actor=a, **at(it)),
    ],
)
def test_what_changes_nothing_tells_nothing(again: Operation, space: Space) -> None:
    stage = Stage(space)
    seq, before = snapshot(space)
    again(stage, world.person("alice"))
    assert snapshot(space) == (seq, before)
