"""Brings the bytes of one announced output to the key where they stay."""

import hashlib
from dataclasses import dataclass, replace
from typing import BinaryIO

from django.conf import settings

from generations.models import Output
from generations.operations import reaching
from generations.operations.recording import IN_STORAGE
from generations.operations.scaling import Small, store_small
from generations.states import Kind
from genproj.kernel import figures, http, media, storage

CHUNK = 2**20


@dataclass(frozen=True)
class Stored:
    """What was fetched, as it now lies in storage."""

    key: str
    content_type: str
    size: int
    sha256: str
    width: int
    height: int
    duration: float | None
    source: str = ""  # another key that holds the same bytes and is needed no more
    small: Small | None = None  # a film's: whoever is told of it wants to see its poster


@dataclass(frozen=True)
class _Bytes:
    size: int
    sha256: str


def bring(output: Output) -> Stored:
    """Fetch, measure and store one output; a file is held on disk, never in memory.

    Raises http.HttpFailure, media.NotMedia, storage.StorageFailure (KeyMissing for an object of
    our own that is gone).
    """
    source = output.url.removeprefix(IN_STORAGE) if output.url.startswith(IN_STORAGE) else ""
    if source and _is_in_place(source, output):
        return _found(source, output)
    with storage.scratch() as file:
        got = _copied(source, output, into=file) if source else _downloaded(output, into=file)
        file.seek(0)
        measured = media.measure(file, max_pixels=settings.MAX_OUTPUT_PIXELS)
        file.seek(0)
        key = f"{output.entry.key_prefix}/{output.pk}.{measured.extension}"
        with figures.STORE_SECONDS.time():
            storage.put(
                key, file, sha256=got.sha256, size=got.size, content_type=measured.content_type
            )
        small = _poster(output, file, measured) if output.entry.kind == Kind.VIDEO else None
    return replace(_stored(key, got, measured, source=source), small=small)


def _poster(output: Output, file: BinaryIO, measured: media.Measured) -> Small | None:
    """The film's small pictures; None when they must be made later, by the lane of previews."""
    try:
        made = media.renditions(file, measured.content_type)
        return store_small(output.pk, made=made)
    except (media.NotMedia, storage.StorageFailure):
        return None


def _stored(key: str, got: _Bytes, measured: media.Measured, *, source: str) -> Stored:
    return Stored(
        key=key,
        content_type=measured.content_type,
        size=got.size,
        sha256=got.sha256,
        width=measured.width,
        height=measured.height,
        duration=measured.duration,
        source=source,
    )


def _downloaded(output: Output, *, into: BinaryIO) -> _Bytes:
    address = reaching.address_of(output)
    if address is None:
        raise http.HttpFailure("refused", output.url, "not an address of its", permanent=True)
    limits = http.Limits(
        read=settings.FETCH_SILENCE_SECONDS,
        total=settings.FETCH_TOTAL_SECONDS,
        max_bytes=settings.MAX_OUTPUT_BYTES[output.entry.kind],
    )
    guard = reaching.download_guard(output.entry.provider)
    with figures.FETCH_SECONDS.time():
        got = http.download(
            address.url, guard=guard, limits=limits, into=into, headers=address.headers
        )
    return _Bytes(got.size, got.sha256)


def _copied(key: str, output: Output, *, into: BinaryIO | None) -> _Bytes:
    """What lies under a key of ours, counted and hashed on the way."""
    most = settings.MAX_OUTPUT_BYTES[output.entry.kind]
    digest, size = hashlib.sha256(), 0
    with storage.open_read(key) as file:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise http.HttpFailure("too_large", output.url, f"over {most}", permanent=True)
            digest.update(chunk)
            if into is not None:
                into.write(chunk)
    return _Bytes(size, digest.hexdigest())


def _is_in_place(key: str, output: Output) -> bool:
    return key.startswith(f"{output.entry.key_prefix}/{output.pk}.")


def _found(key: str, output: Output) -> Stored:
    """What lies where it is to stay."""
    got = _copied(key, output, into=None)
    with storage.open_read(key) as file:
        measured = media.measure(file, max_pixels=settings.MAX_OUTPUT_PIXELS)
    return _stored(key, got, measured, source="")
