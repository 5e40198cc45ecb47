"""Sends again what was not received; a replayed event keeps its `webhook-id`."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet

from genproj.kernel import logs, retention, rows
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Forbidden
from genproj.kernel.wake import wake
from genproj.webhooks.errors import DeliveryNotFound, EndpointDisabled
from genproj.webhooks.models import Delivery, Endpoint

HELD = "not sent while the endpoint was disabled"
GIVEN_UP = "given up by staff"

log = logs.component("outbox")


def wake_the_lane() -> None:
    """Tell a worker that something is to be delivered."""
    wake("genproj.webhooks.jobs.deliver")


@rows.atomically
def replay_delivery(endpoint: Endpoint, *, delivery_id: UUID) -> Delivery:
    """Send one event once more, delivered or not; its schedule begins anew.

    Raises:
        DeliveryNotFound: there is no such delivery to this endpoint.
        EndpointDisabled: nothing is sent there.
    """
    of_it = Delivery.objects.filter(endpoint=endpoint, pk=delivery_id)
    if not of_it.exists():
        raise DeliveryNotFound
    _require_enabled(endpoint)
    _due_again(of_it)
    return of_it.get()


@rows.atomically
def replay_since(
    endpoint: Endpoint, *, since: datetime, until: datetime | None = None, delivered: bool = False
) -> int:
    """Send what happened since (and until) a moment and was not received; `delivered`: that too.

    Returns how many deliveries are due again.
    """
    _require_enabled(endpoint)
    return send_again(endpoint, since=since, until=until, delivered=delivered)


@rows.atomically
def send_again(
    endpoint: Endpoint, *, since: datetime, until: datetime | None = None, delivered: bool = False
) -> int:
    """Make due again what the endpoint was owed since a moment. Returns how many."""
    found = Delivery.objects.filter(endpoint=endpoint, created_at__gte=since)
    if until is not None:
        found = found.filter(created_at__lte=until)
    if not delivered:
        found = found.filter(delivered_at__isnull=True)
    count = _due_again(found)
    log.info("replayed", endpoint=str(endpoint.pk), since=str(since), count=count)
    return count


def _due_again(found: QuerySet[Delivery]) -> int:
    """What is under way is left alone: its outcome counts."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now())
    count = found.filter(free).update(
        due_at=now(), leased_until=None, failures=0, delivered_at=None, dead_at=None
    )
    wake_the_lane()
    return count


@rows.atomically
def give_up_held(endpoint: Endpoint) -> int:
    """List as dead what was held while the endpoint was disabled."""
    held = Delivery.objects.filter(endpoint=endpoint, due_at=None, delivered_at=None, dead_at=None)
    return held.update(dead_at=now(), last_error=HELD)


def _require_enabled(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise EndpointDisabled


@rows.atomically
def try_now(*, actor: User, delivery_ids: Collection[UUID]) -> int:
    """Staff: send deliveries to enabled endpoints now. Returns how many."""
    _require_staff(actor)
    enabled = Delivery.objects.filter(pk__in=delivery_ids, endpoint__enabled=True)
    count = _due_again(Delivery.objects.filter(pk__in=list(enabled.values_list("pk", flat=True))))
    log.info("tried_now", count=count, user=actor.pk)
    return count


@rows.atomically
def give_up(*, actor: User, delivery_ids: Collection[UUID]) -> int:
    """Staff: stop trying. Returns how many were not delivered and not dead yet."""
    _require_staff(actor)
    waiting = Delivery.objects.filter(pk__in=delivery_ids, delivered_at=None, dead_at=None)
    count = waiting.update(
        due_at=None,
        leased_until=None,
        attempts=F("attempts") + 1,  # who sends one just now does not put it off
        dead_at=now(),
        last_error=GIVEN_UP,
    )
    log.info("given_up", count=count, user=actor.pk)
    return count


def _require_staff(actor: User) -> None:
    if not actor.is_staff:
        raise Forbidden


def forget_old_deliveries() -> int:
    """Sweep: delete what happened long ago and is not to be sent, with its attempts."""
    before = after(-settings.KEEP_DELIVERIES_DAYS * 86_400)
    over = Delivery.objects.filter(due_at__isnull=True, created_at__lt=before)
    return retention.forget(over, by="created_at")
