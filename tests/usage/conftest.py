"""A ledger to write into: one person's lines."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from genproj.usage import operations
from genproj.usage.models import LedgerLine


class Ledger:
    """The ledger as one person's app would use it."""

    def __init__(self, owner: User) -> None:
        self.owner, self.audience = owner, f"user:{owner.pk}"

    def hold(self, subject: str = "video:1", amount: str = "0.5") -> LedgerLine:
        return operations.hold(
            subject=subject,
            audience=self.audience,
            owner=self.owner,
            amount=Decimal(amount),
            provider="veo",
            model="veo:3",
            reason="confirmed",
        )

    def charge(
        self, subject: str = "video:1", key: str = "late:1", amount: str = "0.25"
    ) -> LedgerLine:
        return operations.charge(
            subject=subject,
            key=key,
            amount=Decimal(amount),
            audience=self.audience,
            owner=self.owner,
            provider="veo",
            model="veo:3",
            reason="came late",
        )

    def settle(self, subject: str = "video:1", cost: str = "0.4") -> LedgerLine | None:
        return operations.settle(subject=subject, cost=Decimal(cost), reason="completed")

    def release(self, subject: str = "video:1") -> LedgerLine | None:
        return operations.release(subject=subject, reason="cancelled")


@pytest.fixture
def ledger(alice: User) -> Ledger:
    return Ledger(alice)


@pytest.fixture
def at_once() -> Callable[..., list[object]]:
    """Runs the same thing in several threads that start together."""
    import threading
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    def run(*acts: Callable[[], object]) -> list[object]:
        start = threading.Barrier(len(acts))

        def begin(act: Callable[[], object]) -> object:
            try:
                start.wait(60)
                return act()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(begin, acts))

    return run
