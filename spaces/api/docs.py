"""The words in which the doors of spaces describe themselves to the schema."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from genproj.kernel.api import describing as say
from genproj.kernel.api.describing import Decorator

Schema = dict[str, Any]

#: the pattern is what refuses: `format` only tells
ID: Schema = {
    "type": "string",
    "format": "uuid",
    "pattern": "^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
}
TAGS = ["spaces"]
USUAL = {
    "s403": "One's role does not allow it.",
    "s404": say.LOST,
}
CHANGED = "It has changed since it was read."


def body(*required: str, **fields: Schema) -> Schema:
    """The schema of a strict body."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": fields,
    }


def look(name: str, words: str, answer: Any, *query: OpenApiParameter, **more: str) -> Decorator:
    """A door that shows one thing, with its ETag."""
    given = {"s404": say.LOST, **({"s400": say.WRONG_QUERY} if query else {}), **more}
    decorate: Decorator = extend_schema(
        operation_id=f"spaces_{name}",
        tags=TAGS,
        summary=words,
        parameters=[*query, say.IF_NONE_MATCH, say.ETAG],
        responses={200: answer, 304: say.UNCHANGED, **say.problems(**given)},
    )
    return decorate


def pages(name: str, words: str, shape: str, *query: OpenApiParameter, **more: str) -> Decorator:
    """A door that shows a list."""
    decorate: Decorator = extend_schema(
        operation_id=f"spaces_{name}",
        tags=TAGS,
        summary=words,
        parameters=[*say.PAGES, *query],
        responses={
            200: say.page_of(shape),
            **say.problems(s400=say.WRONG_QUERY, s404=say.LOST, **more),
        },
    )
    return decorate


def act(
    name: str,
    words: str,
    answer: Any = None,
    *,
    takes: Schema | None = None,
    statuses: Sequence[int] = (200,),
    guarded: bool = False,
    **more: str,
) -> Decorator:
    """A door that changes something: POSTs are done once, `guarded` ones heed If-Match."""
    given = {**USUAL, "s422": say.WRONG, **({"s412": CHANGED} if guarded else {}), **more}
    decorate: Decorator = extend_schema(
        operation_id=f"spaces_{name}",
        tags=TAGS,
        summary=words,
        parameters=[say.IF_MATCH, say.ETAG] if guarded else [say.ONCE],
        request=None if takes is None else {"application/json": takes},
        responses={
            **{status: say.EMPTY if answer is None else answer for status in statuses},
            **say.problems(**given),
        },
    )
    return decorate


def drop(name: str, words: str, *, guarded: bool = False, **more: str) -> Decorator:
    """A door that deletes."""
    given = {**USUAL, **({"s412": CHANGED} if guarded else {}), **more}
    decorate: Decorator = extend_schema(
        operation_id=f"spaces_{name}",
        tags=TAGS,
        summary=words,
        parameters=[say.IF_MATCH] if guarded else [],
        responses={204: say.EMPTY, **say.problems(**given)},
    )
    return decorate


def flag(name: str, words: str = "") -> OpenApiParameter:
    """A parameter that is true or false."""
    return say.query(name, words, kind=OpenApiTypes.BOOL)


def number(name: str, words: str = "") -> OpenApiParameter:
    """A parameter that is a whole number."""
    return say.query(name, words, kind=OpenApiTypes.INT)


def one_of(shape: str, words: str = "") -> Any:
    """An answer of a named shape."""
    return say.json_of(say.ref(shape), words)
