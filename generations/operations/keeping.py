"""What people do with what they have: star, tag, throw away, take back, bring in."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet

from generations.errors import ArtifactNotFound, GenerationNotFound
from generations.models import ArtifactTag, EntryTag, Output, Preview, RegisterEntry, Star, Trash
from generations.operations import desk, frames
from generations.operations.register import find_for_act, find_to_delete
from generations.states import Kind
from genproj.kernel import logs, media, rows, storage
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Invalid, StorageUnavailable, TooLarge
from genproj.kernel.ids import uuid7
from genproj.kernel.wake import wake
from genproj.runtime.breakers import storage_asked

#: how long a thing lies in the trash before it is purged with its objects
TRASH_DAYS = 30
UPLOAD = "upload"

log = logs.component("keeping")


@rows.atomically
def trash_entry(*, actor: User, entry_id: UUID) -> None:
    """Move a generation to the trash; repeated it changes nothing."""
    entry = find_to_delete(actor=actor, entry_id=entry_id)
    _trash(entry=entry, output=None, actor=actor)
    frames.tell_deleted(entry)


@rows.atomically
def throw_away_entry(*, entry_id: UUID) -> None:
    """Move a generation to the trash on nobody's behalf, when what it was made for is deleted.
    Nothing of it that is still needed elsewhere is purged. Safe to repeat."""
    entry = RegisterEntry.objects.filter(pk=entry_id, purged_at__isnull=True).first()
    if entry is not None:
        _trash(entry=entry, output=None, actor=None)
        frames.tell_deleted(entry)


@rows.atomically
def restore_entry(*, actor: User, entry_id: UUID) -> None:
    """Take a generation out of the trash; repeated it changes nothing.

    Raises:
        GenerationNotFound: its purge has begun.
    """
    entry = find_to_delete(actor=actor, entry_id=entry_id)
    if not _taken_back(Trash.objects.filter(entry=entry, output__isnull=True)):
        raise GenerationNotFound
    frames.tell_one(entry, kind="generation:updated")


def find_artifact(*, actor: User, artifact_id: UUID) -> Output:
    """The stored output, if `actor` may change it.

    Raises:
        ArtifactNotFound: there is none, or it may not be seen.
    """
    output = (
        Output.objects.filter(pk=artifact_id, stored_at__isnull=False)
        .select_related("entry")
        .first()
    )
    if output is None:
        raise ArtifactNotFound
    try:
        find_for_act(actor=actor, entry_id=output.entry_id)
    except GenerationNotFound:  # in the words for what is not there
        raise ArtifactNotFound from None
    return output


def _artifact_to_delete(*, actor: User, artifact_id: UUID) -> Output:
    output = find_artifact(actor=actor, artifact_id=artifact_id)
    find_to_delete(actor=actor, entry_id=output.entry_id)
    return output


@rows.atomically
def trash_artifact(*, actor: User, artifact_id: UUID) -> None:
    """Move one picture to the trash; repeated it changes nothing."""
    output = _artifact_to_delete(actor=actor, artifact_id=artifact_id)
    _trash(entry=output.entry, output=output, actor=actor)
    frames.tell_artifact(output)


@rows.atomically
def restore_artifact(*, actor: User, artifact_id: UUID) -> None:
    """Take one picture out of the trash; repeated it changes nothing.

    Raises:
        ArtifactNotFound: its purge has begun.
    """
    output = _artifact_to_delete(actor=actor, artifact_id=artifact_id)
    if not _taken_back(Trash.objects.filter(output=output)):
        raise ArtifactNotFound
    frames.tell_artifact(output)


def _taken_back(rows_in_trash: QuerySet[Trash]) -> bool:
    """Remove what no purge has claimed. Whether nothing is left: objects may already be gone."""
    rows_in_trash.filter(attempts=0).delete()
    return not rows_in_trash.exists()


def _trash(*, entry: RegisterEntry, output: Output | None, actor: User | None) -> None:
    at = now()
    Trash.objects.get_or_create(
        entry=entry,
        output=output,
        defaults={
            "trashed_at": at,
            "trashed_by": actor,
            # one lease later than promised, so that nobody still works on it
            "due_at": at + timedelta(days=TRASH_DAYS, seconds=settings.LEASE_SECONDS),
        },
    )


@rows.atomically
def mark_artifact(
    *, actor: User, artifact_id: UUID, starred: bool | None = None, tags: list[str] | None = None
) -> None:
    """Star or unstar a picture and set its tags; None leaves things as they are."""
    output = find_artifact(actor=actor, artifact_id=artifact_id)
    if starred is True:
        Star.objects.get_or_create(output=output, defaults={"starred_at": now()})
    elif starred is False:
        Star.objects.filter(output=output).delete()
    if tags is not None:
        wanted = set(tags)
        ArtifactTag.objects.filter(output=output).exclude(name__in=wanted).delete()
        ArtifactTag.objects.bulk_create(
            [ArtifactTag(output=output, name=name) for name in sorted(wanted)],
            ignore_conflicts=True,
        )
    frames.tell_artifact(output)


@dataclass(frozen=True)
class StoredUpload:
    """A person's file as it now lies in storage, not yet in the register."""

    entry_id: UUID
    output_id: UUID
    kind: Kind
    filename: str
    facts: Mapping[str, Any]


def keep_upload(
    *,
    actor: User,
    audience: str,
    file: BinaryIO,
    filename: str,
    tags: Iterable[str] = (),
) -> RegisterEntry:
    """Keep a person's own picture or film: an entry of provider `upload`, settled at once.

    Raises:
        TooLarge: over MAX_UPLOAD_BYTES.
        Invalid: not a picture or film that can be kept.
        StorageUnavailable: it could not be stored; nothing is left behind.
    """
    upload = store_upload(file=file, filename=filename)
    return record_upload(upload, actor=actor, audience=audience, tags=tags)


@dataclass(frozen=True)
class CheckedUpload:
    """A person's file that can be kept, without its metadata, and what it is."""

    body: bytes
    measured: media.Measured
    filename: str


def store_upload(*, file: BinaryIO, filename: str) -> StoredUpload:
    """Check a file and store it; in no transaction, because it takes its time.

    Raises as `keep_upload`.
    """
    return store_checked(check_upload(file=file, filename=filename))


def check_upload(*, file: BinaryIO, filename: str) -> CheckedUpload:
    """Read a file and say what it is. The bytes decide; metadata (place, camera, names) is removed.

    Raises:
        TooLarge: over MAX_UPLOAD_BYTES.
        Invalid: not a picture or film that can be kept.
    """
    body = file.read(settings.MAX_UPLOAD_BYTES + 1)
    if len(body) > settings.MAX_UPLOAD_BYTES:
        raise TooLarge(f"At most {settings.MAX_UPLOAD_BYTES // 2**20} MiB.")
    clean, measured = _checked(body)
    return CheckedUpload(clean, measured, filename[:200])


def store_checked(upload: CheckedUpload) -> StoredUpload:
    """Store a checked file. Raises as `store`."""
    body = upload.body
    return store(
        io.BytesIO(body),
        sha256=sha256(body).hexdigest(),
        size=len(body),
        measured=upload.measured,
        filename=upload.filename,
    )


def store(
    file: BinaryIO, *, sha256: str, size: int, measured: media.Measured, filename: str
) -> StoredUpload:
    """Store a file that was measured; in no transaction, because it takes its time.

    Raises:
        StorageUnavailable: it could not be stored; nothing is left behind.
    """
    entry_id, output_id = uuid7(), uuid7()
    key = f"generations/{entry_id}/{output_id}.{measured.extension}"
    try:
        with storage_asked():
            storage.put(key, file, sha256=sha256, size=size, content_type=measured.content_type)
    except storage.StorageFailure as problem:
        raise StorageUnavailable from problem
    facts = {
        "storage_key": key,
        "sha256": sha256,
        "size": size,
        "content_type": measured.content_type,
        "width": measured.width,
        "height": measured.height,
        "duration": measured.duration,
    }
    return StoredUpload(entry_id, output_id, Kind(measured.kind), filename, facts)


def discard_stored(upload: StoredUpload) -> None:
    """Delete a stored file that was never recorded. Best effort: a sweep finds what is left."""
    try:
        storage.delete(upload.facts["storage_key"])
    except storage.StorageFailure as problem:
        log.warning("orphan_left", key=upload.facts["storage_key"], error=str(problem))


def _checked(body: bytes) -> tuple[bytes, media.Measured]:
    """The upload without its metadata, and what it is. Raises Invalid."""
    try:
        sniffed = media.measure(io.BytesIO(body), max_pixels=settings.MAX_OUTPUT_PIXELS)
        clean = media.stripped(io.BytesIO(body), sniffed.content_type)
        measured = media.measure(io.BytesIO(clean), max_pixels=settings.MAX_OUTPUT_PIXELS)
    except media.NotMedia as problem:
        raise Invalid.one("/file", "not_media", "; ".join(problem.issues)) from problem
    return clean, measured


def entry_of(upload: StoredUpload, *, actor: User, audience: str, at: datetime) -> RegisterEntry:
    """The row of a stored upload, not yet written: nobody was asked for anything."""
    return RegisterEntry(
        id=upload.entry_id,
        kind=upload.kind.value,
        provider=UPLOAD,
        model=UPLOAD,
        input={"prompt": upload.filename, "filename": upload.filename},
        expected_count=1,
        audience=audience,
        owner=actor,
        key_prefix=f"generations/{upload.entry_id}",
        request_id=logs.request_id.get() or "",
        created_at=at,
        submit_started_at=at,
        dispatched_at=at,
        deadline_at=after(60),
    )


def output_of(upload: StoredUpload, *, entry: RegisterEntry) -> Output:
    """The row of its only output, not yet written."""
    return Output(
        id=upload.output_id,
        entry=entry,
        index=0,
        ref=str(upload.output_id),
        announced_at=entry.created_at,
        stored_at=entry.created_at,
        **upload.facts,
    )


@rows.atomically
def record_upload(
    upload: StoredUpload, *, actor: User, audience: str, tags: Iterable[str] = ()
) -> RegisterEntry:
    """Write a stored upload into the register, settled."""
    at = now()
    entry = entry_of(upload, actor=actor, audience=audience, at=at)
    entry.save(force_insert=True)
    EntryTag.objects.bulk_create(EntryTag(entry=entry, name=tag) for tag in dict.fromkeys(tags))
    item = desk.Opened(entry, [])
    output = output_of(upload, entry=entry)
    item.add(output)
    item.notable = True
    desk.put_back([item], at=at)
    Preview.objects.create(output=output, due_at=at)
    wake("generations.jobs.make_previews")
    return entry
