"""Doors through which whole spaces go out and come in."""

import io
import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel import storage
from genproj.kernel.api import Door, bodies
from genproj.kernel.api import describing as say
from genproj.kernel.archives import Member, archive
from genproj.kernel.errors import Invalid, TooLarge
from genproj.runtime.answers import answered
from spaces import queries
from spaces.api import docs
from spaces.api.doors import SpaceDoor
from spaces.operations import importing
from spaces.permissions import Act
from spaces.queries.manifest import File, export_of
from spaces.queries.training import training_of

ZIP = "application/zip"
ARCHIVE = {(200, ZIP): OpenApiResponse(OpenApiTypes.BINARY, "The archive, as it is made.")}
REFUSED = (
    "It is refused; the code of its error says why: `not_an_archive`, `manifest_missing`, "
    "`unknown_format`, `unknown_version`, `bad_manifest`, `unsafe_path`, `not_a_file`, "
    "`duplicate_name`, `encrypted`, `packing`, `bomb`, `too_many_files`, `too_large_unpacked`, "
    "`file_too_large`, `file_missing`, `unknown_file`, `wrong_size`, `wrong_checksum`, "
    "`wrong_type`, `not_media`, `damaged`; or, with its place in the manifest, what is wrong there."
)


def _packed(files: Iterable[File], **texts: bytes) -> Iterator[bytes]:
    """Texts first, then the files; nothing here asks the database."""
    first = [
        Member(name, partial(io.BytesIO, text), is_packed=False) for name, text in texts.items()
    ]
    rest = (Member(file.path, partial(storage.open_read, file.key)) for file in files)
    return archive([*first, *rest])


def _sent(parts: Iterable[bytes], *, name: str, what: str) -> HttpResponseBase:
    response = StreamingHttpResponse(parts, content_type=ZIP)
    filename = f"{slugify(name)[:60] or 'space'}-{what}.zip"
    header = content_disposition_header(as_attachment=True, filename=filename)
    response["Content-Disposition"] = header or "attachment"
    response["Cache-Control"] = "private, no-store"
    response["X-Stream"] = "1"
    return response


class SpaceExport(SpaceDoor):
    """Out, whole."""

    needs = {"GET": Act.EXPORT}
    query = frozenset({"chat"})

    @extend_schema(
        operation_id="spaces_export",
        tags=docs.TAGS,
        summary="Everything in it as an archive, its pictures as they came.",
        description="`manifest.json` comes first and tells the SHA-256 of every file. People, "
        "invitations, share links and money are not in it.",
        parameters=[docs.flag("chat", "With what was said in its chat.")],
        responses={**ARCHIVE, **say.problems(**docs.USUAL, s400=say.WRONG_QUERY)},
    )
    def get(self, request: Request, id: UUID) -> HttpResponseBase:
        """Take it away."""
        chat = bodies.flag(request.query_params, "chat") or False
        found = export_of(viewer=request.user, space_id=id, chat=chat)
        text = json.dumps(found.manifest, ensure_ascii=False, indent=1).encode()
        if len(text) > importing.LARGEST_MANIFEST:
            raise TooLarge("The space is too large for one archive.")
        parts = _packed(found.files, **{importing.MANIFEST: text})
        return _sent(parts, name=found.name, what="space")


class TrainingExport(SpaceDoor):
    """Out, to learn from."""

    needs = {"GET": Act.EXPORT}

    @extend_schema(
        operation_id="spaces_training_export",
        tags=docs.TAGS,
        summary="Approved variants with what they came from, to learn from.",
        description="`pairs.jsonl` comes first: one line `{parent, child, prompt, relation, model, "
        "asset_type, description, comment}` for each; then the pictures that it names.",
        responses={**ARCHIVE, **say.problems(**docs.USUAL)},
    )
    def get(self, request: Request, id: UUID) -> HttpResponseBase:
        """Take them away."""
        found = training_of(viewer=request.user, space_id=id)
        lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in found.lines)
        parts = _packed(found.files, **{"pairs.jsonl": lines.encode()})
        return _sent(parts, name=found.name, what="training")


class SpaceImport(Door):
    """In."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="spaces_import",
        tags=docs.TAGS,
        summary="Make a space out of an exported one; one owns it and all that is in it.",
        description="All of it or nothing. `ids` tells what each old id has become.",
        parameters=[say.ONCE],
        request={
            "multipart/form-data": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
        responses={
            201: docs.one_of("SpaceImported", "The new space."),
            **say.problems(
                s413="It is too large.", s422=REFUSED, s503="Another import runs; try again."
            ),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Bring it in."""
        unpacked: list[importing.Unpacked] = []
        made: list[importing.Imported] = []

        def act(_: None) -> Response:
            made.append(importing.settle_in(actor=request.user, unpacked=unpacked[0]))
            return _imported(request, made[-1])  # of a transaction that is repeated the last

        is_kept = False
        try:
            answer = answered(request, prepare=lambda: unpacked.append(_unpacked(request)), act=act)
            is_kept = bool(made)
        finally:
            if unpacked and not is_kept:
                importing.withdraw(unpacked=unpacked[0])
        return answer


def _imported(request: Request, made: importing.Imported) -> Response:
    view = queries.space_view(viewer=request.user, space_id=made.space.pk)
    body = {"space": view, "ids": made.ids}
    return Response(body, status=201, headers={"Location": view["urls"]["self"]})


def _unpacked(request: Request) -> importing.Unpacked:
    files: Any = request.FILES
    if strange := sorted({*request.data, *files} - {"file"}):
        raise Invalid.one(f"/{strange[0][:80]}", "unknown", "This field is not known here.")
    given = files.getlist("file")
    if len(given) != 1:
        code = "too_many" if given else "required"
        raise Invalid.one("/file", code, "Send one archive as `file`.")
    if given[0].size > settings.MAX_IMPORT_BYTES:
        raise TooLarge
    return importing.unpack(file=given[0].file)
