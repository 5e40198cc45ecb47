"""What the outside may ask about the installation itself: /healthz, /readyz, /metrics."""

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from generations.queries import measures
from genproj.accounts.authentication import user_of_request
from genproj.kernel import draining, figures, storage
from genproj.kernel.clock import after
from genproj.kernel.storage import StorageFailure
from genproj.runtime import queries as runtime
from genproj.runtime.breakers import State, known, state_of
from videos.queries import measures as films

#: A pulse comes at least each third of SILENCE_SECONDS; some slack for a busy database.
SLACK_SECONDS = 5


@csrf_exempt
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at. 503 once it has been asked to end."""
    if draining.has_begun():
        return JsonResponse({"ok": False, "why": "draining"}, status=503)
    return JsonResponse({"ok": True})


@csrf_exempt
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether work that is accepted now will be done: each part by name, and why not."""
    parts = {name: _judge(check) for name, check in CHECKS.items()}
    ok = all(part["ok"] for part in parts.values())
    return JsonResponse({"ok": ok, **parts}, status=200 if ok else 503)


def _judge(check: Callable[[], str | None]) -> dict[str, Any]:
    why: str | None
    try:
        why = check()
    except (DatabaseError, StorageFailure, OSError) as error:
        why = type(error).__name__  # the words of a driver may hold addresses and names
    return {"ok": True} if why is None else {"ok": False, "why": why}


def _database() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return None


def _storage() -> str | None:
    storage.check()
    return None


def _queue() -> str | None:
    if settings.REDIS_URL:
        import redis

        try:
            with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
                client.ping()
        except redis.RedisError as error:
            return type(error).__name__
        return None
    apps.get_model("django_q", "OrmQ")._default_manager.exists()
    return None


def _worker() -> str | None:
    if runtime.live_workers(since=after(-settings.SILENCE_SECONDS - SLACK_SECONDS)):
        return None
    return f"No worker has shown itself for {settings.SILENCE_SECONDS} s."


OPENNESS = {State.CLOSED: 0.0, State.HALF_OPEN: 0.5, State.OPEN: 1.0}
CHECKS = {"database": _database, "storage": _storage, "queue": _queue, "worker": _worker}


@csrf_exempt
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text for staff or the bearer of METRICS_TOKEN; for others there is nothing."""
    if not _may_measure(request):
        raise Http404
    registry: CollectorRegistry = REGISTRY
    if os.environ.get(figures.FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    rows_registry = CollectorRegistry()
    rows_registry.register(_Rows())
    body = generate_latest(registry) + generate_latest(rows_registry)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def _may_measure(request: HttpRequest) -> bool:
    word, _, token = request.headers.get("Authorization", "").partition(" ")
    given, ours = token.strip(), settings.METRICS_TOKEN
    if ours and word.lower() == "bearer" and constant_time_compare(given, ours):
        return True
    user = user_of_request(request)
    return user is not None and user.is_staff


class _Rows(Collector):
    """Figures that live in rows: read when somebody asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with contextlib.suppress(DatabaseError):
            yield from self._collect()

    def _collect(self) -> Iterator[GaugeMetricFamily]:
        alive = runtime.live_workers(since=after(-settings.SILENCE_SECONDS - SLACK_SECONDS))
        yield GaugeMetricFamily("genproj_live_workers", "Workers that show life.", value=alive)
        breakers = GaugeMetricFamily(
            "genproj_breaker_open", "Left alone: 1; being tried: 0.5.", labels=["target"]
        )
        for target, row in known().items():
            breakers.add_metric([target], OPENNESS[state_of(row)])
        yield breakers
        for measure in chain(measures.all_measures(), films.all_measures()):
            family = GaugeMetricFamily(measure.name, measure.help, labels=measure.labels)
            for labels, value in measure.values.items():
                family.add_metric(labels, value)
            yield family
