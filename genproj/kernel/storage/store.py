"""What both kinds of store promise, and the words they refuse with."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

CHUNK = 1024 * 1024


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


@dataclass(frozen=True)
class Finding:
    """What came of trying one thing on a store; `why` says more, or why not."""

    what: str
    why: str
    ok: bool
    is_needed: bool


class Store(Protocol):
    """One kind of store. Keys arrive checked; every failure leaves as StorageFailure."""

    def put(self, claim: Stored, source: BinaryIO, content_type: str) -> None: ...
    def open_read(self, key: str) -> BinaryIO: ...
    def stat(self, key: str) -> Stat | None: ...
    def delete(self, key: str) -> None: ...
    def keys(self, prefix: str) -> Iterator[tuple[str, int]]: ...
    def signed_url(self, key: str, filename: str | None, content_type: str) -> str | None: ...
    def upload_url(self, key: str, content_type: str, seconds: int) -> str | None: ...
    def path_of(self, key: str) -> Path | None: ...
    def scratch(self) -> BinaryIO: ...
    def tidy(self, before: float) -> int: ...
    def check(self) -> None: ...
    def prepare(self) -> Iterator[Finding]: ...


def measured(source: BinaryIO, into: BinaryIO | None = None) -> tuple[int, str]:
    """Size and SHA-256 of the rest of a file, copied to `into` on the way."""
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if into is not None:
            into.write(chunk)
    return size, digest.hexdigest()


def differs(claim: Stored) -> StorageFailure:
    return StorageFailure(claim.key, "the bytes are not those that were announced")
