"""Asks to be let into a space, and decides on it. Who asks learns nothing of the space."""

from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import rows
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Invalid, InvalidTransition
from genproj.kernel.ids import uuid7
from genproj.notices.operations import notify
from spaces.errors import AccessRequestNotFound
from spaces.models import AccessRequest, Member
from spaces.operations import members
from spaces.operations.entering import entered, locked
from spaces.operations.invitations import GIVEN
from spaces.permissions import Act, Role

#: after a no, owners are not asked again at once
QUIET_SECONDS = 24 * 3600


@rows.atomically
def request(*, actor: User, space_id: UUID) -> None:
    """Ask the owners of a space, if there is one; nothing tells whether there is.

    Asked again while it is open, or soon after it was refused, it changes nothing; nor does a
    member's asking.
    """
    space = locked(space_id)
    if space is None or space.trashed_at:
        return
    known = AccessRequest.objects.filter(space=space, user=actor)
    if Member.objects.filter(space=space, user=actor).exists():
        return
    if known.filter(decided_at__isnull=True).exists():
        return
    if known.filter(decided_at__gt=after(-QUIET_SECONDS), granted_role="").exists():
        return
    AccessRequest.objects.create(id=uuid7(), space=space, user=actor, created_at=now())
    owners = Member.objects.filter(space=space, role=Role.OWNER, user__is_active=True)
    for owner in owners.select_related("user"):
        notify(
            owner=owner.user,
            kind="access.requested",
            title=f"{actor.get_username()} asks to join {space.name}",
            url=f"/spaces/{space.pk}/?tab=settings",
        )


@rows.atomically
def decide(
    *, actor: User, space_id: UUID, request_id: UUID, role: str | None = None
) -> AccessRequest:
    """Let somebody in with a role, or (None) refuse. The same decision again: no change.

    Raises:
        AccessRequestNotFound: there is none here.
        InvalidTransition: it was decided otherwise.
        Invalid: the role is not one that is given so.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.MANAGE_MEMBERS)
    found = AccessRequest.objects.filter(pk=request_id, space=here.space)
    asked = found.select_related("user", "decided_by").first()
    if asked is None:
        raise AccessRequestNotFound
    if role is not None and role not in GIVEN:
        raise Invalid.one("/role", "choice", f"Must be one of {', '.join(GIVEN)}.")
    if asked.decided_at:
        if asked.granted_role != (role or ""):
            raise InvalidTransition("It was decided already.")
        return asked
    asked.decided_at, asked.decided_by, asked.granted_role = now(), actor, role or ""
    asked.save(update_fields=["decided_at", "decided_by", "granted_role"])
    if role and not Member.objects.filter(space=here.space, user=asked.user).exists():
        members.join(here.space, user=asked.user, role=Role(role))
        title, url = f"You are now {role} of {here.space.name}", f"/spaces/{space_id}/"
        notify(owner=asked.user, kind="access.granted", title=title, url=url)
    return asked
