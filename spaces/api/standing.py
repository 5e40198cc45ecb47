"""Doors of what the assistant may do in a space without being asked each time."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, whole_list_answer
from spaces.api import docs
from spaces.api.doors import SpaceDoor
from spaces.operations import standing
from spaces.permissions import Act
from spaces.queries.standing import permissions_in


class StandingList(SpaceDoor):
    """The standing permissions of a space."""

    query = PAGING

    @docs.pages(
        "standing_permissions",
        "What its assistant may do without asking again, newest first.",
        "StandingPermission",
    )
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        found = permissions_in(viewer=request.user, space_id=id)
        return whole_list_answer(request, found, lambda row: row)


class StandingDetail(SpaceDoor):
    """One standing permission."""

    needs = {"DELETE": Act.DECIDE_APPROVALS}

    @docs.drop(
        "standing_permissions_revoke",
        "Have people asked again; what it has approved and is not begun yet is not carried out.",
    )
    def delete(self, request: Request, id: UUID, permission_id: UUID) -> HttpResponse:
        """Revoke it."""
        standing.revoke(actor=request.user, space_id=id, permission_id=permission_id)
        return HttpResponse(status=204)
