"""Whatever a field holds, the answer is a refusal or a result, never a breakdown."""

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
