"""Keeps bytes that came inside an answer, before anything of that answer is recorded."""

import base64
import hashlib
import io
import time
from dataclasses import replace
from uuid import UUID

from generations.operations.recording import short_ref
from generations.providers.base import ProviderUpdate, ResultOutput, Submission
from genproj.kernel import leases, logs, storage
from genproj.kernel.wake import ending

#: where they lie until they are collected
FOLDER = "uploads/inline"
#: seconds that storage may be away while the only copy of a result is held here
PATIENCE = 120.0

log = logs.component("inline")


def kept_with(submission: Submission, *, entry_id: UUID) -> Submission:
    """The submission, its results' bytes in storage."""
    if submission.update is None:
        return submission
    return replace(submission, update=kept(submission.update, entry_id=entry_id))


def kept(update: ProviderUpdate, *, entry_id: UUID) -> ProviderUpdate:
    """The update, its results' bytes in storage.

    Raises:
        storage.StorageFailure: storage stayed away for too long.
    """
    if not any(output.data is not None for output in update.outputs):
        return update
    return replace(update, outputs=tuple(_kept(one, entry_id) for one in update.outputs))


def ref_in(key: str) -> str:
    """The provider's id of the result that lies there; empty when the key tells none."""
    written = key.rpartition("/")[2].partition(".")[2]
    return base64.urlsafe_b64decode(written).decode()


def _written(ref: str) -> str:
    """An id as a part of a key."""
    return base64.urlsafe_b64encode(short_ref(ref).encode()).decode()


def _kept(output: ResultOutput, entry_id: UUID) -> ResultOutput:
    if output.data is None:
        return output
    digest = hashlib.sha256(output.data).hexdigest()
    key = f"{FOLDER}/{entry_id}/{digest}.{_written(output.ref)}"
    end, tries = time.monotonic() + PATIENCE, 0
    while True:
        try:
            storage.put(
                key,
                io.BytesIO(output.data),
                sha256=digest,
                size=len(output.data),
                content_type="application/octet-stream",
            )
        except storage.StorageFailure as problem:
            if time.monotonic() > end or ending():
                raise
            log.warning("storage_away", generation=str(entry_id), error=str(problem))
            time.sleep(leases.backoff(tries, first=0.5, longest=5.0))
            tries += 1
        else:
            return replace(output, url=None, data=None, storage_key=key)
