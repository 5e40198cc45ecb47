"""Doors of variants: look, star, rate, name, place, delete; and where they came from."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, bodies, cursor_of, page_answer, read_body, size_of
from genproj.kernel.api import describing as say
from genproj.kernel.api.describing import NOTHING
from genproj.runtime.answers import idempotent
from spaces import queries
from spaces.api import docs
from spaces.api.answers import ANY_LABEL, answer, expected, shown, some
from spaces.api.assets import RATINGS, STATUSES, depth_of
from spaces.api.doors import SpaceDoor
from spaces.operations import lineage, variants
from spaces.permissions import Act

CHANGES = docs.body(
    starred={"type": "boolean"},
    rating={"enum": [*RATINGS, None], "description": "null takes it back."},
    comment={"type": "string", "maxLength": variants.LONGEST_COMMENT},
    label={"type": "string", "maxLength": variants.LONGEST_LABEL},
    position={"type": "number", "minimum": -variants.FARTHEST, "maximum": variants.FARTHEST},
)
VARIANT = docs.one_of("Variant", "The variant.")


def view_of(request: Request, id: UUID, variant_id: UUID) -> dict[str, Any]:
    """The variant as it is now."""
    return queries.variant_view(viewer=request.user, space_id=id, variant_id=variant_id)


class VariantList(SpaceDoor):
    """The variants of a space."""

    query = PAGING | {"asset", "status", "starred", "rating", "person", "batch"}

    @docs.pages(
        "variants",
        "Its variants, newest first.",
        "Variant",
        say.query("asset", "The asset's id.", kind=OpenApiTypes.UUID),
        say.query("status", enum=STATUSES),
        docs.flag("starred"),
        say.query("rating", enum=RATINGS),
        say.query("person", "The user name of who made it."),
        say.query("batch", "What was asked for at once.", kind=OpenApiTypes.UUID),
    )
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        query = request.query_params
        filters = queries.VariantFilters(
            asset=bodies.identifier(query, "asset"),
            status=bodies.choice(query, "status", STATUSES),
            starred=bodies.flag(query, "starred"),
            rating=bodies.choice(query, "rating", RATINGS),
            person=query.get("person") or None,
            batch=bodies.identifier(query, "batch"),
        )
        page = queries.variant_page(
            viewer=request.user,
            space_id=id,
            filters=filters,
            cursor=cursor_of(request),
            size=size_of(request),
        )
        return page_answer(request, page, lambda view: view)


class VariantDetail(SpaceDoor):
    """One variant."""

    needs = {"PATCH": Act.CHANGE_VARIANTS, "DELETE": Act.DELETE_VARIANTS}

    @docs.look("variants_read", "One variant.", VARIANT)
    def get(self, request: Request, id: UUID, variant_id: UUID) -> HttpResponse:
        """Look at it."""
        return shown(request, view_of(request, id, variant_id))

    @docs.act(
        "variants_change",
        "Star, rate, name or place it: what is given is changed.",
        VARIANT,
        takes=CHANGES,
        guarded=True,
    )
    def patch(self, request: Request, id: UUID, variant_id: UUID) -> Response:
        """Change it."""
        body = some(read_body(request.data, CHANGES))
        version = expected(request, view_of(request, id, variant_id))
        variant = variants.update(
            actor=request.user, space_id=id, variant_id=variant_id, version=version, **body
        )
        return answer(queries.variant_frame(variant))

    @docs.drop(
        "variants_delete",
        "Delete it; its lineage stays, what still makes it is cancelled; owners only.",
        guarded=True,
    )
    def delete(self, request: Request, id: UUID, variant_id: UUID) -> HttpResponse:
        """Delete it."""
        version = expected(request, view_of(request, id, variant_id))
        variants.delete(actor=request.user, space_id=id, variant_id=variant_id, version=version)
        return HttpResponse(status=204)


class VariantLineage(SpaceDoor):
    """Where a variant came from, and what came of it."""

    query = frozenset({"depth"})

    @docs.look(
        "variants_lineage",
        "Its ancestors and descendants; those that were removed leave their name.",
        docs.one_of("VariantLineage"),
        docs.number("depth", "Steps up and down; 1 to 10, 3 by default."),
    )
    def get(self, request: Request, id: UUID, variant_id: UUID) -> HttpResponse:
        """Look at it."""
        found = queries.lineage_of_variant(
            viewer=request.user, space_id=id, variant_id=variant_id, depth=depth_of(request)
        )
        return shown(request, found)


class LineageSever(SpaceDoor):
    """A line that no longer counts."""

    needs = {"POST": Act.SEVER_LINEAGE}
    parser_classes = ANY_LABEL

    @docs.act(
        "lineage_sever",
        "Mark a line of descent as one that no longer counts; it is kept.",
        docs.one_of("Lineage", "The line."),
    )
    @idempotent
    def post(self, request: Request, id: UUID, lineage_id: UUID) -> HttpResponse:
        """Sever it."""
        read_body(request.data or {}, NOTHING)
        line = lineage.sever(actor=request.user, space_id=id, lineage_id=lineage_id)
        return answer(queries.lineage_frame(line))
