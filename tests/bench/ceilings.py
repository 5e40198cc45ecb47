"""The least that could do the same work: what each figure is held against.

`door` is a bare ASGI application that commits each body by a group-commit writer; the functions
measure plain inserts and a plain copy.
"""

import asyncio
import concurrent.futures
import http.client
import os
import queue
import sqlite3
import threading
import time
import uuid
from pathlib import Path
from typing import Any

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-32000")
BATCH = 500


def open_database(path: Path) -> sqlite3.Connection:
    """A database with one table, as durable as the application's."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS kept (id TEXT PRIMARY KEY, at REAL, body BLOB) WITHOUT ROWID"
    )
    return connection


class Door:
    """The bare application."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Any, Any, bytes]] = queue.SimpleQueue()

    def start(self) -> None:
        """Begin to write."""
        threading.Thread(target=self._write, daemon=True).start()

    def _write(self) -> None:
        connection = open_database(Path(os.environ["BENCH_DATABASE"]))
        while True:
            batch = [self._waiting.get()]
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get())
            values: list[Any] = []
            for _, _, body in batch:
                values += (uuid.uuid4().hex, time.time(), body)
            places = ", ".join(["(?, ?, ?)"] * len(batch))
            connection.execute(f"INSERT INTO kept VALUES {places}", values)
            loop = batch[0][0]
            loop.call_soon_threadsafe(_resolve, [future for _, future, _ in batch])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self.start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if body:
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            self._waiting.put((loop, future, body))
            await future
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _resolve(futures: list[Any]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


door = Door()


def plain_inserts(folder: Path, body: bytes, *, seconds: float) -> float:
    """Committed single-row inserts per second, one after the other."""
    connection = open_database(folder / "inserts.sqlite3")
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        row = (uuid.uuid4().hex, time.time(), body)
        connection.execute("INSERT INTO kept VALUES (?, ?, ?)", row)
        count += 1
    connection.close()
    return count / passed


def copied_files(folder: Path, port: int, *, count: int, threads: int = 8) -> float:
    """Files per second, fetched over loopback and made durable under a name of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    local = threading.local()

    def copy(number: int) -> None:
        if not hasattr(local, "asked"):
            local.asked = http.client.HTTPConnection("127.0.0.1", port)
        local.asked.request("GET", f"/cdn/{number % 300}.jpg")
        data = local.asked.getresponse().read()
        part, place = folder / f"{number}.part", folder / f"{number}.jpg"
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fdatasync(file.fileno())
        part.replace(place)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(handle)
        os.close(handle)

    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(copy, range(count)))
    return count / (time.perf_counter() - began)
