"""Whatever order money moves in: the ledger always balances."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genproj.kernel.clock import now
from genproj.usage import queries
from genproj.usage.models import LedgerLine
from tests.usage.conftest import Ledger

pytestmark = pytest.mark.django_db

SUBJECTS = ["video:1", "video:2", "entry:3"]
AMOUNTS = st.decimals(0, 10, places=6).map(lambda amount: f"{amount:f}")
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), st.sampled_from(SUBJECTS), AMOUNTS),
        st.tuples(st.just("settle"), st.sampled_from(SUBJECTS), AMOUNTS),
        st.tuples(st.just("release"), st.sampled_from(SUBJECTS)),
        st.tuples(
            st.just("charge"), st.sampled_from(SUBJECTS), st.sampled_from(["a", "b"]), AMOUNTS
        ),
        # a result that comes late: charged only when no hold is open to settle it with
        st.tuples(st.just("late"), st.sampled_from(SUBJECTS), st.sampled_from("cd"), AMOUNTS),
    ),
    max_size=25,
)


class Books:
    """What the ledger should say, kept by hand."""

    def __init__(self) -> None:
        self.open: dict[str, Decimal] = {}
        self.charged: dict[tuple[str, str], Decimal] = {}
        self.settled: list[Decimal] = []

    def follow(self, ledger: Ledger, act: Any) -> None:
        """Do an act in the ledger and in the books."""
        kind, subject, *rest = act
        held = self.open.get(subject)
        if kind == "hold":
            line = ledger.hold(subject, rest[0])
            assert line.amount == self.open.setdefault(subject, Decimal(rest[0]))
        elif kind in {"settle", "release"}:
            closed = ledger.settle(subject, *rest) if rest else ledger.release(subject)
            assert (closed is None) == (held is None)
            if closed is not None:
                self.settled.append(Decimal(rest[0]) if rest else Decimal(0))
                del self.open[subject]
        elif kind == "charge" or queries.open_hold(subject) is None:
            line = ledger.charge(subject, *rest)
            assert line.amount == self.charged.setdefault((subject, rest[0]), Decimal(rest[1]))

    @property
    def spent(self) -> Decimal:
        return sum([*self.settled, *self.charged.values()], Decimal(0))


@contextmanager
def forgotten() -> Iterator[None]:
    """What is written inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS)
def test_the_ledger_balances_after_every_act(alice: User, acts: list[Any]) -> None:
    ledger, books, since = Ledger(alice), Books(), now() - timedelta(hours=1)
    with forgotten():
        for act in acts:
            books.follow(ledger, act)
            assert queries.held_by(ledger.audience) == sum(books.open.values())
            until = now() + timedelta(hours=1)
            assert queries.spent_by(ledger.audience, since, until) == books.spent
        lines = list(LedgerLine.objects.all())
        closed = [line.closes_id for line in lines if line.closes_id]
        assert len(closed) == len(set(closed))
        keys = [(line.subject, line.key) for line in lines if line.kind == "charge"]
        assert len(keys) == len(set(keys))
        assert sorted(books.open) == list(queries.open_subjects(""))
