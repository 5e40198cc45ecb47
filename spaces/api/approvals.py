"""Doors of what the assistant proposes: look, edit, approve, reject, one by one or all."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, Door, bodies, read_body, whole_list_answer
from genproj.kernel.api import describing as say
from genproj.runtime.answers import idempotent
from spaces import queries
from spaces.api import docs
from spaces.api.acting import VERSION, Verb
from spaces.api.answers import shown
from spaces.api.doors import SpaceDoor
from spaces.operations import approvals, standing
from spaces.permissions import Act
from spaces.queries import talk
from spaces.states import ApprovalStatus

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


class ApprovalList(SpaceDoor):
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


class ApprovalDetail(SpaceDoor):
    """One proposal."""

    @docs.look("approvals_read", "One proposal.", APPROVAL)
    def get(self, request: Request, id: UUID, approval_id: UUID) -> HttpResponse:
        """Look at it."""
        return shown(
            request, talk.approval_view(viewer=request.user, space_id=id, approval_id=approval_id)
        )


class _Verb(Verb):
    """A verb on one proposal."""

    needs = {"POST": Act.DECIDE_APPROVALS}
    shows = staticmethod(queries.approval_frame)


class ApprovalApprove(_Verb):
    """The decision that it is carried out."""

    verb, takes = staticmethod(approvals.approve), APPROVE

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
        return self.act(request, id, approval_id=approval_id)


class ApprovalReject(_Verb):
    """The decision that it is not carried out."""

    verb, takes = staticmethod(approvals.reject), REJECT

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
        return self.act(request, id, approval_id=approval_id)


class ApprovalEdit(_Verb):
    """Other arguments for it."""

    verb, takes = staticmethod(approvals.edit), EDIT

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
        return self.act(request, id, approval_id=approval_id)


class ApprovalAll(SpaceDoor):
    """The decision for many at once."""

    needs = {"POST": Act.DECIDE_APPROVALS}

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
