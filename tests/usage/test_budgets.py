"""Budgets: what does not fit is refused, however many ask at once; who has them is told once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genproj.kernel import memory
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden, Invalid, NotFound, VersionConflict
from genproj.notices.models import Notice
from genproj.usage import operations
from genproj.usage.errors import BudgetExhausted, BudgetNotFound, PriceUnknown
from genproj.usage.models import Budget, LedgerLine
from genproj.usage.operations import budgets
from genproj.usage.operations.budgets import Terms
from genproj.usage.queries import budgets as known
from genproj.usage.queries import totals
from genproj.webhooks.models import Delivery
from genproj.webhooks.operations import endpoints
from tests.usage.conftest import Ledger

pytestmark = pytest.mark.django_db

AtOnce = Callable[..., list[Any]]


def limited(dana: User, ledger: Ledger, limit: str = "1", **terms: Any) -> Budget:
    """A budget over Alice, set by staff."""
    given_terms = Terms(limit=Decimal(limit), **terms)
    row, _ = budgets.set_budget(actor=dana, audience=ledger.audience, terms=given_terms)
    memory.forget_all()
    return row


def told(owner: User) -> list[str]:
    return list(Notice.objects.filter(owner=owner).order_by("id").values_list("kind", flat=True))


def test_without_a_budget_everything_fits_and_nothing_is_asked(ledger: Ledger) -> None:
    ledger.hold("video:1", "1")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        ledger.hold("video:2", "1000000")
    assert not [one for one in asked.captured_queries if "usage_budget" in one["sql"]]


def test_what_does_not_fit_is_refused_with_what_is_left(dana: User, ledger: Ledger) -> None:
    budget = limited(dana, ledger, "1")
    ledger.hold("video:1", "0.6")
    with pytest.raises(BudgetExhausted) as refused:
        ledger.hold("video:2", "0.400001")
    assert refused.value.extra["left"] == "0.4"
    assert refused.value.extra["budget"] == str(budget.pk)
    assert "0.4 are left" in refused.value.detail
    assert ledger.hold("video:2", "0.4").amount == Decimal("0.4")
    assert LedgerLine.objects.count() == 2


def test_an_open_hold_is_not_asked_for_twice(dana: User, ledger: Ledger) -> None:
    limited(dana, ledger, "1")
    first = ledger.hold("video:1", "0.9")
    assert ledger.hold("video:1", "0.9").pk == first.pk


def test_what_is_released_can_be_spent_again(dana: User, ledger: Ledger) -> None:
    limited(dana, ledger, "1")
    for _ in range(3):
        ledger.hold("video:1", "1")
        ledger.release("video:1")
    ledger.hold("video:1", "1")
    ledger.settle("video:1", "0.3")
    ledger.hold("video:2", "0.7")


def test_last_month_is_over(dana: User, ledger: Ledger) -> None:
    limited(dana, ledger, "1")
    ledger.charge(key="old", amount="5")
    before = totals.month_of(now())[0] - timedelta(days=1)
    LedgerLine.objects.update(created_at=before)
    memory.forget_all()
    ledger.hold("video:1", "1")


def test_a_hold_of_last_month_still_counts(dana: User, ledger: Ledger) -> None:
    limited(dana, ledger, "1")
    ledger.hold("video:1", "0.8")
    LedgerLine.objects.update(created_at=now() - timedelta(days=40))
    memory.forget_all()
    with pytest.raises(BudgetExhausted):
        ledger.hold("video:2", "0.3")


def test_a_soft_budget_only_tells(dana: User, alice: User, ledger: Ledger) -> None:
    limited(dana, ledger, "1", hard=False)
    ledger.hold("video:1", "5")
    assert told(alice) == ["budget.exhausted"]


def test_a_model_without_a_price_is_refused_under_a_budget(dana: User, ledger: Ledger) -> None:
    def ask() -> LedgerLine:
        return operations.hold(
            subject="video:9",
            audience=ledger.audience,
            owner=ledger.owner,
            amount=Decimal(0),
            provider="veo",
            model="veo:new",
            reason="",
            priced=False,
        )

    ask()
    operations.release(subject="video:9", reason="")
    limited(dana, ledger, "1", hard=False)
    with pytest.raises(PriceUnknown, match="veo:new has no price"):
        ask()


def test_a_budget_for_one_model_leaves_others_alone(dana: User, ledger: Ledger) -> None:
    limited(dana, ledger, "0.1", model="other:1")
    ledger.hold("video:1", "5")
    limited(dana, ledger, "6", model="veo:3")
    with pytest.raises(BudgetExhausted):
        ledger.hold("video:2", "1.1")


def test_several_holds_at_once_fit_together_or_not_at_all(dana: User, ledger: Ledger) -> None:
    from genproj.kernel.ids import uuid7

    limited(dana, ledger, "1")
    costs = {
        uuid7(): operations.Cost(
            f"entry:{n}", ledger.audience, ledger.owner.pk, Decimal("0.3"), "runware", "m", ""
        )
        for n in range(4)
    }
    with pytest.raises(BudgetExhausted):
        operations.hold_first(costs)
    assert not LedgerLine.objects.exists()
    operations.hold_first(dict(list(costs.items())[:3]))
    assert LedgerLine.objects.count() == 3


def test_people_and_endpoints_are_told_once_a_month(
    dana: User, alice: User, ledger: Ledger, wakes: Any
) -> None:
    endpoints.create(actor=alice, url="https://example.com/hook", description="", types=[])
    memory.forget_all()
    budget = limited(dana, ledger, "10")
    ledger.hold("video:1", "7.9")
    assert told(alice) == []
    ledger.hold("video:2", "0.1")
    ledger.hold("video:3", "1")
    assert told(alice) == ["budget.warning"]
    ledger.hold("video:4", "1")
    assert told(alice) == ["budget.warning", "budget.exhausted"]
    for number in "1234":
        ledger.release(f"video:{number}")
    ledger.hold("video:5", "9")
    assert told(alice) == ["budget.warning", "budget.exhausted"]
    types = list(Delivery.objects.order_by("pk").values_list("type", flat=True))
    assert types == ["budget.warning", "budget.exhausted"]
    last_month = totals.month_of(now())[0] - timedelta(days=1)
    Budget.objects.filter(pk=budget.pk).update(warned_at=last_month, exhausted_at=last_month)
    ledger.hold("video:6", "0.1")
    assert told(alice)[2:] == ["budget.warning"]


def test_the_sweep_tells_of_what_came_without_a_hold(
    dana: User, alice: User, ledger: Ledger
) -> None:
    limited(dana, ledger, "1")
    ledger.charge(key="late", amount="0.85")
    assert told(alice) == []
    assert budgets.watch_budgets() == 1
    assert budgets.watch_budgets() == 0
    ledger.charge(key="later", amount="0.85")
    assert budgets.watch_budgets() == 1
    assert budgets.watch_budgets() == 0
    assert told(alice) == ["budget.warning", "budget.exhausted"]


def test_a_raised_limit_is_told_of_anew(dana: User, alice: User, ledger: Ledger) -> None:
    budget = limited(dana, ledger, "1")
    ledger.hold("video:1", "1")
    budgets.change_budget(
        actor=dana, audience=ledger.audience, budget_id=budget.pk, limit=Decimal("1.1")
    )
    assert told(alice) == ["budget.exhausted", "budget.warning"]


def test_of_one_audience_person_and_model_there_is_one_budget(dana: User, ledger: Ledger) -> None:
    first = limited(dana, ledger, "1")
    second = limited(dana, ledger, "2", hard=False)
    assert (second.pk, second.limit, second.hard) == (first.pk, Decimal(2), False)
    assert Budget.objects.count() == 1


def test_only_staff_set_budgets_over_people(alice: User, bob: User, ledger: Ledger) -> None:
    terms = Terms(limit=Decimal(1))
    with pytest.raises(Forbidden):
        budgets.set_budget(actor=alice, audience=ledger.audience, terms=terms)
    with pytest.raises(NotFound):
        budgets.set_budget(actor=bob, audience=ledger.audience, terms=terms)


def test_stale_and_foreign_changes_are_refused(dana: User, ledger: Ledger) -> None:
    budget = limited(dana, ledger, "1")
    same: dict[str, Any] = {"actor": dana, "budget_id": budget.pk, "limit": Decimal(2)}
    budgets.change_budget(audience=ledger.audience, version=1, **same)
    with pytest.raises(VersionConflict):
        budgets.change_budget(audience=ledger.audience, version=1, **same)
    with pytest.raises(BudgetNotFound):
        budgets.change_budget(audience="user:0", **same)
    with pytest.raises(Invalid):
        limited(dana, ledger, "-1")


def test_room_is_the_tightest_budget_that_stops(dana: User, ledger: Ledger) -> None:
    limited(dana, ledger, "0.5", hard=False, model="veo:3")
    limited(dana, ledger, "4")
    ledger.hold("video:1", "3.5")
    rooms = known.room_for(
        audience=ledger.audience, owner_id=ledger.owner.pk, models=["veo:3", "other"]
    )
    assert rooms["veo:3"].left == rooms["other"].left == Decimal("0.5")
    assert rooms["other"].state == "warning"


# --- any order ------------------------------------------------------------------------------------

AMOUNTS = st.integers(0, 400).map(lambda cents: f"{Decimal(cents) / 100:f}")
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "settle", "over", "release", "charge"]),
        st.integers(1, 4),
        AMOUNTS,
    ),
    max_size=25,
)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@given(acts=ACTS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_hard_limit_is_passed_only_by_what_came_dearer_or_late(
    dana: User, ledger: Ledger, acts: list[tuple[str, int, str]]
) -> None:
    with undone():
        limited(dana, ledger, "5")
        excused = Decimal(0)
        for place, (act, number, amount) in enumerate(acts):
            subject = f"video:{number}"
            held = LedgerLine.objects.filter(
                subject=subject, kind="hold", closed_by__isnull=True
            ).first()
            if act == "hold":
                before = totals.used(totals.Scope(ledger.audience)).total
                try:
                    ledger.hold(subject, amount)
                except BudgetExhausted:
                    assert before + Decimal(amount) > 5
            elif act == "charge":
                ledger.charge(key=str(place), amount=amount)
                excused += Decimal(amount)
            elif held and act == "release":
                ledger.release(subject)
            elif held and act == "settle":
                ledger.settle(subject, str(min(held.amount, Decimal(amount))))
            elif held and act == "over":
                ledger.settle(subject, str(held.amount + Decimal(amount)))
                excused += Decimal(amount)
            assert totals.used(totals.Scope(ledger.audience)).total <= 5 + excused


# --- at once --------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_hundred_at_once_never_pass_a_hard_limit(
    dana: User, ledger: Ledger, at_once: AtOnce
) -> None:
    limited(dana, ledger, "1")
    limited(dana, ledger, "0.8", model="veo:3")

    def ask(number: int) -> bool:
        try:
            ledger.hold(f"video:{number}", "0.04")
        except BudgetExhausted:
            return False
        return True

    def worker(first: int) -> int:
        return sum(ask(number) for number in range(first, 100, 10))

    granted = sum(at_once(*[lambda first=first: worker(first) for first in range(10)]))
    assert granted == 20
    assert totals.used(totals.Scope(ledger.audience)).total == Decimal("0.8")
    assert told(ledger.owner).count("budget.exhausted") == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_holding_and_settling_at_once_stays_within_the_limit(
    dana: User, ledger: Ledger, at_once: AtOnce
) -> None:
    limited(dana, ledger, "1")

    def worker(first: int) -> None:
        for number in range(first, 60, 6):
            try:
                ledger.hold(f"video:{number}", "0.1")
            except BudgetExhausted:
                continue
            ledger.settle(f"video:{number}", "0.1" if number % 2 else "0.05")

    at_once(*[lambda first=first: worker(first) for first in range(6)])
    used = totals.used(totals.Scope(ledger.audience))
    assert Decimal("0.9") < used.total <= 1
