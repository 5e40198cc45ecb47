"""Reads the filters of lists from a query, strictly."""

from typing import Any

from rest_framework.request import Request

from generations.queries import ArtifactFilters, GenerationFilters
from generations.states import GenerationState, Kind
from genproj.kernel.api import bodies
from genproj.kernel.errors import Malformed

ORIENTATIONS = ("landscape", "portrait", "square")
MINE = "me"


def _common(request: Request) -> dict[str, Any]:
    query = request.query_params
    return {
        "state": bodies.choice(query, "state", [state.value for state in GenerationState]),
        "model": query.get("model") or None,
        "provider": query.get("provider") or None,
        "kind": bodies.choice(query, "kind", [kind.value for kind in Kind]),
        "tag": query.get("tag") or None,
        "q": query.get("q") or None,
        "created_after": bodies.moment(query, "created_after"),
        "created_before": bodies.moment(query, "created_before"),
        "has_artifacts": bodies.flag(query, "has_artifacts"),
        "owner_id": _owner(request),
        "trashed": bodies.flag(query, "trashed") or False,
    }


def _owner(request: Request) -> int | None:
    owner = request.query_params.get("owner")
    if not owner:
        return None
    if owner != MINE:
        raise Malformed("owner can only be 'me'.")
    return int(request.user.pk)


def generation_filters(request: Request) -> GenerationFilters:
    """The filters of a list of generations."""
    return GenerationFilters(**_common(request))


def artifact_filters(request: Request) -> ArtifactFilters:
    """The filters of a list of artifacts."""
    query = request.query_params
    return ArtifactFilters(
        **_common(request),
        starred=bodies.flag(query, "starred"),
        orientation=bodies.choice(query, "orientation", ORIENTATIONS),
        generation=bodies.identifier(query, "generation"),
    )
