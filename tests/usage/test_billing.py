"""The billing service is told of every spent line once, whatever goes wrong on the way."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden
from genproj.runtime import breakers
from genproj.usage.models import ExportedLine, LedgerLine
from genproj.usage.operations import charge_tokens, exporting
from tests.conftest import Sandbox
from tests.usage.conftest import Ledger

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[..., int]


@pytest.fixture
def billing(sandbox: Sandbox, settings: Any) -> Sandbox:
    settings.BILLING_BASE_URL, settings.BILLING_TOKEN = sandbox.url, "sandbox"
    return sandbox


def events(billing: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = billing.get("/control/billing")["events"]
    return found


def spent(ledger: Ledger, count: int) -> None:
    for number in range(count):
        ledger.charge(key=str(number), amount="0.0013")


def hurry() -> None:
    ExportedLine.objects.filter(due_at__isnull=False).update(due_at=now())


def states() -> list[str]:
    return sorted(ExportedLine.objects.values_list("state", flat=True))


def test_what_was_settled_and_charged_is_told_once(
    billing: Sandbox, ledger: Ledger, work: Work
) -> None:
    ledger.hold("video:1", "0.5")
    ledger.hold("video:2", "0.5")
    ledger.hold("video:3", "0.5")
    ledger.settle("video:1", "0.4")
    ledger.release("video:2")
    ledger.charge("video:4", amount="0.25")
    assert exporting.owe_lines() == 2
    assert exporting.owe_lines() == 0
    work("export")
    told = {event["external_id"]: event for event in events(billing)}
    line = LedgerLine.objects.get(kind="settle")
    assert set(told) == {str(line.pk), str(LedgerLine.objects.get(kind="charge").pk)}
    event = told[str(line.pk)]
    assert event["external_customer_id"] == f"user:{ledger.owner.pk}"
    assert event["metadata"]["amount"] == "0.4"
    assert event["metadata"]["_cost"] == {"amount": 40.0, "currency": "usd"}
    assert states() == ["told", "told"]


def test_batches_hold_a_hundred_at_most(billing: Sandbox, ledger: Ledger, work: Work) -> None:
    spent(ledger, 230)
    assert exporting.owe_lines() == 230
    work("export")
    assert len(events(billing)) == 230
    calls = [c for c in billing.get("/control/calls")["calls"] if c["path"] == "/v1/events/ingest"]
    assert [len(call["body"]["events"]) for call in calls] == [100, 100, 30]


@pytest.mark.parametrize("fault", ["billing_500", "billing_429", "billing_denied", "billing_lost"])
def test_what_could_not_be_told_is_told_later_and_counts_once(
    billing: Sandbox, ledger: Ledger, work: Work, fault: str
) -> None:
    billing.faults({"fault": fault, "times": 1})
    spent(ledger, 5)
    exporting.owe_lines()
    work("export")
    assert states() == ["owed"] * 5
    waiting = ExportedLine.objects.first()
    assert waiting is not None
    assert waiting.due_at is not None
    assert waiting.due_at > now()
    assert waiting.failures == 1
    hurry()
    work("export")
    assert states() == ["told"] * 5
    assert len(events(billing)) == 5


def test_one_refused_event_holds_up_no_other(billing: Sandbox, ledger: Ledger, work: Work) -> None:
    billing.faults({"fault": "billing_partial", "result": 2, "times": 1})
    spent(ledger, 6)
    exporting.owe_lines()
    work("export")
    assert states() == ["dead", *["told"] * 5]
    dead = ExportedLine.objects.get(state="dead")
    assert dead.outcome == "external_customer_id: Refused on order"
    assert len(events(billing)) == 5


def test_a_refusal_that_names_no_event_is_narrowed_down(
    billing: Sandbox, ledger: Ledger, work: Work
) -> None:
    spent(ledger, 9)
    bad = LedgerLine.objects.order_by("id")[4]
    billing.faults({"fault": "billing_refused", "match": str(bad.pk)})
    exporting.owe_lines()
    work("export")
    assert states() == ["dead", *["told"] * 8]
    assert ExportedLine.objects.get(state="dead").line_id == bad.pk


def test_an_event_that_was_not_counted_is_found(
    billing: Sandbox, ledger: Ledger, work: Work
) -> None:
    billing.faults({"fault": "billing_short", "times": 1})
    spent(ledger, 7)
    exporting.owe_lines()
    work("export")
    assert states() == ["told"] * 7
    assert len(events(billing)) == 7


def test_dead_letters_are_told_again_by_staff(
    billing: Sandbox, ledger: Ledger, work: Work, dana: User, client: Client
) -> None:
    billing.faults({"fault": "billing_partial", "times": 1})
    spent(ledger, 1)
    exporting.owe_lines()
    work("export")
    dead = ExportedLine.objects.get(state="dead")
    with pytest.raises(Forbidden):
        exporting.replay(actor=ledger.owner, line_ids=[dead.pk])
    client.force_login(dana)
    page = client.get("/admin/usage/exportedline/", {"state__exact": "dead"})
    assert b"Refused on order" in page.content
    assert client.get(f"/admin/usage/exportedline/{dead.pk}/change/").status_code == 200
    sent = {"action": "replay", "_selected_action": [str(dead.pk)]}
    assert client.post("/admin/usage/exportedline/", sent, follow=True).status_code == 200
    work("export")
    assert states() == ["told"]
    assert len(events(billing)) == 1


def test_what_fails_for_days_is_dead(
    billing: Sandbox, ledger: Ledger, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_FAILURES", 2)
    billing.faults({"fault": "billing_500"})
    spent(ledger, 1)
    exporting.owe_lines()
    work("export")
    hurry()
    work("export")
    assert states() == ["dead"]
    assert ExportedLine.objects.get().outcome == "answered 500"


def test_without_a_billing_service_nothing_is_owed(
    ledger: Ledger, settings: Any, work: Work
) -> None:
    settings.BILLING_BASE_URL = ""
    spent(ledger, 2)
    assert exporting.owe_lines() == 0
    assert work("export") == 0


def test_tokens_are_told_by_their_counts(billing: Sandbox, ledger: Ledger, work: Work) -> None:
    for _ in range(2):
        charge_tokens(
            audience=ledger.audience,
            owner=ledger.owner,
            model="claude-sonnet-5-5",
            tokens_in=1000,
            tokens_out=10,
            key="turn:1:1",
        )
    exporting.owe_lines()
    work("export")
    told = {event["name"]: event["metadata"] for event in events(billing)}
    assert told["usage.tokens_in"]["units"] == 1000
    assert Decimal(told["usage.tokens_in"]["amount"]) == Decimal("0.003")
    assert Decimal(told["usage.tokens_out"]["amount"]) == Decimal("0.00015")


def test_a_service_that_is_away_is_left_alone_and_told_when_it_is_back(
    billing: Sandbox, ledger: Ledger, work: Work, settings: Any
) -> None:
    settings.BREAKER_FAILURES = 1
    spent(ledger, 3)
    exporting.owe_lines()
    billing.faults({"fault": "billing_denied"})
    work("export")
    assert not breakers.is_shut(exporting.SERVICE)  # a refusal is an answer
    billing.faults({"fault": "billing_500"})
    hurry()
    work("export")
    assert breakers.is_shut(exporting.SERVICE)
    made = len(billing.get("/control/calls")["calls"])
    billing.faults()
    hurry()
    assert work("export") == 0
    assert len(billing.get("/control/calls")["calls"]) == made
    breakers.note(exporting.SERVICE, answered=True)
    work("export")
    assert states() == ["told"] * 3
