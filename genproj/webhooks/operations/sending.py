"""The lane that delivers: several receivers at a time, one delivery at a time to each of them."""

import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from genproj.kernel import http, leases, logs, rows, signing
from genproj.kernel.clock import now
from genproj.kernel.sealing import Unreadable, unseal
from genproj.kernel.wake import ending
from genproj.webhooks import addresses
from genproj.webhooks.models import Delivery, Endpoint
from genproj.webhooks.operations import attempts
from genproj.webhooks.operations.attempts import Outcome

#: deliveries under way at a time in one lane; no more are claimed than can be sent at once
SENDERS = 4
#: of these, those to receivers that have failed last: they may all be stuck
FOR_FAILING = 2
#: seconds between looks for more while some receivers think
LOOK_EVERY = 0.1
KEPT_BYTES = 4096
#: an answer's body is never read to its end, so its length is nobody's trouble
LIMITS = http.Limits(connect=5, read=15, total=15, max_bytes=2**60)

log = logs.component("outbox")


def deliveries_to_send() -> QuerySet[Delivery]:
    """Deliveries that are to be sent; those of disabled endpoints are held."""
    living = {"endpoint__enabled": True, "endpoint__owner__is_active": True}
    return Delivery.objects.filter(due_at__isnull=False, **living)


def deliver() -> int:
    """Send due deliveries until none is due. Returns how many were taken."""
    running: dict[Future[Outcome], Delivery] = {}
    count, extended = 0, now()
    while True:
        if len(running) < SENDERS and not ending():
            taken = _more(list(running.values()))
            running |= {_senders().submit(send, delivery): delivery for delivery in taken}
            count += len(taken)
        if not running:
            return count
        done, _ = wait(running, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
        for future in done:
            _record(running.pop(future), future)
        if (now() - extended).total_seconds() > settings.HEARTBEAT_SECONDS:
            leases.extend(list(running.values()))
            extended = now()


def _more(under_way: list[Delivery]) -> list[Delivery]:
    """Deliveries to fill the free places with: receivers that work first."""
    if not leases.due(deliveries_to_send()).exists():
        return []  # an idle look takes no write lock
    free = SENDERS - len(under_way)
    taken = claim(limit=free, failing=False)
    stuck = sum(1 for delivery in under_way if delivery.endpoint.failing_since)
    rest = min(free - len(taken), FOR_FAILING - stuck)
    return taken + (claim(limit=rest, failing=True) if rest > 0 else [])


@rows.atomically
def claim(*, limit: int, failing: bool) -> list[Delivery]:
    """The first due delivery of each of up to `limit` endpoints to which nothing is under way.

    Two that claim at once never get the same endpoint: its row is locked, and what is under way
    is looked up after that.
    """
    its = Delivery.objects.filter(endpoint=OuterRef("pk"))
    busy = Exists(its.filter(due_at__isnull=False, leased_until__gte=now()))
    first = leases.due(its).order_by("due_at", "pk")
    free = Endpoint.objects.filter(~busy, enabled=True, owner__is_active=True)
    free = free.filter(failing_since__isnull=not failing)
    free = free.annotate(first_due=Subquery(first.values("due_at")[:1]))
    free = free.filter(first_due__isnull=False).order_by("first_due")
    if rows.locks_rows():
        free = free.select_for_update(skip_locked=True, no_key=True, of=("self",))
    endpoints = {endpoint.pk: endpoint for endpoint in free[:limit]}
    still_free = Endpoint.objects.filter(~busy, pk__in=endpoints)
    firsts = still_free.annotate(first=Subquery(first.values("pk")[:1])).values("first")
    taken = leases.claim(
        Delivery.objects.filter(pk__in=list(firsts.values_list("first", flat=True))), limit=limit
    )
    for delivery in taken:
        delivery.endpoint = endpoints[delivery.endpoint_id]
    return taken


_pools: dict[int, ThreadPoolExecutor] = {}


def _senders() -> ThreadPoolExecutor:
    """This process's sending threads; kept, because each keeps its connections open."""
    if os.getpid() not in _pools:
        _pools.clear()
        _pools[os.getpid()] = ThreadPoolExecutor(2 * SENDERS, thread_name_prefix="deliver")
    return _pools[os.getpid()]


def send(delivery: Delivery) -> Outcome:
    """Send a delivery once. Touches no table."""
    outcome, began = Outcome(), time.monotonic()
    body = bytes(delivery.body)
    try:
        outcome.request_headers = signed(delivery, at=int(now().timestamp()))
        _exchange(delivery.endpoint.url, body, outcome)
    except Unreadable:
        outcome.error = "secret: it cannot be read any more; rotate it"
    except http.HttpFailure as failure:
        outcome.error = str(failure)
    outcome.latency_ms = int((time.monotonic() - began) * 1000)
    return outcome


def _exchange(url: str, body: bytes, outcome: Outcome) -> None:
    guard = addresses.guard_for(url)
    sent = {"Content-Type": "application/json", **outcome.request_headers}
    with http.opened("POST", url, data=body, headers=sent, guard=guard, limits=LIMITS) as incoming:
        outcome.status = incoming.status
        outcome.response_headers = shortened(incoming.headers)
        outcome.retry_after = http.retry_after(incoming.headers)
        outcome.response_body = _beginning(incoming)


def _beginning(incoming: http.Incoming) -> str:
    """The first 4 kB of a body; the status has come, so what ends it early is no failure."""
    read = b""
    try:
        for chunk in incoming.chunks:
            read += chunk
            if len(read) >= KEPT_BYTES:
                break
    except http.HttpFailure as failure:
        log.info("body_cut", reason=failure.reason)
    return read[:KEPT_BYTES].decode("utf-8", "replace").replace("\x00", "\ufffd")


def shortened(headers: Any) -> dict[str, str]:
    """A receiver's headers as they are kept: no cookies, none endless."""
    kept = list(headers.items())[:50]
    return {
        name[:100]: value[:500].replace("\x00", "")
        for name, value in kept
        if name.lower() != "set-cookie"
    }


def signed(delivery: Delivery, *, at: int) -> dict[str, str]:
    """The headers of Standard Webhooks for an attempt at this moment (seconds since 1970)."""
    endpoint = delivery.endpoint
    secrets = [unseal(endpoint.secret)]
    if endpoint.previous_until and endpoint.previous_until > now():
        secrets.append(unseal(endpoint.previous_secret))
    body = bytes(delivery.body)
    signatures = (signing.sign(secret, delivery.event_id, at, body) for secret in secrets)
    return {
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
    }


def _record(delivery: Delivery, future: Future[Outcome]) -> None:
    def work() -> None:
        attempts.record(delivery, outcome=future.result())

    leases.attempt(work, failed=_broken(delivery))


def _broken(delivery: Delivery) -> Callable[[BaseException], None]:
    def failed(error: BaseException) -> None:
        log.exception("delivery_broke", delivery=str(delivery.pk), error=repr(error))
        attempts.record(delivery, outcome=Outcome(error=f"broken: {type(error).__name__}"))

    return failed
