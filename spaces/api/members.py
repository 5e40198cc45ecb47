"""Doors of who is in a space, who is invited, and who asks to be let in."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, Door, read_body, whole_list_answer
from genproj.kernel.api.describing import NOTHING
from genproj.runtime.answers import idempotent
from spaces import queries
from spaces.api import docs
from spaces.api.answers import ANY_LABEL, answer
from spaces.api.doors import SpaceDoor
from spaces.operations import access, invitations, members
from spaces.permissions import Act, Role

USERNAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 150, "pattern": "\\S"}
ROLE: dict[str, Any] = {"type": "string", "enum": [role.value for role in Role]}
GIVEN: dict[str, Any] = {"type": "string", "enum": [role.value for role in invitations.GIVEN]}
NEW_MEMBER = docs.body("username", "role", username=USERNAME, role=ROLE)
NEW_ROLE = docs.body("role", role=ROLE)
NEW_INVITATION = docs.body(
    "role",
    role=GIVEN,
    username={**USERNAME, "description": "Whom; nobody: whoever has the link, once."},
    expires_in_days={
        "type": "integer",
        "minimum": 1,
        "maximum": invitations.MOST_DAYS,
        "default": invitations.USUAL_DAYS,
    },
)
LINK = docs.body("token", token={"type": "string", "minLength": 1, "maxLength": 200})
APPROVAL = docs.body(role={**GIVEN, "default": Role.VIEWER.value})

MEMBER = docs.one_of("SpaceMember", "The member.")
LAST = "`last_owner`: nobody else owns the space."


def as_is(view: Any) -> Any:
    """What queries give is JSON already."""
    return view


class MemberList(SpaceDoor):
    """Who is in a space."""

    needs = {"POST": Act.MANAGE_MEMBERS}
    query = PAGING

    @docs.pages("members", "Who is in it, and as what.", "SpaceMember")
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        found = queries.members_of(viewer=request.user, space_id=id)
        return whole_list_answer(request, found, as_is)

    @docs.act(
        "members_add",
        "Take somebody in at once, by user name.",
        MEMBER,
        takes=NEW_MEMBER,
        statuses=[200, 201],
        s409="`already_member`: with another role.",
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Take somebody in; 200 when they are there with this role already."""
        body = read_body(request.data, NEW_MEMBER)
        before = {one["id"] for one in queries.members_of(viewer=request.user, space_id=id)}
        member = members.add(
            actor=request.user, space_id=id, username=body["username"], role=body["role"]
        )
        url = f"{request.path}{member.user_id}/"
        known = member.user_id in before
        return answer(
            queries.member_frame(member),
            status=200 if known else 201,
            location="" if known else url,
        )


class MemberDetail(SpaceDoor):
    """One member."""

    needs = {"PATCH": Act.MANAGE_MEMBERS, "DELETE": Act.MANAGE_MEMBERS}

    @docs.act("members_change", "Give a member another role.", MEMBER, takes=NEW_ROLE, s409=LAST)
    def patch(self, request: Request, id: UUID, user_id: int) -> Response:
        """Change the role."""
        body = read_body(request.data, NEW_ROLE)
        member = members.set_role(
            actor=request.user, space_id=id, user_id=user_id, role=body["role"]
        )
        return answer(queries.member_frame(member))

    @docs.drop("members_remove", "Send a member away.", s409=LAST)
    def delete(self, request: Request, id: UUID, user_id: int) -> HttpResponse:
        """Remove them."""
        members.remove(actor=request.user, space_id=id, user_id=user_id)
        return HttpResponse(status=204)


class InvitationList(SpaceDoor):
    """Doors that an owner opens."""

    needs = {"GET": Act.MANAGE_MEMBERS, "POST": Act.MANAGE_MEMBERS}
    query = PAGING

    @docs.pages("invitations", "All invitations; for owners.", "Invitation", s403="Not an owner.")
    def get(self, request: Request, id: UUID) -> Response:
        """A page, newest first."""
        found = queries.invitations_of(viewer=request.user, space_id=id)
        return whole_list_answer(request, found, as_is)

    @docs.act(
        "invitations_create",
        "Invite one person by name, or whoever has the link, which is shown this once.",
        docs.one_of("InvitationMade", "The invitation; `token` and `url` of a link."),
        takes=NEW_INVITATION,
        statuses=[201],
        s409="`already_member`, or invited with another role.",
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Invite."""
        body = read_body(request.data, NEW_INVITATION)
        made = invitations.invite(
            actor=request.user,
            space_id=id,
            role=body["role"],
            username=body.get("username", ""),
            days=body["expires_in_days"],
        )
        view = {
            **queries.invitation_json(made.invitation),
            "token": made.token or None,
            "url": f"/spaces/?invitation={made.token}" if made.token else None,
        }
        return answer(view, status=201, shown_once=("token", "url"))


class InvitationDetail(SpaceDoor):
    """One invitation."""

    needs = {"DELETE": Act.MANAGE_MEMBERS}

    @docs.drop("invitations_revoke", "Close a door again.", s409="Somebody came in by it.")
    def delete(self, request: Request, id: UUID, invitation_id: UUID) -> HttpResponse:
        """Revoke it."""
        invitations.revoke(actor=request.user, space_id=id, invitation_id=invitation_id)
        return HttpResponse(status=204)


class MyInvitations(Door):
    """What one is invited to."""

    query = PAGING

    @docs.pages("invitations_mine", "What one is invited to by name.", "InvitationOffer")
    def get(self, request: Request) -> Response:
        """A page, newest first."""
        return whole_list_answer(request, queries.invitations_for(viewer=request.user), as_is)


class InvitationAccept(Door):
    """Come in by name."""

    parser_classes = ANY_LABEL

    @docs.act("invitations_accept", "Accept an invitation of one's own.", docs.one_of("Space"))
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Accept it."""
        read_body(request.data or {}, NOTHING)
        member = invitations.accept(actor=request.user, invitation_id=id)
        return answer(queries.space_view(viewer=request.user, space_id=member.space_id))


class InvitationDecline(Door):
    """Stay away."""

    parser_classes = ANY_LABEL

    @docs.act("invitations_decline", "Decline an invitation of one's own.", statuses=[204])
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Decline it."""
        read_body(request.data or {}, NOTHING)
        invitations.decline(actor=request.user, invitation_id=id)
        return HttpResponse(status=204)


class LinkAccept(Door):
    """Come in by a link."""

    @docs.act("invitations_accept_link", "Come in by a link.", docs.one_of("Space"), takes=LINK)
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Accept it."""
        body = read_body(request.data, LINK)
        member = invitations.accept_link(actor=request.user, token=body["token"])
        return answer(queries.space_view(viewer=request.user, space_id=member.space_id))


class AccessRequestList(SpaceDoor):
    """Who asks to be let in."""

    needs = {"GET": Act.MANAGE_MEMBERS, "POST": None}
    query = PAGING

    @docs.pages(
        "access_requests",
        "Who asks to be let in; for owners.",
        "AccessRequest",
        s403="Not an owner.",
    )
    def get(self, request: Request, id: UUID) -> Response:
        """A page, newest first."""
        found = queries.requests_of(viewer=request.user, space_id=id)
        return whole_list_answer(request, found, as_is)

    @docs.act(
        "access_requests_create",
        "Ask to be let in. The answer is the same whether there is such a space or not.",
        docs.one_of("AccessAsked", "It was passed on if there is anybody to pass it on to."),
        takes=NOTHING,
        statuses=[202],
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Ask."""
        read_body(request.data or {}, NOTHING)
        access.request(actor=request.user, space_id=id)
        return Response({"status": "requested"}, status=202)


class AccessRequestApprove(SpaceDoor):
    """Let somebody in."""

    needs = {"POST": Act.MANAGE_MEMBERS}

    @docs.act(
        "access_requests_approve",
        "Let them in.",
        docs.one_of("AccessRequest"),
        takes=APPROVAL,
        s409="It was decided otherwise.",
    )
    @idempotent
    def post(self, request: Request, id: UUID, request_id: UUID) -> HttpResponse:
        """Approve it, as a viewer unless said otherwise."""
        body = read_body(request.data or {}, APPROVAL)
        asked = access.decide(
            actor=request.user, space_id=id, request_id=request_id, role=body["role"]
        )
        return answer(queries.request_json(asked))


class AccessRequestReject(SpaceDoor):
    """Leave somebody out."""

    needs = {"POST": Act.MANAGE_MEMBERS}
    parser_classes = ANY_LABEL

    @docs.act(
        "access_requests_reject",
        "Leave them out.",
        docs.one_of("AccessRequest"),
        s409="It was decided otherwise.",
    )
    @idempotent
    def post(self, request: Request, id: UUID, request_id: UUID) -> HttpResponse:
        """Reject it."""
        read_body(request.data or {}, NOTHING)
        asked = access.decide(actor=request.user, space_id=id, request_id=request_id)
        return answer(queries.request_json(asked))
