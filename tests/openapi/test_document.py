"""The contract as it is published: whole, valid, readable, and true."""

import json
import re
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver
from jsonschema import Draft202012Validator

from genproj.accounts import operations
from genproj.openapi.document import document
from tests import world

pytestmark = pytest.mark.django_db


def addresses() -> set[str]:
    """Every address of the API that Django serves, as the document writes it."""
    found = set()

    def walk(patterns: Any, prefix: str = "") -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, route)
            elif route.startswith("api/v1/"):
                found.add("/" + re.sub(r"<(\w+:)?(\w+)>", r"{\2}", route))

    walk(get_resolver().url_patterns)
    return found - {"/api/v1/schema/", "/api/v1/docs/"}


def test_it_is_served_as_json_and_yaml_to_everybody(client: Client) -> None:
    answer = client.get("/api/v1/schema/?format=json")
    assert answer.status_code == 200
    assert json.loads(answer.content)["openapi"].startswith("3.1")
    answer = client.get("/api/v1/schema/", headers={"accept": "application/yaml"})
    assert answer.status_code == 200, answer.content
    assert yaml.safe_load(answer.content)["openapi"].startswith("3.1")
    assert client.get("/api/v1/schema/").status_code == 200


def test_every_address_is_in_it() -> None:
    missing = addresses() - document()["paths"].keys()
    assert not missing
    assert "/api/v1/generations/{id}/events/" in document()["paths"]
    assert "/webhooks/runware/" in document()["paths"]


def test_every_reference_leads_somewhere_and_every_shape_is_a_schema() -> None:
    text = json.dumps(document())
    names = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    shapes = document()["components"]["schemas"]
    assert names <= shapes.keys()
    for shape in shapes.values():
        Draft202012Validator.check_schema(shape)


def test_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"]
        for item in document()["paths"].values()
        for operation in item.values()
    ]
    assert len(names) == len(set(names))


def validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    return Draft202012Validator(schema)


def test_what_the_doors_answer_is_what_it_says(alice: User) -> None:
    world.models()
    entry = world.opened(alice)
    token = operations.issue_token(user=alice).secret
    client = Client(headers={"authorization": f"Bearer {token}"})
    single = client.get(f"/api/v1/generations/{entry.pk}/").json()
    validator("Generation").validate(single)
    assert single.keys() == document()["components"]["schemas"]["Generation"]["properties"].keys()
    for row in client.get("/api/v1/models/").json()["results"]:
        validator("Model").validate(row)
    validator("Timeline").validate(client.get(f"/api/v1/generations/{entry.pk}/timeline/").json())
    validator("KeyPage").validate(client.get("/api/v1/api-keys/").json())
    validator("Problem").validate(client.get("/api/v1/generations/?x=1").json())
    refused = client.post("/api/v1/generations/", {}, content_type="application/json")
    validator("Problem").validate(refused.json())


def test_the_readable_page_needs_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/api/v1/docs/")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "/api/v1/generations/{id}/cancel/" in page
    assert 'id="problem-model_retired"' in page
    assert 'id="problem-idempotency_in_progress"' in page
    assert not re.search(r"<script|\son\w+=|style=|https?://", page)
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_an_address_that_is_none_is_a_problem_too(client: Client) -> None:
    answer = client.get("/api/v1/nonsense/")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/api/v1/docs/", "/media/019a0000-0000-7000-8000-000000000000/original"]
)
def test_what_is_only_read_refuses_other_methods_as_a_problem(path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("path", ["/api/v1/nowhere/", "/media/nowhere", "/webhooks/nowhere/"])
def test_where_machines_ask_nothing_is_a_problem_too(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"
