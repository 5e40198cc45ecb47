"""What doors read of a space's conversation and of what its assistant proposes."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet

from genproj.assistant import queries as talk
from genproj.kernel.paging import Cursor
from genproj.usage.queries.calls import calls_left
from spaces.errors import ApprovalNotFound
from spaces.models import Approval, Space
from spaces.permissions import Act, allows
from spaces.queries import frames
from spaces.queries.membership import role_in, role_of, space_ids_of
from spaces.states import ApprovalStatus

#: proposals that a list goes back
MOST_LISTED = 500


def chat_page(
    *, viewer: User, space_id: UUID, cursor: Cursor | None, size: int, newest: bool
) -> talk.Page:
    """A page of the conversation of the space, oldest first.

    Raises:
        SpaceNotFound: there is none that `viewer` can see.
    """
    conversation = _conversation_of(viewer, space_id)
    if conversation is None:
        return talk.Page([], None, None)
    return talk.message_page(
        viewer=viewer, conversation_id=conversation, cursor=cursor, size=size, newest=newest
    )


def chat_facts(*, viewer: User, space_id: UUID) -> dict[str, Any]:
    """What stands beside the messages: who may speak, and how often the model may still be asked
    for them today."""
    conversation = _conversation_of(viewer, space_id)
    return {
        "conversation": str(conversation) if conversation else None,
        "may_speak": allows(role_in(viewer=viewer, space_id=space_id), Act.CHAT),
        "calls_left": calls_left(owner_id=viewer.pk),
        "calls_per_day": settings.ASSISTANT_CALLS_PER_DAY,
    }


def approvals_in(
    *, viewer: User, space_id: UUID, status: str | None = None
) -> list[dict[str, Any]]:
    """The proposals of a space, newest first.

    Raises:
        SpaceNotFound: there is none that `viewer` can see.
    """
    role_in(viewer=viewer, space_id=space_id)
    found = _approvals().filter(space=space_id)
    if status:
        found = found.filter(status=status)
    return [frames.approval_frame(row) for row in found[:MOST_LISTED]]


def approval_view(*, viewer: User, space_id: UUID, approval_id: UUID) -> dict[str, Any]:
    """One proposal.

    Raises:
        SpaceNotFound, ApprovalNotFound: it is not there for `viewer`.
    """
    role_in(viewer=viewer, space_id=space_id)
    row = _approvals().filter(space=space_id, pk=approval_id).first()
    if row is None:
        raise ApprovalNotFound
    return frames.approval_frame(row)


def approvals_for(*, viewer: User) -> list[dict[str, Any]]:
    """What waits for a decision in all of one's spaces, those that expire first at the top."""
    found = _approvals().filter(
        space__in=space_ids_of(user_id=viewer.pk), status=ApprovalStatus.PENDING
    )
    rows = list(found.select_related("space").order_by("expires_at", "id")[:MOST_LISTED])
    roles = {id: role_of(user_id=viewer.pk, space_id=id) for id in {row.space_id for row in rows}}
    return [
        {
            **frames.approval_frame(row),
            "space": {"id": str(row.space_id), "name": row.space.name},
            "may_decide": allows(roles[row.space_id], Act.DECIDE_APPROVALS),
        }
        for row in rows
    ]


def _conversation_of(viewer: User, space_id: UUID) -> UUID | None:
    role_in(viewer=viewer, space_id=space_id)
    found: UUID | None = Space.objects.values_list("conversation", flat=True).get(pk=space_id)
    return found


def _approvals() -> "QuerySet[Approval]":
    return Approval.objects.select_related("requested_by", "decided_by")
