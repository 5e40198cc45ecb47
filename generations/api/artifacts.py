"""Doors of artifacts: look, bring in, mark, throw away, take back."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from generations import queries
from generations.api import docs
from generations.api.filters import artifact_filters
from generations.operations import asking, keeping
from generations.queries import ArtifactView, artifact_json
from genproj.kernel.api import (
    PAGING,
    Door,
    cursor_of,
    page_answer,
    read_body,
    require_match,
    size_of,
    versioned,
)
from genproj.kernel.errors import Invalid, TooLarge
from genproj.runtime.answers import answered, idempotent

#: what a multipart body has beside its file
OVERHEAD = 2**20

CHANGES: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "starred": {"type": "boolean"},
        "tags": {name: value for name, value in asking.TAGS.items() if name != "default"},
    },
}
UPLOAD: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["file"],
    "properties": {"file": {}, "tags": asking.TAGS},
}


def answer(request: Request, view: ArtifactView, *, status: int = 200) -> Response:
    """One artifact with its version."""
    body = artifact_json(view)
    headers = {"ETag": f'"{queries.artifact_version(view)}"'}
    if status == 201:
        headers["Location"] = body["urls"]["self"]
    return Response(body, status=status, headers=headers)


class ArtifactList(Door):
    """All artifacts that one may see, newest first; and the door for one's own files."""

    parser_classes = (MultiPartParser,)
    query = PAGING | {
        *("state", "model", "provider", "kind", "tag", "q"),
        *("created_after", "created_before", "has_artifacts", "owner", "trashed"),
        *("starred", "orientation", "generation"),
    }

    @docs.ARTIFACT_LIST
    def get(self, request: Request) -> Response:
        """A page."""
        page = queries.artifact_page(
            viewer=request.user,
            filters=artifact_filters(request),
            cursor=cursor_of(request),
            size=size_of(request),
        )
        return page_answer(request, page, artifact_json)

    @docs.ARTIFACT_UPLOAD
    def post(self, request: Request) -> HttpResponse:
        """Bring in a file."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.MAX_UPLOAD_BYTES + OVERHEAD:
            raise TooLarge  # before a byte of it is read

        def prepare() -> tuple[keeping.StoredUpload, list[str]]:
            if len(request.FILES.getlist("file")) > 1:
                raise Invalid.one("/file", "too_many", "One file at a time.")
            body = {
                name: values if name == "tags" else values[0]
                for name, values in (request.data.lists() if hasattr(request.data, "lists") else ())
                if name != "file"
            }
            file = request.FILES.get("file")
            body = read_body(body | ({"file": file} if file else {}), UPLOAD)
            if body["file"].size > settings.MAX_UPLOAD_BYTES:
                raise TooLarge
            stored = keeping.store_upload(file=body["file"], filename=body["file"].name or "")
            return stored, body["tags"]

        def act(upload: tuple[keeping.StoredUpload, list[str]]) -> Response:
            stored, tags = upload
            audience = f"user:{request.user.pk}"
            entry = keeping.record_upload(stored, actor=request.user, audience=audience, tags=tags)
            generation = queries.generation_view(viewer=request.user, id=entry.pk)
            artifact = generation.outputs[0].artifact or ""
            return answer(
                request, queries.artifact_view(viewer=request.user, id=artifact), status=201
            )

        return answered(request, prepare=prepare, act=act)


class ArtifactDetail(Door):
    """One artifact."""

    @docs.ARTIFACT_DETAIL
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Look at it."""
        view = queries.artifact_view(viewer=request.user, id=id)
        return versioned(request, queries.artifact_version(view), lambda: artifact_json(view))

    @docs.ARTIFACT_CHANGE
    def patch(self, request: Request, id: UUID) -> Response:
        """Star it, unstar it, or set its tags."""
        body = read_body(request.data, CHANGES)
        view = queries.artifact_view(viewer=request.user, id=id)
        require_match(request, queries.artifact_version(view))
        keeping.mark_artifact(
            actor=request.user,
            artifact_id=id,
            starred=body.get("starred"),
            tags=body.get("tags"),
        )
        return answer(request, queries.artifact_view(viewer=request.user, id=id))

    @docs.ARTIFACT_DELETE
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Move it to the trash."""
        if request.headers.get("If-Match"):
            view = queries.artifact_view(viewer=request.user, id=id)
            require_match(request, queries.artifact_version(view))
        keeping.trash_artifact(actor=request.user, artifact_id=id)
        return HttpResponse(status=204)


class ArtifactRestore(Door):
    """Take it out of the trash."""

    parser_classes = (JSONParser, FormParser, MultiPartParser)

    @docs.ARTIFACT_RESTORE
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Restore it."""
        keeping.restore_artifact(actor=request.user, artifact_id=id)
        return answer(request, queries.artifact_view(viewer=request.user, id=id))
