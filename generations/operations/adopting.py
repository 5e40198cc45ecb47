"""Takes over pictures and films that were made elsewhere: byte for byte, many at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from generations.models import ArtifactUse, Output, Preview, Projection, RegisterEntry
from generations.operations.keeping import UPLOAD
from genproj.kernel import logs, media, rows, storage
from genproj.kernel.clock import after, now
from genproj.kernel.errors import StorageUnavailable
from genproj.kernel.ids import uuid7
from genproj.kernel.wake import wake
from genproj.projectors import PROJECTORS
from genproj.runtime.breakers import storage_asked

log = logs.component("keeping")


@dataclass(frozen=True)
class Adopted:
    """A file as it now lies in storage, not yet in the register."""

    entry_id: UUID
    output_id: UUID
    key: str
    sha256: str
    size: int
    measured: media.Measured
    prompt: str


def adopt(*, file: BinaryIO, sha256: str, size: int, prompt: str) -> Adopted:
    """Look at a file and store it as it is; in no transaction, because it takes its time.

    Raises:
        media.NotMedia: it is no picture or film that can be kept.
        StorageUnavailable: it could not be stored; nothing is left behind.
    """
    measured = media.measure(file, max_pixels=settings.MAX_OUTPUT_PIXELS)
    if measured.kind == "image":
        media.renditions(file, measured.content_type)  # what cannot be decoded is no picture
    entry_id, output_id = uuid7(), uuid7()
    key = f"generations/{entry_id}/{output_id}.{measured.extension}"
    file.seek(0)
    try:
        with storage_asked():
            storage.put(key, file, sha256=sha256, size=size, content_type=measured.content_type)
    except storage.StorageFailure as problem:
        raise StorageUnavailable from problem
    return Adopted(entry_id, output_id, key, sha256, size, measured, prompt)


def disown(*, adopted: Iterable[Adopted]) -> None:
    """Delete files that were never recorded. Best effort: a sweep finds what is left."""
    for one in adopted:
        try:
            storage.delete(one.key)
        except storage.StorageFailure as problem:
            log.warning("orphan_left", key=one.key, error=str(problem))


@rows.atomically
def record_adopted(*, adopted: Sequence[Adopted], actor: User, audience: str) -> None:
    """Write stored files into the register, each a settled entry of its own. Nobody is told one by
    one: whoever brings them in tells of the whole."""
    at = now()
    entries = [
        RegisterEntry(
            id=one.entry_id,
            kind=one.measured.kind,
            provider=UPLOAD,
            model=UPLOAD,
            input={"prompt": one.prompt, "filename": one.prompt},
            expected_count=1,
            audience=audience,
            owner=actor,
            key_prefix=f"generations/{one.entry_id}",
            request_id=logs.request_id.get() or "",
            created_at=at,
            submit_started_at=at,
            dispatched_at=at,
            deadline_at=after(60),
            completed_at=at,
        )
        for one in adopted
    ]
    RegisterEntry.objects.bulk_create(entries, batch_size=200)
    outputs = [_output(one) for one in adopted]
    Output.objects.bulk_create(outputs, batch_size=200)
    Preview.objects.bulk_create(
        [Preview(output=output, due_at=at) for output in outputs], batch_size=500
    )
    names = [name for name, row in PROJECTORS.items() if "settled" in row.runs and not row.only]
    Projection.objects.bulk_create(
        [
            Projection(entry=entry, projector=name, stage="settled", created_at=at, due_at=at)
            for entry in entries
            for name in names
        ],
        batch_size=200,
    )
    wake("generations.jobs.project")
    wake("generations.jobs.make_previews")


def _output(one: Adopted) -> Output:
    at = now()
    return Output(
        id=one.output_id,
        entry_id=one.entry_id,
        index=0,
        ref=str(one.output_id),
        announced_at=at,
        stored_at=at,
        storage_key=one.key,
        content_type=one.measured.content_type,
        size=one.size,
        sha256=one.sha256,
        width=one.measured.width,
        height=one.measured.height,
        duration=one.measured.duration,
    )


@rows.atomically
def use_adopted(*, uses: Mapping[str, Collection[UUID]], audience: str) -> None:
    """Write down which holder needs which of the pictures recorded in this transaction; they are
    nobody else's yet, so no purge has to be kept out."""
    at = now()
    ArtifactUse.objects.bulk_create(
        [
            ArtifactUse(output_id=id, holder=holder, audience=audience, since=at)
            for holder, ids in uses.items()
            for id in sorted(set(ids))
        ],
        batch_size=200,
    )
