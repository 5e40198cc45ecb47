"""Figures of the engine that are read off its rows when somebody looks at /metrics."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Min, Q

from generations.models import Output, Preview, Projection, RegisterEntry, Trash
from generations.states import Facts, derive_state
from genproj.kernel import leases
from genproj.kernel.clock import now
from genproj.webhooks.models import Receipt

#: job -> the rows that wait for it.
WAITING = {
    "apply_receipts": Receipt,
    "project": Projection,
    "call_providers": RegisterEntry,
    "collect_outputs": Output,
    "make_previews": Preview,
    "purge": Trash,
}
#: Upper ends of the ages that open generations are counted by, in seconds.
AGES = (10, 60, 300, 1200)


@dataclass(frozen=True)
class Measure:
    """One gauge: its values by the values of its labels."""

    name: str
    help: str
    labels: Sequence[str]
    values: Mapping[tuple[str, ...], float]


def all_measures() -> Iterator[Measure]:
    """Everything that rows tell, one query or a few each."""
    yield _lag()
    yield _open_by_age()
    yield _settled_lately()
    failed = (
        Projection.objects.filter(failed_at__isnull=False, done_at__isnull=True)
        .filter(resolved_at__isnull=True)
        .values_list("projector")
        .annotate(Count("id"))
        .order_by()
    )
    yield Measure(
        "genproj_projections_failed",
        "Failed projections that wait for a person.",
        ["projector"],
        {(projector,): count for projector, count in failed},
    )
    yield Measure(
        "genproj_receipts_unapplied",
        "Deliveries kept and not yet read.",
        [],
        {(): Receipt.objects.filter(due_at__isnull=False).count()},
    )


def _lag() -> Measure:
    at = now()
    values: dict[tuple[str, ...], float] = {}
    for job, model in WAITING.items():
        oldest = leases.due(model._default_manager.all(), at).aggregate(at=Min("due_at"))["at"]
        values[(job,)] = (at - oldest).total_seconds() if oldest else 0.0
    return Measure(
        "genproj_queue_lag_seconds", "How long the oldest due row has waited.", ["job"], values
    )


def _open_by_age() -> Measure:
    at = now()
    edges = (0, *AGES)
    values: dict[tuple[str, ...], float] = {}
    opened = RegisterEntry.objects.filter(catalogued_at__isnull=True, completed_at__isnull=True)
    for youngest, oldest in zip(edges, (*AGES, None), strict=True):
        within = opened.filter(created_at__lte=at - timedelta(seconds=youngest))
        if oldest is not None:
            within = within.filter(created_at__gt=at - timedelta(seconds=oldest))
        name = f"{youngest}-{oldest}" if oldest is not None else f"{youngest}+"
        values[(name,)] = within.count()
    return Measure("genproj_open", "Open generations, by age in seconds.", ["age"], values)


def _settled_lately() -> Measure:
    since = now() - timedelta(hours=1)
    # Ids carry their time; created_at bounds the scan, as no generation stays open for a day.
    rows = (
        RegisterEntry.objects.filter(completed_at__gte=since)
        .filter(created_at__gte=since - timedelta(days=1))
        .annotate(stored=Count("outputs", filter=Q(outputs__stored_at__isnull=False)))
        .values_list("kind", "completed_at", "cancelled_at", "stored", "expected_count")
        .order_by()
    )
    counts: Counter[tuple[str, ...]] = Counter()
    for kind, completed_at, cancelled_at, stored, expected in rows.iterator():
        state = derive_state(
            Facts(
                completed_at=completed_at,
                cancelled_at=cancelled_at,
                success_count=stored,
                expected_count=expected,
            )
        )
        counts[kind, str(state)] += 1
    return Measure(
        "genproj_settled_last_hour",
        "Generations settled within the last hour.",
        ["kind", "state"],
        dict(counts),
    )
