"""What doors and pages read of standing permissions."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from generations.queries import money
from genproj.kernel.clock import zulu
from spaces.models import StandingPermission
from spaces.permissions import Act, allows
from spaces.queries.frames import name_of
from spaces.queries.membership import role_in, role_of, space_ids_of

#: permissions that a page shows
MOST_SHOWN = 200


def permission_json(row: StandingPermission) -> dict[str, Any]:
    """A standing permission."""
    return {
        "id": str(row.pk),
        "tool": row.tool,
        "given_by": name_of(row.given_by),
        "conversation": str(row.conversation_id) if row.conversation_id else None,
        "ceiling": money(row.ceiling),
        "spent": money(row.spent),
        "created_at": zulu(row.created_at),
    }


def permissions_in(*, viewer: User, space_id: UUID) -> list[dict[str, Any]]:
    """Those that hold in a space, the newest first.

    Raises:
        SpaceNotFound: there is none that `viewer` can see.
    """
    role_in(viewer=viewer, space_id=space_id)
    return [permission_json(row) for row in _standing().filter(space=space_id)]


def permissions_for(*, viewer: User) -> list[dict[str, Any]]:
    """Those that hold in all of one's spaces, with where they hold and whether one may revoke
    them."""
    found = _standing().filter(space__in=space_ids_of(user_id=viewer.pk)).select_related("space")
    rows = list(found[:MOST_SHOWN])
    roles = {id: role_of(user_id=viewer.pk, space_id=id) for id in {row.space_id for row in rows}}
    return [
        {
            **permission_json(row),
            "space": {"id": str(row.space_id), "name": row.space.name},
            "words": row.tool.replace("_", " ").capitalize(),
            "left": row.ceiling - row.spent,
            "spent": row.spent,
            "ceiling": row.ceiling,
            "created_at": row.created_at,
            "may_revoke": allows(roles[row.space_id], Act.DECIDE_APPROVALS),
        }
        for row in rows
    ]


def _standing() -> "QuerySet[StandingPermission]":
    return StandingPermission.objects.filter(revoked_at=None).select_related("given_by")
