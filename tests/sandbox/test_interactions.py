"""Omni's interactions at the sandbox's door."""

import base64
from typing import Any

import pytest

from tests.sandbox.stage import SandboxProcess, eventually

PATH = "/v1/interactions"
FORM = {"type": "video", "resolution": "360p", "duration": "3s"}


def ask(prompt: Any = "a quiet harbour", **form: Any) -> dict[str, Any]:
    return {
        "model": "gemini-omni-1.1-flash",
        "input": prompt,
        "background": True,
        "response_format": {**FORM, **form},
    }


def ended(sandbox: SandboxProcess, body: dict[str, Any]) -> dict[str, Any]:
    begun = sandbox.google(PATH, body)
    assert begun.status_code == 200, begun.text
    name = begun.json()["id"]
    return eventually(
        lambda: sandbox.google(f"{PATH}/{name}").json(),
        lambda answer: answer["status"] != "in_progress",
        20,
    )


def part(body: dict[str, Any]) -> dict[str, Any]:
    return body["steps"][0]["content"][0]


def test_a_film_comes_inside_or_by_uri(sandbox):
    inside = part(ended(sandbox, ask()))
    assert base64.b64decode(inside["data"])[4:8] == b"ftyp"
    apart = part(ended(sandbox, ask(delivery="uri")))
    file = apart["uri"].removeprefix("https://generativelanguage.googleapis.com")
    assert sandbox.google(file).content[4:8] == b"ftyp"


def test_without_background_the_answer_is_the_end(sandbox):
    reply = sandbox.google(PATH, {**ask(), "background": False})
    assert reply.json()["status"] == "completed"


@pytest.mark.parametrize("fault", ["veo_failed", "veo_filtered"])
def test_it_fails_on_order(sandbox, fault):
    sandbox.faults({"fault": fault})
    body = ended(sandbox, ask())
    assert (body["status"], body["steps"]) == ("failed", [])
    assert body["errors"][0]["message"]


def test_errors_have_a_word_for_a_code(sandbox):
    def refused(body: Any, **more: Any) -> tuple[int, str]:
        reply = sandbox.google(PATH, body, **more)
        return reply.status_code, reply.json()["error"]["code"]

    assert refused(ask(), key="wrong") == (400, "invalid_request")
    assert refused(ask(), key=None) == (403, "permission_denied")
    assert refused({**ask(), "model": "gemini-none"}) == (404, "not_found")
    sandbox.faults({"fault": "google_quota", "times": 1})
    assert refused(ask()) == (429, "rate_limit_exceeded")
    assert sandbox.google(f"{PATH}/v1_nobody").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "body",
    [
        ask(""),
        ask(None),
        ask([{"type": "text"}]),
        ask(duration="2s"),
        ask(duration=[]),
        ask(resolution="8k"),
        ask(aspect_ratio={}),
        ask(delivery=["uri"]),
        ask(colour="red"),
        {**ask(), "response_format": None},
        {**ask(), "response_format": []},
    ],
)
def test_a_wrong_body_is_refused(sandbox, body):
    reply = sandbox.google(PATH, body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")
