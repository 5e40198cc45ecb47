"""What the schema says about the doors of generations, artifacts and models."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema

from generations.operations import asking
from generations.states import GenerationState, Kind
from genproj.kernel.api.describing import (
    ETAG,
    IF_MATCH,
    IF_NONE_MATCH,
    LOCATION,
    LOST,
    ONCE,
    PAGES,
    WRONG,
    Decorator,
    header,
    json_of,
    page_of,
    problems,
    query,
    ref,
)

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


WAIT = header("Prefer", "`wait=N`: hold the answer until it settles or N (1 to 30) s pass.")
FILTERS = [
    query("state", "", enum=[state.value for state in GenerationState]),
    query("model", "A model's id."),
    query("provider", ""),
    query("kind", "", enum=[kind.value for kind in Kind]),
    query("tag", "A word somebody put on it."),
    query("q", "Words of the prompt."),
    query("created_after", "", kind=OpenApiTypes.DATETIME),
    query("created_before", "", kind=OpenApiTypes.DATETIME),
    query("has_artifacts", "", kind=OpenApiTypes.BOOL),
    query("owner", "`me`: one's own, for staff, who see all.", enum=["me"]),
    query("trashed", "What lies in the trash instead.", kind=OpenApiTypes.BOOL),
]

GENERATION = json_of(ref("Generation"), "The generation.")
ARTIFACT = json_of(ref("Artifact"), "The artifact.")

GENERATION_LIST: Decorator = extend_schema(
    operation_id="generations_list",
    tags=["generations"],
    parameters=[*PAGES, *FILTERS],
    responses={200: page_of("Generation"), **problems(s400="A parameter or cursor is wrong.")},
)
GENERATION_CREATE: Decorator = extend_schema(
    operation_id="generations_create",
    tags=["generations"],
    parameters=[ONCE, WAIT, LOCATION],
    request={"application/json": asking.REQUEST},
    responses={
        202: json_of(ref("Generation"), "Accepted; it is written down before any provider hears."),
        201: json_of(ref("Generation"), "With `Prefer: wait`: it has settled, also as `failed`."),
        **problems(
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
        **problems(s404=LOST),
    },
)
GENERATION_DELETE: Decorator = extend_schema(
    operation_id="generations_trash",
    tags=["generations"],
    parameters=[IF_MATCH],
    responses={
        204: OpenApiResponse(description="In the trash; purged after 30 days."),
        **problems(s404=LOST, s412="It has changed."),
    },
)


def _act(name: str, words: str, **refusals: str) -> Decorator:
    decorate: Decorator = extend_schema(
        operation_id=f"generations_{name}",
        tags=["generations"],
        description=words,
        parameters=[ONCE],
        request=None,
        responses={200: GENERATION, **problems(s404=LOST, **refusals)},
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
        202: json_of(ref("Generation"), "A new generation (`retry_of`) for the missing outputs."),
        **problems(s404=LOST, s409="`invalid_transition`: nothing is missing, or it is open."),
    },
)
GENERATION_REPLAY: Decorator = extend_schema(
    operation_id="generations_replay",
    tags=["staff"],
    request={"application/json": REPLAY_REQUEST},
    responses={200: json_of({"type": "object"}, "A row each."), **problems(s403="", s404=LOST)},
)
GENERATION_TIMELINE: Decorator = extend_schema(
    operation_id="generations_timeline",
    tags=["generations"],
    responses={200: json_of(ref("Timeline"), "Every step, oldest first."), **problems(s404=LOST)},
)
ARTIFACT_LIST: Decorator = extend_schema(
    operation_id="artifacts_list",
    tags=["artifacts"],
    parameters=[
        *PAGES,
        *FILTERS,
        query("starred", "", kind=OpenApiTypes.BOOL),
        query("orientation", "", enum=["landscape", "portrait", "square"]),
        query("generation", "A generation's id.", kind=OpenApiTypes.UUID),
    ],
    responses={200: page_of("Artifact"), **problems(s400="A parameter or cursor is wrong.")},
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
        **problems(s413="It is too large.", s422=WRONG, s503="It cannot be stored just now."),
    },
)
ARTIFACT_DETAIL: Decorator = extend_schema(
    operation_id="artifacts_read",
    tags=["artifacts"],
    parameters=[IF_NONE_MATCH, ETAG],
    responses={
        200: ARTIFACT,
        304: OpenApiResponse(description="It is as the caller knows it."),
        **problems(s404=LOST),
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
    responses={200: ARTIFACT, **problems(s404=LOST, s412="It has changed.", s422=WRONG)},
)
ARTIFACT_DELETE: Decorator = extend_schema(
    operation_id="artifacts_trash",
    tags=["artifacts"],
    parameters=[IF_MATCH],
    responses={
        204: OpenApiResponse(description="In the trash; purged after 30 days."),
        **problems(s404=LOST, s412="It has changed."),
    },
)
ARTIFACT_RESTORE: Decorator = extend_schema(
    operation_id="artifacts_restore",
    tags=["artifacts"],
    parameters=[ONCE],
    request=None,
    responses={200: ARTIFACT, **problems(s404=LOST)},
)
MODEL_LIST: Decorator = extend_schema(
    operation_id="models_list",
    tags=["models"],
    parameters=[
        *PAGES,
        query("search", "Words of the id, name or description."),
        query("kind", "", enum=[kind.value for kind in Kind]),
        *(
            query(name, "Asks Runware's catalogue.")
            for name in ("category", "type", "architecture", "conditioning", "tag")
        ),
    ],
    responses={200: page_of("Model"), **problems(s400="A parameter is wrong.")},
)
