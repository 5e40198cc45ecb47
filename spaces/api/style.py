"""Doors of a space's style and of the words it keeps."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, read_body, whole_list_answer
from genproj.runtime.answers import idempotent
from spaces import queries
from spaces.api import docs
from spaces.api.answers import answer, expected, shown, some
from spaces.api.doors import SpaceDoor
from spaces.operations import style
from spaces.permissions import Act

DESCRIPTION: dict[str, Any] = {"type": "string", "maxLength": style.LONGEST_STYLE}
ARTIFACTS: dict[str, Any] = {
    "type": "array",
    "maxItems": style.MOST_ARTIFACTS,
    "items": docs.ID,
    "description": "Pictures of this space.",
}
ENABLED: dict[str, Any] = {"type": "boolean"}
STYLE = docs.body(
    "description",
    description=DESCRIPTION,
    artifacts={**ARTIFACTS, "default": []},
    enabled={**ENABLED, "default": True},
)
CHANGES = docs.body(description=DESCRIPTION, artifacts=ARTIFACTS, enabled=ENABLED)
NAME: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": style.LONGEST_SNIPPET_NAME,
    "pattern": "\\S",
}
TEXT: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": style.LONGEST_SNIPPET,
    "pattern": "\\S",
}
NEW_SNIPPET = docs.body("name", "text", name=NAME, text=TEXT)
SNIPPET_CHANGES = docs.body(name=NAME, text=TEXT)
ANSWER = docs.one_of("Style", "The style.")
SNIPPET = docs.one_of("Snippet", "The snippet.")


def view_of(request: Request, id: UUID) -> dict[str, Any]:
    """The style as it is now."""
    found: dict[str, Any] = queries.space_view(viewer=request.user, space_id=id)["style"]
    return found


class StyleDoor(SpaceDoor):
    """What every new picture is made to look like."""

    needs = {"PUT": Act.CHANGE_STYLE, "PATCH": Act.CHANGE_STYLE, "DELETE": Act.CHANGE_STYLE}

    @docs.look("style", "What every new picture is made to look like.", ANSWER)
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Look at it."""
        return shown(request, view_of(request, id))

    @docs.act("style_set", "Have this style.", ANSWER, takes=STYLE, guarded=True)
    def put(self, request: Request, id: UUID) -> Response:
        """Set it."""
        return _set(request, id, read_body(request.data, STYLE))

    @docs.act("style_change", "Change what is given.", ANSWER, takes=CHANGES, guarded=True)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change it; `enabled` alone switches it on or off."""
        return _set(request, id, some(read_body(request.data, CHANGES)))

    @docs.drop("style_delete", "Have none.", guarded=True)
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Delete it."""
        style.delete(actor=request.user, space_id=id, version=_expected(request, id))
        return HttpResponse(status=204)


def _set(request: Request, id: UUID, body: dict[str, Any]) -> Response:
    pictures = body.get("artifacts")
    space = style.set_style(
        actor=request.user,
        space_id=id,
        description=body.get("description"),
        artifacts=None if pictures is None else [UUID(one) for one in pictures],
        enabled=body.get("enabled"),
        version=_expected(request, id),
    )
    return answer(queries.style_json(space))


def _expected(request: Request, id: UUID) -> int | None:
    return expected(request, view_of(request, id))


class SnippetList(SpaceDoor):
    """Words that are often put into a prompt."""

    needs = {"POST": Act.CHANGE_STYLE}
    query = PAGING

    @docs.pages("snippets", "Its snippets by name.", "Snippet")
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        found = queries.snippets_of(viewer=request.user, space_id=id)
        return whole_list_answer(request, found, lambda view: view)

    @docs.act("snippets_create", "Keep words.", SNIPPET, takes=NEW_SNIPPET, statuses=[201])
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Keep some."""
        body = read_body(request.data, NEW_SNIPPET)
        snippet = style.add_snippet(
            actor=request.user, space_id=id, name=body["name"], text=body["text"]
        )
        return answer(
            queries.snippet_json(snippet), status=201, location=f"{request.path}{snippet.pk}/"
        )


class SnippetDetail(SpaceDoor):
    """One snippet."""

    needs = {"PATCH": Act.CHANGE_STYLE, "DELETE": Act.CHANGE_STYLE}

    @docs.act("snippets_change", "Change what is given.", SNIPPET, takes=SNIPPET_CHANGES)
    def patch(self, request: Request, id: UUID, snippet_id: UUID) -> Response:
        """Change it."""
        body = some(read_body(request.data, SNIPPET_CHANGES))
        snippet = style.change_snippet(
            actor=request.user,
            space_id=id,
            snippet_id=snippet_id,
            name=body.get("name"),
            text=body.get("text"),
        )
        return answer(queries.snippet_json(snippet))

    @docs.drop("snippets_delete", "Forget it.")
    def delete(self, request: Request, id: UUID, snippet_id: UUID) -> HttpResponse:
        """Delete it."""
        style.delete_snippet(actor=request.user, space_id=id, snippet_id=snippet_id)
        return HttpResponse(status=204)
