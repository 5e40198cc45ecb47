"""Signs of life, switches and stored answers."""

from typing import Any

import pytest

from genproj.kernel.clock import after, now
from genproj.runtime import operations, queries
from genproj.runtime.models import Heartbeat, IdempotentAnswer, Switch

pytestmark = pytest.mark.django_db


def test_a_process_has_one_row_however_often_it_beats() -> None:
    operations.beat()
    Heartbeat.objects.update(last_at=after(-60))
    assert queries.live_workers(since=after(-10)) == 0
    operations.beat()
    assert queries.live_workers(since=after(-10)) == 1
    assert Heartbeat.objects.count() == 1


def test_processes_long_gone_are_forgotten() -> None:
    operations.beat()
    Heartbeat.objects.create(
        name="old", kind="worker", host="h", pid=1, started_at=now(), last_at=after(-7200)
    )
    assert operations.forget_old_beats() == 1
    assert Heartbeat.objects.count() == 1


def test_only_old_answers_are_forgotten() -> None:
    for key, days in (("new", 6), ("old", 8)):
        answer = IdempotentAnswer.objects.create(scope="user:1", key=key, fingerprint="f")
        IdempotentAnswer.objects.filter(pk=answer.pk).update(created_at=after(-days * 86400))
    assert operations.forget_old_answers() == 1
    assert IdempotentAnswer.objects.get().key == "new"


def test_a_switch_is_off_until_somebody_turns_it(django_capture_on_commit_callbacks: Any) -> None:
    assert not operations.is_on("provider:of-this-test")
    with django_capture_on_commit_callbacks(execute=True):
        operations.turn("provider:of-this-test", on=True, reason="it is down")
    assert operations.is_on("provider:of-this-test")
    assert Switch.objects.get().reason == "it is down"


def test_another_process_learns_of_a_switch_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not operations.is_on("drill:x")
    Switch.objects.create(name="drill:x", on=True)
    assert not operations.is_on("drill:x")
    later = operations.time.monotonic() + operations.SWITCH_CACHED_SECONDS + 0.1
    monkeypatch.setattr(operations.time, "monotonic", lambda: later)
    assert operations.is_on("drill:x")
