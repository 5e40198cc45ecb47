"""Files in a folder that survive a power cut: whole under their one name, or not there."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from genproj.kernel.storage.store import (
    Finding,
    KeyMissing,
    Stat,
    StorageFailure,
    Stored,
    differs,
    measured,
)

# Hidden from keys() because no key may begin with a dot.
PARTS = ".tmp"


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.parts = root / PARTS

    def put(self, claim: Stored, source: BinaryIO, content_type: str) -> None:
        path = self.root / claim.key
        try:
            if self._holds(path, claim):
                return
            if isinstance(source, Part) and source.path.parent == self.parts:
                source.flush()
                if os.fstat(source.fileno()).st_size != claim.size:
                    raise differs(claim)
                self._move(source, path)
                return
            with self.scratch() as part:
                source.seek(0)
                if measured(source, part) != (claim.size, claim.sha256):
                    raise differs(claim)
                part.flush()
                self._move(part, path)
        except OSError as error:
            raise StorageFailure(claim.key, _words(error)) from error

    def open_read(self, key: str) -> BinaryIO:
        try:
            return (self.root / key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise KeyMissing(key) from None
        except OSError as error:
            raise StorageFailure(key, _words(error)) from error

    def stat(self, key: str) -> Stat | None:
        path = self.root / key
        try:
            return Stat(path.stat().st_size) if path.is_file() else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageFailure(key, _words(error)) from error

    def delete(self, key: str) -> None:
        path = self.root / key
        try:
            path.unlink()
            _sync(path.parent)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise StorageFailure(key, _words(error)) from error
        self._drop_empty(path.parent)

    def keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        start = self.root / prefix.rpartition("/")[0]
        for folder, folders, files in os.walk(start):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(folder, name)
                key = path.relative_to(self.root).as_posix()
                if key.startswith(prefix) and not name.startswith("."):
                    try:
                        yield key, path.stat().st_size
                    except FileNotFoundError:
                        continue

    def signed_url(self, key: str, filename: str | None, content_type: str) -> str | None:
        return None

    def upload_url(self, key: str, content_type: str, seconds: int) -> str | None:
        return None

    def path_of(self, key: str) -> Path | None:
        return self.root / key

    def scratch(self) -> "Part":
        path = self.parts / f"{os.getpid()}-{token_hex(8)}"
        try:
            try:
                return Part(path)
            except FileNotFoundError:
                _make(self.parts)
                return Part(path)
        except OSError as error:
            raise StorageFailure(path.name, _words(error)) from error

    def tidy(self, before: float) -> int:
        removed = 0
        for path in self.parts.glob("*"):
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
        return removed

    def check(self) -> None:
        try:
            with self.scratch() as part:
                part.write(b"." * 4096)
                part.flush()
        except OSError as error:
            raise StorageFailure("", _words(error)) from error

    def prepare(self) -> Iterator[Finding]:
        try:
            self.check()
        except StorageFailure as failure:
            yield Finding(f"folder {self.root}", why=failure.cause, ok=False, is_needed=True)
        else:
            yield Finding(f"folder {self.root}", why="can be written", ok=True, is_needed=True)

    def _holds(self, path: Path, claim: Stored) -> bool:
        try:
            if path.stat().st_size != claim.size:
                return False
            with path.open("rb") as file:
                return measured(file) == (claim.size, claim.sha256)
        except FileNotFoundError:
            return False

    def _move(self, part: "Part", path: Path) -> None:
        os.fdatasync(part.fileno())
        for last in (False, True):
            _make(path.parent)
            try:
                part.path.replace(path)
                _sync(path.parent)
            except FileNotFoundError:
                # A deletion beside it may have dropped the folder that was empty until now.
                if last:
                    raise
            else:
                return

    def _drop_empty(self, folder: Path) -> None:
        if folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return


class Part(io.BufferedRandom):
    """A file on its way: removed when closed, unless it has been moved to its key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(io.FileIO(path, "x+"))

    def close(self) -> None:
        if not self.closed:
            self.path.unlink(missing_ok=True)
        super().close()


def _make(folder: Path) -> None:
    """Make a folder that is still there after a power cut."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        _make(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
