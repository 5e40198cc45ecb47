"""Issues, uses and revokes keys, tokens and tickets; only hashes of them are kept."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q

from genproj.accounts.errors import KeyNotFound
from genproj.accounts.models import AccessKey, SocketTicket
from genproj.accounts.scopes import ALL, SCOPES, STAFF_ONLY
from genproj.kernel import logs, rows
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Forbidden, Invalid
from genproj.kernel.memory import remembered

TOKEN_DAYS = 30
TICKET_SECONDS = 60
SECRET_BYTES = 32
#: a key's last use is written down at most this often, so that reading stays reading
NOTED_SECONDS = 60
#: a key is looked up at most this often; in another process a revoked one lives so long
REMEMBERED_SECONDS = 1.0

log = logs.component("accounts")


@dataclass(frozen=True)
class Issued:
    """A new secret, readable this once, and its row."""

    secret: str
    row: AccessKey


def digest_of(secret: str) -> str:
    """What is kept of a secret. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _issue(user: User, mark: str, **facts: object) -> Issued:
    secret = f"gp_{mark}_{secrets.token_urlsafe(SECRET_BYTES)}"
    row = AccessKey(user=user, prefix=secret[:12], digest=digest_of(secret), **facts)
    row.save(force_insert=True)
    log.info("issued", kind=row.kind, user=user.pk)
    return Issued(secret, row)


def issue_token(*, user: User) -> Issued:
    """A token of the token door: all that the person may do, for a month."""
    return _issue(
        user, "tok", kind=AccessKey.Kind.TOKEN, scopes=list(ALL), expires_at=_in(TOKEN_DAYS)
    )


def issue_key(
    *, actor: User, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> Issued:
    """A named key with chosen scopes.

    Raises:
        Forbidden: a scope that only staff may give.
        Invalid: an unknown scope, none, or an end that has passed.
    """
    problems = [
        {"pointer": f"/scopes/{place}", "code": "choice", "detail": "There is no such scope."}
        for place, scope in enumerate(scopes)
        if scope not in SCOPES
    ]
    if not scopes:
        problems.append({"pointer": "/scopes", "code": "too_few", "detail": "Name a scope."})
    if expires_at is not None and expires_at <= now():
        detail = "This moment has passed."
        problems.append({"pointer": "/expires_at", "code": "min", "detail": detail})
    if problems:
        raise Invalid(problems)
    if not actor.is_staff and STAFF_ONLY & set(scopes):
        raise Forbidden
    return _issue(
        actor,
        "key",
        kind=AccessKey.Kind.KEY,
        name=name,
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )


def _in(days: int) -> datetime:
    return now() + timedelta(days=days)


@remembered(REMEMBERED_SECONDS)
def _known(digest: str) -> AccessKey | None:
    return AccessKey.objects.select_related("user").filter(digest=digest).first()


def _key_and_owner(digest: str) -> AccessKey | None:
    """Copies, because a request may narrow what its person is allowed."""
    known = _known(digest)
    if known is None:
        return None
    row = copy(known)
    row.user = copy(known.user)
    return row


def usable(secret: str) -> AccessKey | None:
    """The key of a secret, if it may be used now; its use is noted, at most once a minute."""
    digest, moment = digest_of(secret), now()
    row = _key_and_owner(digest)
    if row is None or not hmac.compare_digest(row.digest, digest) or row.revoked_at:
        return None
    if (row.expires_at and row.expires_at <= moment) or not row.user.is_active:
        return None
    noted = moment - timedelta(seconds=NOTED_SECONDS)
    if row.last_used_at is None or row.last_used_at < noted:
        AccessKey.objects.filter(pk=row.pk).filter(
            Q(last_used_at__isnull=True) | Q(last_used_at__lt=noted)
        ).update(last_used_at=moment)
        _known.forget()  # type: ignore[attr-defined]
    return row


def revoke_key(*, actor: User, key_id: int) -> AccessKey:
    """Make a key of one's own useless for ever. Safe to repeat.

    Raises:
        KeyNotFound: there is none, or it is somebody else's.
    """
    row = AccessKey.objects.filter(pk=key_id, user=actor).first()
    if row is None:
        raise KeyNotFound
    AccessKey.objects.filter(pk=row.pk, revoked_at__isnull=True).update(revoked_at=now())
    _known.forget()  # type: ignore[attr-defined]
    row.refresh_from_db()
    log.info("revoked", kind=row.kind, user=actor.pk)
    return row


def issue_ticket(*, user: User) -> tuple[str, datetime]:
    """A right to open one socket within a minute, and when it ends."""
    ticket, expires_at = secrets.token_urlsafe(SECRET_BYTES), after(TICKET_SECONDS)
    SocketTicket.objects.create(user=user, digest=digest_of(ticket), expires_at=expires_at)
    return ticket, expires_at


def use_ticket(*, ticket: str) -> User | None:
    """The person a ticket was made for; None when it is unknown, too old, or was used.

    Of two that use it at once, one gets None.
    """
    moment = now()
    row = SocketTicket.objects.filter(digest=digest_of(ticket))
    row = row.filter(used_at__isnull=True, expires_at__gt=moment)
    with rows.atomic():
        if not row.update(used_at=moment):
            return None
        used = SocketTicket.objects.select_related("user").get(digest=digest_of(ticket))
    return used.user if used.user.is_active else None


def forget_old(*, before: datetime) -> int:
    """Delete tickets and keys that ended before a moment. Returns how many."""
    tickets, _ = SocketTicket.objects.filter(expires_at__lt=before).delete()
    ended = Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    keys, _ = AccessKey.objects.filter(ended).delete()
    return tickets + keys


#: ended keys stay listed this long, so that their owner sees what became of them
LISTED_DAYS = 30


def forget_ended_keys() -> None:
    """Sweep: delete tickets and keys that ended long ago."""
    forget_old(before=after(-LISTED_DAYS * 86_400))
