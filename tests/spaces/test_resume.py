"""A full state, and the events since, amount to the full state after: for every operation.

TABLE: `OPERATIONS`. Whoever adds an operation that a space hears of adds a row.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from genproj.events import log
from spaces.models import Space
from spaces.operations import access, assets, invitations, lineage, members, spaces, style, variants
from spaces.queries import full_state_of
from tests import world
from tests.spaces.doors import Stage
from tests.spaces.world import asset_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

State = dict[str, Any]
LISTS = ("members", "assets", "variants", "lineage", "approvals", "messages")
PLURAL = {"member": "members", "asset": "assets", "variant": "variants", "approval": "approvals"}


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
        now["space"] = thing
    elif verb == "deleted" or (place == "member" and thing["role"] is None):
        now[PLURAL[place]].pop(thing["id"], None)
    else:
        name = {"lineage": "lineage", "message": "messages", **PLURAL}[place]
        now[name][thing["id"]] = thing


Operation = Callable[[Stage, User], object]


def _at(stage: Stage) -> dict[str, Any]:
    return {"space_id": stage.space.pk}


def _asset(stage: Stage) -> dict[str, Any]:
    return {"space_id": stage.space.pk, "asset_id": stage.asset.pk}


def _variant(stage: Stage) -> dict[str, Any]:
    return {"space_id": stage.space.pk, "variant_id": stage.variant.pk}


def _invited(it: Stage, actor: User) -> None:
    made = invitations.invite(actor=actor, **_at(it), role="editor")
    invitations.accept_link(actor=it.friend, token=made.token)


def _family(it: Stage, actor: User) -> None:
    """Delete an asset with children and variants."""
    asset_in(it.space, "Wick", parent=it.asset)
    assets.delete(actor=actor, **_asset(it))


OPERATIONS: dict[str, Operation] = {
    "spaces.rename": lambda it, a: spaces.rename(actor=a, **_at(it), name="Beacon"),
    "spaces.trash": lambda it, a: spaces.trash(actor=a, **_at(it)),
    "spaces.restore": lambda it, a: (
        spaces.trash(actor=a, **_at(it)),
        spaces.restore(actor=a, **_at(it)),
    ),
    "members.add": lambda it, a: members.add(actor=a, **_at(it), username="fred", role="owner"),
    "members.set_role": lambda it, a: members.set_role(
        actor=a, **_at(it), user_id=it.guest.pk, role="editor"
    ),
    "members.remove": lambda it, a: members.remove(actor=a, **_at(it), user_id=it.guest.pk),
    "members.leave": lambda it, a: members.leave(actor=it.guest, **_at(it)),
    "members.transfer": lambda it, a: members.transfer(actor=a, **_at(it), user_id=it.guest.pk),
    "invitations.accept": _invited,
    "access.decide": lambda it, a: access.decide(
        actor=a, **_at(it), request_id=it.asker.pk, role="viewer"
    ),
    "assets.create": lambda it, a: assets.create(actor=a, **_at(it), name="Sea", asset_type="sky"),
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
    "variants.describe_as": lambda it, a: variants.describe_as(
        actor=a, **_variant(it), description="A lamp."
    ),
    "variants.delete": lambda it, a: variants.delete(actor=a, **_variant(it)),
    "lineage.sever": lambda it, a: lineage.sever(actor=a, **_at(it), lineage_id=it.line.pk),
    "style.set_style": lambda it, a: style.set_style(
        actor=a, **_at(it), description="gouache", artifacts=[it.picture().pk], enabled=True
    ),
    "style.delete": lambda it, a: (
        style.set_style(actor=a, **_at(it), description="ink"),
        style.delete(actor=a, **_at(it)),
    ),
    "style.add_snippet": lambda it, a: style.add_snippet(actor=a, **_at(it), name="Sun", text="!"),
    "style.delete_snippet": lambda it, a: style.delete_snippet(
        actor=a, **_at(it), snippet_id=it.snippet.pk
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_state_and_the_events_since_are_the_state_after(name: str, space: Space) -> None:
    stage = Stage(space)
    seq, before = snapshot(space)
    OPERATIONS[name](stage, world.person("alice"))
    _, after = snapshot(space)
    frames = log.since(f"space:{space.pk}", seq)
    assert frames, "nothing was told"
    assert applied(before, frames) == after
    # A frame that is told twice changes nothing.
    assert applied(applied(before, frames), frames) == after
    assert [frame.seq for frame in frames] == list(range(seq + 1, seq + 1 + len(frames)))


@pytest.mark.parametrize(
    "again",
    [
        lambda it, a: spaces.rename(actor=a, **_at(it), name="Lighthouse"),
        lambda it, a: assets.update(actor=a, **_asset(it), name="Lamp", tags=["glass"]),
        lambda it, a: assets.set_active(actor=a, **_asset(it), variant_id=it.variant.pk),
        lambda it, a: variants.star(actor=a, **_variant(it), starred=False),
        lambda it, a: variants.rate(actor=a, **_variant(it), rating=None),
        lambda it, a: members.add(actor=a, **_at(it), username="gus", role="viewer"),
        lambda it, a: style.delete(actor=a, **_at(it)),
    ],
)
def test_what_changes_nothing_tells_nothing(again: Operation, space: Space) -> None:
    stage = Stage(space)
    seq, before = snapshot(space)
    again(stage, world.person("alice"))
    assert snapshot(space) == (seq, before)
