"""Every fault the sandbox can show ends in the state that the product promises, in time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations.models import Artifact, Output, RegisterEntry
from tests import world
from tests.conftest import Sandbox, Web

pytestmark = pytest.mark.django_db(transaction=True)

TITLE = "What each fault of the provider ends in"


@dataclass(frozen=True)
class Case:
    """One fault; what two wished pictures end in, the errors shown, and by when."""

    fault: dict[str, Any]
    state: str
    artifacts: int
    error: str | None = None
    output_errors: tuple[str, ...] = ()
    deadline: int = 60
    settings: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    runs: int = 1


def fault(name: str, **more: Any) -> dict[str, Any]:
    return {"fault": name, **more}


QUICK = {"FETCH_SILENCE_SECONDS": 1, "FETCH_TOTAL_SECONDS": 3}
SMALL = {"MAX_OUTPUT_BYTES": {"image": 2**20, "video": 2**20}}

CASES = [
    Case(fault("slow", seconds=1), "completed", 2),
    Case(fault("error_before", times=2), "completed", 2),
    Case(fault("error_before_402"), "failed", 0, "api_rejected", runs=0),
    Case(fault("error_before_429", times=2), "completed", 2),
    Case(fault("error_before_503", times=2), "completed", 2),
    Case(fault("error_before_503"), "failed", 0, "api_rejected", runs=0, deadline=2),
    Case(fault("html_gateway", times=2), "completed", 2),
    Case(fault("reject"), "failed", 0, "api_rejected", runs=0),
    Case(fault("truncated"), "completed", 2),
    Case(fault("reply_lost"), "completed", 2),
    Case(fault("forget", times=1), "completed", 2, runs=2),
    Case(fault("never"), "failed", 0, "timeout", deadline=2),
    Case(fault("error_after"), "failed", 0, output_errors=("webhook_error",) * 2),
    Case(fault("one_fails", result=1), "partial", 1, output_errors=("webhook_error",)),
    Case(fault("content_policy"), "failed", 0, output_errors=("content_blocked",) * 2),
    Case(fault("webhook_lost"), "completed", 2),
    Case(fault("webhook_lost", result=1), "completed", 2),
    Case(fault("webhook_doubled"), "completed", 2),
    Case(fault("webhook_reordered"), "completed", 2),
    Case(fault("webhook_before_reply"), "completed", 2),
    Case(fault("webhook_flat"), "completed", 2),
    Case(fault("webhook_processing"), "completed", 2),
    Case(fault("webhook_garbage"), "completed", 2, remarks=("validation",)),
    Case(fault("cdn_404"), "failed", 0, output_errors=("fetch_failed",) * 2),
    Case(fault("cdn_404", result=0), "partial", 1, output_errors=("fetch_failed",)),
    Case(fault("cdn_500", times=3), "completed", 2),
    Case(fault("cdn_stall", times=2, seconds=5), "completed", 2, settings=QUICK),
    Case(fault("cdn_slow", times=2, seconds=1), "completed", 2),
    Case(fault("cdn_cut", times=3), "completed", 2),
    Case(fault("cdn_wrong_type"), "failed", 0, output_errors=("validation",) * 2),
    Case(fault("cdn_huge"), "failed", 0, output_errors=("fetch_failed",) * 2, settings=SMALL),
    Case(fault("cdn_redirect_private"), "failed", 0, output_errors=("fetch_failed",) * 2),
    Case(fault("cdn_redirect_chain"), "failed", 0, output_errors=("fetch_failed",) * 2),
]


def named(case: Case) -> str:
    return "-".join(str(value) for value in case.fault.values())


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_fault_ends_as_promised(
    case: Case,
    alice: User,
    sandbox: Sandbox,
    web: Web,
    work_until: Callable[..., Any],
    settings: Any,
) -> None:
    for name, value in case.settings.items():
        setattr(settings, name, value)
    sandbox.faults(case.fault)
    began = time.monotonic()
    entry = world.opened(alice, count=2, seconds=case.deadline)
    work_until(lambda: catalogued(entry), seconds=120)
    took = time.monotonic() - began
    entry.refresh_from_db()
    outputs = list(entry.outputs.all())
    errors = tuple(
        output.error["code"] for output in outputs if output.error and output.index is not None
    )
    remarks = {output.error["code"] for output in outputs if output.index is None}
    assert entry.state == case.state
    assert (entry.error or {}).get("code") == case.error
    assert errors == case.output_errors
    assert remarks == set(case.remarks)
    assert Artifact.objects.filter(generation=entry.pk).count() == case.artifacts
    assert len({output.sha256 for output in outputs if output.stored_at}) == case.artifacts
    assert len(runs_of(sandbox, entry)) == case.runs
    world.TABLES.setdefault(TITLE, [("fault", "state", "artifacts", "error", "seconds")]).append(
        (
            named(case),
            entry.state,
            str(case.artifacts),
            case.error or ", ".join(sorted(set(errors))) or "-",
            f"{took:.1f}",
        )
    )


def catalogued(entry: RegisterEntry) -> bool:
    return RegisterEntry.objects.filter(pk=entry.pk, catalogued_at__isnull=False).exists()


def runs_of(sandbox: Sandbox, entry: RegisterEntry) -> list[dict[str, Any]]:
    """The provider's tasks that this entry caused: what it would bill."""
    return [task for task in sandbox.tasks() if str(entry.pk) in str(task)]


def test_an_output_of_a_settled_entry_never_loses_its_slot(
    alice: User, sandbox: Sandbox, web: Web, work_until: Callable[..., Any]
) -> None:
    sandbox.faults(fault("webhook_doubled"), fault("webhook_reordered"))
    entry = world.opened(alice, count=4)
    work_until(lambda: catalogued(entry))
    outputs = Output.objects.filter(entry=entry)
    assert sorted(output.index for output in outputs) == [0, 1, 2, 3]
    assert sum(output.cost for output in outputs) == pytest.approx(4 * outputs[0].cost)
