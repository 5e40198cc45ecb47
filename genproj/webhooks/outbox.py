"""Owes others what happened: a delivery per listening endpoint, in the transaction of the fact."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from genproj.kernel import ids, logs, rows
from genproj.kernel.clock import now, zulu
from genproj.kernel.memory import remembered
from genproj.kernel.wake import wake
from genproj.webhooks.models import Delivery, Endpoint
from genproj.webhooks.types import TYPES

JOB = "genproj.webhooks.jobs.deliver"
MOST_BYTES = 20_000
#: what a value of a shortened payload may have
LONGEST_VALUE = 300

log = logs.component("outbox")


@rows.atomically
def owe(
    *,
    type: str,
    audience: str,
    owner_id: int | None,
    data: Mapping[str, Any],
    conversation: UUID | None = None,
) -> None:
    """Have the endpoints of an audience, and those of the owner, told of something.

    Joins the caller's transaction; sent after it is committed. A disabled endpoint's deliveries
    are held, so that whoever enables it can have all of them. `data` is thin: ids, state, links.

    Raises:
        LookupError: there is no such type of event.
    """
    if type not in TYPES:
        raise LookupError(f"No such type of event: {type}")
    heard = {audience, f"user:{owner_id}"} if owner_id else {audience}
    if not heard & audiences_listened_to():
        return
    listening = [
        endpoint
        for endpoint in _living(Endpoint.objects.filter(audience__in=heard)).order_by("pk")
        if wants(endpoint, type, conversation)
    ]
    if listening:
        moment, event = now(), new_event_id()
        body = body_of(type, data)
        Delivery.objects.bulk_create(
            delivery_of(endpoint, event=event, type=type, body=body, at=moment)
            for endpoint in listening
        )
        wake(JOB)


@remembered(1.0)
def audiences_listened_to() -> frozenset[str]:
    """The audiences that any endpoint listens to, looked up at most once a second."""
    return frozenset(_living(Endpoint.objects.all()).values_list("audience", flat=True).distinct())


def _living(endpoints: Any) -> Any:
    # a disabled endpoint is owed no longer than deliveries are kept
    recently = Q(disabled_at__gt=now() - timedelta(days=settings.KEEP_DELIVERIES_DAYS))
    return endpoints.filter(Q(enabled=True) | recently, owner__is_active=True).order_by()


def wants(endpoint: Endpoint, type: str, conversation: UUID | None) -> bool:
    """Whether an endpoint listens to this."""
    if endpoint.conversation and endpoint.conversation != conversation:
        return False
    return not endpoint.types or type in endpoint.types


def new_event_id() -> str:
    """A new `webhook-id`."""
    return f"evt_{ids.uuid7().hex}"


def delivery_of(endpoint: Endpoint, *, event: str, type: str, body: bytes, at: Any) -> Delivery:
    """A row that owes an event to an endpoint; held when that is disabled."""
    return Delivery(
        id=ids.uuid7(),
        endpoint=endpoint,
        event_id=event,
        type=type,
        body=body,
        created_at=at,
        due_at=at if endpoint.enabled else None,
    )


def body_of(type: str, data: Mapping[str, Any]) -> bytes:
    """What is sent: `{type, timestamp, data}` under 20 kB; of more data only its short values."""
    told = {"type": type, "timestamp": zulu(now()), "data": dict(data)}
    body = _encoded(told)
    if len(body) < MOST_BYTES:
        return body
    log.warning("shortened", type=type, size=len(body))
    short: dict[str, Any] = {}
    for name, value in data.items():
        if len(_encoded(value)) <= LONGEST_VALUE and len(_encoded(short)) < MOST_BYTES // 2:
            short[name] = value
    return _encoded({**told, "data": {**short, "truncated": True}})


def _encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=str).encode()
