"""Which requests the Runware stand-in takes, which it refuses, and in which words."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

SAMPLES = Path(__file__).parents[1] / "samples"
REFUSED = {
    "taskUUID is no UUID": ({"taskUUID": "1"}, "invalidTaskUUID", "taskUUID"),
    "unknown taskType": ({"taskType": "paint"}, "invalidTaskType", "taskType"),
    "unknown model": ({"model": "nobody:1@1"}, "invalidModel", "model"),
    "model of another task": ({"model": "google:3@2"}, "invalidModel", "model"),
    "a lora is no model": ({"model": "civitai:58390@62833"}, "invalidModel", "model"),
    "short prompt": ({"positivePrompt": "x"}, "invalidPositivePrompt", "positivePrompt"),
    "long prompt": ({"positivePrompt": "x" * 3001}, "invalidPositivePrompt", "positivePrompt"),
    "prompt no string": ({"positivePrompt": 5}, "invalidPositivePrompt", "positivePrompt"),
    "width no number": ({"width": "wide"}, "invalidWidth", "width"),
    "width true": ({"width": True}, "invalidWidth", "width"),
    "width too small": ({"width": 64}, "invalidWidth", "width"),
    "width not in steps": ({"width": 200}, "invalidWidth", "width"),
    "height too large": ({"height": 4096}, "invalidHeight", "height"),
    "no results": ({"numberResults": 0}, "invalidNumberResults", "numberResults"),
    "many results": ({"numberResults": 21}, "invalidNumberResults", "numberResults"),
    "unknown format": ({"outputFormat": "TIFF"}, "invalidOutputFormat", "outputFormat"),
    "unknown output": ({"outputType": "file"}, "invalidOutputType", "outputType"),
    "unknown delivery": ({"deliveryMethod": "mail"}, "invalidDeliveryMethod", "deliveryMethod"),
    "webhook no URL": ({"webhookURL": "hooks"}, "invalidWebhookURL", "webhookURL"),
    "webhook of ftp": ({"webhookURL": "ftp://a.example/"}, "invalidWebhookURL", "webhookURL"),
    "short ttl": ({"ttl": 5}, "invalidTtl", "ttl"),
    "seed zero": ({"seed": 0}, "invalidSeed", "seed"),
    "seed image no image": ({"seedImage": "what?"}, "invalidSeedImage", "seedImage"),
    "unknown field": ({"sparkle": 1}, "unknownParameter", "sparkle"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_bad_field_is_refused_by_name(sandbox, task, why):
    change, code, parameter = REFUSED[why]
    bad = task(**change)
    reply = sandbox.post(bad)
    assert reply.status_code == 400
    body = reply.json()
    assert body["data"] == []
    assert [(error["code"], error["parameter"]) for error in body["errors"]] == [(code, parameter)]
    assert body["errors"][0]["taskUUID"] == bad["taskUUID"]
    assert body["errors"][0]["message"]
    assert not sandbox.tasks(bad["taskUUID"])


@pytest.mark.parametrize("name", ["taskType", "taskUUID", "model", "positivePrompt", "width"])
def test_a_missing_field_is_named(sandbox, task, name):
    bad = task()
    del bad[name]
    reply = sandbox.post(bad)
    assert reply.status_code == 400
    code = f"missing{name[0].upper()}{name[1:]}"
    assert [error["code"] for error in reply.json()["errors"]] == [code]


def test_bounds_come_with_the_refusal(sandbox, task):
    error = sandbox.post(task(width=5)).json()["errors"][0]
    assert (error["type"], error["min"], error["max"], error["multiplier"]) == (
        "integer", 128, 2048, 64,
    )  # fmt: skip
    error = sandbox.post(task(model="google:4@2", width=5)).json()["errors"][0]
    assert (error["min"], error["max"], error["multiplier"]) == (256, 4096, 1)


def test_all_that_is_wrong_is_said_at_once(sandbox, task):
    errors = sandbox.post(task(width=5, height=6, steps=0), task(model="x:1@1")).json()["errors"]
    assert [error["code"] for error in errors] == [
        "invalidWidth", "invalidHeight", "invalidSteps", "invalidModel",
    ]  # fmt: skip


@pytest.mark.parametrize("body", ["{}", "[]", '"x"', "null", "[1]", "not json", ""])
def test_a_body_that_is_no_array_of_tasks_is_refused(sandbox, body):
    headers = {"authorization": "Bearer sandbox"}
    reply = sandbox.session.post(f"{sandbox.root}/v1", data=body, headers=headers, timeout=60)
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["code"]


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, "missingApiKey"), ("wrong", "invalidApiKey"), ("sandbox2", "invalidApiKey")],
)
def test_only_the_sandbox_key_opens(sandbox, task, key, code):
    reply = sandbox.post(task(), key=key)
    assert reply.status_code == 401
    assert reply.json()["errors"][0]["code"] == code


def test_the_key_may_come_in_the_body(sandbox, task):
    hello = {"taskType": "authentication", "apiKey": "sandbox"}
    data = sandbox.post(hello, task(deliveryMethod="sync"), key=None).json()["data"]
    assert data[0]["taskType"] == "authentication"
    assert data[0]["connectionSessionUUID"]
    assert data[1]["imageURL"]
    assert sandbox.post({**hello, "apiKey": "no"}, task(), key=None).status_code == 401


def test_a_task_uuid_serves_once_for_ever(sandbox, task):
    first = task()
    assert sandbox.post(first).status_code == 200
    for again in (first, {"taskType": "modelSearch", "taskUUID": first["taskUUID"]}):
        reply = sandbox.post(again)
        assert reply.status_code == 400
        error = reply.json()["errors"][0]
        assert (error["code"], error["parameter"]) == ("conflictTaskUUID", "taskUUID")
    twin = task()
    assert sandbox.post(twin, twin).json()["errors"][0]["code"] == "conflictTaskUUID"
    assert not sandbox.tasks(twin["taskUUID"])


def test_a_model_refuses_what_its_schema_does_not_know(sandbox, task):
    reply = sandbox.post(task(model="google:4@2", height=256, negativePrompt="text"))
    assert reply.json()["errors"][0]["code"] == "unknownParameter"
    assert sandbox.post(task(model="google:4@2", height=256, resolution="8K")).status_code == 400
    open_schema = task(model="civitai:4384@128713", clipSkip=1, vae="x", negativePrompt="text")
    assert sandbox.post(open_schema).status_code == 200


def test_both_generations_of_requests_are_taken(sandbox, task):
    upload = {"taskType": "imageUpload", "taskUUID": str(uuid4()), "image": PIXEL}
    image = sandbox.post(upload).json()["data"][0]["imageUUID"]
    for fields in (
        {"seedImage": image, "strength": 0.7},
        {"inputs": {"seedImage": image}, "strength": 0.7},
        {"model": "google:4@2", "height": 256, "inputs": {"referenceImages": [image, PIXEL]}},
        {"model": "google:4@2", "height": 256, "referenceImages": ["https://a.example/1.png"]},
    ):
        reply = sandbox.post(task(deliveryMethod="sync", **fields)).json()
        assert sandbox.get(reply["data"][0]["imageURL"]).status_code == 200


def test_a_dry_run_prices_and_keeps_nothing(sandbox, task):
    asked = task(width=1024, height=1024, numberResults=3)
    reply = sandbox.post(asked, headers={"X-Runware-Dry-Run": "1"})
    assert reply.json()["data"][0]["cost"] == pytest.approx(0.0039)
    assert not sandbox.tasks(asked["taskUUID"])
    assert sandbox.post(task(width=5), headers={"X-Runware-Dry-Run": "1"}).status_code == 400


def test_a_forbidden_prompt_is_refused(sandbox, task):
    reply = sandbox.post(task(positivePrompt="a forbidden thing"))
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["code"] == "contentPolicyViolation"


def test_the_recorded_bad_requests_are_refused(sandbox):
    sample = SAMPLES / "runware" / "bad-requests.json"
    if not sample.exists():
        pytest.skip("the recorded samples are not here")
    for request in json.loads(sample.read_text())["requests"]:
        headers = {"authorization": "Bearer sandbox"}
        reply = sandbox.session.post(
            f"{sandbox.root}/v1", json=request["body"], headers=headers, timeout=5
        )
        assert reply.status_code == 400, request["why"]
        assert reply.json()["errors"], request["why"]


PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR4nGMQiVoARw"
    "zEcQCuQxDhnUefsAAAAABJRU5ErkJggg=="
)
