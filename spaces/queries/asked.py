"""What members ask for over their socket."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.assistant.models import Message
from genproj.assistant.queries import message_json, message_view
from spaces.models import Member, Space
from spaces.permissions import Role
from spaces.queries.membership import role_in
from spaces.queries.state import approvals_of

PAGE = 50


def approval_list(*, actor: User, space_id: UUID) -> dict[str, Any]:
    """What waits for a decision, and the newest of what was decided; oldest first.

    Raises:
        SpaceNotFound: there is none that `actor` can see.
    """
    role_in(viewer=actor, space_id=space_id)
    return {"approvals": approvals_of(Space.objects.get(pk=space_id))}


def chat_history(
    *, actor: User, space_id: UUID, before: UUID | None = None, limit: int = PAGE
) -> dict[str, Any]:
    """The newest messages of the space's conversation (of those before one), oldest first.

    Raises:
        SpaceNotFound: there is none that `actor` can see.
    """
    role_in(viewer=actor, space_id=space_id)
    conversation = Space.objects.values_list("conversation", flat=True).get(pk=space_id)
    found = Message.objects.filter(conversation=conversation).select_related("author")
    found = found.order_by("-created_at", "-id")
    if before is not None:
        at: datetime | None = found.filter(pk=before).values_list("created_at", flat=True).first()
        found = found.filter(created_at__lt=at) if at else found.none()
    messages = [message_json(message_view(message)) for message in reversed(found[:limit])]
    return {"conversation": str(conversation) if conversation else None, "messages": messages}


def roster_of(space_id: UUID) -> dict[int, Role] | None:
    """Who may be in a space just now, and as what; None when there is no such space."""
    trashed = Space.objects.filter(pk=space_id).values_list("trashed_at", flat=True)
    if not trashed:
        return None
    members = Member.objects.filter(space=space_id, user__is_active=True)
    if trashed[0]:
        members = members.filter(role=Role.OWNER)
    return {user: Role(role) for user, role in members.values_list("user", "role")}
