"""What the doors of talk and notices answer is what the schema says."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from genproj.notices.operations import notify
from genproj.openapi.document import document
from tests.assistant.talking import CONVERSATIONS, Person

pytestmark = pytest.mark.django_db


def check(name: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    Draft202012Validator(schema).validate(value)
    assert value.keys() == document()["components"]["schemas"][name]["properties"].keys()


def test_every_answer_has_its_shape(anne: Person, work: Any) -> None:
    address = anne.begin("Lighthouse")
    anne.say(address, "hello")
    work("answer_turns")
    notify(owner=anne.user, kind="video.completed", title="Ready", url="/")
    for row in anne.get(CONVERSATIONS).json()["results"]:
        check("Conversation", row)
    check("Conversation", anne.get(address).json())
    for row in anne.get(f"{address}messages/").json()["results"]:
        check("Message", row)
    for row in anne.get("/api/v1/notices/").json()["results"]:
        check("Notice", row)
    check("NoticesRead", anne.post("/api/v1/notices/read/").json())
