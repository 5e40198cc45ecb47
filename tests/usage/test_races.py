"""Several at once: one open hold per subject, closed once; a charge once."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from genproj.usage import queries
from genproj.usage.models import LedgerLine
from tests.usage.conftest import Ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

AtOnce = Callable[..., list[Any]]
ROUNDS = 8


def count(kind: str) -> int:
    return LedgerLine.objects.filter(kind=kind).count()


def test_of_several_holds_at_once_all_are_the_same(ledger: Ledger, at_once: AtOnce) -> None:
    for number in range(1, ROUNDS + 1):
        lines = at_once(*[ledger.hold] * 4)
        assert len({line.pk for line in lines}) == 1
        assert count("hold") == number
        ledger.release()


def test_of_several_who_close_at_once_one_does(ledger: Ledger, at_once: AtOnce) -> None:
    for number in range(1, ROUNDS + 1):
        ledger.hold()
        closed = at_once(ledger.settle, ledger.release, ledger.settle, ledger.release)
        assert len([line for line in closed if line is not None]) == 1
        assert count("settle") + count("release") == number


def test_a_charge_at_once_happens_once(ledger: Ledger, at_once: AtOnce) -> None:
    for number in range(1, ROUNDS + 1):
        key = f"late:{number}"
        lines = at_once(*[lambda key=key: ledger.charge(key=key)] * 4)
        assert len({line.pk for line in lines}) == 1
        assert count("charge") == number


def test_closing_and_holding_again_never_leaves_two_open(ledger: Ledger, at_once: AtOnce) -> None:
    def again() -> Any:
        ledger.release()
        return ledger.hold()

    for _ in range(ROUNDS):
        at_once(again, again, ledger.hold, ledger.settle)
        assert count("hold") - count("settle") - count("release") in {0, 1}
        ledger.release()
    assert queries.held_by(ledger.audience) == Decimal(0)
    numbers = LedgerLine.objects.filter(kind="hold").values_list("key", flat=True)
    assert sorted(map(int, numbers)) == list(range(1, count("hold") + 1))
