"""The money of entries: held when one is opened, and closed by what came of it."""

import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generations.models import Output, ProviderModel, RegisterEntry, Trash
from generations.operations import keeping
from generations.queries import costs
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.usage import operations as ledger
from genproj.usage import queries as lines
from genproj.usage.models import LedgerLine
from genproj.webhooks.models import Receipt
from tests import world
from tests.conftest import Sandbox, Web

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = world.TABLES.setdefault("What the ledger says", [("what happened", "lines")])
WorkUntil = Callable[..., Any]


class Story:
    """One generation of Alice's, asked for and followed through the doors."""

    def __init__(self, alices: Client, ask: Callable[..., Any], work_until: WorkUntil) -> None:
        self.alices, self._ask, self._work_until = alices, ask, work_until

    def begins(self, **body: Any) -> "Story":
        answer = self._ask(self.alices, **({"count": 2} | body))
        assert answer.status_code == 202, answer.content
        self.id = answer.json()["id"]
        self.subject = f"entry:{self.id}"
        return self

    def ends(self) -> "Story":
        self._work_until(lambda: self.entry.catalogued_at, seconds=30)
        return self

    @property
    def entry(self) -> RegisterEntry:
        return RegisterEntry.objects.get(pk=self.id)

    def cancels(self) -> None:
        answer = self.alices.post(f"/api/v1/generations/{self.id}/cancel/")
        assert answer.status_code == 200

    def lines(self) -> str:
        found = lines.lines_of(self.subject)
        return ", ".join(f"{line.kind} {line.amount:f}" for line in found)

    def tells(self, what: str, expected: str) -> None:
        TABLE.append((what, self.lines()))
        assert self.lines() == expected
        assert costs.unbalanced() == []


@pytest.fixture
def story(alices: Client, ask: Any, work_until: WorkUntil) -> Story:
    price(Decimal("0.01"))
    return Story(alices, ask, work_until)


def price(amount: Decimal | None) -> None:
    """What the model costs by the registry; the sandbox says what its results cost."""
    ProviderModel.objects.filter(pk=world.MODEL).update(price=amount)


@pytest.mark.parametrize(
    ("what", "faults", "expected"),
    [
        ("completed", [], "hold 0.020000, settle 0.002600"),
        ("partial", [{"fault": "one_fails"}], "hold 0.020000, settle 0.001300"),
        ("failed", [{"fault": "error_after"}], "hold 0.020000, release 0.000000"),
        ("content_blocked", [{"fault": "content_policy"}], "hold 0.020000, release 0.000000"),
        ("refused", [{"fault": "reject"}], "hold 0.020000, release 0.000000"),
        ("result not to be had", [{"fault": "cdn_404"}], "hold 0.020000, release 0.000000"),
        ("told twice", [{"fault": "webhook_doubled"}], "hold 0.020000, settle 0.002600"),
    ],
)
def test_what_is_held_is_closed_at_what_came_of_it(
    what: str, faults: list[Any], expected: str, story: Story, sandbox: Sandbox, web: Web
) -> None:
    sandbox.faults(*faults)
    story.begins()
    assert story.lines() == "hold 0.020000"
    story.ends().tells(what, expected)


def test_what_the_provider_does_not_price_costs_what_the_registry_says(
    story: Story, sandbox: Sandbox, web: Web, work: Any
) -> None:
    story.begins()
    announced = Output.objects.filter(entry=story.id)

    def told() -> bool:
        work("call_providers", "apply_receipts")
        return announced.count() == 2

    world.until(told)
    announced.update(cost=None)
    story.ends().tells("results without a price", "hold 0.020000, settle 0.020000")


def test_an_unknown_price_holds_nothing(story: Story, sandbox: Sandbox, web: Web) -> None:
    price(None)
    story.begins().ends().tells("price unknown", "hold 0.000000, settle 0.002600")


def test_a_cancelled_entry_that_was_never_sent_gives_its_hold_back_at_once(story: Story) -> None:
    story.begins().cancels()
    story.tells("cancelled before submit", "hold 0.020000, release 0.000000")


def test_a_cancelled_entry_that_was_sent_is_held_until_the_last_word(
    story: Story, sandbox: Sandbox, web: Web, work: Any, work_until: WorkUntil
) -> None:
    sandbox.faults({"fault": "slow", "seconds": 1})
    story.begins()
    work("call_providers")
    story.cancels()
    assert story.lines() == "hold 0.020000"
    assert costs.unbalanced() == []
    work_until(lambda: lines.open_hold(story.subject) is None)
    story.tells("cancelled after submit", "hold 0.020000, settle 0.002600")


def test_a_cancelled_entry_of_which_nothing_came_is_held_until_the_deadline(
    story: Story, sandbox: Sandbox, web: Web, work: Any, work_until: WorkUntil
) -> None:
    sandbox.faults({"fault": "never"})
    story.begins()
    work("call_providers")
    story.cancels()
    assert story.lines() == "hold 0.020000"
    RegisterEntry.objects.update(deadline_at=now(), due_at=now())
    work_until(lambda: lines.open_hold(story.subject) is None)
    story.tells("cancelled, nothing came", "hold 0.020000, release 0.000000")


def test_what_is_kept_after_the_timeout_is_charged_once(
    story: Story, sandbox: Sandbox, web: Web, work_until: WorkUntil
) -> None:
    sandbox.faults({"fault": "slow", "seconds": 2})
    story.begins()
    work_until(lambda: story.entry.dispatched_at)
    RegisterEntry.objects.update(deadline_at=now(), due_at=now())
    story.ends().tells("timeout", "hold 0.020000, release 0.000000")
    work_until(lambda: story.entry.outputs.filter(stored_at__isnull=False).count() == 2)
    Receipt.objects.update(due_at=now(), applied_at=None, outcome="")
    story.ends().tells(
        "timeout, then late",
        "hold 0.020000, release 0.000000, charge 0.001300, charge 0.001300",
    )


def test_what_comes_after_the_purge_is_not_charged(
    story: Story, sandbox: Sandbox, web: Web, work: Any, work_until: WorkUntil
) -> None:
    story.begins().ends()
    story.alices.delete(f"/api/v1/generations/{story.id}/")
    Trash.objects.update(due_at=now() - timedelta(seconds=1))
    work()
    Receipt.objects.update(due_at=now(), applied_at=None, outcome="")
    work()
    assert set(Receipt.objects.values_list("outcome", flat=True)) == {"discarded"}
    story.tells("purged, then late", "hold 0.020000, settle 0.002600")


def test_a_purge_closes_what_is_still_held(
    story: Story, sandbox: Sandbox, web: Web, work: Any
) -> None:
    sandbox.faults({"fault": "never"})
    story.begins()
    work("call_providers")
    story.cancels()
    story.alices.delete(f"/api/v1/generations/{story.id}/")
    Trash.objects.update(due_at=now() - timedelta(seconds=1))
    work()
    story.tells("cancelled, purged", "hold 0.020000, release 0.000000")


def test_a_retry_is_held_by_itself(story: Story, sandbox: Sandbox, web: Web) -> None:
    sandbox.faults({"fault": "one_fails"})
    story.begins().ends()
    sandbox.faults()
    answer = story.alices.post(f"/api/v1/generations/{story.id}/retry/")
    story.id = answer.json()["id"]
    story.subject = f"entry:{story.id}"
    story.ends().tells("retried", "hold 0.010000, settle 0.001300")


def test_what_an_app_holds_is_left_to_it(
    alice: User, sandbox: Sandbox, web: Web, work_until: WorkUntil
) -> None:
    ledger.hold(
        subject="video:1",
        audience=f"user:{alice.pk}",
        owner=alice,
        amount=Decimal(1),
        provider="",
        model="",
        reason="",
    )
    entry = world.opened(alice, count=1, hold="video:1")
    work_until(lambda: RegisterEntry.objects.filter(pk=entry.pk, catalogued_at__isnull=False))
    assert lines.lines_of(f"entry:{entry.pk}") == []
    assert lines.open_hold("video:1") is not None


def test_the_timeline_tells_of_the_money(story: Story, sandbox: Sandbox, web: Web) -> None:
    story.begins().ends()
    steps = story.alices.get(f"/api/v1/generations/{story.id}/timeline/").json()["results"]
    titles = [step["title"] for step in steps]
    assert "Held 0.02 USD" in titles
    assert "Paid 0.0026 USD" in titles


def test_staff_look_at_the_ledger(story: Story, dana: User, client: Client) -> None:
    story.begins().cancels()
    client.force_login(dana)
    page = client.get("/admin/usage/ledgerline/", {"q": story.subject})
    assert page.status_code == 200
    assert b"Released" in page.content
    line = LedgerLine.objects.get(kind="release")
    assert client.get(f"/admin/usage/ledgerline/{line.pk}/change/").status_code == 200
    assert client.get("/admin/usage/ledgerline/add/").status_code == 403
    assert client.post(f"/admin/usage/ledgerline/{line.pk}/delete/").status_code == 403


def test_an_upload_holds_nothing(alice: User) -> None:
    entry = keeping.keep_upload(
        actor=alice,
        audience=f"user:{alice.pk}",
        file=io.BytesIO(world.picture(format="JPEG")),
        filename="beach.jpg",
    )
    assert entry.hold == ""
    assert lines.lines_of(f"entry:{entry.pk}") == []


def test_a_hold_whose_entry_is_closed_is_named(alice: User) -> None:
    entry = world.opened(alice, count=1)
    assert costs.unbalanced() == []
    RegisterEntry.objects.filter(pk=entry.pk).update(completed_at=now(), due_at=None)
    gone = "entry:01a1f885-8e87-7193-a8d6-8c9bacdeee00"
    cost = ledger.Cost(gone, f"user:{alice.pk}", alice.pk, Decimal(1), "", "", "")
    ledger.hold_first({uuid7(): cost})
    assert costs.unbalanced() == sorted([entry.hold, gone])


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({"duration": 6}, "1.200000"), ({}, "1.600000"), ({"duration": "x"}, None)],
)
def test_a_film_is_priced_by_the_second(parameters: dict[str, Any], expected: str | None) -> None:
    model = ProviderModel(
        price=Decimal("0.2"),
        price_unit="second",
        parameters={"properties": {"duration": {"default": 8}}},
    )
    amount = costs.estimate(model, {"parameters": parameters}, count=1)
    assert amount == (Decimal(expected) if expected else None)
