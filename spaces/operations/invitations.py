"""Opens doors to a space: a link that works once, or an invitation for one person by name."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Conflict, Invalid, InvalidTransition
from genproj.kernel.ids import uuid7
from genproj.notices.operations import notify
from spaces.errors import AlreadyMember, InvitationNotFound
from spaces.models import Invitation, Member
from spaces.operations import members
from spaces.operations.entering import Here, entered, locked
from spaces.permissions import Act, Role

USUAL_DAYS = 7
MOST_DAYS = 90
SECRET_BYTES = 32
#: ownership is given to somebody one knows, by transfer
GIVEN = (Role.VIEWER, Role.EDITOR)


@dataclass(frozen=True)
class Invited:
    """An invitation, and its link's secret, which is readable this once."""

    invitation: Invitation
    token: str = ""


def digest_of(token: str) -> str:
    """What is kept of a link's secret. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


@rows.atomically
def invite(
    *, actor: User, space_id: UUID, role: str, username: str = "", days: int = USUAL_DAYS
) -> Invited:
    """Invite one person by name, or whoever has the link. The same person again: no change.

    Raises:
        Invalid: no such person or role, or it would last too long.
        AlreadyMember: they are in the space.
        Conflict: they are invited with another role.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.MANAGE_MEMBERS)
    if role not in GIVEN:
        raise Invalid.one("/role", "choice", f"Must be one of {', '.join(GIVEN)}.")
    if not 1 <= days <= MOST_DAYS:
        raise Invalid.one("/expires_in_days", "max", f"Must be between 1 and {MOST_DAYS}.")
    if not username:
        token = secrets.token_urlsafe(SECRET_BYTES)
        return Invited(_open(here, role=role, days=days, user=None, token=token), token)
    person = members.person_called(username)
    if Member.objects.filter(space=here.space, user=person).exists():
        raise AlreadyMember
    if known := _open_ones(here).filter(user=person).first():
        if known.role != role:
            raise Conflict("They are invited with another role; revoke that invitation first.")
        return Invited(known)
    invitation = _open(here, role=role, days=days, user=person)
    title = f"{actor.get_username()} invites you to {here.space.name}"
    notify(owner=person, kind="invitation.created", title=title, url="/spaces/")
    return Invited(invitation)


def _open_ones(here: Here) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        space=here.space,
        revoked_at__isnull=True,
        accepted_at__isnull=True,
        expires_at__gt=now(),
    )


def _open(here: Here, *, role: str, days: int, user: User | None, token: str = "") -> Invitation:
    at = now()
    return Invitation.objects.create(
        id=uuid7(),
        space=here.space,
        role=role,
        user=user,
        token_hash=digest_of(token) if token else "",
        created_by=here.actor,
        created_at=at,
        expires_at=at + timedelta(days=days),
    )


@rows.atomically
def revoke(*, actor: User, space_id: UUID, invitation_id: UUID) -> Invitation:
    """Close a door again; repeated it changes nothing.

    Raises:
        InvitationNotFound: there is none here.
        InvalidTransition: somebody has come in by it.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.MANAGE_MEMBERS)
    found = Invitation.objects.filter(pk=invitation_id, space=here.space)
    invitation = found.select_related("user", "created_by", "accepted_by").first()
    if invitation is None:
        raise InvitationNotFound
    if invitation.accepted_at:
        raise InvalidTransition("It was accepted; remove the member instead.")
    _close(invitation)
    return invitation


def _close(invitation: Invitation) -> None:
    if invitation.revoked_at is None:
        invitation.revoked_at = now()
        invitation.save(update_fields=["revoked_at"])


@rows.atomically
def accept_link(*, actor: User, token: str) -> Member:
    """Come in by a link. Of two people who use it at once, one comes in.

    Raises:
        InvitationNotFound: there is no such link, or it was used, revoked, or is too old.
    """
    found = Invitation.objects.filter(token_hash=digest_of(token)).exclude(token_hash="")
    return _come_in(actor, found.first())


@rows.atomically
def accept(*, actor: User, invitation_id: UUID) -> Member:
    """Come in by an invitation of one's own; repeated it changes nothing.

    Raises:
        InvitationNotFound: there is none for `actor` that can still be used.
    """
    return _come_in(actor, Invitation.objects.filter(pk=invitation_id, user=actor).first())


def _come_in(actor: User, invitation: Invitation | None) -> Member:
    """The member. Who is one already keeps their role, and uses no link up."""
    if invitation is None:
        raise InvitationNotFound
    space = locked(invitation.space_id)
    if space is None or space.trashed_at:
        raise InvitationNotFound
    invitation.refresh_from_db()  # under the space's lock: the first one wins
    known = Member.objects.filter(space=space, user=actor).select_related("user").first()
    if known is not None and invitation.accepted_by_id == actor.pk:
        return known
    if invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= now():
        raise InvitationNotFound
    if known is not None and not invitation.user_id:
        return known
    invitation.accepted_at, invitation.accepted_by = now(), actor
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    if known is not None:
        return known
    member = members.join(space, user=actor, role=Role(invitation.role))
    host = invitation.created_by
    if host is not None:
        title = f"{actor.get_username()} joined {space.name}"
        notify(owner=host, kind="invitation.accepted", title=title, url=f"/spaces/{space.pk}/")
    return member


@rows.atomically
def decline(*, actor: User, invitation_id: UUID) -> None:
    """Say no to an invitation of one's own; repeated it changes nothing.

    Raises:
        InvitationNotFound: there is none for `actor`, or it was accepted.
    """
    found = Invitation.objects.filter(pk=invitation_id, user=actor, accepted_at__isnull=True)
    invitation = found.first()
    if invitation is None:
        raise InvitationNotFound
    _close(invitation)
