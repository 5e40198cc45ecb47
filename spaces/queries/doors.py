"""Open and used doors of a space: invitations and requests, for its owners and for the invited."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from genproj.kernel.clock import now, zulu
from spaces.models import AccessRequest, Invitation
from spaces.permissions import Act, require
from spaces.queries.frames import name_of
from spaces.queries.membership import role_in


def invitations_of(*, viewer: User, space_id: UUID) -> list[dict[str, Any]]:
    """All invitations to a space, newest first; for owners."""
    require(role_in(viewer=viewer, space_id=space_id), Act.MANAGE_MEMBERS)
    return [invitation_json(row) for row in _related(Invitation.objects.filter(space=space_id))]


def invitations_for(*, viewer: User) -> list[dict[str, Any]]:
    """What `viewer` is invited to by name and can still accept, newest first."""
    found = Invitation.objects.filter(
        user=viewer,
        revoked_at__isnull=True,
        accepted_at__isnull=True,
        expires_at__gt=now(),
        space__trashed_at__isnull=True,
    )
    return [offer_json(row) for row in _related(found).select_related("space")]


def invitation_behind(*, token_hash: str) -> dict[str, Any] | None:
    """What a link that still works invites to; None for any other."""
    found = Invitation.objects.filter(
        token_hash=token_hash,
        revoked_at__isnull=True,
        accepted_at__isnull=True,
        expires_at__gt=now(),
        space__trashed_at__isnull=True,
    )
    row = found.exclude(token_hash="").select_related("space", "created_by").first()
    return offer_json(row) if row else None


def requests_of(*, viewer: User, space_id: UUID) -> list[dict[str, Any]]:
    """Who asks to be let in and waits for an answer, newest first; for owners."""
    require(role_in(viewer=viewer, space_id=space_id), Act.MANAGE_MEMBERS)
    found = AccessRequest.objects.filter(space=space_id, decided_at__isnull=True)
    return [request_json(row) for row in found.select_related("user", "decided_by")]


def _related(found: QuerySet[Invitation]) -> QuerySet[Invitation]:
    return found.select_related("user", "created_by", "accepted_by")


def invitation_json(row: Invitation) -> dict[str, Any]:
    """An invitation, as owners see it."""
    return {
        "id": str(row.pk),
        "role": row.role,
        "username": name_of(row.user),
        "by_link": row.user_id is None,
        "status": _status(row),
        "created_by": name_of(row.created_by),
        "created_at": zulu(row.created_at),
        "expires_at": zulu(row.expires_at),
        "revoked_at": zulu(row.revoked_at),
        "accepted_at": zulu(row.accepted_at),
        "accepted_by": name_of(row.accepted_by),
    }


def _status(row: Invitation) -> str:
    if row.accepted_at:
        return "accepted"
    if row.revoked_at:
        return "revoked"
    return "open" if row.expires_at > now() else "expired"


def offer_json(row: Invitation) -> dict[str, Any]:
    """An invitation, as the invited see it."""
    return {
        "id": str(row.pk),
        "space": {"id": str(row.space_id), "name": row.space.name},
        "role": row.role,
        "invited_by": name_of(row.created_by),
        "created_at": zulu(row.created_at),
        "expires_at": zulu(row.expires_at),
    }


def request_json(row: AccessRequest) -> dict[str, Any]:
    """A request to be let in, as owners see it."""
    return {
        "id": str(row.pk),
        "username": name_of(row.user),
        "created_at": zulu(row.created_at),
        "decided_at": zulu(row.decided_at),
        "decided_by": name_of(row.decided_by),
        "granted_role": row.granted_role or None,
    }
