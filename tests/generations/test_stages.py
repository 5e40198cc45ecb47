"""Stages: what an app above hears of an entry, when, and of which entries."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations.models import Projection, RegisterEntry
from generations.operations import register
from genproj.kernel.clock import now
from genproj.projectors import PROJECTORS, STAGES, Projector
from tests import world
from tests.conftest import Sandbox, Web
from tests.generations.listening import HEARD, heard

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture(autouse=True)
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An app that listens to every stage of the entries that carry its annotation."""
    runs = {stage: f"tests.generations.listening.{stage}" for stage in STAGES}
    monkeypatch.setitem(PROJECTORS, "listener", Projector(runs=runs, only="listened"))
    HEARD.clear()
    yield
    HEARD.clear()


def test_an_app_hears_every_stage_of_its_own_entries_only(
    sandbox: Sandbox, web: Web, alice: User, work_until: Callable[..., Any]
) -> None:
    mine = world.opened(alice, count=2, annotations={"listened": "yes"})
    other = world.opened(alice, count=1)
    work_until(lambda: not RegisterEntry.objects.filter(catalogued_at=None).exists())
    work_until(lambda: "final" in heard(mine))
    told = heard(mine)
    assert told[0] == "submitted"
    assert set(told) >= {"submitted", "output", "settled", "final"}
    assert told.count("settled") == told.count("final") == 1
    assert heard(other) == []
    stages = Projection.objects.filter(entry=other).values_list("projector", "stage")
    assert list(stages) == [("catalogue", "settled")]


def test_one_cancelled_after_its_submission_is_final_only_at_the_providers_last_word(
    sandbox: Sandbox, web: Web, alice: User, work: Callable[..., int], work_until: Any
) -> None:
    sandbox.faults({"fault": "slow", "seconds": 1})
    entry = world.opened(alice, count=1, annotations={"listened": "yes"})
    work("call_providers")
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    work("project")
    assert heard(entry) == ["submitted", "settled"]
    RegisterEntry.objects.filter(pk=entry.pk).update(due_at=now())
    work_until(lambda: "final" in heard(entry))
    assert "late" in heard(entry)


def test_one_cancelled_before_its_submission_is_final_at_once(
    alice: User, work: Callable[..., int]
) -> None:
    entry = world.opened(alice, count=1, annotations={"listened": "yes"})
    register.cancel_entry(actor=alice, entry_id=entry.pk)
    work("project")
    assert heard(entry) == ["settled", "final"]
