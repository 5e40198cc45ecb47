"""Takes over pictures and films that were made elsewhere: byte for byte, many at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from generations.models import ArtifactUse, Output, Preview, Projection, RegisterEntry
from generations.operations import keeping
from generations.operations.keeping import StoredUpload
from genproj.kernel import media, rows
from genproj.kernel.clock import now
from genproj.kernel.wake import wake
from genproj.projectors import PROJECTORS


def adopt(*, file: BinaryIO, sha256: str, size: int, prompt: str) -> StoredUpload:
    """Look at a file and store it as it is; in no transaction, because it takes its time.

    Raises:
        media.NotMedia: it is no picture or film that can be kept.
        StorageUnavailable: it could not be stored; nothing is left behind.
    """
    measured = media.measure(file, max_pixels=settings.MAX_OUTPUT_PIXELS)
    if measured.kind == "image":
        media.renditions(file, measured.content_type)  # what cannot be decoded is no picture
    file.seek(0)
    return keeping.store(file, sha256=sha256, size=size, measured=measured, filename=prompt)


def disown(*, adopted: Iterable[StoredUpload]) -> None:
    """Delete files that were never recorded."""
    for one in adopted:
        keeping.discard_stored(one)


@rows.atomically
def record_adopted(*, adopted: Sequence[StoredUpload], actor: User, audience: str) -> None:
    """Write stored files into the register, each a settled entry of its own. Nobody is told one by
    one: whoever brings them in tells of the whole."""
    at = now()
    entries = [keeping.entry_of(one, actor=actor, audience=audience, at=at) for one in adopted]
    for entry in entries:
        entry.completed_at = at
    RegisterEntry.objects.bulk_create(entries, batch_size=200)
    outputs = [
        keeping.output_of(one, entry=entry) for one, entry in zip(adopted, entries, strict=True)
    ]
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
