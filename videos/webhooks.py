"""The door for workers' signed reports: who signs, what is said, whether it is news."""

import time

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from genproj.kernel import signing
from genproj.kernel.api import problem_response
from genproj.kernel.api.problems import MethodNotAllowed, Unauthenticated
from genproj.kernel.errors import Refusal, TooLarge
from genproj.kernel.figures import WEBHOOKS
from genproj.kernel.storage import StorageFailure
from videos.operations import reports, workers

SOURCE = "worker"
LARGEST = 2**20


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Answer one report. 200 means that it is committed, and says whether it changed anything."""
    try:
        applied = _applied(request)
    except (Refusal, StorageFailure, OperationalError, InterfaceError) as error:
        answer: HttpResponse = problem_response(request, error)
        outcome = str(answer.status_code)
    else:
        answer = JsonResponse({"applied": applied})
        outcome = "applied" if applied else "not_applied"
    WEBHOOKS.labels(SOURCE, outcome).inc()
    return answer


def _applied(request: HttpRequest) -> bool:
    if request.method != "POST":
        raise MethodNotAllowed(allow="POST")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > LARGEST:
        raise TooLarge  # before a byte of it is read
    body = request.body
    if len(body) > LARGEST:
        raise TooLarge
    worker_id = request.headers.get("webhook-id", "").rpartition(".")[0]
    secret = workers.secret_of(worker_id=worker_id) if worker_id else ""
    webhook_id = _signed_id(request, secret, body)
    return reports.report(
        workers.known(worker_id=worker_id), webhook_id=webhook_id, said=reports.read(body)
    )


def _signed_id(request: HttpRequest, secret: str, body: bytes) -> str:
    """The id of an authentic report; Unauthenticated for every other."""
    secrets = [secret] if secret else []
    try:
        return signing.verify(secrets, request.headers, body, now=time.time())
    except (signing.BadSignature, ValueError):  # ValueError: a secret that is none
        raise Unauthenticated from None
