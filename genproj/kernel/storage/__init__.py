"""Where bytes are kept: a folder, or a bucket of an S3 server; callers cannot tell which."""

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from genproj.kernel.storage.store import (
    Finding,
    KeyMissing,
    Stat,
    StorageFailure,
    Store,
    Stored,
)

__all__ = [
    "Finding",
    "KeyMissing",
    "Stat",
    "StorageFailure",
    "Stored",
    "check",
    "delete",
    "keys",
    "open_read",
    "path_of",
    "prepare",
    "put",
    "reset",
    "scratch",
    "signed_url",
    "stat",
    "tidy",
    "upload_url",
]

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=@+-]*(/[A-Za-z0-9_][A-Za-z0-9_.=@+-]*)*")
_LONGEST_KEY = 500
# What only a disk reports: inside `scratch()` other errors are the caller's own.
DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})

_kept: Store | None = None


def put(key: str, source: BinaryIO, *, sha256: str, size: int, content_type: str) -> Stored:
    """Keep `source`, from its start, under exactly this key; safe to repeat and to race.

    `size` is in bytes, `sha256` in hex. What is already there stays only when both agree,
    otherwise it is replaced whole: a reader sees the old bytes or the new ones, never a part.
    A file from `scratch()` is moved instead of copied; its hash is then the caller's word.
    Raises StorageFailure, also for a source that is not what was announced.
    """
    claim = Stored(_checked(key), size, sha256)
    _store().put(claim, source, content_type)
    return claim


def open_read(key: str) -> BinaryIO:
    """The bytes as a seekable file that the caller closes; KeyMissing when there are none."""
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


def upload_url(key: str, *, content_type: str, seconds: int) -> str | None:
    """An address to which the bytes may be PUT meanwhile, with this Content-Type; None on disk."""
    return _store().upload_url(_checked(key), content_type, seconds)


def path_of(key: str) -> Path | None:
    """The file that holds the bytes, existing or not; None on S3."""
    return _store().path_of(_checked(key))


@contextmanager
def scratch() -> Iterator[BinaryIO]:
    """A new file to fill and give to `put`; it is gone afterwards unless it was kept.

    A disk that cannot take what is written inside is a StorageFailure, too.
    """
    try:
        with _store().scratch() as file:
            yield file
    except OSError as error:
        if error.errno not in DISK_TROUBLE:
            raise
        raise StorageFailure("", os.strerror(error.errno)) from error


def tidy(*, older_than: float) -> int:
    """Remove what killed processes left half written, `older_than` seconds ago; says how many."""
    return _store().tidy(time.time() - older_than)


def check() -> None:
    """Raise StorageFailure when nothing could be kept at this moment; cheap."""
    _store().check()


def prepare() -> Iterator[Finding]:
    """Make the place where bytes are kept, and try what is done with it, a finding each."""
    return _store().prepare()


def reset() -> None:
    """Read the settings again at the next use."""
    global _kept
    _kept = None


# A connection must not be shared by two processes.
os.register_at_fork(after_in_child=reset)


def _store() -> Store:
    global _kept
    if _kept is None:
        if settings.STORAGE_BUCKET:
            # boto3 costs 10 MB and 100 ms, which an installation on disk need not pay.
            from genproj.kernel.storage.s3 import Bucket

            _kept = Bucket.from_settings()
        else:
            from genproj.kernel.storage.disk import Folder

            _kept = Folder(Path(settings.MEDIA_ROOT))
    return _kept


def _checked(key: str) -> str:
    if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key) or ".." in key:
        raise StorageFailure(key[:_LONGEST_KEY], "not a key")
    return key
