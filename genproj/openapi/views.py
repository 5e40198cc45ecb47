"""Serves the OpenAPI document, and the same as readable pages without a script."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import Door
from genproj.kernel.api.problems import read_only
from genproj.openapi.document import WORDS, document, problem_codes

METHODS = ("get", "post", "put", "patch", "delete")


class SchemaRead(Door):
    """The document, as JSON or YAML (`?format=json`, `?format=yaml`, or Accept)."""

    schema = None
    content_negotiation_class = DefaultContentNegotiation
    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer2,
        OpenApiYamlRenderer,
    )
    query = frozenset({"format"})

    def get(self, request: Request) -> Response:
        """The whole of it."""
        return Response(document())


@dataclass(frozen=True)
class Row:
    """A parameter or an answer, as the page shows it."""

    name: str
    note: str
    text: str


@dataclass(frozen=True)
class Operation:
    """One operation, as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Row]
    body: str
    answers: list[Row]


@read_only
def docs(request: HttpRequest) -> HttpResponse:
    """The readable page."""
    made = document()
    groups = [
        (tag["name"], tag["description"], _operations(made, tag["name"])) for tag in made["tags"]
    ]
    shapes = [
        (name, shape.get("description", ""), _pretty(shape))
        for name, shape in made["components"]["schemas"].items()
    ]
    context = {
        "words": [_plain(part) for part in WORDS.strip().split("\n\n")],
        "groups": [group for group in groups if group[2]],
        "shapes": shapes,
        "problems": problem_codes(),
    }
    return render(request, "api/docs.html", context)


def _plain(text: str) -> str:
    return text.replace("**", "").replace("`", "").replace("\n", " ")


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _operations(made: dict[str, Any], tag: str) -> list[Operation]:
    return [
        _operation(method, path, item[method])
        for path, item in made["paths"].items()
        for method in METHODS
        if method in item and tag in item[method].get("tags", ())
    ]


def _operation(method: str, path: str, raw: dict[str, Any]) -> Operation:
    body = raw.get("requestBody", {}).get("content", {})
    described = _plain(raw.get("description", ""))
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        path=path,
        summary=raw.get("summary") or described,
        description=described if raw.get("summary") else "",
        parameters=[_parameter(one) for one in raw.get("parameters", [])],
        body="\n\n".join(f"{kind}\n{_pretty(one['schema'])}" for kind, one in body.items()),
        answers=[
            Row(status, _type_of(answer), _plain(answer.get("description", "")))
            for status, answer in sorted(raw["responses"].items())
        ],
    )


def _parameter(raw: dict[str, Any]) -> Row:
    schema = raw.get("schema", {})
    words = ", ".join(str(one) for one in schema.get("enum", []))
    text = _plain(raw.get("description", "")) or words
    return Row(raw["name"], raw["in"], text)


def _type_of(answer: dict[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        schema = content.get("schema", {})
        return str(schema.get("$ref", schema.get("type", ""))).rsplit("/", 1)[-1]
    return ""
