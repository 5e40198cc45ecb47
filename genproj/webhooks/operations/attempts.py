"""Records what came of a sending: delivered, to be repeated, dead; and when an endpoint ends."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from pkgutil import resolve_name

from django.conf import settings
from django.db.models import F, Q

from genproj.kernel import figures, ids, leases, logs, rows
from genproj.kernel.clock import after, now
from genproj.webhooks.models import Attempt, Delivery, Endpoint

MINUTE, HOUR = 60, 3600
#: seconds from a failed attempt to the next; after the last there is none
SCHEDULE = (
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
GONE = 410
#: receivers that say so want less of us
BUSY = frozenset({429, 502, 503, 504})
#: seconds that they are left alone at least
PAUSE = 30.0
#: an endpoint that nothing got through to for so long is disabled
FAILING_DAYS = 5

log = logs.component("outbox")


@dataclass
class Outcome:
    """What came of one sending; `status` 0: no answer."""

    status: int = 0
    error: str = ""
    latency_ms: int = 0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""
    retry_after: float | None = None


@rows.atomically
def record(delivery: Delivery, *, outcome: Outcome) -> None:
    """Keep an attempt and what follows from it. Locks the endpoint, then the delivery.

    Of an attempt whose lease was lost only the fact is kept.
    """
    endpoint = _locked(delivery)
    if endpoint is None:
        return  # deleted meanwhile, with its deliveries
    Attempt.objects.bulk_create(
        [
            Attempt(
                id=ids.uuid7(),
                delivery_id=delivery.pk,
                number=delivery.attempts,
                at=now() - timedelta(milliseconds=outcome.latency_ms),
                status=outcome.status,
                latency_ms=outcome.latency_ms,
                request_headers=outcome.request_headers,
                response_headers=outcome.response_headers,
                response_body=outcome.response_body,
                error=outcome.error[:300],
            )
        ],
        ignore_conflicts=True,
    )
    delivered = 200 <= outcome.status < 300
    figures.DELIVERIES.labels(outcome="delivered" if delivered else "failed").inc()
    if delivered:
        _succeeded(delivery, endpoint)
    else:
        _failed(delivery, endpoint, outcome)


def _locked(delivery: Delivery) -> Endpoint | None:
    found = Endpoint.objects.select_related("owner").filter(pk=delivery.endpoint_id)
    if rows.locks_rows():
        found = found.select_for_update(no_key=True, of=("self",))
    return found.first()


def _succeeded(delivery: Delivery, endpoint: Endpoint) -> None:
    leases.finish(delivery, delivered_at=now(), dead_at=None)
    if endpoint.failing_since:
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None, version=F("version") + 1)


def _failed(delivery: Delivery, endpoint: Endpoint, outcome: Outcome) -> None:
    error = outcome.error or f"answered {outcome.status}"
    gone = outcome.status == GONE
    log.info("attempt_failed", delivery=str(delivery.pk), number=delivery.attempts, error=error)
    wait = next_wait(delivery.failures, status=outcome.status, retry_after=outcome.retry_after)
    if gone or not endpoint.enabled:
        leases.held(delivery).update(due_at=None, leased_until=None, last_error=error)
    elif wait is None:
        failures = F("failures") + 1
        leases.finish(delivery, dead_at=now(), failures=failures)
        Delivery.objects.filter(pk=delivery.pk).update(last_error=error)
    else:
        leases.put_off(delivery, seconds=wait, error=error)
    if outcome.retry_after or outcome.status in BUSY:
        slow_down(endpoint, seconds=max(outcome.retry_after or 0.0, PAUSE))
    if endpoint.failing_since is None:
        Endpoint.objects.filter(pk=endpoint.pk).update(
            failing_since=now(), version=F("version") + 1
        )
    if gone:
        disable(endpoint, reason=Endpoint.Reason.GONE)
    elif endpoint.failing_since and endpoint.failing_since < now() - timedelta(days=FAILING_DAYS):
        disable(endpoint, reason=Endpoint.Reason.FAILING)


def next_wait(failures: int, *, status: int = 0, retry_after: float | None = None) -> float | None:
    """Seconds to the next attempt after one more failure than `failures`; None: there is none."""
    if failures >= len(SCHEDULE):
        return None
    wait = SCHEDULE[failures] * random.uniform(0.9, 1.1)
    if status in BUSY:
        wait = max(wait, PAUSE)
    return max(wait, retry_after or 0.0)


@rows.atomically
def slow_down(endpoint: Endpoint, *, seconds: float) -> None:
    """Leave a receiver alone: what is due earlier becomes due then."""
    until = after(seconds)
    waiting = Delivery.objects.filter(endpoint=endpoint, due_at__lt=until, leased_until=None)
    waiting.update(due_at=until)


@rows.atomically
def disable(endpoint: Endpoint, *, reason: str) -> bool:
    """Send nothing more there; what is not sent yet is held. The owner is told, unless it was
    theirs to do. Returns whether it was enabled."""
    changed = Endpoint.objects.filter(pk=endpoint.pk, enabled=True).update(
        enabled=False, disabled_reason=reason, disabled_at=now(), version=F("version") + 1
    )
    if not changed:
        return False
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now())
    Delivery.objects.filter(free, endpoint=endpoint).update(due_at=None)
    log.warning("endpoint_disabled", endpoint=str(endpoint.pk), reason=reason)
    if reason != Endpoint.Reason.OWNER:
        resolve_name(settings.NOTIFY)(
            owner=endpoint.owner,
            kind="webhook_disabled",
            title=f"Nothing is sent to {endpoint.url} any more: {Endpoint.Reason(reason).label}."[
                :200
            ],
            url=f"/settings/webhooks/{endpoint.pk}/",
        )
    return True
