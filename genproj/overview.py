"""The staff overview: how the whole installation stands, board by board. Only reads."""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Count, Min

from generations.operations.outages import calls_of, downloads_of
from generations.providers import PROVIDERS
from generations.queries import overview as engine
from genproj.assistant.operations.asking import MODEL
from genproj.kernel import leases
from genproj.kernel.boards import Board, Figure, counted, span
from genproj.kernel.clock import now
from genproj.runtime import breakers, signs
from genproj.runtime.breakers import STORAGE, State
from genproj.runtime.models import Breaker
from genproj.usage.operations.exporting import SERVICE
from genproj.usage.queries import standing as money
from genproj.webhooks import queries as outbox
from videos.queries import standing as films

#: lane -> (the rows that wait for it, in words; their model; the list that shows them)
LANES = {
    "apply_receipts": ("Webhooks to read", "webhooks.Receipt", "webhooks_receipt_changelist"),
    "call_providers": ("Provider calls", "generations.RegisterEntry", "generations_work"),
    "collect_outputs": ("Results to fetch", "generations.Output", "generations_work"),
    "project": ("Results to list", "generations.Projection", "generations_work"),
    "make_previews": ("Previews", "generations.Preview", "generations_work"),
    "answer_turns": ("Answers in chats", "assistant.Turn", "assistant_turn_changelist"),
    "run_queue": ("Films to begin", "videos.Job", "videos_job_changelist"),
    "run_approved": ("Approved calls", "spaces.Approval", "spaces_approval_changelist"),
    "deliver": ("Webhooks to send", "webhooks.Delivery", "webhooks_delivery_changelist"),
    "export": ("Billing lines", "usage.ExportedLine", "usage_exportedline_changelist"),
    "purge": ("Trash to empty", "generations.Trash", "generations_work"),
}
#: seconds that a due row may wait before that is news
PATIENCE = 10.0
#: words of a breaker's buttons, and its mode
ACTS = (("Keep open", "open"), ("Keep closed", "closed"), ("Leave to itself", "auto"))
CHIPS = {
    State.CLOSED: ("Closed", "done", "check"),
    State.HALF_OPEN: ("Half open", "partial", "clock"),
    State.OPEN: ("Open", "failed", "failed"),
}


def boards() -> list[Board]:
    """All boards, in reading order."""
    return [
        Board("Needs a person", (*engine.needs(), *_owed())),
        Board("Generations, last 24 hours", tuple(engine.states())),
        Board("Failures by code, last 24 hours", tuple(engine.failures()), "Nothing failed."),
        Board("Waiting, and how long", tuple(_lanes())),
        Board("Films", tuple(films.figures())),
        Board("Webhooks, last hour", tuple(engine.receipts())),
        Board("Workers and storage", tuple(_processes()), "No worker has ever run."),
        Board("Pauses and drills", tuple(_switches()), "No switch is on."),
        Board("Breakers", tuple(_breakers()), wide=True),
    ]


def _owed() -> list[Figure]:
    dead = "webhooks_delivery_changelist"
    lines = "usage_exportedline_changelist"
    budgets = money.exhausted_budgets()
    return [
        counted("Outgoing webhooks given up", outbox.dead_count(), dead, state="dead"),
        counted("Billing lines refused", money.dead_lines(), lines, state__exact="dead"),
        Figure(
            "Budgets used up",
            str(budgets),
            "partial" if budgets else "done",
            "usage_budget_changelist",
        ),
    ]


def _lanes() -> list[Figure]:
    at, figures = now(), []
    for name, label, page in LANES.values():
        rows: Any = leases.due(apps.get_model(label)._default_manager.all(), at)
        found = rows.aggregate(count=Count("pk"), oldest=Min("due_at"))
        figures.append(_lane(name, page, found["count"], found["oldest"], at))
    return figures


def _lane(name: str, page: str, count: int, oldest: datetime | None, at: datetime) -> Figure:
    if oldest is None:
        return Figure(name, "nothing due", "", page)
    wait = (at - oldest).total_seconds()
    tone = "failed" if wait > PATIENCE else ""
    return Figure(name, f"{count}, oldest {span(max(wait, 0))}", tone, page)


def _processes() -> list[Figure]:
    page, at, figures = "runtime_heartbeat_changelist", now(), []
    for beat in signs.heartbeats():
        age = (at - beat.last_at).total_seconds()
        silent = age > settings.SILENCE_SECONDS
        chip = ("Silent", "failed", "failed") if silent else ("Live", "done", "check")
        words = f"{span(max(age, 0))} ago"
        figures.append(Figure(f"{beat.kind} {beat.pid} at {beat.host}", words, "", page, chip=chip))
    if not any(figure.chip and figure.chip[0] == "Live" for figure in figures):
        figures.insert(0, Figure("Live workers", "0", "failed", page))
    why = engine.storage_trouble()
    figures.append(Figure("Storage", why or "keeps and reads", "failed" if why else "done"))
    return figures


def _switches() -> list[Figure]:
    page = "runtime_switch_changelist"
    on = ("On", "partial", "check")
    return [Figure(row.name, row.reason, "", page, chip=on) for row in signs.switches_on()]


def targets() -> list[str]:
    """Everything that has a breaker, whether it ever failed or not."""
    of_providers = [name(one) for one in PROVIDERS for name in (calls_of, downloads_of)]
    return [*of_providers, STORAGE, MODEL, SERVICE]


def _breakers() -> list[Figure]:
    known = {row.target: row for row in signs.breakers_known()}
    names = dict.fromkeys([*targets(), *known])
    return [_breaker(name, known.get(name)) for name in names]


def _breaker(target: str, row: Breaker | None) -> Figure:
    mode = row.mode if row else Breaker.Mode.AUTO
    acts = tuple((words, f"{target} {to}") for words, to in ACTS if to != mode)
    page, query = "runtime_breaker_changelist", (("q", target),)
    state = breakers.state_of(row)
    return Figure(target, _told(row, state), "", page, query, CHIPS[state], acts)


def _told(row: Breaker | None, state: State) -> str:
    if row is None:
        return ""
    parts = (
        [] if row.mode == Breaker.Mode.AUTO else [f"{Breaker.Mode(row.mode).label} {row.reason}"]
    )
    if row.failures:
        parts.append(f"{row.failures} failures in a row: {row.last_error}")
    if state is State.OPEN and row.probe_at and row.mode == Breaker.Mode.AUTO:
        left = (row.probe_at - now()).total_seconds()
        parts.append(f"tried again in {span(max(left, 0))}")
    return "; ".join(parts)
