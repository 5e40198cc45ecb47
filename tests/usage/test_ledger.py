"""The ledger: one open hold per subject, closed once; charges once; exact amounts."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError

from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.usage import operations, queries
from genproj.usage.errors import AmountRefused
from genproj.usage.models import LedgerLine
from tests.usage.conftest import Ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def kinds(subject: str = "video:1") -> list[tuple[str, str]]:
    return [(line.kind, f"{line.amount:f}") for line in queries.lines_of(subject)]


def test_a_hold_is_settled_at_the_real_cost(ledger: Ledger) -> None:
    ledger.hold(amount="0.5")
    assert queries.held_by(ledger.audience) == Decimal("0.5")
    line = ledger.settle(cost="0.75")
    assert line is not None
    assert (line.kind, line.amount, line.audience) == ("settle", Decimal("0.75"), ledger.audience)
    assert kinds() == [("hold", "0.500000"), ("settle", "0.750000")]
    assert queries.lines_of("video:1")[-1].held == Decimal("0.5")
    assert queries.held_by(ledger.audience) == 0
    assert queries.open_hold("video:1") is None


def test_an_open_hold_is_kept_as_it_is(ledger: Ledger) -> None:
    first = ledger.hold(amount="0.5")
    assert ledger.hold(amount="9").pk == first.pk
    assert kinds() == [("hold", "0.500000")]


def test_a_closed_hold_can_be_followed_by_a_new_one(ledger: Ledger) -> None:
    first = ledger.hold()
    ledger.release()
    second = ledger.hold(amount="0.7")
    assert second.pk != first.pk
    assert queries.open_hold("video:1") == second
    ledger.settle(cost="0.7")
    assert [kind for kind, _ in kinds()] == ["hold", "release", "hold", "settle"]


def test_nothing_is_closed_twice(ledger: Ledger) -> None:
    assert ledger.settle() is None
    assert ledger.release() is None
    ledger.hold()
    assert ledger.release() is not None
    assert ledger.settle() is None
    assert [kind for kind, _ in kinds()] == ["hold", "release"]


def test_a_cost_of_nothing_releases(ledger: Ledger) -> None:
    ledger.hold()
    line = ledger.settle(cost="0")
    assert line is not None
    assert line.kind == "release"


def test_a_charge_happens_once_per_key(ledger: Ledger) -> None:
    first = ledger.charge(amount="0.25")
    assert ledger.charge(amount="0.99").pk == first.pk
    ledger.charge(key="late:2", amount="0.1")
    ledger.charge(subject="video:2", amount="1")
    since = now() - timedelta(hours=1)
    assert queries.spent_by(ledger.audience, since, now()) == Decimal("1.35")
    assert queries.spent_by(ledger.audience, since, since) == 0
    assert queries.spent_by("user:0", since, now()) == 0


def test_a_charge_without_a_key_is_a_mistake(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="key"):
        ledger.charge(key="")


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity", "0.0000001", "100000000"])
def test_what_cannot_be_written_down_exactly_is_refused(ledger: Ledger, amount: str) -> None:
    for act in (ledger.hold, ledger.charge):
        with pytest.raises(AmountRefused):
            act(amount=amount)
    ledger.hold()
    with pytest.raises(AmountRefused):
        ledger.settle(cost=amount)
    assert kinds() == [("hold", "0.500000")]


def test_a_float_is_not_money(ledger: Ledger) -> None:
    ledger.hold()
    with pytest.raises(TypeError):
        operations.settle(subject="video:1", cost=0.1, reason="")  # type: ignore[arg-type]


def test_sums_are_exact(ledger: Ledger) -> None:
    for number in range(300):
        ledger.charge(key=str(number), amount="0.000001")
        ledger.hold(subject=f"video:{number}", amount="0.1")
    ledger.charge(key="large", amount="99999999.999999")
    since = now() - timedelta(hours=1)
    assert queries.spent_by(ledger.audience, since, now()) == Decimal("100000000.000299")
    assert queries.held_by(ledger.audience) == Decimal(30)


def test_a_first_hold_is_the_first(ledger: Ledger) -> None:
    cost = operations.Cost(
        "entry:1", ledger.audience, ledger.owner.pk, Decimal(1), "runware", "m", "asked"
    )
    id = uuid7()
    operations.hold_first({id: cost})
    assert ledger.hold("entry:1").pk == id
    with pytest.raises(IntegrityError):
        operations.hold_first({uuid7(): cost})
    assert LedgerLine.objects.count() == 1


def test_a_hold_is_closed_by_its_id_once(ledger: Ledger) -> None:
    first, second = ledger.hold("video:1"), ledger.hold("video:2")
    cost = operations.Cost("video:1", ledger.audience, None, Decimal("0.3"), "", "", "done")
    nothing = operations.Cost("video:2", ledger.audience, None, Decimal(0), "", "", "done")
    operations.close_first({first.pk: cost, second.pk: nothing})
    operations.close_first({first.pk: cost, second.pk: nothing})
    assert kinds("video:1") == [("hold", "0.500000"), ("settle", "0.300000")]
    assert kinds("video:2") == [("hold", "0.500000"), ("release", "0.000000")]
