"""The door of models: our registry, and what Runware's catalogue has beside it."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from generations import queries
from generations.api import docs
from generations.operations.outages import search_catalogue
from generations.operations.registry import makes_films
from generations.providers.base import FoundModel, ProviderError
from generations.queries import ModelView, model_json
from generations.states import Kind
from genproj.kernel import logs
from genproj.kernel.api import PAGING, Door, bodies, whole_list_answer
from genproj.kernel.memory import remembered

CATALOGUE_SECONDS = 600
CATALOGUE_LIMIT = 40
#: the filters that only the provider's catalogue knows
THEIRS = ("category", "type", "architecture", "conditioning", "tag")

log = logs.component("models")


class ModelList(Door):
    """Models one can ask for."""

    query = PAGING | {"search", "kind", *THEIRS}

    @docs.MODEL_LIST
    def get(self, request: Request) -> Response:
        """The registry's first, then the catalogue's where something was searched for."""
        query = request.query_params
        search = query.get("search", "").strip()[:100]
        kind = bodies.choice(query, "kind", [kind.value for kind in Kind])
        theirs = {name: query[name][:60] for name in THEIRS if query.get(name)}
        registry = queries.model_list(search=search, kind=kind)
        state = "not_asked"
        results = [model_json(view) for view in registry]
        if (search or theirs) and kind != Kind.VIDEO:
            try:
                hits = _catalogue(search, **theirs)
            except ProviderError as problem:
                log.warning("catalogue_unavailable", error=problem.code)
                state = "unavailable"
            else:
                state = "available"
                results = _merged(registry, hits, narrowed=bool(theirs))
        return whole_list_answer(request, results, lambda found: found, catalogue=state)


@remembered(CATALOGUE_SECONDS)
def _catalogue(search: str, **theirs: str) -> tuple[FoundModel, ...]:
    """The provider's hits for a search."""
    filters: dict[str, Any] = dict(theirs)
    if tag := filters.pop("tag", None):
        filters["tags"] = [tag]
    filters |= {"search": search, "limit": CATALOGUE_LIMIT}
    found = search_catalogue(provider="runware", filters=filters)
    return found.models


def _merged(
    registry: list[ModelView], hits: tuple[FoundModel, ...], *, narrowed: bool
) -> list[dict[str, Any]]:
    """Registry and hits, each model once; a filter only the catalogue knows narrows both."""
    catalogue = {hit.id: hit for hit in hits}
    ours = {view.id: view for view in registry}
    results = [
        model_json(view) | (_particulars(catalogue[id]) if id in catalogue else {})
        for id, view in ours.items()
        if id in catalogue or not narrowed
    ]
    known = queries.registered([id for id in catalogue if id not in ours])
    return results + [
        _unregistered(hit) for id, hit in catalogue.items() if id not in ours and id not in known
    ]


def _particulars(hit: FoundModel) -> dict[str, Any]:
    """What the catalogue says about a model beyond its name."""
    raw = hit.raw
    return {
        "category": raw.get("category"),
        "type": raw.get("type"),
        "architecture": raw.get("architecture"),
        "conditioning": raw.get("conditioning"),
        "tags": raw.get("tags") or [],
        "version": raw.get("version"),
    }


def _unregistered(hit: FoundModel) -> dict[str, Any]:
    """A catalogue model in the registry's shape; using it makes its row."""
    is_film = makes_films(str(hit.raw.get("architecture") or ""))
    return {
        "id": hit.id,
        "provider": "runware",
        "kind": (Kind.VIDEO if is_film else Kind.IMAGE).value,
        "name": hit.name,
        "description": str(hit.raw.get("comment") or "")[:300],
        "parameters": None,
        "sizes": None,
        "max_count": None,
        "max_references": None,
        "price": None,
        "price_unit": "output",
        "sunset_at": None,
        "retired": False,
        "replacement": None,
        "seconds": None,
        "registered": False,
        **_particulars(hit),
    }
