"""Doors of workers on other machines: register, show life, take a job, get addresses, retire."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.accounts.authentication import WorkerAuthentication
from genproj.kernel.api import PAGING, Door, read_body, whole_list_answer
from genproj.kernel.api.describing import NOTHING
from genproj.kernel.clock import zulu
from genproj.kernel.errors import Forbidden, Invalid
from genproj.kernel.ids import is_uuid
from genproj.runtime.answers import idempotent
from videos.api import worker_docs as docs
from videos.operations import queue, uploads, workers
from videos.queries import workers as queries
from videos.queries.workers import worker_json
from videos.states import MAX_ATTEMPTS

#: signs of life that fit into a lease
BEATS = 3


def held_json(job: Any) -> dict[str, Any]:
    """A job as its worker is told that it still has it."""
    return {
        "job": str(job.pk),
        "video": str(job.video_id),
        "attempt": job.attempts,
        "leased_until": zulu(job.leased_until),
    }


def order_json(request: Request, order: workers.Order) -> dict[str, Any]:
    """All that a worker needs in order to make the film."""
    job, video = order.job, order.job.video
    return held_json(job) | {
        "max_attempts": MAX_ATTEMPTS,
        "generation": str(video.generation),
        "prompt": order.prompt,
        "provider": video.provider,
        "model": video.model,
        "parameters": order.parameters,
        "deadline_at": zulu(queries.deadline_of(video)),
        "heartbeat_seconds": queue.REMOTE_LEASE / BEATS,
        "uploads": uploads_json(request, job),
    }


def uploads_json(request: Request, job: Any) -> dict[str, Any]:
    """Where the files of an attempt are put."""
    base_url = request.build_absolute_uri("/").rstrip("/")
    return {
        kind: {
            "storage_key": one.storage_key,
            "method": one.method,
            "url": one.url,
            "headers": dict(one.headers),
            "expires_at": zulu(one.expires_at),
        }
        for kind, one in uploads.addresses_for(job, base_url=base_url).items()
    }


def job_ids(body: dict[str, Any]) -> list[UUID] | None:
    """The jobs that a heartbeat names; None for all."""
    given = body.get("jobs")
    wrong = [place for place, id in enumerate(given or []) if not is_uuid(id)]
    if wrong:
        words = "Must be a UUID."
        raise Invalid(
            [{"pointer": f"/jobs/{place}", "code": "format", "detail": words} for place in wrong]
        )
    return None if given is None else [UUID(id) for id in given]


class WorkerDoor(Door):
    """A door that only keys of scope `worker` open."""

    authentication_classes = (WorkerAuthentication,)
    parser_classes = (JSONParser, FormParser, MultiPartParser)


class WorkerList(Door):
    """The workers, for staff; and the door for new ones."""

    query = PAGING

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Registering takes a worker's key; looking is staff's."""
        if getattr(self.request, "method", None) == "POST":
            return [WorkerAuthentication()]
        return super().get_authenticators()

    @docs.LIST
    def get(self, request: Request) -> Response:
        """A page."""
        if not request.user.is_staff:
            raise Forbidden
        return whole_list_answer(request, queries.workers_known(), worker_json)

    @docs.REGISTER
    def post(self, request: Request) -> HttpResponse:
        """Become a worker. The secret is shown this once; a repeated answer has null instead."""
        secrets: list[str] = []

        @idempotent
        def registered(_: Any, request: Request) -> HttpResponse:
            body = read_body(request.data, docs.NEW)
            made = workers.register(actor=request.user, name=body["name"].strip())
            secrets.append(made.secret)
            view = queries.worker_view(made.worker.pk)
            location = {"Location": f"/api/v1/workers/{made.worker.pk}/"}
            return Response(worker_json(view) | {"secret": None}, status=201, headers=location)

        answer = registered(self, request)
        if secrets and isinstance(answer, Response):
            # after the answer was kept for its Idempotency-Key: a secret is never kept readable
            answer.data["secret"] = secrets[-1]
        return answer


class WorkerHeartbeat(WorkerDoor):
    """Signs of life."""

    @docs.HEARTBEAT
    def post(self, request: Request, id: str) -> Response:
        """Show one."""
        worker = workers.worker_of(actor=request.user, worker_id=id)
        held = workers.heartbeat(worker, jobs=job_ids(read_body(request.data or {}, docs.BEAT)))
        return Response({"worker": worker.pk, "jobs": [held_json(job) for job in held]})


class WorkerClaim(WorkerDoor):
    """Taking a job."""

    @docs.CLAIM
    def post(self, request: Request, id: str) -> HttpResponse:
        """Take the next one."""
        read_body(request.data or {}, NOTHING)
        order = workers.claim(workers.worker_of(actor=request.user, worker_id=id))
        if order is None:
            return HttpResponse(status=204)
        return Response(order_json(request, order))


class WorkerUploads(WorkerDoor):
    """Addresses to put files to."""

    @docs.UPLOADS
    def post(self, request: Request, id: str) -> Response:
        """Get new ones."""
        worker = workers.worker_of(actor=request.user, worker_id=id)
        body = read_body(request.data, docs.WHICH)
        if not is_uuid(body["job"]):
            raise Invalid.one("/job", "format", "Must be a UUID.")
        job = workers.held_job(worker, job_id=UUID(body["job"]))
        return Response(held_json(job) | {"uploads": uploads_json(request, job)})


class WorkerRetire(WorkerDoor):
    """The end of a worker."""

    @docs.RETIRE
    def post(self, request: Request, id: str) -> Response:
        """Retire it."""
        read_body(request.data or {}, NOTHING)
        worker = workers.worker_of(actor=request.user, worker_id=id)
        workers.retire(worker)
        return Response(worker_json(queries.worker_view(worker.pk)))
