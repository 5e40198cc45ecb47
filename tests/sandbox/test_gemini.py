"""Gemini's pictures at the sandbox's door: what it takes and refuses, and every end of it."""

import base64
from io import BytesIO
from typing import Any

import pytest
import requests
from PIL import Image

from tests.sandbox.stage import SandboxProcess
from tests.sandbox.test_veo import error, picture

GENERATE = "/v1/models/gemini-3.1-flash-image:generateContent"
PNG = picture("orange", (90, 160))["bytesBase64Encoded"]


@pytest.fixture(autouse=True)
def _nothing_before(sandbox: SandboxProcess) -> None:
    sandbox.session.post(f"{sandbox.root}/control/reset", json={"tasks": True}, timeout=60)


def ask(prompt: str = "a quiet harbour", *parts: Any, **config: Any) -> dict[str, Any]:
    return {
        "contents": [{"role": "user", "parts": [{"text": prompt}, *parts]}],
        "generationConfig": {"imageConfig": {"imageSize": "512"}, **config},
    }


def answer(sandbox: SandboxProcess, body: dict[str, Any] | None = None) -> dict[str, Any]:
    reply = sandbox.google(GENERATE, body or ask())
    assert reply.status_code == 200, reply.text
    return reply.json()


def images(body: dict[str, Any]) -> list[Image.Image]:
    parts = body["candidates"][0]["content"].get("parts", [])
    found = [part["inlineData"] for part in parts if "inlineData" in part]
    opened = [Image.open(BytesIO(base64.b64decode(one["data"]))) for one in found]
    for image in opened:
        image.load()
    return opened


def test_a_picture_comes_inside_the_answer(sandbox):
    body = answer(sandbox)
    assert set(body) == {"candidates", "usageMetadata", "modelVersion", "responseId"}
    (image,) = images(body)
    assert (image.format, image.size) == ("PNG", (512, 512))
    assert body["candidates"][0]["finishReason"] == "STOP"
    usage = body["usageMetadata"]
    assert usage["promptTokenCount"] + usage["candidatesTokenCount"] == usage["totalTokenCount"]
    details = usage["candidatesTokensDetails"]
    assert sum(one["tokenCount"] for one in details) == usage["candidatesTokenCount"]


def test_a_picture_is_equal_for_equal_words_and_seed(sandbox):
    one, two, other = (images(answer(sandbox, ask(seed=seed)))[0].tobytes() for seed in (4, 4, 5))
    assert one == two != other


@pytest.mark.parametrize(
    ("ratio", "size"), [("16:9", (688, 384)), ("3:4", (448, 600)), ("1:8", (192, 1536))]
)
def test_the_shape_is_as_asked(sandbox, ratio, size):
    body = ask(imageConfig={"aspectRatio": ratio, "imageSize": "512"})
    assert images(answer(sandbox, body))[0].size == size


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"inlineData": {"mime_type": "image/png", "data": PNG}},
        {"inline_data": {"mime_type": "image/png", "data": PNG}},
    ],
)
def test_an_edit_keeps_the_shape_and_colours_of_what_came(sandbox, part):
    body = ask("make it snow", part)
    (image,) = images(answer(sandbox, body))
    assert image.size == (384, 688)
    red, _, blue = image.resize((1, 1)).getpixel((0, 0))
    assert red > blue
    assert answer(sandbox, body)["usageMetadata"]["promptTokensDetails"][1]["modality"] == "IMAGE"


def test_only_what_is_asked_for_comes(sandbox):
    parts = answer(sandbox, ask(responseModalities=["IMAGE"]))["candidates"][0]["content"]["parts"]
    assert [set(part) for part in parts] == [{"inlineData"}]
    parts = answer(sandbox, ask(responseModalities=["TEXT"]))["candidates"][0]["content"]["parts"]
    assert [set(part) for part in parts] == [{"text"}]


ENDS = [
    ("gemini_safety", "IMAGE_SAFETY"),
    ("gemini_no_image", "NO_IMAGE"),
    ("gemini_unknown_finish", "IMAGE_SOMETHING_NEW"),
]


@pytest.mark.parametrize(("fault", "finish"), ENDS)
def test_ends_without_parts(sandbox, fault, finish):
    sandbox.faults({"fault": fault})
    (candidate,) = answer(sandbox)["candidates"]
    assert (candidate["content"], candidate["finishReason"]) == ({}, finish)


def test_a_blocked_prompt_has_no_candidates(sandbox):
    sandbox.faults({"fault": "gemini_blocked", "times": 1})
    for prompt in ("a quiet harbour", "something forbidden"):
        body = answer(sandbox, ask(prompt))
        assert "candidates" not in body
        assert body["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}


def test_words_more_pictures_and_drafts(sandbox):
    words = answer(sandbox, ask("tell it in words"))["candidates"][0]
    assert ([*words["content"]["parts"][0]], words["finishReason"]) == (["text"], "STOP")
    one, two = images(answer(sandbox, ask("two pictures of a boat")))
    assert one.tobytes() != two.tobytes()
    draft, final = answer(sandbox, ask("think first"))["candidates"][0]["content"]["parts"]
    assert (draft["thought"], "thought" in final) == (True, False)
    assert base64.b64decode(final["thoughtSignature"])


def test_bodies_not_to_trust(sandbox):
    sandbox.faults({"fault": "gemini_bad_data", "times": 1})
    part = answer(sandbox)["candidates"][0]["content"]["parts"][0]
    assert part["inlineData"]["data"] == "!!!"
    sandbox.faults({"fault": "gemini_wrong_type", "times": 1})
    part = answer(sandbox)["candidates"][0]["content"]["parts"][0]
    assert part["inlineData"]["mimeType"] == "text/html"
    sandbox.faults({"fault": "gemini_cut", "times": 1})
    assert answer(sandbox)["candidates"][0]["finishReason"] == "MAX_TOKENS"
    sandbox.faults({"fault": "gemini_empty", "times": 1})
    assert answer(sandbox) == {}
    sandbox.faults({"fault": "gemini_lost", "times": 1})
    with pytest.raises(requests.ConnectionError):
        answer(sandbox)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("google_quota", (429, "RESOURCE_EXHAUSTED")),
        ("google_503", (503, "UNAVAILABLE")),
        ("google_precondition", (400, "FAILED_PRECONDITION")),
    ],
)
def test_a_rule_refuses_before_anything_is_painted(sandbox, fault, expected):
    sandbox.faults({"fault": fault})
    assert error(sandbox.google(GENERATE, ask())) == expected
    assert sandbox.tasks_of_google() == []


def test_keys_and_models_are_checked(sandbox):
    assert error(sandbox.google(GENERATE, ask(), key=None)) == (403, "PERMISSION_DENIED")
    assert error(sandbox.google(GENERATE, ask(), key="wrong")) == (400, "INVALID_ARGUMENT")
    for model in ("gemini-2.5-flash-image", "gemini-3-pro-image-preview", "gemini-none"):
        path = GENERATE.replace("gemini-3.1-flash-image", model)
        assert error(sandbox.google(path, ask())) == (404, "NOT_FOUND")


def part_of(**part: Any) -> dict[str, Any]:
    return {"contents": [{"parts": [part]}]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"contents": []},
        {"contents": ["x"]},
        {"contents": [{"parts": []}]},
        {"contents": [{"parts": [{"text": "x"}], "role": "king"}]},
        part_of(text=5),
        part_of(),
        part_of(thought=True),
        part_of(inlineData={"mimeType": "image/png", "data": "!!!"}),
        part_of(inlineData={"mimeType": "text/html", "data": PNG}),
        part_of(inlineData={"mimeType": "image/png", "data": "AAAA"}),
        part_of(inlineData={"bytes": PNG}),
        part_of(fileData={"fileUri": "https://example.com/x.png"}),
        {**ask(), "colour": 1},
        ask(colour=1),
        ask(imageConfig={"aspectRatio": "3:9"}),
        ask(imageConfig={"imageSize": "1k"}),
        ask(imageConfig={"personGeneration": "ALLOW_ALL"}),
        ask(imageConfig=[]),
        ask(candidateCount=2),
        ask(seed="x"),
        ask(responseModalities=["SMELL"]),
        {**ask(), "generationConfig": 1},
        {**ask(), "safetySettings": [{"category": "HARM_CATEGORY_NONE", "threshold": "OFF"}]},
        {**ask(), "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": 1}]},
    ],
)
def test_a_wrong_body_is_refused(sandbox, body):
    assert error(sandbox.google(GENERATE, body)) == (400, "INVALID_ARGUMENT")


def test_the_control_door_shows_the_picture(sandbox):
    (image,) = images(answer(sandbox))
    (shown,) = sandbox.tasks_of_google()
    assert (shown["prompt"], shown["taskType"]) == ("a quiet harbour", "generateContent")
    file = sandbox.get(f"{sandbox.root}/control/files/{shown['results'][0]['uuid']}")
    assert file.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(file.content)).tobytes() == image.tobytes()
    assert sandbox.calls(task=shown["taskUUID"])[0]["headers"]["x-goog-api-key"] == "…box"
