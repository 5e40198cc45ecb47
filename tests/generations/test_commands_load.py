"""`manage.py seed_load`: a large gallery that reads like one made by people."""

import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from generations import queries
from generations.models import Artifact, Generation, RegisterEntry

pytestmark = pytest.mark.django_db(transaction=True)


def run(**options: object) -> str:
    out = io.StringIO()
    call_command("seed_load", stdout=out, **options)
    return out.getvalue()


def test_a_gallery_is_loaded_that_lists_and_storage_agree_with(alice: User) -> None:
    assert "120 generations with 360 artifacts for alice" in run(generations=120)
    assert (Generation.objects.count(), Artifact.objects.count()) == (120, 360)
    filters = queries.GenerationFilters()
    page = queries.generation_page(viewer=alice, filters=filters, cursor=None, size=100)
    assert {view.state for view in page.results} == {"completed", "failed"}
    assert all(view.prompt and view.model_name for view in page.results)
    newest = Generation.objects.first()
    assert newest is not None
    assert newest.pk == Generation.objects.order_by("-pk").values_list("pk", flat=True)[0]
    call_command("verify_storage", stdout=io.StringIO())


def test_what_is_there_is_not_added_to_by_mistake(alice: User) -> None:
    run(generations=2)
    with pytest.raises(CommandError, match="not empty"):
        run(generations=2)
    run(generations=2, force=True)
    assert RegisterEntry.objects.count() == 4


def test_somebody_has_to_own_it(db: None) -> None:
    with pytest.raises(CommandError, match="nobody called alice"):
        run(generations=2)
