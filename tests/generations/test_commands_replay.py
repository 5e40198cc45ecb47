"""`manage.py replay_projections`: a row each, safe to repeat."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from generations.management.commands.replay_projections import moment
from generations.models import Artifact, Generation, Projection, RegisterEntry
from generations.operations import projection
from genproj.kernel.clock import now
from genproj.runtime import operations as runtime
from tests import world
from tests.conftest import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def failed(
    alice: User, sandbox: Sandbox, work_until: Callable[..., Any], settings: Any
) -> RegisterEntry:
    """A settled entry whose projection failed; the cause is gone again."""
    settings.PUBLIC_URL = "http://studio.example"
    runtime.turn(projection.DRILL, on=True, reason="test")
    entry = world.opened(alice, count=2, annotations={"drill": True})
    work_until(lambda: Projection.objects.filter(entry=entry, failed_at__isnull=False).exists())
    runtime.turn(projection.DRILL, on=False, reason="test")
    return entry


def run(*options: str) -> str:
    out = io.StringIO()
    call_command("replay_projections", *options, stdout=out)
    return out.getvalue()


def test_a_dry_run_says_what_a_replay_then_does_once(failed: RegisterEntry) -> None:
    printed = run("--dry-run")
    assert f"{failed.pk}  catalogue/settled  created  1 generations, 2 artifacts" in printed
    assert not Generation.objects.exists()
    assert Projection.objects.filter(failed_at__isnull=False).count() == 1
    assert "Replayed: 1 created." in run()
    assert (Generation.objects.count(), Artifact.objects.count()) == (1, 2)
    failed.refresh_from_db()
    assert failed.error is None
    assert run() == "No projection has failed.\n"
    assert (Generation.objects.count(), Artifact.objects.count()) == (1, 2)


def test_a_replay_that_fails_again_says_so_and_goes_on_waiting(failed: RegisterEntry) -> None:
    runtime.turn(projection.DRILL, on=True, reason="test")
    assert "failed  ProjectionDrill" in run()
    runtime.turn(projection.DRILL, on=False, reason="test")
    assert "1 created" in run()


def test_since_leaves_out_what_failed_before(failed: RegisterEntry) -> None:
    Projection.objects.update(failed_at=now() - timedelta(hours=3))
    assert run("--since", "2h") == "No projection has failed.\n"
    assert "1 created" in run("--since", "4h")


def test_since_is_a_time_or_a_span() -> None:
    assert abs((now() - moment("3d")).total_seconds() - 3 * 86400) < 5
    assert moment("2026-11-20T08:00:00Z").hour == 8
    assert moment("2026-11-20").day == 20
    with pytest.raises((CommandError, Exception), match="neither"):
        call_command("replay_projections", since="yesterday")
