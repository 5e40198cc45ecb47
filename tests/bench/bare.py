"""Bare Django views on the same server, threads and database: the ceilings of the API's rows.

`/insert/` writes one register entry. `/selects/` sends the SELECTs of a real answer, whose SQL is
read from the file BENCH_SELECTS, and answers with their rows as JSON.
"""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

_wsgi = get_wsgi_application()

from genproj.asgi import Receive, Scope, Send, send_answer, spool_body  # noqa: E402
from genproj.kernel.clock import now  # noqa: E402
from genproj.kernel.ids import uuid7  # noqa: E402
from genproj.kernel.wsgi import WsgiInThreads  # noqa: E402

_threads = WsgiInThreads(_wsgi, threads=4)


def insert(request: HttpRequest) -> HttpResponse:
    """One row, committed."""
    write_entry(json.loads(request.body))
    return JsonResponse({}, status=202)


def write_entry(wish: dict[str, Any]) -> None:
    """The row that a creation cannot do without."""
    from generations.models import RegisterEntry

    at, number = now(), uuid7()
    RegisterEntry.objects.create(
        id=number,
        kind="image",
        provider="runware",
        model=wish["model"],
        input=wish,
        expected_count=wish["count"],
        audience="user:1",
        key_prefix=f"generations/{number}",
        created_at=at,
        deadline_at=at + timedelta(seconds=300),
    )


def selects(request: HttpRequest) -> HttpResponse:
    """The rows of the same SELECTs."""
    found = []
    with connection.cursor() as cursor:
        for query in _queries():
            cursor.execute(query)
            found.append(cursor.fetchall())
    return JsonResponse({"rows": found}, json_dumps_params={"default": str})


_kept: list[str] = []


def _queries() -> list[str]:
    if not _kept:
        _kept.extend(json.loads(Path(os.environ["BENCH_SELECTS"]).read_text()))
    return _kept


def alive(request: HttpRequest) -> HttpResponse:
    """Something answers."""
    return HttpResponse()


urlpatterns = [path("insert/", insert), path("selects/", selects), path("", alive)]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The views, run as the application runs its own."""
    if scope["type"] != "http":
        return
    with await spool_body(scope, receive, limit=2**20) as body:
        await send_answer(scope, send, await _threads.answer(scope, body))
