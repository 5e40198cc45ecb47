"""What staff do to kept deliveries: have them read again, or leave them be."""

from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F, Q

from genproj.kernel import logs, retention, rows
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Forbidden
from genproj.kernel.wake import wake
from genproj.webhooks.models import Receipt

JOB = "generations.jobs.apply_receipts"
IGNORED = "ignored"
#: outcomes of deliveries that said nothing
UNREADABLE = ("unparsable", "unknown", "failed")

log = logs.component("inbox")


@rows.atomically
def reprocess(*, actor: User, receipt_ids: Collection[UUID]) -> int:
    """Have deliveries read again. Applying is idempotent, so nothing is doubled by it.

    Returns how many will be read.
    """
    _require_staff(actor)
    count = Receipt.objects.filter(pk__in=receipt_ids).update(
        due_at=now(),
        leased_until=None,
        attempts=F("attempts") + 1,  # who reads one just now does not record it
        failures=0,
        last_error="",
        applied_at=None,
        outcome="",
    )
    wake(JOB)
    log.info("reprocessed", count=count, user=actor.pk)
    return count


@rows.atomically
def ignore(*, actor: User, receipt_ids: Collection[UUID]) -> int:
    """Leave deliveries be that nobody could read or has read yet; they stay as they came.

    Those that were applied stay applied. Returns how many were marked.
    """
    _require_staff(actor)
    unread = Q(applied_at__isnull=True) | Q(outcome__in=UNREADABLE)
    count = Receipt.objects.filter(unread, pk__in=receipt_ids).update(
        due_at=None, leased_until=None, attempts=F("attempts") + 1, outcome=IGNORED
    )
    log.info("ignored", count=count, user=actor.pk)
    return count


def _require_staff(actor: User) -> None:
    if not actor.is_staff:
        raise Forbidden


def forget_old_receipts() -> int:
    """Sweep: delete receipts that were read long ago; until then staff can have them read again.
    Unread ones stay. Returns how many."""
    oldest = after(-settings.KEEP_RECEIPTS_DAYS * 86_400)
    read = Receipt.objects.filter(due_at__isnull=True, received_at__lt=oldest)
    return retention.forget(read, by="received_at")
