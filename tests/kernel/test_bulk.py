"""Rows written many at a time stand there as the ORM would have written them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict

from generations.models import Output, RegisterEntry
from genproj.events.models import Event, Stream
from genproj.kernel import bulk
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def entry(**facts: Any) -> RegisterEntry:
    at = now()
    return RegisterEntry(
        id=uuid7(),
        kind="image",
        provider="runware",
        model="runware:100@1",
        expected_count=4,
        audience="user:1",
        key_prefix="generations/x",
        created_at=at,
        deadline_at=at + timedelta(minutes=5),
        **facts,
    )


def output(of: RegisterEntry, ref: str, **facts: Any) -> Output:
    return Output(id=uuid7(), entry=of, ref=ref, announced_at=now(), **facts)


def test_an_insert_is_what_the_orm_would_have_written() -> None:
    one = entry(input={"prompt": "100 % fog"}, annotations={"é": [1]}, error=None)
    bulk.insert_all([one, entry()])
    found = RegisterEntry.objects.get(pk=one.pk)
    assert model_to_dict(found) == model_to_dict(one)
    assert found.created_at == one.created_at
    found.save()  # it knows that it is there


def test_what_is_there_is_passed_over_only_where_that_is_said() -> None:
    one = entry()
    bulk.insert_all([one])
    bulk.insert_all([output(one, "a", index=0)])
    again = [output(one, "a", index=1), output(one, "b", index=2)]
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert_all(again)
    bulk.insert_all(again, passing_over=True)
    kept = Output.objects.filter(entry=one).order_by("ref").values_list("ref", "index")
    assert list(kept) == [("a", 0), ("b", 2)]


def test_each_row_gets_facts_of_its_own() -> None:
    one = entry()
    bulk.insert_all([one])
    rows = [output(one, str(number), index=number) for number in range(4)]
    bulk.insert_all(rows)
    at = now()
    stored = {"stored_at": at, "storage_key": "k", "sha256": "f", "error": None}
    bulk.update_each(
        Output,
        [
            (rows[0].pk, {**stored, "size": 2**40, "cost": Decimal("0.001300"), "duration": 1.5}),
            (rows[1].pk, {**stored, "size": 7, "cost": None, "duration": None}),
            (rows[2].pk, {"error": {"code": "timeout"}, "index": None}),
            (rows[3].pk, {}),
        ],
    )
    first, second, third, fourth = Output.objects.filter(entry=one).order_by("pk")
    assert (first.size, first.cost, first.duration) == (2**40, Decimal("0.0013"), 1.5)
    assert (second.size, second.cost, second.stored_at, second.error) == (7, None, at, None)
    assert (third.index, third.error, third.storage_key) == (None, {"code": "timeout"}, "")
    assert model_to_dict(fourth) == model_to_dict(rows[3])


def test_more_rows_than_one_statement_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_VALUES", 20)
    Stream.objects.create(name="user:1")
    events = [
        Event(stream_id="user:1", seq=number, kind="a", data={"n": number}, created_at=now())
        for number in range(9)
    ]
    bulk.insert_all(events)
    numbered = dict(Event.objects.values_list("seq", "pk"))
    bulk.update_each(Event, [(numbered[n], {"data": {"n": -n}, "kind": "b"}) for n in range(9)])
    assert [event.data["n"] for event in Event.objects.order_by("seq")] == [-n for n in range(9)]
