"""What doors read of endpoints and of what is owed to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from genproj.kernel import paging
from genproj.kernel.clock import zulu
from genproj.kernel.memory import remembered
from genproj.kernel.paging import Cursor
from genproj.webhooks.errors import DeliveryNotFound, EndpointNotFound
from genproj.webhooks.models import Attempt, Delivery, Endpoint

API = "/api/v1/webhook-endpoints"
MOST_ATTEMPTS = 100

#: what a delivery is, by what its row says
STATES = {
    "pending": Q(due_at__isnull=False),
    "held": Q(due_at__isnull=True, delivered_at__isnull=True, dead_at__isnull=True),
    "delivered": Q(due_at__isnull=True, delivered_at__isnull=False),
    "dead": Q(due_at__isnull=True, dead_at__isnull=False),
}


@dataclass(frozen=True)
class Page:
    """One page and the cursors of its neighbours."""

    results: Sequence[Any]
    next: str | None
    previous: str | None


def endpoints_of(viewer: User, *, mine: bool = False) -> "QuerySet[Endpoint]":
    """Those that a person may see: their own, staff all."""
    found = Endpoint.objects.select_related("owner")
    return found if viewer.is_staff and not mine else found.filter(owner=viewer)


def endpoint_page(*, viewer: User, mine: bool, cursor: Cursor | None, size: int) -> Page:
    """A page of endpoints, newest first."""
    return _page(endpoints_of(viewer, mine=mine), cursor, size)


def endpoint(*, viewer: User, id: UUID) -> Endpoint:
    """One endpoint.

    Raises:
        EndpointNotFound: there is none, or it is somebody else's.
    """
    found = endpoints_of(viewer).filter(pk=id).first()
    if found is None:
        raise EndpointNotFound
    return found


def delivery_page(
    *,
    of: Endpoint,
    cursor: Cursor | None,
    size: int,
    state: str | None = None,
    type: str | None = None,
) -> Page:
    """A page of what an endpoint is or was owed, newest first."""
    found = Delivery.objects.filter(endpoint=of)
    if state:
        found = found.filter(STATES[state])
    if type:
        found = found.filter(type=type)
    page = _page(found, cursor, size)
    for delivery in page.results:
        delivery.endpoint = of
    return page


def delivery(*, of: Endpoint, id: UUID) -> Delivery:
    """One delivery.

    Raises:
        DeliveryNotFound: there is no such delivery to this endpoint.
    """
    found = Delivery.objects.filter(endpoint=of, pk=id).first()
    if found is None:
        raise DeliveryNotFound
    return found


def attempts_of(delivery: Delivery) -> list[Attempt]:
    """The newest attempts, the last one first."""
    return list(Attempt.objects.filter(delivery=delivery).order_by("-number")[:MOST_ATTEMPTS])


def counts_of(endpoint: Endpoint) -> dict[str, int]:
    """How many deliveries are in each state."""
    found = Delivery.objects.filter(endpoint=endpoint)
    return {state: found.filter(condition).count() for state, condition in STATES.items()}


def state_of(delivery: Delivery) -> str:
    """One of STATES."""
    if delivery.due_at:
        return "pending"
    if delivery.delivered_at:
        return "delivered"
    return "dead" if delivery.dead_at else "held"


@remembered(5.0)
def dead_count() -> int:
    """How many deliveries nobody tries any more."""
    return Delivery.objects.filter(dead_at__isnull=False).count()


def _page(rows: "QuerySet[Any]", cursor: Cursor | None, size: int) -> Page:
    slice = paging.merge([paging.keys(rows, cursor, size)], cursor, size)
    by_id = rows.in_bulk(slice.ids)
    results = [by_id[id] for id in slice.ids if id in by_id]
    return Page(results, slice.next, slice.previous)


# --- as the API writes them -------------------------------------------------------------------


def endpoint_json(row: Endpoint) -> dict[str, Any]:
    """An endpoint, without its secret."""
    return {
        "id": str(row.pk),
        "owner": row.owner.get_username(),
        "url": row.url,
        "description": row.description,
        "types": row.types,
        "conversation": str(row.conversation) if row.conversation else None,
        "enabled": row.enabled,
        "disabled_reason": row.disabled_reason or None,
        "disabled_at": zulu(row.disabled_at),
        "failing_since": zulu(row.failing_since),
        "previous_secret_until": zulu(row.previous_until),
        "created_at": zulu(row.created_at),
        "urls": {"self": f"{API}/{row.pk}/", "deliveries": f"{API}/{row.pk}/deliveries/"},
    }


def delivery_json(row: Delivery) -> dict[str, Any]:
    """A delivery without its attempts."""
    return {
        "id": str(row.pk),
        "endpoint": str(row.endpoint_id),
        "event": row.event_id,
        "type": row.type,
        "state": state_of(row),
        "attempt_count": row.attempts,
        "next_attempt_at": zulu(row.due_at),
        "last_error": row.last_error or None,
        "created_at": zulu(row.created_at),
        "delivered_at": zulu(row.delivered_at),
        "dead_at": zulu(row.dead_at),
        "urls": {"self": f"{API}/{row.endpoint_id}/deliveries/{row.pk}/"},
    }


def full_delivery_json(row: Delivery) -> dict[str, Any]:
    """A delivery with what was sent and what was answered."""
    tries = [attempt_json(attempt) for attempt in attempts_of(row)]
    return {**delivery_json(row), "body": bytes(row.body).decode(), "attempts": tries}


def attempt_json(row: Attempt) -> dict[str, Any]:
    """One sending and its answer."""
    return {
        "number": row.number,
        "at": zulu(row.at),
        "status": row.status or None,
        "latency_ms": row.latency_ms,
        "error": row.error or None,
        "request_headers": row.request_headers,
        "response_headers": row.response_headers,
        "response_body": row.response_body,
    }
