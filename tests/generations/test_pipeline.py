"""From a wish to pictures in the gallery, through the real doors."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations.models import Artifact, Generation, Output, RegisterEntry
from generations.states import GenerationState
from genproj.kernel import storage
from genproj.webhooks.models import Receipt
from tests import world
from tests.conftest import Sandbox, Web

pytestmark = pytest.mark.django_db(transaction=True)


def settled(entry: RegisterEntry) -> Callable[[], bool]:
    return lambda: RegisterEntry.objects.get(pk=entry.pk).catalogued_at is not None


def test_four_pictures_come_by_webhook_and_stand_in_the_catalogue(
    alice: User, sandbox: Sandbox, web: Web, work_until: Callable[..., Any]
) -> None:
    entry = world.opened(alice, count=4)
    assert entry.state is GenerationState.PENDING
    work_until(settled(entry))
    entry.refresh_from_db()
    assert entry.state is GenerationState.COMPLETED
    generation = Generation.objects.get(pk=entry.pk)
    assert generation.artifact_count == 4
    artifacts = list(Artifact.objects.filter(generation=generation).order_by("index"))
    assert [row.index for row in artifacts] == [0, 1, 2, 3]
    assert {row.content_type for row in artifacts} == {"image/png"}
    assert {(row.width, row.height) for row in artifacts} == {(512, 512)}
    assert len({row.sha256 for row in artifacts}) == 4
    for row in artifacts:
        stat = storage.stat(row.storage_key)
        assert stat is not None
        assert stat.size == row.size
    assert Receipt.objects.filter(subject=str(entry.pk)).count() == 4


def test_without_a_callback_the_provider_is_polled(
    alice: User, sandbox: Sandbox, work_until: Callable[..., Any], settings: Any
) -> None:
    settings.PUBLIC_URL = "http://studio.example"
    sandbox.faults({"fault": "webhook_lost"})
    entry = world.opened(alice, count=2)
    work_until(settled(entry))
    assert Output.objects.filter(entry=entry, stored_at__isnull=False).count() == 2
    assert not Receipt.objects.exists()
