"""What nobody asks for any more is forgotten: what is old, in batches, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import QuerySet

from genproj.events import log
from genproj.events import operations as events
from genproj.events.models import Event
from genproj.kernel import retention, rows, wake
from genproj.kernel.clock import after, now
from genproj.kernel.ids import first_of, uuid7
from genproj.notices import operations as notices
from genproj.notices.models import Notice
from genproj.runtime import operations as runtime
from genproj.runtime.models import Heartbeat, IdempotentAnswer
from genproj.sandbox.tasks import Store, new_task
from genproj.webhooks.models import Delivery, Endpoint, Receipt
from genproj.webhooks.operations import receipts, replaying

pytestmark = pytest.mark.django_db(transaction=True)


def told(stream: str, times: int) -> None:
    for number in range(times):
        with rows.atomic():
            log.append(stream, "thing:updated", thing={"id": number})


def aged(found: QuerySet[Any], **moments: float) -> None:
    """Make rows older, by days."""
    found.update(**{name: after(-days * 86_400) for name, days in moments.items()})


def test_old_events_go_and_a_reader_of_them_begins_anew(settings: Any) -> None:
    settings.KEEP_EVENTS_DAYS = 3
    told("user:1", 5)
    told("user:2", 1)
    aged(Event.objects.filter(stream="user:1", seq__lte=3), created_at=4)
    assert events.forget_old_events() == 3
    assert log.since("user:1", 1) is None
    assert [frame.seq for frame in log.since("user:1", 3) or []] == [4, 5]
    assert [frame.seq for frame in log.since("user:2", 0) or []] == [1]


def test_a_moved_clock_leaves_no_hole_in_a_stream() -> None:
    told("user:1", 5)
    aged(Event.objects.filter(seq=3), created_at=100)
    events.forget_old_events()
    kept = list(Event.objects.order_by("seq").values_list("seq", flat=True))
    assert kept == [4, 5]
    assert log.since("user:1", 2) is None


def test_a_run_ends_after_so_many_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "MOST", 4)
    told("user:1", 7)
    aged(Event.objects.all(), created_at=100)
    assert events.forget_old_events() == 4
    assert list(Event.objects.values_list("seq", flat=True)) == [5, 6, 7]  # the oldest went
    assert events.forget_old_events() == 3
    assert events.forget_old_events() == 0


def test_only_receipts_that_were_read_long_ago_go(settings: Any) -> None:
    settings.KEEP_RECEIPTS_DAYS = 10
    for name in ("read", "unread", "new"):
        Receipt.objects.create(
            id=uuid7(),
            source="runware",
            subject=name,
            delivery_id=name,
            headers={},
            body=b"{}",
            received_at=after(-(9 if name == "new" else 11) * 86_400),
            due_at=now() if name == "unread" else None,
        )
    assert receipts.forget_old_receipts() == 1
    assert set(Receipt.objects.values_list("subject", flat=True)) == {"unread", "new"}


def test_deliveries_sessions_tasks_and_beats_go_by_their_age(alice: User, settings: Any) -> None:
    from django_q.models import Task

    settings.KEEP_DELIVERIES_DAYS, settings.KEEP_TASKS_DAYS = 10, 2
    endpoint = Endpoint.objects.create(
        id=uuid7(), owner=alice, url="https://x.example/", types=[], created_at=now()
    )
    for days in (9, 11):
        Delivery.objects.create(
            id=uuid7(),
            endpoint=endpoint,
            event_id=f"e{days}",
            type="ping",
            body=b"{}",
            created_at=after(-days * 86_400),
        )
        Session.objects.create(session_key=f"s{days}", expire_date=after((10 - days) * 86_400))
        at = after(-(days - 8) * 86_400)
        Task.objects.create(
            id=f"t{days}", name="t", func="f", started=at, stopped=at, success=False
        )
        Heartbeat.objects.create(
            name=str(days), kind="worker", host="h", pid=1, started_at=at, last_at=at
        )
    assert replaying.forget_old_deliveries() == 1
    assert Delivery.objects.get().event_id == "e9"
    assert runtime.forget_old_sessions() == 1
    assert Session.objects.get().session_key == "s9"
    assert wake.forget_old_tasks() == 1
    assert Task.objects.get().id == "t9"
    assert runtime.forget_old_beats() == 2


def test_notices_go_when_read_or_long_unread(alice: User, settings: Any) -> None:
    settings.KEEP_NOTICES_DAYS = 10
    for name, told_days, read_days in (("new", 1, 1), ("read", 20, 11), ("never", 21, None)):
        Notice.objects.create(
            id=first_of(after(-told_days * 86_400)),
            owner=alice,
            kind="x",
            title=name,
            url="/",
            created_at=now(),
            read_at=after(-read_days * 86_400) if read_days else None,
        )
    Notice.objects.create(
        id=first_of(after(-41 * 86_400)),
        owner=alice,
        kind="x",
        title="old",
        url="/",
        created_at=now(),
    )
    assert notices.forget_old_notices() == 2
    assert set(Notice.objects.values_list("title", flat=True)) == {"new", "never"}


def test_keys_of_requests_are_kept_as_long_as_set(settings: Any) -> None:
    settings.KEEP_ANSWERS_DAYS = 1
    for key in ("new", "old"):
        IdempotentAnswer.objects.create(scope="s", key=key, fingerprint="f")
    aged(IdempotentAnswer.objects.filter(key="old"), created_at=2)
    assert runtime.forget_old_answers() == 1
    assert IdempotentAnswer.objects.get().key == "new"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the planner's words are SQLite's")
@pytest.mark.parametrize(
    "old",
    [
        Event.objects.filter(id__lte=10).order_by("id"),
        Receipt.objects.filter(due_at=None, received_at__lt=now()).order_by("received_at"),
        Delivery.objects.filter(due_at=None, created_at__lt=now()).order_by("created_at"),
        IdempotentAnswer.objects.filter(created_at__lt=now()).order_by("created_at"),
        Notice.objects.filter(read_at__lt=now()).order_by("read_at"),
        Session.objects.filter(expire_date__lt=now()).order_by("expire_date"),
    ],
    ids=lambda old: old.model.__name__,
)
def test_what_is_old_is_found_by_an_index(old: QuerySet[Any]) -> None:
    plan = old.values("pk")[:500].explain()
    assert "USING" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


def test_the_sandbox_forgets_finished_tasks_and_their_files(tmp_path: Any) -> None:
    store = Store(tmp_path)
    for name, days, open in (("new", 1, 0), ("old", 40, 0), ("open", 40, 1)):
        task = new_task({"taskUUID": name, "taskType": "imageInference"}, "")
        at = (now() - timedelta(days=days)).timestamp()
        store.add(task | {"at": at, "unfinished": bool(open)}, {f"{name}-file": {}})
    assert store.forget_old(30 * 86_400) == 1
    assert [store.knows(name) for name in ("new", "old", "open")] == [True, False, True]
    assert store.file("old-file") is None
    assert store.file("new-file") == {}
