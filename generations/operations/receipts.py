"""Applies kept webhook deliveries: which entry is meant, and what it says."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from generations import providers
from generations.models import RegisterEntry
from generations.operations import desk, naming
from generations.operations.recording import record_update, remark
from generations.providers.base import Inbound, Unparsable
from genproj.kernel import figures, leases, logs, rows
from genproj.kernel.clock import now
from genproj.kernel.ids import is_uuid
from genproj.kernel.wake import wake
from genproj.webhooks.models import Receipt

#: few enough that the transaction does not keep the door waiting for SQLite's only write lock
BATCH = 40
MOST_FAILURES = 5

log = logs.component("receipts")


def receipts_to_apply() -> QuerySet[Receipt]:
    """Deliveries nobody has read yet."""
    return Receipt.objects.filter(due_at__isnull=False)


def apply_receipts() -> int:
    """Apply a batch of receipts in one transaction; if one breaks it, each on its own."""
    taken = leases.claim(receipts_to_apply(), limit=BATCH)
    if not taken:
        return 0
    together = leases.attempt(lambda: apply_together(taken), failed=lambda reason: None)
    if not together:
        for receipt in taken:
            leases.attempt(
                lambda receipt=receipt: apply_together([receipt]), failed=_failed(receipt)
            )
    return len(taken)


def _failed(receipt: Receipt) -> Callable[[BaseException], None]:
    def failed(reason: BaseException) -> None:
        log.exception("apply_failed", receipt=str(receipt.pk), error=repr(reason))
        if receipt.failures + 1 >= MOST_FAILURES:
            leases.finish(receipt, outcome="failed")
        else:
            leases.put_off(receipt, seconds=leases.backoff(receipt.failures), error=repr(reason))

    return failed


@rows.atomically
def apply_together(taken: Sequence[Receipt]) -> None:
    """Apply receipts in the order they came, their entries locked together. Safe to repeat."""
    at = now()
    subjects = {UUID(receipt.subject) for receipt in taken if is_uuid(receipt.subject)}
    opened = desk.open_entries(subjects)
    finished: dict[tuple[str, int], list[UUID]] = {}
    for receipt in sorted(taken, key=lambda row: (row.received_at, row.pk)):
        outcome = _apply(receipt, opened, at=at)
        finished.setdefault((outcome, receipt.attempts), []).append(receipt.pk)
        figures.WEBHOOKS.labels(source=receipt.source, outcome=outcome).inc()
        log.info(
            "applied",
            receipt=str(receipt.pk),
            outcome=outcome,
            **_ids(receipt, opened),
        )
    for (outcome, attempts), keys in finished.items():
        # The fence: a receipt that another attempt has taken over is left to that one.
        Receipt.objects.filter(pk__in=keys, attempts=attempts).update(
            due_at=None, leased_until=None, last_error="", applied_at=at, outcome=outcome
        )
    desk.put_back(opened.values(), at=at)


def _ids(receipt: Receipt, opened: dict[UUID, desk.Opened]) -> dict[str, str]:
    item = opened.get(UUID(receipt.subject)) if is_uuid(receipt.subject) else None
    return naming.ids_of(item.entry) if item else {"generation": receipt.subject}


def _apply(receipt: Receipt, opened: dict[UUID, desk.Opened], *, at: datetime) -> str:
    item = opened.get(UUID(receipt.subject)) if is_uuid(receipt.subject) else None
    if item is None:
        purged = RegisterEntry.objects.filter(pk=receipt.subject, purged_at__isnull=False)
        return "discarded" if purged.exists() else "unknown"
    before = len(item.outputs)
    body = bytes(receipt.body)
    try:
        update = _inbound(receipt.source).translate(body, task=receipt.subject)
    except Unparsable as problem:
        remark(item, mark=body, issues=problem.issues, at=at)
        if not item.entry.completed_at and item.missing:
            item.change(due_at=at)  # what it meant, the provider can still tell
            wake("generations.jobs.call_providers")
        return "unparsable"
    settled = item.entry.completed_at is not None
    if update.issues:
        remark(item, mark=body, issues=list(update.issues), at=at)
        before = len(item.outputs)
    record_update(item, update=update, at=at)
    if len(item.outputs) == before:
        return "repeated" if update.outputs or update.errors else "progress"
    return "late" if settled else "applied"


def _inbound(source: str) -> Inbound:
    inbound = providers.inbound_of(source)
    if inbound is None:
        raise LookupError(f"{source} sends no webhooks.")
    return inbound
