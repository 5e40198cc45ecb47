"""Where workers on other machines put what they made, and who may put it there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO
from uuid import UUID

from django.core import signing

from genproj.kernel import storage
from genproj.kernel.clock import after, now
from videos.models import Job
from videos.states import VideoStatus

FOLDER = "videos/incoming"
#: what may be put up for an attempt -> its extension and type
KINDS = {"video": ("mp4", "video/mp4"), "thumbnail": ("jpg", "image/jpeg")}
#: seconds that an address is good for; another may be asked for at any time
GOOD_FOR = 3600
PURPOSE = "videos.uploads"
#: what a late film may still be collected from stays this long after its job has ended
KEPT = timedelta(hours=25)


@dataclass(frozen=True)
class Address:
    """Where one file is put, by which method and with which headers."""

    storage_key: str
    url: str
    expires_at: datetime
    method: str = "PUT"
    headers: Mapping[str, str] = field(default_factory=dict)


def key_of(*, job_id: UUID, attempt: int, kind: str) -> str:
    """Where storage keeps the file of an attempt; computed, never stored."""
    return f"{FOLDER}/{job_id}-{attempt}.{KINDS[kind][0]}"


def addresses_for(job: Job, *, base_url: str) -> dict[str, Address]:
    """An address for each kind of file of the job's running attempt.

    Raises:
        StorageFailure: the bucket gives none.
    """
    until, found = after(GOOD_FOR), {}
    for kind, (_, content_type) in KINDS.items():
        key = key_of(job_id=job.pk, attempt=job.attempts, kind=kind)
        url = storage.upload_url(key, content_type=content_type, seconds=GOOD_FOR)
        if url is None:
            named = {"job": str(job.pk), "attempt": job.attempts, "kind": kind}
            token = signing.dumps(named, salt=PURPOSE)
            url = f"{base_url}/api/v1/workers/uploads/{token}"
        found[kind] = Address(key, url, until, headers={"Content-Type": content_type})
    return found


def key_for(*, token: str) -> str | None:
    """The key that a token's holder may fill just now; None for a token that is forged or too old,
    and for one of an attempt that has reported its end or lost its lease."""
    try:
        named = signing.loads(token, salt=PURPOSE, max_age=GOOD_FOR)
    except signing.BadSignature:
        return None
    job_id, attempt = UUID(named["job"]), named["attempt"]
    running = Job.objects.filter(
        pk=job_id,
        attempts=attempt,
        finished_at__isnull=True,
        leased_until__isnull=False,
        video__status=VideoStatus.PROCESSING,
    )
    if not running.exists():
        return None
    return key_of(job_id=job_id, attempt=attempt, kind=named["kind"])


def keep(*, key: str, source: BinaryIO, sha256: str, size: int) -> None:
    """Keep a file whole under its key; put up again, it replaces what was there.

    Raises:
        StorageFailure: it cannot be kept just now.
    """
    kinds = dict(KINDS.values())
    content_type = kinds[key.rpartition(".")[2]]
    storage.put(key, source, sha256=sha256, size=size, content_type=content_type)


def clear_incoming() -> int:
    """Sweep: delete what was put up and never collected, once its job has long ended."""
    left = dict(_left())
    jobs = Job.objects.filter(pk__in=set(left.values()))
    ends = dict(jobs.values_list("pk", "finished_at"))
    count, before = 0, now() - KEPT
    for key, job_id in left.items():
        ended = ends.get(job_id, before) if job_id in ends else before
        if ended is not None and ended <= before:
            storage.delete(key)
            count += 1
    return count


def _left() -> list[tuple[str, UUID]]:
    """Keys under the folder with the jobs they name."""
    found = []
    for key, _ in storage.keys(f"{FOLDER}/"):
        name = key.removeprefix(f"{FOLDER}/").rpartition("-")[0]
        try:
            found.append((key, UUID(name)))
        except ValueError:
            continue
    return found
