"""How the installation stands, in the figures that staff look at first."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, Q

from generations.models import Output, Projection, RegisterEntry
from generations.queries.building import state_of
from generations.queries.measures import WAITING
from genproj.kernel import leases, storage
from genproj.kernel.clock import after, now
from genproj.kernel.memory import remembered
from genproj.runtime import queries as runtime
from genproj.runtime import signs
from genproj.webhooks.models import Receipt

DAY = 86400
#: seconds that a due row may wait before that is news
PATIENCE = 10.0
FINE = ("applied", "late", "progress", "repeated", "ignored")


@dataclass(frozen=True)
class Figure:
    """One figure: `page` and `query` name the list that it counts; red ones need a person."""

    name: str
    value: str
    tone: str = ""  # done | partial | failed
    page: str = ""
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Board:
    """The figures of one subject."""

    heading: str
    figures: tuple[Figure, ...]


def overview() -> list[Board]:
    """All boards, in reading order."""
    return [
        Board("Needs a person", tuple(_needs())),
        Board("Generations, last 24 hours", tuple(_states())),
        Board("Webhooks, last hour", tuple(_receipts())),
        Board("Workers and storage", tuple(_processes())),
        Board("Oldest due work", tuple(_lags())),
    ]


def _needs() -> list[Figure]:
    register = "generations_registerentry_changelist"
    failed = Projection.objects.filter(failed_at__isnull=False, resolved_at__isnull=True).count()
    unread = Receipt.objects.filter(
        received_at__gte=after(-7 * DAY), outcome__in=("unparsable", "failed")
    ).count()
    opened = RegisterEntry.objects.filter(catalogued_at__isnull=True, completed_at__isnull=True)
    late = opened.filter(deadline_at__lt=after(-PATIENCE)).count()
    lost = Output.objects.filter(pk__gte=_first_id_since(DAY), error__code="storage_failed").count()
    return [
        _red("Failed projections", failed, "generations_projection_changelist"),
        _red("Open past their deadline", late, register, age="stuck"),
        _red("Deliveries that cannot be read", unread, "webhooks_receipt_changelist"),
        _red("Outputs that could not be stored", lost, register, error="output"),
    ]


def _red(name: str, count: int, page: str, **query: str) -> Figure:
    tone = "failed" if count else "done"
    return Figure(name, str(count), tone, page, tuple(query.items()))


def _first_id_since(seconds: float) -> UUID:
    """The smallest UUIDv7 of a moment: ids are made of the time, and the primary key is sorted."""
    return UUID(int=int(after(-seconds).timestamp() * 1000) << 80)


def _states() -> list[Figure]:
    page = "generations_registerentry_changelist"
    lately = RegisterEntry.objects.filter(pk__gte=_first_id_since(DAY)).annotate(
        stored=Count("outputs", filter=Q(outputs__stored_at__isnull=False))
    )
    counts: Counter[str] = Counter()
    for entry in lately.only("completed_at", "cancelled_at", "expected_count").iterator():
        counts[state_of(entry, entry.stored).value] += 1
    opened = RegisterEntry.objects.filter(catalogued_at__isnull=True, completed_at__isnull=True)
    oldest = opened.aggregate(at=Min("created_at"))["at"]
    figures = [Figure("Open now", str(opened.count()), "", page, (("state", "pending"),))]
    if oldest:
        seconds = (now() - oldest).total_seconds()
        figures.append(
            Figure("The oldest waits", _span(seconds), "partial" if seconds > 300 else "")
        )
    tones = {"completed": "done", "partial": "partial", "failed": "failed", "cancelled": ""}
    since = after(-DAY).strftime("%Y-%m-%d %H:%M:%S+00:00")
    for state, tone in tones.items():
        count = counts[state]
        query = (("state", state), ("created_at__gte", since))
        figures.append(Figure(state.capitalize(), str(count), tone if count else "", page, query))
    return figures


def _receipts() -> list[Figure]:
    page = "webhooks_receipt_changelist"
    lately = Receipt.objects.filter(received_at__gte=after(-3600)).order_by()
    counts = dict(lately.values_list("outcome").annotate(Count("pk")))
    waiting = Receipt.objects.filter(due_at__isnull=False).count()
    figures = [
        Figure("Received", str(sum(counts.values())), "", page),
        Figure("Waiting to be read", str(waiting), "", page, (("outcome", "waiting"),)),
    ]
    for outcome, count in sorted(counts.items()):
        if outcome:
            tone = "done" if outcome in FINE else "failed"
            query = (("outcome", outcome),)
            figures.append(Figure(outcome.capitalize(), str(count), tone, page, query))
    return figures


def _processes() -> list[Figure]:
    since = after(-settings.SILENCE_SECONDS)
    alive = runtime.live_workers(since=since)
    silent = signs.silent_workers(since=since)
    why = _storage()
    on = signs.switches_on()
    beats = "runtime_heartbeat_changelist"
    return [
        Figure("Live workers", str(alive), "done" if alive else "failed", beats),
        Figure("Silent workers, last hour", str(silent), "", beats),
        Figure("Storage", why or "keeps and reads", "failed" if why else "done"),
        Figure(
            "Switches on",
            ", ".join(on) or "none",
            "partial" if on else "",
            "runtime_switch_changelist",
            (("on__exact", "1"),) if on else (),
        ),
    ]


@remembered(10.0)
def _storage() -> str:
    """What is wrong with storage; empty when nothing is."""
    try:
        storage.check()
    except storage.StorageFailure as problem:
        return problem.cause
    return ""


def _lags() -> list[Figure]:
    at = now()
    figures = []
    for job, model in WAITING.items():
        due: Any = leases.due(model._default_manager.all(), at)
        oldest = due.aggregate(at=Min("due_at"))["at"]
        wait = (at - oldest) if oldest else timedelta(0)
        late = wait.total_seconds() > PATIENCE
        words = _span(wait.total_seconds()) if oldest else "nothing due"
        name = job.replace("_", " ").capitalize()
        figures.append(Figure(name, words, "failed" if late else "", "generations_work"))
    return figures


def _span(seconds: float) -> str:
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"
