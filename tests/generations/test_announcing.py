"""What becomes of entries is owed to the endpoints of their owner: thin, once, without causes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations.models import Projection, RegisterEntry
from generations.operations import projection, register
from genproj.kernel import memory
from genproj.webhooks.models import Delivery
from genproj.webhooks.operations import endpoints
from tests import world
from tests.conftest import Sandbox, Web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def listened(alice: User) -> None:
    """Alice has an endpoint that hears everything."""
    endpoints.create(actor=alice, url="https://hooks.example.com/genproj")
    memory.forget_all()


def owed() -> list[dict[str, Any]]:
    rows = Delivery.objects.order_by("created_at", "id")
    return [json.loads(bytes(row.body)) for row in rows]


def test_a_settled_generation_is_owed_once_with_its_pictures(
    listened: None, sandbox: Sandbox, web: Web, alice: User, bob: User, work: Callable[..., int]
) -> None:
    sandbox.faults({"fault": "one_fails"})
    entry = world.opened(alice, count=2)
    world.opened(bob, count=1)

    def settled() -> bool:
        work("call_providers", "apply_receipts", "collect_outputs", "project")
        return not RegisterEntry.objects.filter(completed_at=None).exists()

    world.until(settled)
    [told] = owed()
    assert told["type"] == "generation.partial"
    data = told["data"]
    assert (data["id"], data["state"], data["artifact_count"]) == (str(entry.pk), "partial", 1)
    [artifact] = data["artifacts"]
    assert artifact["url"] == f"/media/{artifact['id']}/original"
    assert data["error"].keys() == {"code", "message", "retryable"}
    assert data["urls"]["self"] == f"/api/v1/generations/{entry.pk}/"


def test_a_cancelled_generation_is_owed(listened: None, alice: User) -> None:
    entry = world.opened(alice)
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    assert [told["type"] for told in owed()] == ["generation.cancelled"]


def test_a_failed_projection_is_owed_without_its_cause(listened: None, alice: User) -> None:
    entry = world.opened(alice)
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    [row] = Projection.objects.filter(entry=entry)
    projection.record_failure(row, reason=ValueError("a secret"))
    told = owed()[-1]
    assert (told["type"], told["data"]["projector"]) == ("projection.failed", "catalogue")
    assert "secret" not in json.dumps(told)
