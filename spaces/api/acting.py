"""How the doors of spaces have an operation act: on what the address names, with what is said."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import read_body
from spaces.api.answers import answer
from spaces.api.docs import Schema
from spaces.api.doors import SpaceDoor

#: the version that a verb is meant for; null: any
VERSION: Schema = {"type": ["integer", "null"], "minimum": 1, "default": None}


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a body as an operation takes them."""
    return {name: _value(name, value) for name, value in body.items()}


def _value(name: str, value: Any) -> Any:
    if name.endswith("_id"):
        return UUID(value) if value is not None else None
    return [UUID(one) for one in dict.fromkeys(value)] if name.endswith("_ids") else value


class Verb(SpaceDoor):
    """A verb on one thing, answered with the thing as it is then."""

    verb: Callable[..., Any]
    takes: Schema
    shows: Callable[[Any], Any]

    def act(self, request: Request, id: UUID, **thing: UUID) -> Response:
        """Have it done to the thing that the address names."""
        body = given(read_body(request.data, self.takes))
        done = type(self).verb(actor=request.user, space_id=id, **thing, **body)
        return answer(type(self).shows(done))
