"""The named shapes of workers on other machines, and the doors that they knock at raw."""

from genproj.openapi.shapes import (
    ANY,
    MOMENT,
    NUMBER,
    TEXT,
    URL,
    UUID,
    Schema,
    maybe,
    ref,
    several,
    shape,
    words,
)
from videos.operations.reports import SCHEMA

_HELD = {"job": UUID, "video": UUID, "attempt": NUMBER, "leased_until": MOMENT}
_WORKER = {
    "id": TEXT,
    "name": TEXT,
    "owner": maybe(TEXT),
    "status": words("active", "idle", "lost", "retired"),
    "jobs": several(UUID),
    "registered_at": MOMENT,
    "last_heartbeat_at": maybe(MOMENT),
    "retired_at": maybe(MOMENT),
}
_ADDRESS = shape(
    "Where one file is put, whole, by this method and with these headers.",
    storage_key=TEXT,
    method=TEXT,
    url=URL,
    headers=ANY,
    expires_at=MOMENT,
)
_ADDRESSES = shape("", video=_ADDRESS, thumbnail=_ADDRESS)

SHAPES: dict[str, Schema] = {
    "Worker": shape("A worker on another machine.", **_WORKER),
    "NewWorker": shape(
        "The secret is shown this once; null when an answer is repeated.",
        **_WORKER,
        secret=maybe(TEXT),
    ),
    "WorkerJob": shape("A job that a worker holds.", **_HELD),
    "WorkerJobs": shape("What it holds still.", worker=TEXT, jobs=several(ref("WorkerJob"))),
    "WorkerUploads": shape("Addresses for an attempt.", **_HELD, uploads=_ADDRESSES),
    "WorkerOrder": shape(
        "What is to be made; `generation` is a good task id at the provider.",
        **_HELD,
        max_attempts=NUMBER,
        generation=UUID,
        prompt=TEXT,
        provider=TEXT,
        model=TEXT,
        parameters=ANY,
        deadline_at=maybe(MOMENT),
        heartbeat_seconds={"type": "number"},
        uploads=_ADDRESSES,
    ),
}


def _header(name: str, words: str) -> Schema:
    place = {"name": name, "in": "header", "required": True, "schema": TEXT}
    return place | {"description": words}


def _problem(words: str) -> Schema:
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {"description": words, "content": content}


def _answer(words: str, schema: Schema) -> Schema:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


ELSEWHERE: dict[str, Schema] = {
    "/webhooks/worker/": {
        "post": {
            "operationId": "webhooks_worker",
            "tags": ["workers"],
            "summary": "Where workers report.",
            "description": "Signed as Standard Webhooks 1.0 says, within five minutes of now. "
            "Repeat it with the same `webhook-id` until it is answered 200 or 404.",
            "security": [],
            "parameters": [
                _header("webhook-id", "`{worker}.{n}`."),
                _header("webhook-timestamp", "Seconds since 1970."),
                _header("webhook-signature", "`v1,` and base64."),
            ],
            "requestBody": {"content": {"application/json": {"schema": SCHEMA}}},
            "responses": {
                "200": _answer(
                    "`applied` false: heard before, or older than the state it meets.",
                    shape("", applied={"type": "boolean"}),
                ),
                "401": _problem("A bad, expired or future signature, or no secret is known."),
                "404": _problem("No such job, another worker's, or the lease is lost."),
                "413": _problem("Over 1 MiB."),
                "422": _problem("Malformed, or a key that was not issued for this attempt."),
                "503": _problem("It cannot be kept just now; send it again."),
            },
        }
    },
    "/api/v1/workers/uploads/{token}": {
        "put": {
            "operationId": "workers_upload",
            "tags": ["workers"],
            "summary": "Put up a file of an attempt.",
            "description": "Where files are kept on disk. It is there whole or not at all, and "
            "may be repeated.",
            "security": [],
            "parameters": [{"name": "token", "in": "path", "required": True, "schema": TEXT}],
            "requestBody": {
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                }
            },
            "responses": {
                "200": _answer(
                    "It is there.", shape("", storage_key=TEXT, size=NUMBER, sha256=TEXT)
                ),
                "404": _problem("Not an address that was given, or not good any more."),
                "413": _problem("Larger than any film may be."),
                "503": _problem("It cannot be kept just now; put it up again."),
            },
        }
    },
}
