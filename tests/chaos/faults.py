"""TABLE: what goes wrong. Each row begins a fault and says what ends it; chance comes by seed."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from tests.chaos.installation import Installation
from tests.chaos.machines import Machine

End = Callable[[], None]
Begin = Callable[[Installation, random.Random], End]


@dataclass(frozen=True)
class Fault:
    """`lasts`: seconds, from and to. `needs`: what an installation must have, by name."""

    begin: Begin
    lasts: tuple[float, float] = (0.0, 0.0)
    needs: str = ""


def _nothing() -> None:
    """A fault that was over when it began."""


# --- processes ------------------------------------------------------------------------------------


def _kill(name: str) -> Begin:
    """SIGKILL; the supervisor brings somebody new."""

    def begin(one: Installation, chance: random.Random) -> End:
        if victim := _machine_with(one, name, chance).victim(name):
            with contextlib.suppress(psutil.Error):
                victim.kill()
        return _nothing

    return begin


def _freeze(name: str) -> Begin:
    """SIGSTOP until SIGCONT, if nobody has put an end to it before."""

    def begin(one: Installation, chance: random.Random) -> End:
        victim = _machine_with(one, name, chance).victim(name)
        if victim is None:
            return _nothing
        with contextlib.suppress(psutil.Error):
            victim.suspend()

        def end() -> None:
            with contextlib.suppress(psutil.Error):
                victim.resume()

        return end

    return begin


def _machine_with(one: Installation, name: str, chance: random.Random) -> Machine:
    return one.first if name == "sandbox" else chance.choice(one.machines)


def _power_cut(one: Installation, chance: random.Random) -> End:
    """A whole machine at once, supervisor and all; it is switched on again at the end."""
    machine = chance.choice(one.machines)
    machine.kill()

    def end() -> None:
        time.sleep(0.5)  # what the killed one left behind has let go of its ports
        machine.start()

    return end


# --- wires ----------------------------------------------------------------------------------------


def _wire(name: str, mode: str) -> Begin:
    def begin(one: Installation, chance: random.Random) -> End:
        if mode == "severed":
            one.board.sever(name)
            return _nothing
        one.board.turn(name, mode)
        return lambda: one.board.turn(name, "open")

    return begin


def _forgetful_redis(one: Installation, chance: random.Random) -> End:
    """Redis starts anew and empty."""
    import redis

    assert one.services is not None
    port = one.board.wires["redis"].target
    with contextlib.suppress(redis.RedisError):
        redis.Redis(port=port).flushall()
    one.board.sever("redis")
    return _nothing


def _database_ends_all(one: Installation, chance: random.Random) -> End:
    """As a restart of PostgreSQL: every session is ended from the other side."""
    import psycopg

    assert one.services is not None
    with contextlib.suppress(psycopg.Error), psycopg.connect(one.services.database) as boss:
        boss.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    return _nothing


def _frozen_service(name: str) -> Begin:
    def begin(one: Installation, chance: random.Random) -> End:
        assert one.services is not None
        if name == "store":
            assert one.services.s3 is not None
            pid = one.services.s3.process.pid
            os.kill(pid, signal.SIGSTOP)
            return partial(os.kill, pid, signal.SIGCONT)
        server = one.services.servers[name]
        server.signal(signal.SIGSTOP)
        return partial(server.signal, signal.SIGCONT)

    return begin


def _killed_service(name: str) -> Begin:
    """Dead for a while, then started again where it was."""

    def begin(one: Installation, chance: random.Random) -> End:
        assert one.services is not None
        server = one.services.servers[name]
        server.kill()
        return server.start

    return begin


# --- disk -----------------------------------------------------------------------------------------


def _full(disk: str) -> Begin:
    def begin(one: Installation, chance: random.Random) -> End:
        one.fill(disk)
        return lambda: one.empty(disk)

    return begin


# --- providers that are slow, or lie --------------------------------------------------------------

#: what a provider may do to any task without our losing one of its results
LIES: tuple[dict[str, Any], ...] = (
    {"fault": "webhook_lost"},
    {"fault": "webhook_doubled"},
    {"fault": "webhook_reordered"},
    {"fault": "webhook_before_reply"},
    {"fault": "webhook_flat"},
    {"fault": "webhook_processing"},
    {"fault": "webhook_garbage"},
    {"fault": "reply_lost"},
    {"fault": "truncated"},
    {"fault": "error_before"},
    {"fault": "error_before_429"},
    {"fault": "error_before_503"},
    {"fault": "html_gateway"},
    {"fault": "slow", "seconds": 3},
    {"fault": "poll_error_in_data"},
    {"fault": "one_fails"},
    {"fault": "error_after"},
    {"fault": "cdn_500"},
    {"fault": "cdn_cut"},
    {"fault": "cdn_slow", "seconds": 4},
    {"fault": "cdn_stall", "seconds": 25},
    {"fault": "google_500"},
    {"fault": "google_503"},
    {"fault": "google_quota", "seconds": 2},
    {"fault": "google_html"},
    {"fault": "gemini_slow", "seconds": 5},
    {"fault": "gemini_lost"},
    {"fault": "gemini_two"},
    {"fault": "gemini_thought"},
    {"fault": "veo_reply_lost"},
    {"fault": "veo_slow", "seconds": 4},
    {"fault": "veo_polls"},
    {"fault": "veo_regress"},
    {"fault": "veo_poll_503"},
    {"fault": "veo_poll_lost"},
    {"fault": "veo_file_500"},
    {"fault": "veo_file_cut"},
    {"fault": "veo_file_slow", "seconds": 4},
    {"fault": "model_500"},
    {"fault": "model_slow", "seconds": 6},
    {"fault": "model_overloaded"},
    {"fault": "model_drip", "seconds": 6},
    {"fault": "model_nonsense"},
)
#: what makes a result impossible to have; its slot ends with an error that says so
SPOILS: tuple[dict[str, Any], ...] = (
    {"fault": "cdn_404"},
    {"fault": "cdn_wrong_type"},
    {"fault": "cdn_huge"},
    {"fault": "cdn_redirect_private"},
    {"fault": "gemini_bad_data"},
    {"fault": "gemini_wrong_type"},
    {"fault": "gemini_empty"},
    {"fault": "veo_file_404"},
    {"fault": "veo_file_wrong_type"},
)
SPOILING = frozenset(rule["fault"] for rule in SPOILS)


def _lies(table: tuple[dict[str, Any], ...], count: int, rate: float) -> Begin:
    def begin(one: Installation, chance: random.Random) -> End:
        rules = [{**rule, "rate": rate} for rule in chance.sample(table, count)]
        one.order(rules)
        return lambda: _until_heard(one)

    return begin


def _until_heard(one: Installation) -> None:
    end = time.monotonic() + 30
    while not one.order([]) and time.monotonic() < end:
        time.sleep(0.3)


# --- the table ------------------------------------------------------------------------------------

FAULTS: dict[str, Fault] = {
    "kill web": Fault(_kill("web")),
    "kill busy worker": Fault(_kill("busy worker")),
    "kill idle worker": Fault(_kill("idle worker")),
    "kill sentinel": Fault(_kill("sentinel")),
    "kill cluster": Fault(_kill("cluster")),
    "kill clock": Fault(_kill("clock")),
    "kill sandbox": Fault(_kill("sandbox")),
    "power cut": Fault(_power_cut, (0.5, 3.0)),
    "freeze web": Fault(_freeze("web"), (1.0, 9.0)),
    "freeze busy worker": Fault(_freeze("busy worker"), (1.0, 9.0)),
    "freeze idle worker": Fault(_freeze("idle worker"), (1.0, 9.0)),
    "freeze cluster": Fault(_freeze("cluster"), (1.0, 9.0)),
    "freeze clock": Fault(_freeze("clock"), (1.0, 9.0)),
    "freeze sandbox": Fault(_freeze("sandbox"), (1.0, 9.0)),
    "cut provider": Fault(_wire("provider", "cut"), (0.5, 8.0)),
    "sever provider": Fault(_wire("provider", "severed")),
    "silent provider": Fault(_wire("provider", "silent"), (1.0, 12.0)),
    "mute provider": Fault(_wire("provider", "mute"), (1.0, 6.0)),
    "cut callbacks": Fault(_wire("callbacks", "cut"), (0.5, 10.0)),
    "silent callbacks": Fault(_wire("callbacks", "silent"), (1.0, 10.0)),
    "mute callbacks": Fault(_wire("callbacks", "mute"), (1.0, 6.0)),
    "cut language model": Fault(_wire("language model", "cut"), (0.5, 6.0)),
    "mute language model": Fault(_wire("language model", "mute"), (1.0, 6.0)),
    "silent language model": Fault(_wire("language model", "silent"), (1.0, 12.0)),
    "full media": Fault(_full("media"), (2.0, 8.0), needs="media"),
    "full disk": Fault(_full("data"), (2.0, 8.0), needs="data"),
    "lying provider": Fault(_lies(LIES, 6, 0.4), (4.0, 8.0)),
    "spoiling provider": Fault(_lies(SPOILS, 3, 0.3), (3.0, 5.0)),
    "cut database": Fault(_wire("database", "cut"), (0.5, 6.0), needs="database"),
    "sever database": Fault(_wire("database", "severed"), needs="database"),
    "silent database": Fault(_wire("database", "silent"), (1.0, 8.0), needs="database"),
    "mute database": Fault(_wire("database", "mute"), (0.5, 3.0), needs="database"),
    "restart database": Fault(_database_ends_all, needs="database"),
    "cut redis": Fault(_wire("redis", "cut"), (0.5, 8.0), needs="redis"),
    "silent redis": Fault(_wire("redis", "silent"), (1.0, 8.0), needs="redis"),
    "empty redis": Fault(_forgetful_redis, needs="redis"),
    "freeze redis": Fault(_frozen_service("redis"), (1.0, 8.0), needs="redis"),
    "kill redis": Fault(_killed_service("redis"), (0.2, 4.0), needs="redis"),
    "freeze database": Fault(_frozen_service("database"), (1.0, 8.0), needs="database"),
    "kill database": Fault(_killed_service("database"), (0.2, 4.0), needs="database"),
    "cut store": Fault(_wire("store", "cut"), (0.5, 8.0), needs="store"),
    "silent store": Fault(_wire("store", "silent"), (1.0, 8.0), needs="store"),
    "mute store": Fault(_wire("store", "mute"), (1.0, 5.0), needs="store"),
    "freeze store": Fault(_frozen_service("store"), (1.0, 8.0), needs="store"),
}
#: scenario -> words that the names of its faults begin with
SCENARIOS: dict[str, tuple[str, ...]] = {
    "kills": ("kill",),
    "freezes": ("freeze web", "freeze busy", "freeze idle", "freeze cl", "freeze sandbox"),
    "wires": ("cut provider", "sever provider", "silent", "mute", "cut callbacks", "cut language"),
    "lies": ("lying provider", "spoiling provider"),
    "disk": ("full",),
    "services": (
        *("cut database", "sever database", "silent database", "mute database", "restart"),
        *("freeze database", "kill database", "kill redis"),
        *("cut redis", "silent redis", "empty redis", "freeze redis"),
        *("cut store", "silent store", "mute store", "freeze store"),
    ),
    "everything": ("",),
}


def faults_of(scenario: str, one: Installation) -> list[str]:
    """The faults that a scenario can bring about here."""
    there = {"": True} | dict.fromkeys([*one.board.wires, *one.disks], True)
    return [
        name
        for name, fault in FAULTS.items()
        if name.startswith(SCENARIOS[scenario]) and there.get(fault.needs)
    ]


class Chaos:
    """Begins faults at their moments and ends them at theirs; two or three at a time."""

    def __init__(self, one: Installation, scenario: str, seed: int, seconds: float) -> None:
        self.one, self.seconds = one, seconds
        self.plan = plan(faults_of(scenario, one), seed, seconds)
        self.done: list[str] = []
        self._ends: list[End] = []
        self._lock = threading.Lock()

    def run(self) -> None:
        """Carry out the plan, then end all that is still going on."""
        began = time.monotonic()
        threads = [
            threading.Thread(target=self._one, args=(began, *row), daemon=True) for row in self.plan
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _one(self, began: float, at: float, name: str, lasts: float, seed: int) -> None:
        time.sleep(max(0.0, began + at - time.monotonic()))
        with self._lock:
            self.done.append(f"{at:.1f} {name} {lasts:.1f}")
            end = FAULTS[name].begin(self.one, random.Random(seed))
        time.sleep(max(0.0, min(began + at + lasts, began + self.seconds) - time.monotonic()))
        end()


def plan(names: list[str], seed: int, seconds: float) -> list[tuple[float, str, float, int]]:
    """When what begins, how long it lasts, and the seed of its own chance. The same for a seed."""
    chance = random.Random(seed)
    found: list[tuple[float, str, float, int]] = []
    free: dict[str, float] = {}
    at = chance.uniform(0.5, 2.0)
    while names and at < seconds - 1:
        # a wire, a process, a disk has one trouble at a time
        ready = [name for name in names if free.get(name.partition(" ")[2], 0.0) <= at]
        if ready:
            name = chance.choice(ready)
            lasts = chance.uniform(*FAULTS[name].lasts)
            found.append((at, name, lasts, chance.randrange(2**31)))
            free[name.partition(" ")[2]] = at + lasts + 0.2
        at += chance.uniform(0.5, 2.0)
    return found
