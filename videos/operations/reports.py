"""What workers on other machines report about their jobs, each report once and in order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from generations.operations import filming
from genproj.kernel import logs, rows, storage
from genproj.kernel.api.bodies import errors_in
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Invalid
from genproj.kernel.ids import is_uuid
from videos.errors import JobNotFound
from videos.models import Attempt, Job, Report, Worker
from videos.operations import queue, uploads
from videos.operations.opening import opened
from videos.operations.rendering import TRIED_AGAIN
from videos.operations.telling import tell
from videos.states import VideoStatus

STARTED, PROGRESS = "generation.started", "generation.progress"
COMPLETED, FAILED = "generation.completed", "generation.failed"
#: type -> what `status` may say beside it
STATUSES = {
    STARTED: {"started", "processing"},
    PROGRESS: {"progress", "processing"},
    COMPLETED: {"completed"},
    FAILED: {"failed"},
}
LAST_WORDS = frozenset({COMPLETED, FAILED})
#: what must be there beside it
NEEDS = {STARTED: None, PROGRESS: "progress", COMPLETED: "result", FAILED: "error"}
LONGEST_ID = 120
LONGEST_CODE, LONGEST_MESSAGE = 60, 500
MOST_COST = 100_000

_KEY = {"type": ["string", "null"], "maxLength": 500}
_SIZE = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**53}
_AMOUNT = {"type": ["number", "null"], "minimum": 0, "maximum": 10_000_000}
RESULT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["storage_key"],
    "properties": {
        "storage_key": {"type": "string", "minLength": 1, "maxLength": 500},
        "thumbnail_key": _KEY,
        "duration": _AMOUNT,
        "file_size": _SIZE,
        "width": _SIZE,
        "height": _SIZE,
        "format": {"type": ["string", "null"], "maxLength": 60},
        "processing_time": _AMOUNT,
        "cost": {
            "type": ["number", "string", "null"],
            "minimum": 0,
            "maximum": MOST_COST,
            "pattern": r"^\d{1,6}(\.\d{1,12})?$",
            "description": "US dollars.",
        },
    },
}
ERROR: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string", "minLength": 1, "maxLength": 2_000},
        "message": {"type": "string", "maxLength": 100_000},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "timestamp", "data"],
    "properties": {
        "type": {"type": "string", "enum": list(STATUSES)},
        "timestamp": {"type": "string", "maxLength": 60, "description": "ISO 8601."},
        "data": {
            "type": "object",
            "additionalProperties": False,
            "required": ["job", "video", "attempt", "status"],
            "properties": {
                "job": {"type": "string", "description": "A UUID."},
                "video": {"type": "string", "description": "A UUID."},
                "attempt": {"type": "integer", "minimum": 1, "maximum": 1000},
                "status": {"type": "string"},
                "progress": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
                "result": {**RESULT, "type": ["object", "null"]},
                "error": {**ERROR, "type": ["object", "null"]},
            },
        },
    },
}

log = logs.component("worker")


@dataclass(frozen=True)
class Said:
    """One report, as it can be believed to be meant."""

    type: str
    job_id: UUID
    video_id: UUID
    attempt: int
    progress: int | None
    result: Mapping[str, Any]
    error: Mapping[str, Any]


def read(body: bytes) -> Said:
    """What a report says.

    Raises:
        Invalid: it is not JSON, or something in it is missing, unknown or contradictory.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid.one("", "malformed", "The body must be JSON.") from None
    if found := errors_in(given, SCHEMA) or _contradictions(given):
        raise Invalid(found)
    data = given["data"]
    return Said(
        type=given["type"],
        job_id=UUID(data["job"]),
        video_id=UUID(data["video"]),
        attempt=int(data["attempt"]),
        progress=None if data.get("progress") is None else int(data["progress"]),
        result=data.get("result") or {},
        error=data.get("error") or {},
    )


def _contradictions(given: Mapping[str, Any]) -> list[dict[str, str]]:
    data, found = given["data"], []

    def wrong(pointer: str, code: str, detail: str) -> None:
        found.append({"pointer": pointer, "code": code, "detail": detail})

    for name in ("job", "video"):
        if not is_uuid(data[name]):
            wrong(f"/data/{name}", "format", "Must be a UUID.")
    if data["status"] not in STATUSES[given["type"]]:
        wrong("/data/status", "choice", "Contradicts the type.")
    needed = NEEDS[given["type"]]
    if needed and data.get(needed) is None:
        wrong(f"/data/{needed}", "required", "This field is required.")
    try:
        moment = parse_datetime(given["timestamp"])
    except ValueError:
        moment = None
    if moment is None:
        wrong("/timestamp", "format", "Must be a moment such as 2026-01-31T12:00:00Z.")
    return found


def report(worker: Worker, *, webhook_id: str, said: Said) -> bool:
    """Apply a report. False when it was heard before, or is older than the state it meets.

    Raises:
        JobNotFound: no such job, another worker's, or an attempt that has lost its lease.
        Invalid: a key that was not issued for this attempt, or under which nothing lies.
        StorageFailure: storage cannot say.
    """
    if len(webhook_id) > LONGEST_ID:
        raise Invalid.one("", "too_long", f"A webhook-id has at most {LONGEST_ID} characters.")
    if _is_old(worker, webhook_id, said):
        return False
    if said.type == COMPLETED and _running(worker, said):
        _require_stored(said)  # outside of the transaction: storage may be slow
    applied = _apply(worker, webhook_id=webhook_id, said=said)
    log.info(
        "reported",
        worker=worker.pk,
        video=str(said.video_id),
        job=str(said.job_id),
        attempt=said.attempt,
        type=said.type,
        applied=applied,
        code=str(said.error.get("code", ""))[:LONGEST_CODE] or None,
    )
    return applied


def _is_old(worker: Worker, webhook_id: str, said: Said) -> bool:
    """Whether it was heard before, or the attempt's last word is known already."""
    if Report.objects.filter(pk=webhook_id).exists():
        return True
    if not Attempt.objects.filter(
        job=said.job_id, number=said.attempt, worker=worker.pk, job__video=said.video_id
    ).exists():
        raise JobNotFound
    return _heard(said).filter(type__in=LAST_WORDS).exists()


def _heard(said: Said) -> "QuerySet[Report]":
    return Report.objects.filter(job=said.job_id, attempt=said.attempt, applied=True)


def _running(worker: Worker, said: Said) -> Job | None:
    """The job, if the attempt that is spoken of runs still."""
    return Job.objects.filter(
        pk=said.job_id,
        worker=worker,
        attempts=said.attempt,
        finished_at__isnull=True,
        leased_until__isnull=False,
        video__status=VideoStatus.PROCESSING,
    ).first()


def _require_stored(said: Said) -> None:
    named = {"video": "storage_key", "thumbnail": "thumbnail_key"}
    for kind, name in named.items():
        key, pointer = said.result.get(name), f"/data/result/{name}"
        if key is None:
            continue
        if key != uploads.key_of(job_id=said.job_id, attempt=said.attempt, kind=kind):
            raise Invalid.one(pointer, "choice", "This key was not issued for this attempt.")
        if storage.stat(key) is None:
            raise Invalid.one(pointer, "missing", "Nothing has been put there.")


@rows.atomically
def _apply(worker: Worker, *, webhook_id: str, said: Said) -> bool:
    """Record the report and what follows from it. Of two at once the second meets the first."""
    video = opened(actor=None, video_id=said.video_id)
    if _is_old(worker, webhook_id, said):
        return False
    job = _running(worker, said)
    if job is None:
        raise JobNotFound
    applied = _is_news(job, said)
    Report.objects.create(
        webhook_id=webhook_id,
        worker=worker,
        job=job,
        attempt=said.attempt,
        type=said.type,
        applied=applied,
        received_at=now(),
    )
    Worker.objects.filter(pk=worker.pk).update(last_heartbeat_at=now())
    # What has been brought or given up needs no sign of life any more.
    until = None if said.type in LAST_WORDS else after(queue.REMOTE_LEASE)
    Job.objects.filter(pk=job.pk).update(leased_until=until)
    if not applied or video.generation is None:
        return applied
    if said.type == STARTED:
        tell(video, news="submitted", detail={"worker": worker.pk})
    elif said.type == PROGRESS:
        Job.objects.filter(pk=job.pk).update(progress=said.progress)
        filming.note_remote_progress(entry_id=video.generation, percent=said.progress)
    elif said.type == COMPLETED:
        _record_film(video.generation, said)
    else:
        _record_failure(video.generation, said)
    return True


def _is_news(job: Job, said: Said) -> bool:
    if said.type == STARTED:
        return not _heard(said).exists()
    if said.type == PROGRESS:
        return (said.progress or 0) >= (job.progress or 0)
    return True


def _record_film(entry_id: UUID, said: Said) -> None:
    cost, seconds = said.result.get("cost"), said.result.get("processing_time")
    filming.record_remote_film(
        entry_id=entry_id,
        storage_key=said.result["storage_key"],
        cost=None if cost is None else Decimal(str(cost)),
        seconds=seconds,
    )
    if thumbnail := said.result.get("thumbnail_key"):
        rows.after_commit(lambda: storage.delete(thumbnail))  # posters are made here


def _record_failure(entry_id: UUID, said: Said) -> None:
    code = said.error["code"][:LONGEST_CODE]
    filming.fail_remote_film(
        entry_id=entry_id,
        code=code,
        message=said.error["message"][:LONGEST_MESSAGE],
        retryable=code in TRIED_AGAIN,
    )
