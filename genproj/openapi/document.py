"""Makes the OpenAPI 3.1 document out of the doors and the named shapes."""

from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from genproj.kernel import errors
from genproj.kernel.memory import remembered
from genproj.openapi import deciding, films, making, outbox, shapes, spaces, talk, usage, workers

API = "/api/v1/"

WORDS = """\
Everything a person can do on the pages, programs can do here.

**Signing in.** `POST /api/v1/auth/token/` gives a bearer token; named keys with scopes are made in
Settings. Send `Authorization: Bearer …`.

**Lists** are pages `{next, previous, results}`, newest first; follow `next`. Parameters that a
list does not know are refused.

**Once.** Every creating POST takes an `Idempotency-Key`: the same key and body get the first
answer again, with `Idempotency-Replayed: true`.

**Waiting.** `Prefer: wait=N` holds an answer until the thing settles or N seconds (1 to 30) pass.

**Versions.** Single objects carry an `ETag`; `If-None-Match` gets 304, `If-Match` guards a change.

**Limits** are told in `RateLimit` and `RateLimit-Policy`; a 429 says `Retry-After`.

**Refusals** are `application/problem+json`; `code` is what programs read.
"""

SETTINGS: dict[str, Any] = {
    "TITLE": "Genproj",
    "DESCRIPTION": WORDS,
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": API,
    "POSTPROCESSING_HOOKS": ["genproj.openapi.document.completed"],
    "TAGS": [
        {"name": "generations", "description": "Requests and what came of them."},
        {"name": "artifacts", "description": "Pictures and films."},
        {"name": "models", "description": "What one can ask for."},
        {"name": "videos", "description": "Wishes on their way to films."},
        {"name": "queue", "description": "What waits, what runs, who renders."},
        {"name": "workers", "description": "Machines elsewhere that render films."},
        {"name": "conversations", "description": "Talks with the assistant."},
        {"name": "spaces", "description": "Where people work on pictures together."},
        {"name": "usage", "description": "What it cost, and what may be spent."},
        {"name": "notices", "description": "What one should come to know."},
        {"name": "sign-in", "description": "Tokens, keys and tickets."},
        {"name": "staff", "description": "Mending."},
        {"name": "webhook endpoints", "description": "Where one is told what happens."},
        {"name": "webhooks", "description": "What providers call."},
    ],
}

#: every module that names shapes, and every one that describes addresses of other servers
SHAPES: dict[str, Any] = {}
for _module in (shapes, talk, outbox, films, workers, spaces, usage, making, deciding):
    SHAPES |= _module.SHAPES
ELSEWHERE = shapes.ELSEWHERE | workers.ELSEWHERE

REFUSAL = {
    "description": "Any other refusal; `code` says which.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def completed(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the named shapes, the addresses that other servers answer, and that any door may
    refuse."""
    for path, item in result["paths"].items():
        for operation in item.values():
            if path.startswith(API):
                operation["responses"].setdefault("default", REFUSAL)
    result["paths"] = dict(sorted((result["paths"] | ELSEWHERE).items()))
    components = result.setdefault("components", {})
    components["schemas"] = components.get("schemas", {}) | SHAPES
    return result


@remembered(3600)
def document() -> dict[str, Any]:
    """The whole document; the same for everybody."""
    with patched_settings(SETTINGS):
        generator: Any = SchemaGenerator
        made: dict[str, Any] = generator().get_schema(request=None, public=True)
    return made


def problem_codes() -> list[tuple[str, int, str]]:
    """Code, status and words of every refusal that is known."""
    found = {
        kind.code: (kind.code, kind.status, (kind.__doc__ or "").strip().splitlines()[0])
        for kind in _kinds(errors.Refusal)
        if kind is not errors.Refusal and "code" in vars(kind)
    }
    return sorted(found.values(), key=lambda row: (row[1], row[0]))


def _kinds(kind: type[errors.Refusal]) -> list[type[errors.Refusal]]:
    return [kind, *(deeper for one in kind.__subclasses__() for deeper in _kinds(one))]
