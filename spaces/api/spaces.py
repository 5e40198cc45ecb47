"""Doors of spaces: make, look, name, throw away, take back, hand over, leave."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, Door, bodies, cursor_of, page_answer, read_body, size_of
from genproj.kernel.api import describing as say
from genproj.kernel.api.describing import NOTHING
from genproj.runtime.answers import idempotent
from spaces import queries
from spaces.api import docs
from spaces.api.answers import ANY_LABEL, answer, expected, shown
from spaces.api.doors import SpaceDoor
from spaces.operations import members, spaces
from spaces.permissions import Act

NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 120, "pattern": "\\S"}
NEW = docs.body("name", name=NAME)
HEIR = docs.body("user_id", user_id={"type": "integer", "minimum": 1})
SPACE = docs.one_of("Space", "The space.")


def view_of(request: Request, id: UUID) -> dict[str, Any]:
    """The space as the caller sees it now."""
    return queries.space_view(viewer=request.user, space_id=id)


class SpaceList(Door):
    """The spaces that one is in; staff see all."""

    query = PAGING | {"q", "trashed", "member"}

    @docs.pages(
        "list",
        "The spaces that one is in, newest first.",
        "Space",
        say.query("q", "Words of the name."),
        docs.flag("trashed", "What lies in the trash instead; of those that one owns."),
        say.query("member", "`me`: one's own, for staff, who see all.", enum=["me"]),
    )
    def get(self, request: Request) -> Response:
        """A page."""
        query = request.query_params
        filters = queries.SpaceFilters(
            q=query.get("q") or None,
            trashed=bodies.flag(query, "trashed") or False,
            mine=bodies.choice(query, "member", ["me"]) is not None,
        )
        page = queries.space_page(
            viewer=request.user, filters=filters, cursor=cursor_of(request), size=size_of(request)
        )
        return page_answer(request, page, lambda view: view)

    @docs.act("create", "Make a space; one owns it.", SPACE, takes=NEW, statuses=[201])
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Make one."""
        body = read_body(request.data, NEW)
        space = spaces.create(actor=request.user, name=body["name"])
        view = view_of(request, space.pk)
        return answer(view, status=201, location=view["urls"]["self"])


class SpaceDetail(SpaceDoor):
    """One space."""

    needs = {"PATCH": Act.CHANGE_SPACE, "DELETE": Act.DELETE_SPACE}

    @docs.look("read", "One space.", SPACE)
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Look at it."""
        return shown(request, view_of(request, id))

    @docs.act("rename", "Give it another name.", SPACE, takes=NEW, guarded=True)
    def patch(self, request: Request, id: UUID) -> Response:
        """Rename it."""
        body = read_body(request.data, NEW)
        spaces.rename(
            actor=request.user, space_id=id, name=body["name"], version=_expected(request, id)
        )
        return answer(view_of(request, id))

    @docs.drop("trash", "Move it to the trash; purged after 30 days.", guarded=True)
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Throw it away; only its owners see it from then on."""
        spaces.trash(actor=request.user, space_id=id, version=_expected(request, id))
        return HttpResponse(status=204)


def _expected(request: Request, id: UUID) -> int | None:
    return expected(request, view_of(request, id))


class SpaceRestore(SpaceDoor):
    """Take it out of the trash."""

    needs = {"POST": Act.DELETE_SPACE}
    parser_classes = ANY_LABEL

    @docs.act("restore", "Take it out of the trash.", SPACE)
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Restore it."""
        read_body(request.data or {}, NOTHING)
        spaces.restore(actor=request.user, space_id=id)
        return answer(view_of(request, id))


class SpaceTransfer(SpaceDoor):
    """Hand it over."""

    needs = {"POST": Act.MANAGE_MEMBERS}

    @docs.act(
        "transfer", "Make another member its owner; one edits from then on.", SPACE, takes=HEIR
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Hand it over to a member."""
        body = read_body(request.data, HEIR)
        members.transfer(actor=request.user, space_id=id, user_id=body["user_id"])
        return answer(view_of(request, id))


class SpaceLeave(SpaceDoor):
    """Go away."""

    needs = {"POST": None}
    parser_classes = ANY_LABEL

    @docs.act("leave", "Leave it.", None, statuses=[204], s409="`last_owner`: nobody else owns it.")
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Leave it."""
        read_body(request.data or {}, NOTHING)
        members.leave(actor=request.user, space_id=id)
        return HttpResponse(status=204)
