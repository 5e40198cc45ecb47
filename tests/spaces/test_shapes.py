"""Every shape that can be asked for has sides that its model takes, by the provider's own word."""

import itertools
from collections.abc import Callable

import pytest

from generations.models import Output, ProviderModel
from generations.operations import picturing
from generations.operations.registry import FORMER, MODELS, sync_models
from generations.providers.base import Task
from generations.providers.runware import wire
from genproj.kernel.ids import uuid7
from genproj.sandbox import validation
from spaces.models import Space
from tests import world
from tests.conftest import Sandbox
from tests.people import Person
from tests.spaces.making import completed


@pytest.mark.django_db
def test_no_shape_is_refused_for_its_sides() -> None:
    world.models()
    rows = ProviderModel.objects.filter(provider="runware", kind="image", sunset_at=None)
    assert rows.count() > 4
    for row, shape in itertools.product(rows, ("", *picturing.SHAPES)):
        asked = picturing.checked(model=row.pk, prompt="fog", aspect_ratio=shape)
        sent = wire.request(Task(str(uuid7()), row.kind, row.pk, asked.input, 1))
        assert validation.refusals(sent) == [], (row.pk, shape)


@pytest.mark.django_db(transaction=True)
def test_a_wide_picture_is_derived_by_a_model_of_several_references(
    studio: Sandbox, work: Callable[..., int], editor: Person, space: Space
) -> None:
    keeper = completed(work, editor, space)
    derived = completed(
        work, editor, space, path="derive", model="runware:400@1",
        reference_variant_ids=[keeper["id"]], aspect_ratio="16:9",
    )  # fmt: skip
    picture = Output.objects.get(pk=derived["artifact"])
    assert picture.width
    assert picture.height
    assert abs(picture.width / picture.height - 16 / 9) < 0.1


@pytest.mark.django_db
def test_sides_of_an_earlier_release_are_set_right_and_edited_ones_stay() -> None:
    world.models()
    row = ProviderModel.objects.filter(pk="runware:400@1")
    row.update(**FORMER["runware:400@1"])
    sync_models()
    assert row.get().sizes == MODELS["runware:400@1"]["sizes"]
    edited = {**row.get().sizes, "max": 1024}
    row.update(sizes=edited)
    sync_models()
    assert row.get().sizes == edited
