"""Wakes workers. A wake-up is a job's name; the due rows say what to do. The only importer of
django-q2.

A drain is one django-q2 task: it works every lane until nothing has been due for a while, hears
the doorbell meanwhile, and then gives its process back. A lost, doubled or late wake-up changes
nothing, because the clock looks for due rows every second.
"""

import contextlib
import mmap
import os
import pkgutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import DatabaseError, connection

from genproj.kernel import bell, logs, retention, rows
from genproj.kernel.clock import after

CHANNEL = "work"
LINGER = 3.0
LONGEST_DRAIN = 45.0
LOOK_EVERY = 0.5
LEAST_BETWEEN_TASKS = 0.2
#: as in the web process: each statement gives the interpreter away, and who has it keeps it for
#: Python's own 5 ms, so that a short transaction beside busy threads would last for many of them
SWITCH_EVERY = 0.0005
#: a batch that has lasted longer is waited for while the other lanes go on
SLOW_BATCH = 1.0

log = logs.component("worker")

#: A byte that all processes of a cluster share, set when it is asked to end. It has no lock,
#: because a killed worker would keep that for ever.
_ends = mmap.mmap(-1, 1)


@dataclass(frozen=True)
class Job:
    """One kind of work: `run` works a batch and returns how many rows it worked, `due` tells
    whether any row waits. Both are dotted names; `threads` is the lane's width per worker."""

    run: str
    due: str
    threads: int


def jobs() -> Mapping[str, Job]:
    """The table of jobs, named in settings so that the floor knows no app."""
    table: Mapping[str, Job] = pkgutil.resolve_name(settings.JOBS)
    return table


_local = threading.local()


def wake(job: str) -> None:
    """After commit, tell a worker that there is work of this kind; one ring per transaction."""
    if job not in jobs():
        raise LookupError(f"No such job: {job}")
    waiting: set[str] | None = getattr(_local, "waiting", None)
    if waiting is None:
        _local.waiting = waiting = set()
    waiting.add(job)
    rows.after_commit(_announce)


def _announce() -> None:
    waiting: set[str] = getattr(_local, "waiting", None) or set()
    _local.waiting = None
    if waiting and not bell.ring(CHANNEL, waiting):
        summon()


_last_task = 0.0


def summon() -> None:
    """Queue one drain, unless this process did so a moment ago. Best effort."""
    global _last_task
    if time.monotonic() - _last_task < LEAST_BETWEEN_TASKS:
        return
    _last_task = time.monotonic()
    from django_q.brokers import get_broker
    from django_q.tasks import async_task

    try:
        broker = get_broker()
        if broker.queue_size() < 4 * settings.WORKERS:
            async_task("genproj.kernel.wake.drain", broker=broker)
    except Exception as error:  # noqa: BLE001 - a wake-up may be lost, whatever the broker raises
        log.warning("summon_failed", error=str(error))


def anything_due() -> list[str]:
    """The jobs that have a due row, by name."""
    return [name for name, job in jobs().items() if pkgutil.resolve_name(job.due)()]


def ending() -> bool:
    """Whether the drain that this batch belongs to wants to end: take nothing more."""
    lane: _Lane | None = getattr(_local, "lane", None)
    return lane is not None and lane.ended


class _Lane:
    """The threads of one job in one drain. They work batches until nothing is due, then wait."""

    def __init__(self, name: str, job: Job) -> None:
        self.name = name
        self.run: Callable[[], int] = pkgutil.resolve_name(job.run)
        self.width = job.threads
        self.kicked = threading.Condition()
        self.kicks = 0
        self.began: dict[int, float] = {}  # of the batches that run, by thread
        self.ended = False
        self.last_work = time.monotonic()
        self.threads: list[threading.Thread] = []

    @property
    def busy(self) -> bool:
        """Whether a batch runs."""
        return bool(self.began)

    @property
    def is_slow(self) -> bool:
        """Whether a batch runs that will not be over in a moment."""
        before = time.monotonic() - SLOW_BATCH
        return any(began < before for began in list(self.began.values()))

    def kick(self) -> None:
        with self.kicked:
            if self.ended:
                return
            if not self.threads:
                for number in range(self.width):
                    thread = threading.Thread(
                        target=self._work, name=f"{self.name}#{number}", daemon=True
                    )
                    self.threads.append(thread)
                    thread.start()
            self.kicks += 1
            self.kicked.notify(1)

    def _work(self) -> None:
        seen, me = 0, threading.get_ident()
        _local.lane = self
        try:
            while True:
                with self.kicked:
                    while self.kicks == seen and not self.ended:
                        self.kicked.wait()
                    if self.ended:
                        return
                    seen = self.kicks
                    self.began[me] = time.monotonic()
                self._until_nothing_is_due(me)
                with self.kicked:
                    del self.began[me]
        finally:
            connection.close()

    def _until_nothing_is_due(self, me: int) -> None:
        while not self.ended:
            self.began[me] = time.monotonic()
            try:
                worked = self.run()
            except DatabaseError as error:
                log.warning("database_away", job=self.name, error=str(error))
                connection.close()
                time.sleep(0.2)
                return
            except Exception as error:  # noqa: BLE001 - a lane outlives any batch
                log.exception("batch_broke", job=self.name, error=repr(error))
                connection.close_if_unusable_or_obsolete()
                time.sleep(0.2)
                return
            if not worked:
                return
            self.last_work = time.monotonic()
            with self.kicked:
                self.kicks += 1
                self.kicked.notify(1)  # where one batch was, there may be another

    def end(self) -> None:
        with self.kicked:
            self.ended = True
            self.kicked.notify_all()


def run_cluster() -> None:
    """Work until SIGTERM or SIGINT. Then nothing more is taken, what waits is left to other
    clusters at once, and what has begun is finished."""
    from django_q.cluster import Cluster

    cluster = Cluster()

    def end(number: int, frame: FrameType | None) -> None:
        _ends[0] = 1
        cluster.sig_handler(number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    cluster.start()


def _cluster_ends() -> bool:
    return _ends[0] != 0


def drain(*, linger: float = LINGER, longest: float = LONGEST_DRAIN) -> int:
    """Work every lane until nothing has been due for `linger` seconds, `longest` have passed, or
    the cluster ends.

    Returns how many seconds it ran. Several may run side by side; leases keep them apart.
    """
    began = time.monotonic()
    beat: Callable[[], None] = pkgutil.resolve_name(settings.BEAT)
    lanes = {name: _Lane(name, job) for name, job in jobs().items()}
    sys.setswitchinterval(SWITCH_EVERY)
    listener = bell.listen(CHANNEL)
    stop = threading.Event()
    beating = threading.Thread(target=_keep_beating, args=(beat, stop), daemon=True)
    beating.start()
    try:
        _look(lanes)
        looked = time.monotonic()
        while not _cluster_ends() and (
            (now := time.monotonic()) - began < longest or not _rest(lanes)
        ):
            for name in listener.wait(LOOK_EVERY):
                if name in lanes:
                    lanes[name].kick()
            if now - looked > LOOK_EVERY:
                _look(lanes)
                _call_for_help(lanes)
                looked = now
            idle = min(now - lane.last_work for lane in lanes.values())
            if idle > linger and not any(lane.busy for lane in lanes.values()):
                break
    finally:
        listener.close()
        _end(lanes, stop)
    with contextlib.suppress(DatabaseError):
        if anything_due():
            summon()
    return int(time.monotonic() - began)


def _look(lanes: Mapping[str, _Lane]) -> None:
    try:
        for name in anything_due():
            lanes[name].kick()
    except DatabaseError as error:
        log.warning("database_away", job="look", error=str(error))
        connection.close()


def _call_for_help(lanes: Mapping[str, _Lane]) -> None:
    """Have another worker drain beside this one while a lane has not come to its end."""
    if not any(lane.busy for lane in lanes.values()):
        return
    draining = bell.ring(CHANNEL, ())
    if draining is None or draining < settings.WORKERS:
        summon()


def _rest(lanes: Mapping[str, _Lane]) -> bool:
    """End the lanes that are in a slow batch, while the others go on. Whether none is any more."""
    for lane in lanes.values():
        if lane.is_slow:
            lane.end()
    return not any(lane.is_slow or (lane.ended and lane.busy) for lane in lanes.values())


def _end(lanes: Mapping[str, _Lane], stop: threading.Event) -> None:
    for lane in lanes.values():
        lane.end()
    for lane in lanes.values():
        for thread in lane.threads:
            thread.join()
    stop.set()


def _keep_beating(beat: Callable[[], None], stop: threading.Event) -> None:
    try:
        while True:
            touch_beat()
            with contextlib.suppress(DatabaseError):
                beat()
            if stop.wait(settings.HEARTBEAT_SECONDS):
                return
    finally:
        connection.close()


def beat_path(cluster: str) -> Path:
    """The file whose age tells the supervisor when this host's cluster last gave a sign of life."""
    return Path(settings.RUN_DIR) / f"beat-{cluster}"


def touch_beat() -> None:
    """Give a sign of life."""
    with contextlib.suppress(OSError):
        beat_path(os.environ.get("GENPROJ_CLUSTER", "worker")).touch()


def pulse() -> None:
    """A task that only shows that the queue still reaches a worker."""
    touch_beat()
    with contextlib.suppress(DatabaseError):
        pkgutil.resolve_name(settings.BEAT)()


def send_pulse() -> None:
    """Queue a pulse, unless the queue already holds several that nobody takes."""
    from django_q.brokers import get_broker
    from django_q.tasks import async_task

    try:
        broker = get_broker()
        if broker.queue_size() < 4 * settings.WORKERS:
            async_task("genproj.kernel.wake.pulse", broker=broker)
    except Exception as error:  # noqa: BLE001 - as in summon
        log.warning("pulse_failed", error=str(error))


def keep_schedules() -> None:
    """Have django-q2's own scheduler look for due rows each minute: the second line of defence."""
    from django_q.models import Schedule

    Schedule.objects.update_or_create(
        name="drain",
        defaults={
            "func": "genproj.kernel.wake.drain",
            "schedule_type": Schedule.MINUTES,
            "minutes": 1,
            "repeats": -1,
        },
    )


def forget_old_tasks() -> int:
    """Sweep: delete what django-q2 keeps of tasks that failed long ago. Returns how many."""
    from django_q.models import Task

    oldest = after(-settings.KEEP_TASKS_DAYS * 86_400)
    return retention.forget(Task.objects.filter(stopped__lt=oldest), by="stopped")
