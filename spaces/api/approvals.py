"""Doors of what the assistant proposes: look, edit, approve, reject, one by one or all."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, Door, bodies, read_body, whole_list_answer
from genproj.kernel.api import describing as say
from genproj.runtime.answers import idempotent
from spaces import queries
from spaces.api import docs
from spaces.api.answers import answer, shown
from spaces.operations import approvals, standing
from spaces.queries import talk
from spaces.states import ApprovalStatus

VERSION: dict[str, Any] = {"type": ["integer", "null"], "minimum": 1, "default": None}
APPROVE = docs.body(version=VERSION, always=standing.ALWAYS)
REJECT = docs.body(
    version=VERSION,
    reason={"type": "string", "maxLength": approvals.LONGEST_REASON, "default": ""},
)
EDIT = docs.body("arguments", arguments={"type": "object"}, version=VERSION)
ALL = docs.body(
    approval_ids={
        "type": ["array", "null"],
        "items": docs.ID,
        "maxItems": 100,
        "uniqueItems": True,
        "default": None,
    }
)
APPROVAL = docs.one_of("Approval", "The proposal.")
DECIDED = {
    "s409": "`already_decided`: `decided_by` was first.",
    "s412": "It is not at this version any more.",
}
STATUSES = [status.value for status in ApprovalStatus]


class ApprovalList(Door):
    """What was proposed in a space."""

    query = PAGING | {"status"}

    @docs.pages(
        "approvals",
        "What its assistant has proposed, newest first.",
        "Approval",
        say.query("status", enum=STATUSES),
    )
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        status = bodies.choice(request.query_params, "status", STATUSES)
        found = talk.approvals_in(viewer=request.user, space_id=id, status=status)
        return whole_list_answer(request, found, lambda view: view)


class ApprovalDetail(Door):
    """One proposal."""

    @docs.look("approvals_read", "One proposal.", APPROVAL)
    def get(self, request: Request, id: UUID, approval_id: UUID) -> HttpResponse:
        """Look at it."""
        return shown(
            request, talk.approval_view(viewer=request.user, space_id=id, approval_id=approval_id)
        )


class ApprovalApprove(Door):
    """The decision that it is carried out."""

    @docs.act(
        "approvals_approve",
        "Have it carried out as it stands; the first decision wins.",
        APPROVAL,
        takes=APPROVE,
        **DECIDED,
    )
    @idempotent
    def post(self, request: Request, id: UUID, approval_id: UUID) -> HttpResponse:
        """Approve it."""
        body = read_body(request.data, APPROVE)
        approval = approvals.approve(
            actor=request.user,
            space_id=id,
            approval_id=approval_id,
            version=body["version"],
            always=body["always"],
        )
        return answer(queries.approval_frame(approval))


class ApprovalReject(Door):
    """The decision that it is not carried out."""

    @docs.act(
        "approvals_reject",
        "Have it not carried out; the first decision wins.",
        APPROVAL,
        takes=REJECT,
        **DECIDED,
    )
    @idempotent
    def post(self, request: Request, id: UUID, approval_id: UUID) -> HttpResponse:
        """Reject it."""
        body = read_body(request.data, REJECT)
        approval = approvals.reject(
            actor=request.user,
            space_id=id,
            approval_id=approval_id,
            reason=body["reason"],
            version=body["version"],
        )
        return answer(queries.approval_frame(approval))


class ApprovalEdit(Door):
    """Other arguments for it."""

    @docs.act(
        "approvals_edit",
        "Change its arguments; it stays pending, and the original is kept.",
        APPROVAL,
        takes=EDIT,
        **DECIDED,
    )
    @idempotent
    def post(self, request: Request, id: UUID, approval_id: UUID) -> HttpResponse:
        """Edit it."""
        body = read_body(request.data, EDIT)
        approval = approvals.edit(
            actor=request.user,
            space_id=id,
            approval_id=approval_id,
            arguments=body["arguments"],
            version=body["version"],
        )
        return answer(queries.approval_frame(approval))


class ApprovalAll(Door):
    """The decision for many at once."""

    @docs.act(
        "approvals_approve_all",
        "Approve these, or all that are pending; what cannot be is listed and stops no other.",
        docs.one_of("ApprovedAll"),
        takes=ALL,
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Approve them."""
        body = read_body(request.data, ALL)
        ids = body["approval_ids"]
        done = approvals.approve_all(
            actor=request.user,
            space_id=id,
            approval_ids=None if ids is None else [UUID(one) for one in ids],
        )
        approved = [queries.approval_frame(one) for one in done["approved"]]
        return Response({"approved": approved, "refused": done["refused"]})


class MyApprovals(Door):
    """What waits for a decision in all of one's spaces."""

    query = PAGING

    @docs.pages("approvals_mine", "What waits in all of one's spaces.", "WaitingApproval")
    def get(self, request: Request) -> Response:
        """A page."""
        return whole_list_answer(request, talk.approvals_for(viewer=request.user), lambda row: row)
