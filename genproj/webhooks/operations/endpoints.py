"""What people do with their endpoints: make, change, rotate the secret, enable, delete."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F

from genproj.kernel import ids, logs, rows
from genproj.kernel.addresses import NotAllowed
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Invalid
from genproj.kernel.sealing import seal
from genproj.webhooks import addresses, outbox
from genproj.webhooks.errors import EndpointDisabled, EndpointNotFound, TooManyEndpoints
from genproj.webhooks.models import Delivery, Endpoint
from genproj.webhooks.operations import attempts, replaying
from genproj.webhooks.types import PING, TYPES

MOST = 50
SECRET_BYTES = 32
OVERLAP_SECONDS = 24 * 3600
#: what the owner may change
CHANGEABLE = frozenset({"url", "description", "types", "conversation", "enabled"})

log = logs.component("outbox")


@dataclass(frozen=True)
class Issued:
    """A new secret, readable this once, and its endpoint."""

    secret: str
    row: Endpoint


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def require_reachable(*, url: str) -> None:
    """Refuse an address that nothing would be delivered to. May wait for the name's address.

    Raises:
        Invalid: it is not public https, and DELIVERY_ALLOWED_HOSTS does not name its host.
    """
    try:
        addresses.require_reachable(url)
    except NotAllowed as error:
        detail = f"Nothing can be delivered there: {error}."
        raise Invalid.one("/url", "address", detail) from None


@rows.atomically
def create(
    *,
    actor: User,
    url: str,
    types: Sequence[str] = (),
    description: str = "",
    conversation: UUID | None = None,
) -> Issued:
    """An endpoint that is told what happens to the actor's things; call `require_reachable` first.

    Raises:
        TooManyEndpoints: there are fifty.
    """
    _require_types(types)
    if Endpoint.objects.filter(owner=actor).count() >= MOST:
        raise TooManyEndpoints
    secret = new_secret()
    row = Endpoint(
        id=ids.uuid7(),
        owner=actor,
        audience=f"user:{actor.pk}",
        url=url,
        types=sorted(set(types)),
        description=description,
        conversation=conversation,
        secret=seal(secret),
        created_at=now(),
    )
    row.save(force_insert=True)
    _heard_at_once()
    log.info("endpoint_created", endpoint=str(row.pk), user=actor.pk)
    return Issued(secret, row)


@rows.atomically
def change(
    *, actor: User, endpoint_id: UUID, changes: Mapping[str, Any], version: int | None = None
) -> Endpoint:
    """Change some of the fields in CHANGEABLE. `version` is what the actor believes in.

    Raises:
        EndpointNotFound: there is none that the actor may change.
    """
    row = locked(actor=actor, endpoint_id=endpoint_id)
    facts = {name: value for name, value in changes.items() if name in CHANGEABLE - {"enabled"}}
    if "types" in facts:
        _require_types(facts["types"])
        facts["types"] = sorted(set(facts["types"]))
    if facts:
        Endpoint.objects.filter(pk=row.pk).update(**facts, version=F("version") + 1)
    if changes.get("enabled") is False:
        attempts.disable(row, reason=Endpoint.Reason.OWNER)
    elif changes.get("enabled") is True:
        _enable(row, since=None)
    _heard_at_once()
    row.refresh_from_db()
    return row


@rows.atomically
def rotate(*, actor: User, endpoint_id: UUID) -> Issued:
    """A new secret. For a day deliveries are signed with the former one too."""
    row = locked(actor=actor, endpoint_id=endpoint_id)
    secret = new_secret()
    Endpoint.objects.filter(pk=row.pk).update(
        secret=seal(secret),
        previous_secret=row.secret,
        previous_until=after(OVERLAP_SECONDS),
        version=F("version") + 1,
    )
    row.refresh_from_db()
    log.info("secret_rotated", endpoint=str(row.pk), user=actor.pk)
    return Issued(secret, row)


@rows.atomically
def enable(*, actor: User, endpoint_id: UUID, replay_since: datetime | None = None) -> Endpoint:
    """Send there again. What was held is sent if it happened since `replay_since`, else given up.

    Safe to repeat.
    """
    row = locked(actor=actor, endpoint_id=endpoint_id)
    _enable(row, since=replay_since)
    row.refresh_from_db()
    return row


def _enable(row: Endpoint, *, since: datetime | None) -> None:
    changed = Endpoint.objects.filter(pk=row.pk, enabled=False).update(
        enabled=True,
        disabled_reason="",
        disabled_at=None,
        failing_since=None,
        version=F("version") + 1,
    )
    if since is not None:
        replaying.send_again(row, since=since)
    if changed:
        replaying.give_up_held(row)
        _heard_at_once()
        log.info("endpoint_enabled", endpoint=str(row.pk), since=str(since))


@rows.atomically
def delete(*, actor: User, endpoint_id: UUID) -> None:
    """Forget an endpoint with its deliveries."""
    row = locked(actor=actor, endpoint_id=endpoint_id)
    row.delete()
    _heard_at_once()
    log.info("endpoint_deleted", endpoint=str(endpoint_id), user=actor.pk)


@rows.atomically
def ping(*, actor: User, endpoint_id: UUID) -> Delivery:
    """Owe the endpoint a `ping`, whatever it listens to.

    Raises:
        EndpointDisabled: nothing is sent there.
    """
    row = locked(actor=actor, endpoint_id=endpoint_id)
    if not row.enabled:
        raise EndpointDisabled
    delivery = outbox.delivery_of(
        row,
        event=outbox.new_event_id(),
        type=PING,
        body=outbox.body_of(PING, {"endpoint": str(row.pk)}),
        at=now(),
    )
    delivery.save(force_insert=True)
    replaying.wake_the_lane()
    return delivery


def locked(*, actor: User, endpoint_id: UUID) -> Endpoint:
    """The endpoint, if the actor may act on it; its row is locked where that is possible."""
    found = Endpoint.objects.select_related("owner").filter(pk=endpoint_id)
    if not actor.is_staff:
        found = found.filter(owner=actor)
    if rows.locks_rows():
        found = found.select_for_update(no_key=True, of=("self",))
    row = found.first()
    if row is None:
        raise EndpointNotFound
    return row


def _require_types(types: Sequence[str]) -> None:
    if problems := [
        {"pointer": f"/types/{place}", "code": "choice", "detail": "There is no such event."}
        for place, name in enumerate(types)
        if name not in TYPES
    ]:
        raise Invalid(problems)


def _heard_at_once() -> None:
    rows.after_commit(outbox.audiences_listened_to.forget)  # type: ignore[attr-defined]
