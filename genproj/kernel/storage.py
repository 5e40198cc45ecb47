"""Where bytes are kept: a folder, or a bucket of an S3 server; callers cannot tell which."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from django.conf import settings

if TYPE_CHECKING:
    from tempfile import _TemporaryFileWrapper

CHUNK = 1024 * 1024

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=@+-]*(/[A-Za-z0-9_][A-Za-z0-9_.=@+-]*)*")
_LONGEST_KEY = 500


class StorageFailure(Exception):  # noqa: N818 - ours alone, whatever the store underneath raised
    """The store could not do what was asked of `key`; `cause` says why in a few words."""

    def __init__(self, key: str, cause: str) -> None:
        super().__init__(f"{key}: {cause}")
        self.key = key
        self.cause = cause


class KeyMissing(StorageFailure):
    """Nothing is kept under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "nothing is kept under this key")


@dataclass(frozen=True)
class Stored:
    key: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Stat:
    """What the store itself says; `sha256` only where it was recorded beside the bytes."""

    size: int
    sha256: str | None = None


class Store(Protocol):
    """The two kinds of store speak this; keys arrive checked, OSErrors leave as StorageFailure."""

    def put(self, key: str, source: BinaryIO, claim: Stored, content_type: str) -> None: ...
    def open_read(self, key: str) -> BinaryIO: ...
    def stat(self, key: str) -> Stat | None: ...
    def delete(self, key: str) -> None: ...
    def keys(self, prefix: str) -> Iterator[tuple[str, int]]: ...
    def signed_url(self, key: str, filename: str | None, content_type: str) -> str | None: ...
    def path_of(self, key: str) -> Path | None: ...
    def scratch_folder(self) -> Path | None: ...
    def check(self) -> None: ...


_kept: Store | None = None


def put(
    key: str, source: BinaryIO, *, sha256: str, size: int, content_type: str
) -> Stored:
    """Keep `size` bytes of `source`, from its start, under exactly this key; safe to repeat.

    What is already there stays only when its size and hash are the announced ones, otherwise it
    is replaced whole: a reader sees the old bytes or the new ones, never a part. A file from
    `scratch()` is moved, not copied. Raises StorageFailure; a source that is not what was
    announced is one, too.
    """
    claim = Stored(_checked(key), size, sha256)
    _store().put(key, source, claim, content_type)
    return claim


def open_read(key: str) -> BinaryIO:
    """The bytes as a binary file that the caller closes; KeyMissing when there are none."""
    return _store().open_read(_checked(key))


def stat(key: str) -> Stat | None:
    """Size and, where recorded, hash of what is kept; None when nothing is."""
    return _store().stat(_checked(key))


def delete(key: str) -> None:
    """Remove what is kept, if anything."""
    _store().delete(_checked(key))


def keys(prefix: str = "") -> Iterator[tuple[str, int]]:
    """Key and size in bytes of everything whose key begins with `prefix`."""
    return _store().keys(prefix)


def signed_url(key: str, *, filename: str | None, content_type: str) -> str | None:
    """An address that serves the bytes for `settings.SIGNED_URL_SECONDS`; None on disk.

    With a `filename` a browser saves the file under that name, without one it shows it.
    """
    return _store().signed_url(_checked(key), filename, content_type)


def path_of(key: str) -> Path | None:
    """The file that holds the bytes, existing or not; None on S3."""
    return _store().path_of(_checked(key))


def check() -> None:
    """Raise StorageFailure when nothing could be kept at this moment; cheap."""
    _store().check()


@contextmanager
def scratch() -> Iterator[BinaryIO]:
    """A new file to fill and give to `put`; it is gone afterwards unless it was kept."""
    import tempfile

    folder = _store().scratch_folder()
    if folder is None:
        with tempfile.SpooledTemporaryFile(max_size=8 * CHUNK) as spooled:
            yield spooled  # type: ignore[misc]  # it is one in all but name
        return
    named: _TemporaryFileWrapper[bytes]
    try:
        named = tempfile.NamedTemporaryFile(dir=folder, prefix="part-", delete=False)  # noqa: SIM115
    except OSError as error:
        raise StorageFailure("", _words(error)) from error
    with named:
        try:
            yield named  # type: ignore[misc]
        finally:
            Path(named.name).unlink(missing_ok=True)


def reset() -> None:
    """Read the settings again at the next use."""
    global _kept
    _kept = None


def hash_of(file: BinaryIO) -> Stored:
    """Size and hash of a file's remaining bytes, with an empty key."""
    digest = hashlib.sha256()
    size = 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return Stored("", size, digest.hexdigest())


def _store() -> Store:
    global _kept
    if _kept is None:
        if settings.STORAGE_BUCKET:
            from genproj.kernel.storage_s3 import Bucket

            _kept = Bucket.from_settings()
        else:
            _kept = Folder(Path(settings.MEDIA_ROOT))
    return _kept


def _checked(key: str) -> str:
    if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key) or ".." in key or key.endswith(".part"):
        raise StorageFailure(key[:_LONGEST_KEY], "not a key")
    return key


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
