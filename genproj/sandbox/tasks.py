"""What the sandbox remembers, in one SQLite file that survives a kill."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

Task = dict[str, Any]

#: billing events that are remembered
MOST_EVENTS = 100_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    uuid TEXT PRIMARY KEY, at REAL NOT NULL, unfinished INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_unfinished ON tasks (at) WHERE unfinished;
CREATE INDEX IF NOT EXISTS tasks_newest ON tasks (at);
CREATE INDEX IF NOT EXISTS tasks_brief ON tasks (json_extract(body, '$.brief'))
    WHERE json_extract(body, '$.brief') IS NOT NULL;
CREATE TABLE IF NOT EXISTS files (
    uuid TEXT PRIMARY KEY, task TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, external_id TEXT UNIQUE, body TEXT NOT NULL
);
"""


class Taken(Exception):
    """The taskUUID was used before."""


class Store:
    """Every method commits before it returns. Use it from one thread only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cdn = folder / "cdn"
        self.cdn.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "tasks.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # A killed process loses nothing that it wrote; only a power cut would.
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(SCHEMA)
        self._live: dict[str, Task] = {}

    def add(self, task: Task, files: dict[str, dict[str, Any]] | None = None) -> None:
        """Keep a new task with its coming files. Raises Taken when the id was ever used."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?)",
                (task["key"], task["at"], int(task["unfinished"]), json.dumps(task)),
            )
            for uuid, body in (files or {}).items():
                row = (uuid, task["taskUUID"], json.dumps(body))
                self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", row)
            self._db.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            self._db.execute("ROLLBACK")
            raise Taken(task["taskUUID"]) from error
        if task["unfinished"]:
            self._live[task["key"]] = task

    def save(self, task: Task) -> None:
        self._db.execute(
            "UPDATE tasks SET unfinished = ?, body = ? WHERE uuid = ?",
            (int(task["unfinished"]), json.dumps(task), task["key"]),
        )
        if not task["unfinished"]:
            self._live.pop(task["key"], None)

    def knows(self, uuid: str) -> bool:
        return self._one("SELECT 1 FROM tasks WHERE uuid = ?", uuid) is not None

    def task(self, uuid: str) -> Task | None:
        if uuid in self._live:
            return self._live[uuid]
        row = self._one("SELECT body FROM tasks WHERE uuid = ?", uuid)
        return json.loads(row[0]) if row else None

    def unfinished(self) -> list[Task]:
        """What was in flight when the last process died; asked once, at the start."""
        rows = self._db.execute("SELECT body FROM tasks WHERE unfinished ORDER BY at").fetchall()
        self._live = {task["key"]: task for task in (json.loads(row[0]) for row in rows)}
        return list(self._live.values())

    def newest(self, limit: int) -> list[Task]:
        rows = self._db.execute("SELECT body FROM tasks ORDER BY at DESC LIMIT ?", (limit,))
        return [json.loads(row[0]) for row in rows.fetchall()][::-1]

    def count(self) -> int:
        row = self._one("SELECT COUNT(*) FROM tasks")
        return int(row[0])

    def count_brief(self, brief: str) -> int:
        """How often the same was asked before."""
        row = self._one("SELECT COUNT(*) FROM tasks WHERE json_extract(body, '$.brief') = ?", brief)
        return int(row[0])

    def spent(self) -> float:
        row = self._one("SELECT COALESCE(SUM(json_extract(body, '$.spent')), 0) FROM tasks")
        return float(row[0]) if row else 0.0

    def file(self, uuid: str) -> dict[str, Any] | None:
        row = self._one("SELECT body FROM files WHERE uuid = ?", uuid)
        return json.loads(row[0]) if row else None

    def note(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    def noted(self, name: str, default: Any) -> Any:
        row = self._one("SELECT body FROM notes WHERE name = ?", name)
        return json.loads(row[0]) if row else default

    def bill(self, external_id: str | None, event: dict[str, Any]) -> bool:
        """Keep an event. False when one of this id is kept already."""
        statement = "INSERT OR IGNORE INTO events (external_id, body) VALUES (?, ?)"
        return self._db.execute(statement, (external_id, json.dumps(event))).rowcount == 1

    def billed(self, limit: int) -> list[dict[str, Any]]:
        """The newest events, newest first."""
        statement = "SELECT body FROM events ORDER BY number DESC LIMIT ?"
        return [json.loads(row[0]) for row in self._db.execute(statement, (limit,)).fetchall()]

    def count_billed(self) -> int:
        return int(self._one("SELECT COUNT(*) FROM events")[0])

    def forget_everything(self) -> None:
        self._db.executescript("DELETE FROM tasks; DELETE FROM files; DELETE FROM events;")
        self._live.clear()
        for path in self.cdn.iterdir():
            # Films are named by what was asked: they are nobody's memory, and dear to make.
            if not path.name.startswith("film-"):
                path.unlink(missing_ok=True)

    def forget_old(self, seconds: float) -> int:
        """Forget what was finished that long ago, with its files. Says how many tasks."""
        before = time.time() - seconds
        old = "SELECT json_extract(body, '$.taskUUID') FROM tasks WHERE at < ? AND NOT unfinished"
        self._db.execute(f"DELETE FROM files WHERE task IN ({old})", (before,))
        count = self._db.execute(
            "DELETE FROM tasks WHERE at < ? AND NOT unfinished", (before,)
        ).rowcount
        self._db.execute(
            "DELETE FROM events WHERE number <= (SELECT MAX(number) FROM events) - ?",
            (MOST_EVENTS,),
        )
        for path in self.cdn.iterdir():
            if not path.name.startswith("film-") and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
        return count

    def _one(self, statement: str, *values: Any) -> Any:
        return self._db.execute(statement, values).fetchone()


def new_task(request: dict[str, Any], origin: str) -> Task:
    """A task that is complete at once; `runs` adds results to those that take time."""
    return {
        "key": request["taskUUID"],
        "taskUUID": request["taskUUID"],
        "taskType": request["taskType"],
        "request": request,
        "origin": origin,
        "at": time.time(),
        "unfinished": False,
        "spent": 0.0,
        "faults": {},
        "results": [],
        "deliveries": [],
    }
