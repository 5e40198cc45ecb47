"""Leases, transactions, lifecycles and drains: the ground that lost nothing stands on."""

import threading
import time
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError, connection

from generations.models import Preview, Projection, RegisterEntry
from generations.operations import calling
from genproj.events import log
from genproj.events.models import Event
from genproj.kernel import ids, leases, rows, wake
from genproj.kernel.clock import after, now
from genproj.kernel.errors import InvalidTransition
from genproj.kernel.lifecycle import Lifecycle
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


def test_ids_grow_and_are_version_seven() -> None:
    made = [ids.uuid7() for _ in range(2000)]
    assert made == sorted(made)
    assert {(one.version, one.variant) for one in made} == {(7, UUID(int=0x8 << 60).variant)}
    assert not ids.is_uuid("not one")


def test_a_row_is_given_to_one_claimer_within_its_lease(alice: User) -> None:
    entries = [world.opened(alice) for _ in range(30)]
    given: list[UUID] = []
    lock = threading.Lock()

    def claim() -> None:
        try:
            while taken := leases.claim(calling.entries_to_call(), limit=4, seconds=600):
                with lock:
                    given.extend(row.pk for row in taken)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == sorted(entry.pk for entry in entries)


def test_a_lapsed_lease_gives_the_row_away_and_fences_the_first_holder(alice: User) -> None:
    world.opened(alice)
    [first] = leases.claim(calling.entries_to_call(), limit=1, seconds=-1)
    [second] = leases.claim(calling.entries_to_call(), limit=1)
    assert second.attempts == first.attempts + 1
    assert not leases.finish(first)
    assert not leases.put_off(first, seconds=1, error="too late")
    assert leases.finish(second)


def test_held_rows_can_be_held_longer(alice: User) -> None:
    world.opened(alice)
    [row] = leases.claim(calling.entries_to_call(), limit=1, seconds=0.01)
    leases.extend([row], seconds=60)
    assert leases.claim(calling.entries_to_call(), limit=1) == []


def test_waits_double_and_are_capped() -> None:
    waits = [leases.backoff(failures) for failures in range(12)]
    assert 0.8 <= waits[0] <= 1.2
    assert 6.4 <= waits[3] <= 9.6
    assert max(waits) <= leases.LONGEST_WAIT * 1.2


def test_frames_of_a_rolled_back_transaction_are_never_told(alice: User) -> None:
    class Stop(Exception):
        pass

    @rows.atomically
    def fails() -> None:
        log.append("user:1", "notice:created", notice={"id": "1"})
        raise Stop

    with pytest.raises(Stop):
        fails()

    @rows.atomically
    def works() -> None:
        log.append("user:1", "notice:created", notice={"id": "2"})

    works()
    assert [event.data["notice"]["id"] for event in Event.objects.all()] == ["2"]


def test_an_event_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError):
        log.append("user:1", "notice:created", notice={})


def test_what_the_database_asks_to_repeat_is_repeated() -> None:
    tries: list[int] = []

    @rows.atomically
    def operation() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("database is locked")
        return "done"

    assert operation() == "done"
    assert len(tries) == 3

    @rows.atomically
    def broken() -> None:
        tries.append(1)
        raise OperationalError("no such table: x")

    tries.clear()
    with pytest.raises(DatabaseError):
        broken()
    assert len(tries) == 1


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BROKEN = "broken"


def test_a_lifecycle_is_checked_when_it_is_declared() -> None:
    moves = {Light.RED: {Light.GREEN}, Light.GREEN: {Light.RED}, Light.BROKEN: set()}
    with pytest.raises(ValueError, match="cannot be reached"):
        Lifecycle(Light.RED, moves)
    with pytest.raises(ValueError, match="every state"):
        Lifecycle(Light.RED, {Light.RED: {Light.GREEN}})
    light = Lifecycle(Light.RED, moves | {Light.GREEN: {Light.RED, Light.BROKEN}})
    assert light.is_final(Light.BROKEN)
    assert light.choices[0] == ("red", "red")


def test_the_second_mover_loses(alice: User) -> None:
    """Shown on a column that may hold any word: a projection's stage."""
    entry = world.opened(alice)
    light = Lifecycle(
        Light.RED,
        {Light.RED: {Light.GREEN}, Light.GREEN: {Light.BROKEN}, Light.BROKEN: set()},
        field="stage",
    )
    row = Projection.objects.create(entry=entry, projector="x", stage="red", created_at=now())
    mine, other = (Projection.objects.get(pk=row.pk) for _ in range(2))
    light.advance(mine, Light.GREEN)
    with pytest.raises(InvalidTransition):
        light.advance(other, Light.GREEN)
    with pytest.raises(InvalidTransition):
        light.advance(mine, Light.RED)


def test_an_unknown_job_cannot_be_woken() -> None:
    with pytest.raises(LookupError):
        wake.wake("generations.jobs.nobody")


def test_a_drain_works_what_is_due_and_what_is_rung_for_then_ends(
    alice: User, sandbox: Any, web: Any
) -> None:
    entry = world.opened(alice, count=2)
    second: list[RegisterEntry] = []

    def later() -> None:
        try:
            world.until(lambda: RegisterEntry.objects.get(pk=entry.pk).completed_at)
            second.append(world.opened(alice, count=1))
        finally:
            connection.close()

    thread = threading.Thread(target=later)
    thread.start()
    wake.drain(linger=2.5, longest=30)
    thread.join()
    for one in (entry, *second):
        one.refresh_from_db()
        assert one.catalogued_at is not None
    assert len(second) == 1
    assert not Preview.objects.filter(due_at__lte=now()).exists()


broken_once: list[str] = []


def breaks_once() -> int:
    """A batch that breaks the first time, in a way nobody has thought of."""
    broken_once.append("run")
    if len(broken_once) == 1:
        raise ValueError("nobody thought of this")
    return 0


def due_until_run_twice() -> bool:
    return len(broken_once) < 2


BREAKING = {"one": wake.Job(f"{__name__}.breaks_once", f"{__name__}.due_until_run_twice", 1)}


def test_a_lane_outlives_a_batch_that_breaks(settings: Any) -> None:
    settings.JOBS = f"{__name__}.BREAKING"
    broken_once.clear()
    seconds = wake.drain(linger=1.5, longest=20)
    assert broken_once[:2] == ["run", "run"]
    assert seconds < 10


connected: list[str] = []


def loses_its_connection() -> int:
    """A batch whose connection the server ends; the next one works again."""
    with connection.cursor() as cursor:
        if not connected:
            connected.append("lost")
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        cursor.execute("SELECT 1")
        connected.append("again")
    return 0


def due_until_connected() -> bool:
    return "again" not in connected


LOSING = {"one": wake.Job(f"{__name__}.loses_its_connection", f"{__name__}.due_until_connected", 1)}


def test_a_lane_outlives_its_connection(settings: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server that could end a connection.")
    settings.JOBS = f"{__name__}.LOSING"
    connected.clear()
    wake.drain(linger=1.5, longest=20)
    assert connected[:2] == ["lost", "again"]


happened: list[str] = []


def goes_on_until_asked() -> int:
    """Work without end, whose last part takes three seconds."""
    world.until(wake.ending)
    happened.append("asked to end")
    time.sleep(3)
    happened.append("ended")
    return 1


def always() -> bool:
    return True


def quick() -> int:
    happened.append("quick")
    return 0


SLOW = {
    "slow": wake.Job(f"{__name__}.goes_on_until_asked", f"{__name__}.always", 1),
    "quick": wake.Job(f"{__name__}.quick", f"{__name__}.always", 1),
}


def test_a_slow_lane_does_not_hold_up_the_others_when_a_drain_ends(settings: Any) -> None:
    settings.JOBS = f"{__name__}.SLOW"
    happened.clear()
    assert wake.drain(linger=2.0, longest=2) < 10
    asked, ended = happened.index("asked to end"), happened.index("ended")
    assert happened[asked:ended].count("quick") >= 3
    assert happened.count("ended") == 1
    assert not wake.ending()


def test_a_drain_of_a_cluster_that_ends_finishes_what_it_has_begun_and_takes_no_more(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOBS = f"{__name__}.SLOW"
    happened.clear()
    byte = bytearray(1)
    monkeypatch.setattr(wake, "_ends", byte)  # the real one is for good
    drain = threading.Thread(target=wake.drain, kwargs={"linger": 600, "longest": 600})
    drain.start()
    world.until(lambda: "quick" in happened)
    byte[0] = 1
    drain.join(60)
    assert not drain.is_alive()
    assert happened.count("ended") == 1


def test_the_purge_of_what_is_not_due_stays_asleep(alice: User) -> None:
    entry = world.opened(alice)
    RegisterEntry.objects.filter(pk=entry.pk).update(due_at=after(60))
    assert wake.anything_due() == []
    RegisterEntry.objects.filter(pk=entry.pk).update(due_at=now() - timedelta(seconds=1))
    assert wake.anything_due() == ["generations.jobs.call_providers"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's one write lock")
def test_a_plain_write_is_not_passed_over_by_busy_writers(alice: User) -> None:
    """Writers that go from one transaction straight into the next leave gaps of microseconds."""
    stop = threading.Event()

    @rows.atomically
    def write() -> None:
        User.objects.filter(pk=alice.pk).update(first_name="busy")
        time.sleep(0.004)

    def busy() -> None:
        try:
            while not stop.is_set():
                write()
        finally:
            connection.close()

    writers = [threading.Thread(target=busy) for _ in range(4)]
    for thread in writers:
        thread.start()
    try:
        waits = []
        for number in range(10):
            began = time.monotonic()
            User.objects.filter(pk=alice.pk).update(last_name=str(number))
            waits.append(time.monotonic() - began)
    finally:
        stop.set()
        for thread in writers:
            thread.join()
    assert max(waits) < 5
