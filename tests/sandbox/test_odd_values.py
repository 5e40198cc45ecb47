"""Whatever a field holds, the answer is a refusal or a result, never a breakdown."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from requests import ConnectionError as Unreachable

FIELDS = (
    "taskType", "taskUUID", "model", "positivePrompt", "negativePrompt", "width", "seed",
    "strength", "numberResults", "outputType", "outputFormat", "outputQuality", "webhookURL",
    "safety", "inputs", "seedImage", "referenceImages", "lora", "outpaint", "ttl", "includeCost",
    "checkNSFW", "scheduler", "routing", "hiresFix",
)  # fmt: skip
UTILITY_FIELDS = (
    "image", "media", "operation", "search", "tags", "limit", "offset", "sort", "inputs",
    "inputImage", "frameImages", "capabilities", "source",
)  # fmt: skip
UTILITIES = (
    "getResponse", "modelSearch", "imageUpload", "mediaStorage", "accountManagement", "upscale",
    "caption", "videoInference",
)  # fmt: skip
ODD = (
    None, [], {}, "", 5, -1, 0.5, True, "x" * 5000, [None], [[]], {"a": []}, {"top": "x"}, 2**70,
    "\ud800\ud801 lone", {"image": 5}, {"referenceImages": "x"}, {"frameImages": [5, {}]},
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_an_odd_value_never_breaks_it(sandbox, task, field):
    for value in ODD:
        asked = task(deliveryMethod="sync", width=128, height=128)
        asked[field] = value
        try:
            reply = sandbox.post(asked)
        except Unreachable:
            pytest.fail(f"no answer to {field}={value!r}")
        assert reply.status_code in (200, 400), (value, reply.text)
        assert reply.json().get("data") or reply.json()["errors"]
        for item in reply.json().get("data", []):
            if "imageURL" in item:
                assert sandbox.get(item["imageURL"]).status_code == 200, value


@pytest.mark.parametrize("task_type", UTILITIES)
def test_an_odd_utility_never_breaks_it(sandbox, task, task_type):
    for field in UTILITY_FIELDS:
        for value in ODD:
            asked = {"taskType": task_type, "taskUUID": task()["taskUUID"], field: value}
            reply = sandbox.post(asked)
            assert reply.status_code in (200, 400), (field, value, reply.text)


PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR4nGMQiVoARwzEcQCuQxDhnUefsAAAAABJRU5E"
    "rkJggg=="
)
FRAME = {"bytesBase64Encoded": PIXEL, "mimeType": "image/png"}
FILM = {
    "instances": [{
        "prompt": "x", "image": FRAME, "lastFrame": FRAME,
        "referenceImages": [{"image": FRAME, "referenceType": "asset"}],
    }],
    "parameters": {
        "aspectRatio": "16:9", "durationSeconds": 8, "resolution": "720p", "negativePrompt": "x",
        "personGeneration": "allow_adult", "sampleCount": 1, "seed": 1,
    },
}  # fmt: skip
PICTURE = {
    "contents": [{"role": "user", "parts": [
        {"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
    ]}],
    "generationConfig": {
        "responseModalities": ["TEXT"], "imageConfig": {"aspectRatio": "1:1", "imageSize": "1K"},
        "seed": 1, "candidateCount": 1,
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
}  # fmt: skip
AT_VERTEX = "/v1beta1/publishers/google/models/veo-3.1-generate-001"
DOORS = {
    "/v1beta/models/veo-3.1-generate-preview:predictLongRunning": FILM,
    f"{AT_VERTEX}:predictLongRunning": {
        **FILM, "parameters": {**FILM["parameters"], "generateAudio": True, "storageUri": "gs://x"}
    },
    f"{AT_VERTEX}:fetchPredictOperation": {"operationName": "a/operations/b"},
    "/v1/models/gemini-3.1-flash-image:generateContent": PICTURE,
}  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a body something stands."""
    yield at
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for name, item in inner:
        yield from places(item, (*at, name))


def changed(body: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    body = copy.deepcopy(body)
    *way, last = at
    inside = body
    for name in way:
        inside = inside[name]
    inside[last] = value
    return body


@pytest.mark.parametrize("path", DOORS)
def test_an_odd_value_never_breaks_googles_doors(sandbox, path):
    headers = {"x-goog-api-key": "sandbox"}
    for at in places(DOORS[path]):
        for value in (*ODD, float("inf"), float("nan")):
            content = json.dumps(changed(DOORS[path], at, value))
            reply = sandbox.session.post(
                f"{sandbox.root}{path}", data=content, headers=headers, timeout=30
            )
            assert reply.status_code in (200, 400, 404), (at, value, reply.text)
            if reply.status_code != 200:
                assert reply.json()["error"]["code"] == reply.status_code
