"""Keeps deliveries: one writer thread per web process commits all waiting ones at once."""

import asyncio
import concurrent.futures
import contextlib
import json
import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import DataError, Error, IntegrityError, connection

from genproj.kernel import bell, wake
from genproj.kernel.clock import now
from genproj.kernel.figures import WEBHOOKS
from genproj.kernel.ids import uuid7
from genproj.kernel.logs import component
from genproj.webhooks.models import Receipt

JOB = "generations.jobs.apply_receipts"
#: How long a sender waits for the commit before it is asked to come again.
PATIENCE = 4.0
LOCK_PAUSE = 0.0005
RING_PAUSE = 0.002
AWAY_PAUSE = 0.05
TELL_EVERY = 1.0
#: 14 values a row; SQLite takes 32,766 in a statement.
BATCH = 500
MOST_WAITING, MOST_SENDERS = 64 * 2**20, 20_000
NOT_KEPT = frozenset({"authorization", "cookie", "proxy-authorization"})

journal = component("inbox")

COLUMNS = list(Receipt._meta.concrete_fields)
NAMES = [field.attname for field in COLUMNS]
BLANK = {
    "leased_until": None,
    "applied_at": None,
    "attempts": 0,
    "failures": 0,
    "last_error": "",
    "outcome": "",
}


class Delivery(TypedDict):
    """What came. `delivery_id` is the same for a repetition, and different for all others."""

    source: str
    subject: str
    delivery_id: str
    headers: Mapping[str, str]
    body: bytes


class NotKept(Exception):
    """The database cannot commit just now; nothing is kept, the sender comes again."""


@dataclass(slots=True)
class _Waiting:
    source: str
    id: UUID
    row: tuple[Any, ...]
    size: int
    until: float
    loop: asyncio.AbstractEventLoop | None
    future: Any


class Inbox:
    """The writer. Senders are answered after the commit, so what was acknowledged is on disk."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ringer: threading.Thread | None = None
        self._news = threading.Event()
        self._ended = False
        self._kept = 0

    async def keep(self, **delivery: Unpack[Delivery]) -> UUID:
        """Keep one delivery; returns its receipt's id when it is committed. The same delivery
        twice is kept once (under the first one's id).

        Raises:
            NotKept: it could not be committed within four seconds.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[UUID] = loop.create_future()
        self._put(delivery, loop, future)
        return await future

    def keep_now(self, **delivery: Unpack[Delivery]) -> UUID:
        """`keep` for callers without an event loop."""
        future: concurrent.futures.Future[UUID] = concurrent.futures.Future()
        self._put(delivery, None, future)
        return future.result(PATIENCE * 3)

    def _put(self, delivery: Delivery, loop: asyncio.AbstractEventLoop | None, future: Any) -> None:
        size = len(delivery["body"])
        if self._bytes > MOST_WAITING or self._queue.qsize() >= MOST_SENDERS:
            raise NotKept("Too much is waiting to be kept.")
        if self._thread is None or not self._thread.is_alive():
            self.start()
        number = uuid7()
        until = time.monotonic() + PATIENCE
        # Made here, because the writer's every instruction takes the interpreter from the loop.
        row = _row(number, delivery)
        with self._lock:
            self._bytes += size
        self._queue.put(_Waiting(delivery["source"], number, row, size, until, loop, future))

    def start(self) -> None:
        """Begin to write, unless it already does."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._ended = False
            self._thread = threading.Thread(target=self._write, name="inbox", daemon=True)
            self._ringer = threading.Thread(target=self._ring, name="inbox-bell", daemon=True)
            self._thread.start()
            self._ringer.start()

    def stop(self) -> None:
        """Write what is waiting, then end."""
        thread, ringer = self._thread, self._ringer
        if thread is None or ringer is None or not thread.is_alive():
            return
        self._queue.put(None)
        thread.join(PATIENCE * 2)
        self._ended = True
        self._news.set()
        ringer.join(PATIENCE * 2)

    # --- the writer's thread ---------------------------------------------------------------
    def _write(self) -> None:
        ending = False
        try:
            while not ending:
                batch: list[_Waiting] = []
                first = self._queue.get()
                if first is None:
                    return
                batch.append(first)
                ending = self._take(batch)
                self._commit(batch)
        finally:
            connection.close()

    def _take(self, batch: list[_Waiting]) -> bool:
        """Add all that waits. True: the end was asked for."""
        with contextlib.suppress(queue.Empty):
            while len(batch) < BATCH:
                item = self._queue.get_nowait()
                if item is None:
                    return True
                batch.append(item)
        return False

    def _commit(self, batch: list[_Waiting]) -> None:
        """Commit a batch; a lost connection is opened again until the senders' patience ends."""
        try:
            while batch:
                try:
                    new = insert(batch)
                except (DataError, IntegrityError) as error:
                    journal.warning("batch_refused", size=len(batch), error=str(error))
                    self._one_by_one(batch)
                    return
                except Error as error:
                    batch = self._after_failure(batch, error)
                else:
                    # A batch does not tell which; there is hardly ever more than one source.
                    WEBHOOKS.labels(batch[0].source, "repeated").inc(len(batch) - new)
                    self._resolve(batch, None)
                    self._kept += new
                    self._news.set()
                    return
        except BaseException as error:
            # The senders must not wait for a thread that has died.
            self._resolve(batch, NotKept(str(error)))
            raise

    def _after_failure(self, batch: list[_Waiting], error: Error) -> list[_Waiting]:
        """Those of a failed batch that may still wait; the others are told to come again."""
        if not is_lock(error):
            journal.warning("database_away", error=str(error))
            connection.close()
            time.sleep(AWAY_PAUSE)
        moment = time.monotonic()
        late = [item for item in batch if item.until <= moment]
        self._resolve(late, NotKept(str(error)))
        still = [item for item in batch if item.until > moment]
        self._take_more(still)
        return still

    def _take_more(self, still: list[_Waiting]) -> None:
        """Let newcomers join a batch that waits, so that their patience counts too."""
        if self._take(still):
            self._queue.put(None)

    def _one_by_one(self, batch: list[_Waiting]) -> None:
        """One row's data must not cost the others their place."""
        for item in batch:
            try:
                insert([item])
            except Error as error:
                journal.error("receipt_refused", receipt=item.id, error=str(error))
                self._resolve([item], NotKept(str(error)))
            else:
                self._resolve([item], None)
        self._news.set()

    def _resolve(self, items: Iterable[_Waiting], error: NotKept | None) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        size = 0
        for item in items:
            size += item.size
            if item.loop is not None:
                by_loop.setdefault(item.loop, []).append(item)
            else:
                _tell([item], error)
        with self._lock:
            self._bytes -= size
        for loop, theirs in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_tell, theirs, error)

    # --- the ringer's thread: summoning may have to wait for the database --------------------
    def _ring(self) -> None:
        told, told_at = self._kept, 0.0
        try:
            while not self._ended:
                if self._news.wait(TELL_EVERY):
                    self._news.clear()
                    if not self._ended and not bell.ring(wake.CHANNEL, {JOB}):
                        wake.summon()
                    time.sleep(RING_PAUSE)  # what is kept meanwhile is rung for together
                # A line for each batch would cost more than keeping it.
                if self._kept > told and time.monotonic() - told_at >= TELL_EVERY:
                    journal.info("kept", count=self._kept - told)
                    told, told_at = self._kept, time.monotonic()
        finally:
            connection.close()


def _tell(items: Iterable[_Waiting], error: NotKept | None) -> None:
    for item in items:
        if item.future.done():
            continue
        if error is None:
            item.future.set_result(item.id)
        else:
            item.future.set_exception(error)


def is_lock(error: Error) -> bool:
    """Whether SQLite says that somebody else is writing."""
    return "locked" in str(error) and connection.vendor == "sqlite"


def insert(items: list[_Waiting]) -> int:
    """Commit rows in one statement, which is one transaction. How many of them were new.

    On SQLite the write lock is asked for every half millisecond: its own busy handler sleeps so
    long between two tries that busy writers starve the door.
    """
    values = [value for item in items for value in item.row]
    connection.ensure_connection()
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(_statement(len(items), "%s"), values)
            return int(cursor.rowcount)
    with connection.wrap_database_errors:
        handle = connection.connection
        handle.execute("PRAGMA busy_timeout=0")
        while True:
            try:
                return int(handle.execute(_statement(len(items), "?"), values).rowcount)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= items[0].until:
                    raise
                time.sleep(LOCK_PAUSE)


@cache
def _statement(rows: int, place: str) -> str:
    """One statement for many rows: executemany would give the interpreter away at each row."""
    table = connection.ops.quote_name(Receipt._meta.db_table)
    names = ", ".join(connection.ops.quote_name(field.column or "") for field in COLUMNS)
    row = "(" + ", ".join([place] * len(COLUMNS)) + ")"
    places = ", ".join([row] * rows)
    return f"INSERT INTO {table} ({names}) VALUES {places} ON CONFLICT DO NOTHING"


def _row(number: UUID, delivery: Delivery) -> tuple[Any, ...]:
    """A row in the order of NAMES, as the driver takes it."""
    native, at = _is_native(), now()
    headers = {name: value for name, value in delivery["headers"].items() if name not in NOT_KEPT}
    moment = at if native else str(at.replace(tzinfo=None))
    row = {
        **BLANK,
        "id": number if native else number.hex,
        "source": delivery["source"],
        "subject": delivery["subject"],
        "delivery_id": delivery["delivery_id"],
        "headers": json.dumps(headers),
        "body": delivery["body"],
        "received_at": moment,
        "due_at": moment,
    }
    return tuple([row[name] for name in NAMES])


@cache
def _is_native() -> bool:
    """Whether the driver takes ids and moments as they are; SQLite's takes them as text."""
    return connection.vendor != "sqlite"


#: This process's own.
inbox = Inbox()
