"""What a worker must not forget when it is killed: one file, replaced whole at each change."""

import fcntl
import json
import os
import threading
import time
from pathlib import Path
from typing import IO, Any

#: seconds that a film which was lost to others is remembered, should it be taken again
REMEMBERED = 86_400.0

Record = dict[str, Any]


class Busy(Exception):
    """Another process works under this name."""


class Journal:
    """The worker's identity, its last report's number, and the film it works on.

    A film's record: `order` (as it was claimed), `task` (its id at the provider), `sent_at` (set
    before the provider is called), `ref` (set when the provider has answered), `file` (the film
    as it was fetched), `last_word` (a report that is not yet acknowledged).
    """

    def __init__(self, path: Path, data: dict[str, Any], lock: IO[str]) -> None:
        self.path, self._data, self._file = path, data, lock
        self._lock = threading.RLock()

    @classmethod
    def at(cls, path: Path) -> "Journal":
        """The journal at this path, new or as it was left.

        Raises:
            Busy: another process has it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise Busy from None
        data = json.loads(path.read_text()) if path.exists() else {}
        return cls(path, data, lock)

    def close(self) -> None:
        """Let another process have it."""
        self._file.close()

    # --- who the worker is -------------------------------------------------------------------

    def identity(self, server: str) -> tuple[str, str] | None:
        """Id and secret at this server; None: not registered there."""
        known = self._data.get("identity")
        return (known["id"], known["secret"]) if known and known["server"] == server else None

    def become(self, server: str, id: str, secret: str) -> None:
        """Remember who the server says it is; what another was at work on is forgotten."""
        identity = {"server": server, "id": id, "secret": secret}
        self._change(identity=identity, number=0, film=None, left={})

    def next_number(self) -> int:
        """The number of the next report; never given twice."""
        with self._lock:
            number: int = self._data.get("number", 0) + 1
            self._change(number=number)
        return number

    # --- what it works on --------------------------------------------------------------------

    @property
    def film(self) -> Record | None:
        """The film it works on."""
        film: Record | None = self._data.get("film")
        return film

    def begin(self, order: dict[str, Any]) -> Record:
        """A film was taken. What is known of an earlier attempt at the same one goes on: the
        provider may have begun it already."""
        with self._lock:
            left = dict(self._data.get("left") or {})
            earlier = left.pop(order["job"], None)
            fresh = {"task": order["generation"], "sent_at": None, "ref": None, "file": None}
            kept = {name: earlier[name] for name in fresh} if _same(earlier, order) else fresh
            film = {**kept, "order": order, "last_word": None}
            self._change(film=film, left=left)
        return film

    def note(self, **facts: Any) -> None:
        """Note facts of the film; they are on disk when this returns."""
        with self._lock:
            self._change(film={**(self._data.get("film") or {}), **facts})

    def end(self, *, remembered: bool = False) -> None:
        """The film is done with; `remembered` when it was lost to others."""
        with self._lock:
            film, oldest = self._data.get("film"), time.time() - REMEMBERED
            left = {
                job: one
                for job, one in (self._data.get("left") or {}).items()
                if one["left_at"] > oldest
            }
            if film and remembered:
                left[film["order"]["job"]] = {**film, "left_at": time.time()}
            self._change(film=None, left=left)

    def _change(self, **facts: Any) -> None:
        with self._lock:
            self._data = {**self._data, **facts}
            part = self.path.with_suffix(".part")
            with os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as file:
                json.dump(self._data, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)


def _same(earlier: Record | None, order: dict[str, Any]) -> bool:
    """Whether an earlier attempt asked for the very same film."""
    names = ("provider", "model", "prompt", "parameters")
    return earlier is not None and all(earlier["order"][one] == order[one] for one in names)
