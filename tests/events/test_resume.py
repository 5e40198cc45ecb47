"""The snapshot a page began with, and the frames since, amount to a fresh snapshot."""

import random
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations import queries
from generations.operations import register
from genproj.events import log
from tests import world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def alice() -> User:
    return world.person("alice")


def snapshot(person: User) -> tuple[int, dict[str, Any]]:
    """The seq first, then the rows: as the socket does it."""
    seq = log.head_of(f"user:{person.pk}")
    state = queries.full_state_of(person.pk)
    return seq, {thing["id"]: thing for thing in state["generations"]}


def applied(things: dict[str, Any], frames: list[log.Frame]) -> dict[str, Any]:
    """What a client makes of a state and the frames after it."""
    now = dict(things)
    for frame in frames:
        thing = frame.data.get("generation")
        if thing is None:
            continue
        if frame.kind == "generation:deleted":
            now.pop(thing["id"], None)
        else:
            now[thing["id"]] = thing
    return now


@pytest.mark.parametrize("seed", range(4))
def test_the_frames_since_a_snapshot_lead_to_the_next(alice: User, seed: int) -> None:
    chance = random.Random(seed)
    bob = world.person("bob")
    known = [world.opened(alice) for _ in range(3)]
    moments = [snapshot(alice)]
    for _ in range(12):
        if chance.random() < 0.5 and known:
            entry = known.pop(chance.randrange(len(known)))
            register.cancel_entry(actor=alice, entry_id=entry.pk)
        else:
            known.append(world.opened(alice))
        world.opened(bob)
        moments.append(snapshot(alice))
    _, fresh = moments[-1]
    for seq, things in moments:
        frames = log.since(f"user:{alice.pk}", seq)
        assert frames is not None
        assert applied(things, frames) == fresh
        # A frame that is told twice changes nothing.
        assert applied(applied(things, frames), frames) == fresh
