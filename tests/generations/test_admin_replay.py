"""Failed projections and deliveries in the admin: tried, replayed, resolved, read again."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generations.models import Artifact, Generation, Output, Projection, RegisterEntry
from generations.operations import keeping, projection
from genproj.runtime import operations as runtime
from genproj.webhooks.models import Receipt
from tests import world
from tests.conftest import Sandbox, Web

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/generations/projection/"


@pytest.fixture
def desk(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client


@pytest.fixture
def failed(alice: User, work: Callable[..., int]) -> list[Projection]:
    """Two settled entries whose projections failed; the cause is gone again."""
    runtime.turn(projection.DRILL, on=True, reason="test")
    for name in ("boat.png", "fox.png"):
        file = io.BytesIO(world.picture())
        made = keeping.keep_upload(
            actor=alice, audience=f"user:{alice.pk}", file=file, filename=name
        )
        RegisterEntry.objects.filter(pk=made.pk).update(annotations={"drill": True})
    work()
    runtime.turn(projection.DRILL, on=False, reason="test")
    rows = list(Projection.objects.filter(failed_at__isnull=False))
    assert len(rows) == 2
    return rows


def act(desk: Client, action: str, rows: list[Projection], **more: Any) -> str:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return desk.post(LIST, chosen | more, follow=True).content.decode()


def catalogue() -> tuple[int, int]:
    return Generation.objects.count(), Artifact.objects.count()


def test_the_list_shows_what_failed_and_why(desk: Client, failed: list[Projection]) -> None:
    body = desk.get(LIST).content.decode()
    for row in failed:
        assert f"/admin/generations/registerentry/{row.entry_id}/change/" in body
    assert "ProjectionDrill" in body
    assert "1 / 0" in body


def test_a_dry_run_changes_nothing_and_a_replay_creates_once(
    desk: Client, failed: list[Projection]
) -> None:
    body = act(desk, "dry_run", failed[:1])
    assert "Nothing has been changed" in body
    assert "1 generation, 1 artifact" in body
    assert catalogue() == (0, 0)
    assert Projection.objects.filter(failed_at__isnull=False).count() == 2

    body = act(desk, "replay_chosen", failed[:1])
    assert 'data-outcome="created"' in body
    assert "<strong>1</strong> more generation" in body
    assert catalogue() == (1, 1)
    entry = RegisterEntry.objects.get(pk=failed[0].entry_id)
    assert entry.error is None
    assert entry.error_history[-1]["code"] == "projection_failed"
    assert entry.acts.get().act == "replay"

    assert "nothing was done" in act(desk, "replay_chosen", failed[:1])
    assert catalogue() == (1, 1)


def test_everything_that_the_filters_match_is_replayed(
    desk: Client, failed: list[Projection]
) -> None:
    body = desk.post(f"{LIST}replay-all/?projector=other").content.decode()
    assert catalogue() == (0, 0)
    body = desk.post(f"{LIST}replay-all/?projector=catalogue", {"dry_run": "1"}).content.decode()
    assert "<strong>2</strong> would be created" in body
    assert catalogue() == (0, 0)
    body = desk.post(f"{LIST}replay-all/?projector=catalogue").content.decode()
    assert body.count('data-outcome="created"') == 2
    assert catalogue() == (2, 2)


def test_those_that_fail_again_are_offered_for_another_run(
    desk: Client, failed: list[Projection]
) -> None:
    RegisterEntry.objects.filter(pk=failed[0].entry_id).update(annotations={})
    runtime.turn(projection.DRILL, on=True, reason="test")
    body = act(desk, "replay_chosen", failed)
    assert body.count('data-outcome="failed"') == 1
    assert "Re-run the 1 failed" in body
    runtime.turn(projection.DRILL, on=False, reason="test")
    body = desk.post(f"{LIST}replay/", {"id": [failed[1].pk]}).content.decode()
    assert 'data-outcome="created"' in body
    assert catalogue() == (2, 2)


def test_resolving_needs_a_reason(desk: Client, failed: list[Projection]) -> None:
    assert "Reason:" in act(desk, "mark_resolved", failed[:1])
    assert "Say why" in act(desk, "mark_resolved", failed[:1], apply="1", reason="  ")
    assert not Projection.objects.filter(resolved_at__isnull=False).exists()
    body = act(desk, "mark_resolved", failed[:1], apply="1", reason="nobody wants it")
    assert "1 marked as resolved." in body
    row = Projection.objects.get(pk=failed[0].pk)
    assert row.resolved_reason == "nobody wants it"
    assert RegisterEntry.objects.get(pk=row.entry_id).error is None
    assert catalogue() == (0, 0)


def test_only_staff_who_may_change_it_replay(
    client: Client, alice: User, failed: list[Projection]
) -> None:
    client.force_login(alice)
    assert client.post(f"{LIST}replay-all/").status_code == 302
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    assert client.post(f"{LIST}replay-all/").status_code == 403
    assert catalogue() == (0, 0)


def test_a_delivery_that_is_read_again_changes_nothing(
    desk: Client, alice: User, sandbox: Sandbox, web: Web, work_until: Callable[..., Any]
) -> None:
    entry = world.opened(alice, count=2)
    work_until(lambda: RegisterEntry.objects.get(pk=entry.pk).catalogued_at is not None)
    before = list(Output.objects.order_by("pk").values())
    ids = [str(id) for id in Receipt.objects.values_list("pk", flat=True)]
    assert ids
    chosen = {"action": "reprocess", "_selected_action": ids}
    body = desk.post("/admin/webhooks/receipt/", chosen, follow=True).content.decode()
    assert f"{len(ids)} will be read again." in body
    assert not Receipt.objects.filter(applied_at__isnull=False).exists()
    work_until(lambda: not Receipt.objects.filter(applied_at__isnull=True).exists())
    assert list(Output.objects.order_by("pk").values()) == before
    assert set(Receipt.objects.values_list("outcome", flat=True)) == {"repeated"}
    assert catalogue() == (1, 2)
