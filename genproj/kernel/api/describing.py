"""The words in which every app's doors describe themselves to the schema."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

Decorator = Callable[[Any], Any]

NOTHING: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}


def ref(name: str) -> dict[str, str]:
    """A reference to a named shape of the schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_of(schema: dict[str, Any], words: str = "") -> OpenApiResponse:
    """An answer of this shape."""
    return OpenApiResponse(response=schema, description=words)


def page_of(name: str, **more: dict[str, Any]) -> OpenApiResponse:
    """A page of things of this name; `more` stands beside its results."""
    url = {"type": ["string", "null"], "format": "uri"}
    results = {"type": "array", "items": ref(name)}
    return json_of(
        {
            "type": "object",
            "required": ["next", "previous", "results", *more],
            "properties": {"next": url, "previous": url, "results": results, **more},
        },
        "A page and the addresses of its neighbours.",
    )


def problems(**words: str) -> dict[tuple[int, str], OpenApiResponse]:
    """Refusals by status, as in `s404="There is none."`; those of every door are among them."""
    found = {"s401": "Not signed in.", "s429": "Too many requests.", **words}
    return {
        (int(code[1:]), "application/problem+json"): json_of(ref("Problem"), text)
        for code, text in found.items()
    }


def query(name: str, words: str = "", *, enum: Any = None, kind: Any = OpenApiTypes.STR) -> Any:
    """A parameter of the address."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=words, enum=enum)


def header(name: str, words: str, **more: Any) -> Any:
    """A header, of the request or (`response`) of the answer."""
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=words, **more
    )


ONCE = header("Idempotency-Key", "The same key and body get the first answer again.")
IF_NONE_MATCH = header("If-None-Match", "The ETag one has; 304 when it still stands.")
IF_MATCH = header("If-Match", "The ETag one believes in; 412 `version_conflict` otherwise.")
ETAG = header("ETag", "The version.", response=[200])
LOCATION = header("Location", "Where it is.", response=[201, 202])
PAGES = [
    query("cursor", "An opaque place in the list; follow `next` and `previous`."),
    query("page_size", "1 to 200, 50 by default.", kind=OpenApiTypes.INT),
]
LOST = "There is none, or one may not see it."
WRONG = "Fields that are not acceptable, all at once."
WRONG_QUERY = "A parameter or cursor is wrong."
EMPTY = OpenApiResponse(description="Done.")
UNCHANGED = OpenApiResponse(description="It is as the caller knows it.")
