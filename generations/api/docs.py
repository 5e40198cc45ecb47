"""What the schema says about the doors of generations, artifacts and models."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from generations.operations import asking
from generations.states import GenerationState, Kind

Decorator = Callable[[Any], Any]

REPLAY_REQUEST: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"dry_run": {"type": "boolean", "default": False}},
}


def replay_json(row: Any) -> dict[str, Any]:
    """What the replay of one projection did."""
    return {
        "generation": str(row.entry),
        "projector": row.projector,
        "stage": row.stage,
        "outcome": row.outcome,
        "generations": row.generations,
        "artifacts": row.artifacts,
        "error": row.error,
    }


def ref(name: str) -> dict[str, str]:
    """A reference to a named shape of the schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any], words: str = "") -> OpenApiResponse:
    return OpenApiResponse(response=schema, description=words)


def _page(name: str) -> OpenApiResponse:
    url = {"type": ["string", "null"], "format": "uri"}
    return _json(
        {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": url,
                "previous": url,
                "results": {"type": "array", "items": ref(name)},
            },
        },
        "A page and the addresses of its neighbours.",
    )


def _problem(words: str) -> OpenApiResponse:
    return OpenApiResponse(response=ref("Problem"), description=words)


def _problems(**words: str) -> dict[tuple[int, str], OpenApiResponse]:
    found = {"s401": "Not signed in.", "s429": "Too many requests.", **words}
    return {
        (int(code[1:]), "application/problem+json"): _problem(text) for code, text in found.items()
    }


def _query(name: str, words: str, *, enum: Any = None, kind: Any = OpenApiTypes.STR) -> Any:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=words, enum=enum)


def _header(name: str, words: str, **more: Any) -> Any:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=words, **more
    )


ONCE = _header("Idempotency-Key", "The same key and body get the first answer again.")
WAIT = _header("Prefer", "`wait=N`: hold the answer until it settles or N (1 to 30) s pass.")
IF_NONE_MATCH = _header("If-None-Match", "The ETag one has; 304 when it still stands.")
IF_MATCH = _header("If-Match", "The ETag one believes in; 412 `version_conflict` otherwise.")
ETAG = _header("ETag", "The version.", response=[200])
LOCATION = _header("Location", "Where it is.", response=[201, 202])
PAGES = [
    _query("cursor", "An opaque place in the list; follow `next` and `previous`."),
    _query("page_size", "1 to 200, 50 by default.", kind=OpenApiTypes.INT),
]
FILTERS = [
    _query("state", "", enum=[state.value for state in GenerationState]),
    _query("model", "A model's id."),
    _query("provider", ""),
    _query("kind", "", enum=[kind.value for kind in Kind]),
    _query("tag", "A word somebody put on it."),
    _query("q", "Words of the prompt."),
    _query("created_after", "", kind=OpenApiTypes.DATETIME),
    _query("created_before", "", kind=OpenApiTypes.DATETIME),
    _query("has_artifacts", "", kind=OpenApiTypes.BOOL),
    _query("owner", "`me`: one's own, for staff, who see all.", enum=["me"]),
    _query("trashed", "What lies in the trash instead.", kind=OpenApiTypes.BOOL),
]

GENERATION = _json(ref("Generation"), "The generation.")
ARTIFACT = _json(ref("Artifact"), "The artifact.")
LOST = "There is none, or one may not see it."
WRONG = "Fields that are not acceptable, all at once."

GENERATION_LIST: Decorator = extend_schema(
    operation_id="generations_list",
    tags=["generations"],
    parameters=[*PAGES, *FILTERS],
    responses={200: _page("Generation"), **_problems(s400="A parameter or cursor is wrong.")},
)
GENERATION_CREATE: Decorator = extend_schema(
    operation_id="generations_create",
    tags=["generations"],
    parameters=[ONCE, WAIT, LOCATION],
    request={"application/json": asking.REQUEST},
    responses={
        202: _json(ref("Generation"), "Accepted; it is written down before any provider hears."),
        201: _json(ref("Generation"), "With `Prefer: wait`: it has settled, also as `failed`."),
        **_problems(
            s400="The body is not JSON.",
            s402="The budget is exhausted.",
            s409="`idempotency_in_progress`.",
            s410="`model_retired`, with `replacement`.",
            s422=WRONG + " Also `idempotency_key_reused`.",
            s503="The database, or the provider's catalogue, cannot be reached.",
        ),
    },
)
GENERATION_DETAIL: Decorator = extend_schema(
    operation_id="generations_read",
    tags=["generations"],
    parameters=[IF_NONE_MATCH, WAIT, ETAG],
    responses={
        200: GENERATION,
        304: OpenApiResponse(description="It is as the caller knows it."),
        **_problems(s404=LOST),
    },
)
GENERATION_DELETE: Decorator = extend_schema(
    operation_id="generations_trash",
    tags=["generations"],
    parameters=[IF_MATCH],
    responses={
        204: OpenApiResponse(description="In the trash; purged after 30 days."),
        **_problems(s404=LOST, s412="It has changed."),
    },
)


def _act(name: str, words: str, **problems: str) -> Decorator:
    decorate: Decorator = extend_schema(
        operation_id=f"generations_{name}",
        tags=["generations"],
        description=words,
        parameters=[ONCE],
        request=None,
        responses={200: GENERATION, **_problems(s404=LOST, **problems)},
    )
    return decorate


SETTLED = "`invalid_transition`: it has settled."
GENERATION_CANCEL = _act("cancel", "Repeated, it answers 200 all the same.", s409=SETTLED)
GENERATION_RESTORE = _act("restore", "Take it out of the trash.")
GENERATION_RETRY: Decorator = extend_schema(
    operation_id="generations_retry",
    tags=["generations"],
    parameters=[ONCE, WAIT, LOCATION],
    request=None,
    responses={
        202: _json(ref("Generation"), "A new generation (`retry_of`) for the missing outputs."),
        **_problems(s404=LOST, s409="`invalid_transition`: nothing is missing, or it is open."),
    },
)
GENERATION_REPLAY: Decorator = extend_schema(
    operation_id="generations_replay",
    tags=["staff"],
    request={"application/json": REPLAY_REQUEST},
    responses={200: _json({"type": "object"}, "A row each."), **_problems(s403="", s404=LOST)},
)
GENERATION_TIMELINE: Decorator = extend_schema(
    operation_id="generations_timeline",
    tags=["generations"],
    responses={200: _json(ref("Timeline"), "Every step, oldest first."), **_problems(s404=LOST)},
)
ARTIFACT_LIST: Decorator = extend_schema(
    operation_id="artifacts_list",
    tags=["artifacts"],
    parameters=[
        *PAGES,
        *FILTERS,
        _query("starred", "", kind=OpenApiTypes.BOOL),
        _query("orientation", "", enum=["landscape", "portrait", "square"]),
        _query("generation", "A generation's id.", kind=OpenApiTypes.UUID),
    ],
    responses={200: _page("Artifact"), **_problems(s400="A parameter or cursor is wrong.")},
)
ARTIFACT_UPLOAD: Decorator = extend_schema(
    operation_id="artifacts_upload",
    tags=["artifacts"],
    parameters=[ONCE, LOCATION],
    request={
        "multipart/form-data": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary"}, "tags": asking.TAGS},
        }
    },
    responses={
        201: ARTIFACT,
        **_problems(s413="It is too large.", s422=WRONG, s503="It cannot be stored just now."),
    },
)
ARTIFACT_DETAIL: Decorator = extend_schema(
    operation_id="artifacts_read",
    tags=["artifacts"],
    parameters=[IF_NONE_MATCH, ETAG],
    responses={
        200: ARTIFACT,
        304: OpenApiResponse(description="It is as the caller knows it."),
        **_problems(s404=LOST),
    },
)
ARTIFACT_CHANGE: Decorator = extend_schema(
    operation_id="artifacts_change",
    tags=["artifacts"],
    parameters=[IF_MATCH, ETAG],
    request={
        "application/json": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"starred": {"type": "boolean"}, "tags": asking.TAGS},
        }
    },
    responses={200: ARTIFACT, **_problems(s404=LOST, s412="It has changed.", s422=WRONG)},
)
ARTIFACT_DELETE: Decorator = extend_schema(
    operation_id="artifacts_trash",
    tags=["artifacts"],
    parameters=[IF_MATCH],
    responses={
        204: OpenApiResponse(description="In the trash; purged after 30 days."),
        **_problems(s404=LOST, s412="It has changed."),
    },
)
ARTIFACT_RESTORE: Decorator = extend_schema(
    operation_id="artifacts_restore",
    tags=["artifacts"],
    parameters=[ONCE],
    request=None,
    responses={200: ARTIFACT, **_problems(s404=LOST)},
)
MODEL_LIST: Decorator = extend_schema(
    operation_id="models_list",
    tags=["models"],
    parameters=[
        *PAGES,
        _query("search", "Words of the id, name or description."),
        _query("kind", "", enum=[kind.value for kind in Kind]),
        *(
            _query(name, "Asks Runware's catalogue.")
            for name in ("category", "type", "architecture", "conditioning", "tag")
        ),
    ],
    responses={200: _page("Model"), **_problems(s400="A parameter is wrong.")},
)
