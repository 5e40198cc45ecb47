"""A hundred requests at once, by the API: money, keys, numbers and claims hold all the same."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from generations.models import ProviderModel, RegisterEntry
from generations.operations import calling
from genproj.events.models import Event
from genproj.kernel import leases, memory
from genproj.usage.models import LedgerLine
from genproj.usage.operations import budgets
from genproj.usage.queries import totals
from tests import world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

ASKED, AT_ONCE = 100, 20
Ask = Callable[..., HttpResponse]


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """What `act` returns for each number, by many threads that begin together."""
    start = threading.Barrier(AT_ONCE)

    def some(first: int) -> list[Any]:
        try:
            start.wait(60)
            return [act(number) for number in range(first, ASKED, AT_ONCE)]
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [answer for answers in pool.map(some, range(AT_ONCE)) for answer in answers]


@pytest.fixture
def asks(alices: Client, ask: Ask) -> Callable[[str], HttpResponse]:
    """Alice's request, by a client of its own."""

    def knock(key: str) -> HttpResponse:
        client = Client()
        client.defaults.update(alices.defaults)
        return ask(client, key=key)

    return knock


def test_a_hundred_requests_hold_what_a_budget_allows_and_are_numbered_without_gaps(
    asks: Callable[[str], HttpResponse], alice: User, dana: User
) -> None:
    price = ProviderModel.objects.get(pk=world.MODEL).price
    terms = budgets.Terms(limit=price * 30)
    budgets.set_budget(actor=dana, audience=f"user:{alice.pk}", terms=terms)
    memory.forget_all()
    answers = at_once(lambda number: asks(f"key-{number % 50}"))
    assert {answer.status_code for answer in answers} <= {202, 402, 409}  # 409: the key is busy
    made = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    assert len(made) == RegisterEntry.objects.count() == 30
    assert LedgerLine.objects.filter(kind="hold").count() == 30
    assert totals.used(totals.Scope(f"user:{alice.pk}")).total == price * 30 > Decimal(0)
    seen = Event.objects.filter(stream=f"user:{alice.pk}").values_list("seq", flat=True)
    assert sorted(seen) == list(range(1, len(seen) + 1))
    assert Event.objects.filter(kind="generation:created").count() == 30


def test_a_hundred_claims_give_every_row_to_one(alice: User) -> None:
    entries = {world.opened(alice).pk for _ in range(60)}

    def take(_: int) -> list[Any]:
        return [row.pk for row in leases.claim(calling.entries_to_call(), limit=1, seconds=600)]

    given = at_once(take)
    taken = [pk for rows in given for pk in rows]
    assert len(taken) == len(set(taken)) == len(entries)
