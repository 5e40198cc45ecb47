"""Several at once in one space: no cycle, always an owner, a link that lets one in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from genproj.kernel.errors import Invalid, Refusal
from spaces.models import Asset, Member, Space
from spaces.operations import access, assets, invitations, members, variants
from tests import world
from tests.spaces.world import asset_in, variant_of
from tests.usage.conftest import at_once

__all__ = ["at_once"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

AtOnce = Callable[..., list[Any]]
ROUNDS = 5


def outcome(act: Callable[[], Any]) -> Callable[[], Any]:
    """What an act returns, or the refusal that it ends in."""

    def run() -> Any:
        try:
            return act()
        except Refusal as refusal:
            return refusal

    return run


def test_two_moves_at_once_make_no_cycle(space: Space, alice: User, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        one, two = asset_in(space, "One"), asset_in(space, "Two")

        def below(low: Asset, top: Asset) -> Callable[[], Any]:
            return outcome(
                lambda: assets.update(
                    actor=alice, space_id=space.pk, asset_id=low.pk, parent_asset_id=top.pk
                )
            )

        ended = at_once(below(one, two), below(two, one))
        [refused] = [one for one in ended if isinstance(one, Invalid)]
        assert refused.errors[0]["code"] == "cycle_detected"
        parents = Asset.objects.filter(pk__in=[one.pk, two.pk]).values_list("parent", flat=True)
        assert sorted(parent is None for parent in parents) == [False, True]


def test_two_owners_who_leave_at_once_leave_one(
    space: Space, alice: User, bob: User, at_once: AtOnce
) -> None:
    for _ in range(ROUNDS):
        Member.objects.filter(space=space).delete()
        for person in (alice, bob):
            Member.objects.create(
                space=space, user=person, role="owner", created_at=space.created_at
            )
        ended = at_once(
            outcome(lambda: members.leave(actor=alice, space_id=space.pk)),
            outcome(lambda: members.leave(actor=bob, space_id=space.pk)),
        )
        assert [getattr(one, "code", None) for one in ended if one is not None] == ["last_owner"]
        assert Member.objects.filter(space=space, role="owner").count() == 1


def test_a_link_used_at_once_lets_one_in(space: Space, alice: User, at_once: AtOnce) -> None:
    for number in range(ROUNDS):
        token = invitations.invite(actor=alice, space_id=space.pk, role="viewer").token
        pair = [world.person(f"p{number}{letter}") for letter in "ab"]
        acts = [
            outcome(lambda p=person, t=token: invitations.accept_link(actor=p, token=t))
            for person in pair
        ]
        ended = at_once(*acts)
        assert sorted(isinstance(one, Refusal) for one in ended) == [False, True]
        assert Member.objects.filter(space=space, user__in=pair).count() == 1


def test_one_request_is_open_however_often_one_asks(
    space: Space, charlie: User, at_once: AtOnce
) -> None:
    at_once(*[lambda: access.request(actor=charlie, space_id=space.pk)] * 4)
    assert space.access_requests.count() == 1


def test_changes_at_once_are_all_kept(
    space: Space, alice: User, bob: User, at_once: AtOnce
) -> None:
    variant = variant_of(asset_in(space))
    where = {"space_id": space.pk, "variant_id": variant.pk}
    at_once(
        lambda: variants.star(actor=alice, **where, starred=True),
        lambda: variants.rate(actor=bob, **where, rating="approved"),
        lambda: variants.label(actor=alice, **where, label="best"),
    )
    variant.refresh_from_db()
    assert (variant.starred, variant.rating, variant.label) == (True, "approved", "best")
    assert variant.version == 4
