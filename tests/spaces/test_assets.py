"""The first things done in a space."""

import pytest

from genproj.events import log
from genproj.kernel.errors import Forbidden, Invalid
from spaces import queries
from spaces.errors import SpaceNotFound
from spaces.models import Asset, Space
from spaces.operations import assets, lineage, variants
from tests.spaces.world import asset_in, line_between, variant_of

pytestmark = pytest.mark.django_db


def test_who_is_not_in_a_space_does_not_find_it(space, vera, charlie) -> None:
    with pytest.raises(SpaceNotFound):
        assets.create(actor=charlie, space_id=space.pk, name="Fog", asset_type="scene")
    with pytest.raises(Forbidden):
        assets.create(actor=vera, space_id=space.pk, name="Fog", asset_type="scene")


def test_an_asset_cannot_lie_below_itself(space: Space, alice) -> None:
    top = asset_in(space, "Tower")
    low = asset_in(space, "Lamp", parent=top)
    with pytest.raises(Invalid) as refused:
        assets.update(actor=alice, space_id=space.pk, asset_id=top.pk, parent_asset_id=low.pk)
    assert refused.value.errors[0]["code"] == "cycle_detected"
    assets.update(actor=alice, space_id=space.pk, asset_id=low.pk, name="Lantern")
    assert Asset.objects.get(pk=low.pk).parent_id == top.pk
    assets.update(actor=alice, space_id=space.pk, asset_id=low.pk, parent_asset_id=None)
    assert Asset.objects.get(pk=low.pk).parent_id is None


def test_lineage_outlives_its_variants(space: Space, alice) -> None:
    asset = asset_in(space)
    parent, child = variant_of(asset), variant_of(asset, active=True)
    line = line_between(parent, child)
    variants.delete(actor=alice, space_id=space.pk, variant_id=child.pk)
    asset.refresh_from_db()
    assert asset.active_variant_id == parent.pk
    lineage.sever(actor=alice, space_id=space.pk, lineage_id=line.pk)
    [kept] = queries.full_state_of(str(space.pk))["lineage"]
    assert kept["child_name"] == "Keeper"
    assert kept["severed_at"]
    kinds = [frame.kind for frame in log.since(f"space:{space.pk}", 0) or []]
    assert kinds[-3:] == ["asset:updated", "variant:deleted", "lineage:severed"]
