"""Doors of assets: make, look, change, delete, and the tree they lie in."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import (
    PAGING,
    bodies,
    cursor_of,
    page_answer,
    read_body,
    size_of,
    whole_list_answer,
)
from genproj.kernel.api import describing as say
from genproj.runtime.answers import idempotent
from spaces import queries
from spaces.api import docs
from spaces.api.acting import given
from spaces.api.answers import answer, expected, shown, some
from spaces.api.doors import SpaceDoor
from spaces.operations import assets
from spaces.permissions import Act
from spaces.states import Rating, VariantStatus

NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 120, "pattern": "\\S"}
TYPE: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "\\S"}
PARENT: dict[str, Any] = {**docs.ID, "type": ["string", "null"]}
TAGS: dict[str, Any] = {
    "type": "array",
    "maxItems": 20,
    "items": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "\\S"},
}
NEW = docs.body(
    "name",
    "asset_type",
    name=NAME,
    asset_type=TYPE,
    parent_asset_id={**PARENT, "default": None},
    tags={**TAGS, "default": []},
)
CHANGES = docs.body(name=NAME, asset_type=TYPE, parent_asset_id=PARENT, tags=TAGS)
ACTIVE = docs.body("variant_id", variant_id=docs.ID)
ASSET = docs.one_of("Asset", "The asset.")
FILTERS = frozenset({"tag", "type", "person", "starred", "status", "rating", "q", "parent"})
STATUSES = [status.value for status in VariantStatus]
RATINGS = [rating.value for rating in Rating]


def view_of(request: Request, id: UUID, asset_id: UUID) -> dict[str, Any]:
    """The asset as it is now."""
    return queries.asset_view(viewer=request.user, space_id=id, asset_id=asset_id)


def page_of_assets(request: Request, id: UUID, filters: queries.AssetFilters) -> Response:
    """A page of assets."""
    page = queries.asset_page(
        viewer=request.user,
        space_id=id,
        filters=filters,
        cursor=cursor_of(request),
        size=size_of(request),
    )
    return page_answer(request, page, lambda view: view)


def depth_of(request: Request) -> int:
    """How far a graph reaches."""
    return bodies.number(
        request.query_params, "depth", default=queries.USUAL_DEPTH, most=queries.MOST_DEPTH
    )


def _parent(request: Request) -> str | None:
    given = request.query_params.get("parent")
    return given if given == "none" else bodies.identifier(request.query_params, "parent")


class AssetList(SpaceDoor):
    """The assets of a space."""

    needs = {"POST": Act.CHANGE_ASSETS}
    query = PAGING | FILTERS

    @docs.pages(
        "assets",
        "Its assets, newest first.",
        "Asset",
        say.query("tag"),
        say.query("type", "The `asset_type`."),
        say.query("person", "The user name of who made it."),
        docs.flag("starred", "Whether a variant of it is starred."),
        say.query("status", "Some variant has it.", enum=STATUSES),
        say.query("rating", "Some variant has it.", enum=RATINGS),
        say.query("q", "Words of the name or type."),
        say.query("parent", "The id of what it lies below; `none`: at the top."),
    )
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        query = request.query_params
        filters = queries.AssetFilters(
            tag=query.get("tag") or None,
            asset_type=query.get("type") or None,
            person=query.get("person") or None,
            starred=bodies.flag(query, "starred"),
            status=bodies.choice(query, "status", STATUSES),
            rating=bodies.choice(query, "rating", RATINGS),
            q=query.get("q") or None,
            parent=_parent(request),
        )
        return page_of_assets(request, id, filters)

    @docs.act("assets_create", "Make an asset without pictures.", ASSET, takes=NEW, statuses=[201])
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Make one."""
        body = given(read_body(request.data, NEW))
        asset = assets.create(actor=request.user, space_id=id, **body)
        return answer(queries.asset_frame(asset), status=201, location=f"{request.path}{asset.pk}/")


class AssetDetail(SpaceDoor):
    """One asset."""

    needs = {"PATCH": Act.CHANGE_ASSETS, "DELETE": Act.DELETE_ASSETS}

    @docs.look("assets_read", "One asset.", ASSET)
    def get(self, request: Request, id: UUID, asset_id: UUID) -> HttpResponse:
        """Look at it."""
        return shown(request, view_of(request, id, asset_id))

    @docs.act(
        "assets_change",
        "Change what is given; a null parent moves it to the top.",
        ASSET,
        takes=CHANGES,
        guarded=True,
    )
    def patch(self, request: Request, id: UUID, asset_id: UUID) -> Response:
        """Change it; 422 `cycle_detected` when it would lie below itself."""
        body = given(some(read_body(request.data, CHANGES)))
        version = expected(request, view_of(request, id, asset_id))
        asset = assets.update(
            actor=request.user, space_id=id, asset_id=asset_id, version=version, **body
        )
        return answer(queries.asset_frame(asset))

    @docs.drop(
        "assets_delete",
        "Delete it with its variants; what lay below it moves up; owners only.",
        guarded=True,
    )
    def delete(self, request: Request, id: UUID, asset_id: UUID) -> HttpResponse:
        """Delete it."""
        version = expected(request, view_of(request, id, asset_id))
        assets.delete(actor=request.user, space_id=id, asset_id=asset_id, version=version)
        return HttpResponse(status=204)


class AssetActive(SpaceDoor):
    """What stands for an asset."""

    needs = {"PUT": Act.CHANGE_ASSETS}

    @docs.act(
        "assets_set_active",
        "Have one of its completed variants stand for it.",
        ASSET,
        takes=ACTIVE,
        guarded=True,
    )
    def put(self, request: Request, id: UUID, asset_id: UUID) -> HttpResponse:
        """Set it."""
        body = given(read_body(request.data, ACTIVE))
        version = expected(request, view_of(request, id, asset_id))
        asset = assets.set_active(
            actor=request.user, space_id=id, asset_id=asset_id, version=version, **body
        )
        return answer(queries.asset_frame(asset))


class AssetChildren(SpaceDoor):
    """What lies below an asset."""

    query = PAGING

    @docs.pages("assets_children", "What lies right below it, newest first.", "Asset")
    def get(self, request: Request, id: UUID, asset_id: UUID) -> Response:
        """A page."""
        view_of(request, id, asset_id)
        return page_of_assets(request, id, queries.AssetFilters(parent=str(asset_id)))


class AssetAncestors(SpaceDoor):
    """What an asset lies below."""

    query = PAGING

    @docs.pages("assets_ancestors", "What it lies below, the top first.", "Asset")
    def get(self, request: Request, id: UUID, asset_id: UUID) -> Response:
        """A page."""
        found = queries.ancestors_of(viewer=request.user, space_id=id, asset_id=asset_id)
        return whole_list_answer(request, found, lambda view: view)


class AssetVariants(SpaceDoor):
    """The pictures of an asset."""

    query = PAGING

    @docs.pages("assets_variants", "Its variants in their order.", "Variant")
    def get(self, request: Request, id: UUID, asset_id: UUID) -> Response:
        """A page."""
        found = queries.variants_of(viewer=request.user, space_id=id, asset_id=asset_id)
        return whole_list_answer(request, found, lambda view: view)


class AssetLineage(SpaceDoor):
    """Where an asset's pictures came from, and what came of them."""

    query = frozenset({"depth"})

    @docs.look(
        "assets_lineage",
        "The graph around all its variants.",
        docs.one_of("AssetLineage"),
        say.query("depth", "Steps up and down; 1 to 10, 3 by default.", kind=OpenApiTypes.INT),
    )
    def get(self, request: Request, id: UUID, asset_id: UUID) -> HttpResponse:
        """Look at it."""
        found = queries.lineage_of_asset(
            viewer=request.user, space_id=id, asset_id=asset_id, depth=depth_of(request)
        )
        return shown(request, found)
