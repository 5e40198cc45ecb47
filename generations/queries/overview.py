"""How the engine stands, in the figures that staff look at first."""

from collections import Counter

from django.db.models import Count, Min, Q

from generations.models import Output, Projection, RegisterEntry
from generations.queries.building import state_of
from genproj.kernel import storage
from genproj.kernel.boards import Figure, counted, span
from genproj.kernel.clock import after, now
from genproj.kernel.ids import first_of
from genproj.kernel.memory import remembered
from genproj.webhooks.models import Receipt

DAY = 86400
#: seconds past its deadline after which an open entry is news
PATIENCE = 10.0
FINE = ("applied", "late", "progress", "repeated", "ignored")


def needs() -> list[Figure]:
    """What only a person can mend."""
    register = "generations_registerentry_changelist"
    failed = Projection.objects.filter(failed_at__isnull=False, resolved_at__isnull=True).count()
    unread = Receipt.objects.filter(
        received_at__gte=after(-7 * DAY), outcome__in=("unparsable", "failed")
    ).count()
    opened = RegisterEntry.objects.filter(catalogued_at__isnull=True, completed_at__isnull=True)
    late = opened.filter(deadline_at__lt=after(-PATIENCE)).count()
    lost = Output.objects.filter(
        pk__gte=first_of(after(-DAY)), error__code="storage_failed"
    ).count()
    return [
        counted("Failed projections", failed, "generations_projection_changelist"),
        counted("Open past their deadline", late, register, age="stuck"),
        counted("Deliveries that cannot be read", unread, "webhooks_receipt_changelist"),
        counted("Outputs that could not be stored", lost, register, error="output"),
    ]


@remembered(2.0)
def states() -> list[Figure]:
    """What is open, and what became of the last day's generations."""
    page = "generations_registerentry_changelist"
    lately = RegisterEntry.objects.filter(pk__gte=first_of(after(-DAY))).annotate(
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
            Figure("The oldest waits", span(seconds), "partial" if seconds > 300 else "")
        )
    tones = {"completed": "done", "partial": "partial", "failed": "failed", "cancelled": ""}
    since = after(-DAY).strftime("%Y-%m-%d %H:%M:%S+00:00")
    for state, tone in tones.items():
        count = counts[state]
        query = (("state", state), ("created_at__gte", since))
        figures.append(Figure(state.capitalize(), str(count), tone if count else "", page, query))
    return figures


def receipts() -> list[Figure]:
    """What providers have sent in the last hour, and what was made of it."""
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


@remembered(5.0)
def failures() -> list[Figure]:
    """What went wrong in the last 24 hours, by code: of whole generations and of single outputs."""
    page = "generations_registerentry_changelist"
    found: Counter[str] = Counter()
    for model in (RegisterEntry, Output):
        wrong = model._default_manager.filter(pk__gte=first_of(after(-DAY)), error__isnull=False)
        codes = wrong.order_by().values_list("error__code").annotate(Count("pk"))
        for code, count in codes:
            found[str(code)] += count
    query = (("state", "failed"),)
    return [Figure(code, str(count), "", page, query) for code, count in found.most_common()]


@remembered(10.0)
def storage_trouble() -> str:
    """What is wrong with storage; empty when nothing is."""
    try:
        storage.check()
    except storage.StorageFailure as problem:
        return problem.cause
    return ""
