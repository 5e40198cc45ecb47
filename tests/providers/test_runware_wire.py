"""Runware's words, table-driven over the recorded bodies."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generations.providers import inbound_of
from generations.providers.base import ProviderUpdate, Task, Unparsable, read_json
from generations.providers.runware import wire
from genproj.kernel.signing import callback_token

SAMPLES = Path(__file__).parents[1] / "samples" / "runware"
TASK = "0b6f4d2e-51c7-4d0a-9a43-1f8f0a3c7d11"
VIDEO_TASK = "50bc9e73-a61c-4c5f-8f98-6ede5f81c266"
REFS = [f"a1b2c3d4-0001-4a00-8a00-00000000000{n}" for n in (1, 2, 3)]
INBOUND = inbound_of("runware")


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


def body_of(item):
    raw = item.get("raw_body")
    return raw.encode() if raw is not None else json.dumps(item["body"]).encode()


def told(update):
    """What an update says, in short."""
    return (
        [one.ref for one in update.outputs],
        [one.provider_code for one in update.errors],
        update.processing,
        update.progress,
    )


# sample -> task, refs, error codes, processing, progress
REPLIES = {
    "response-async-ack": (TASK, [], [], None, None),
    "response-auth-in-body": (TASK, REFS[:1], [], None, None),
    "response-image-sync-ok": (TASK, REFS[:2], [], None, None),
    "response-nsfw-flagged": (TASK, REFS[:2], [], None, None),
    "response-poll-processing": (TASK, [], [], True, 40),
    "response-poll-half": (TASK, REFS[:1], [], True, None),
    "response-poll-success": (TASK, REFS, [], None, None),
    "response-poll-partial": (TASK, REFS[:2], ["inferenceError"], None, None),
    "response-poll-partial-item": (TASK, REFS[:2], ["inferenceError"], None, None),
    "response-poll-failed": (TASK, [], ["timeoutProvider"], None, None),
    "response-video-ok": (VIDEO_TASK, ["b2c3d4e5-0001-4b00-9b00-000000000001"], [], None, None),
    "error-in-http-200": (TASK, [], ["invalidModel"], None, None),
    "error-invalid-width": (TASK, [], ["invalidWidth"], None, None),
    "error-parameter-list": (TASK, [], ["conflictParameters"], None, None),
    "error-conflict-uuid": (TASK, [], ["conflictTaskUUID"], None, None),
    "error-content-policy": (TASK, [], ["invalidProviderContent"], None, None),
    "error-credits": (TASK, [], ["insufficientCredits"], None, None),
    "error-invalid-key": (TASK, [], ["invalidApiKey"], None, None),
    "error-rate-limit": (TASK, [], ["rateLimitExceeded"], None, None),
    "error-unavailable": (TASK, [], ["serviceUnavailable"], None, None),
    "webhook-image-ok-wrapped": (TASK, REFS[:1], [], None, None),
    "webhook-image-ok-flat": (TASK, REFS[:1], [], None, None),
    "webhook-video-ok": (VIDEO_TASK, ["b2c3d4e5-0001-4b00-9b00-000000000001"], [], None, None),
    "webhook-error-wrapped": (TASK, [], ["invalidProviderContent"], None, None),
    "webhook-error-flat": (TASK, [], ["timeoutProvider"], None, None),
    "webhook-processing": (VIDEO_TASK, [], [], True, 55),
    "webhook-nsfw": (TASK, REFS[:1], [], None, None),
}
SEQUENCES = [
    "webhook-seq-partial",
    "webhook-seq-duplicate",
    "webhook-seq-out-of-order",
    "webhook-seq-poll-race",
]
# Read elsewhere: requests, other tasks than generating, and bodies that are wrong on purpose.
ELSEWHERE = {
    "response-image-base64",
    "response-modelsearch",
    "response-poll-unknown-task",
    "response-tools",
    "bad-html-gateway",
    "bad-requests",
    "bad-shapes",
    "bad-truncated",
    "webhook-bad",
    "websocket-session",
}


def test_every_sample_is_read_somewhere():
    names = {path.stem for path in SAMPLES.glob("*.json")}
    read = REPLIES.keys() | set(SEQUENCES) | ELSEWHERE
    assert {name for name in names - read if not name.startswith("request-")} == set()
    assert all(sample(name)["certainty"] and sample(name)["about"] for name in names)


@pytest.mark.parametrize("name", REPLIES)
def test_a_recorded_body_says_what_it_says(name):
    task, *expected = REPLIES[name]
    update = INBOUND.translate(body_of(sample(name)), task=task)
    assert list(told(update)) == expected
    assert update.raw == sample(name)["body"]
    assert update.issues == ()


def test_a_result_keeps_its_seed_price_address_and_flag():
    first = INBOUND.translate(body_of(sample("response-image-sync-ok")), task=TASK).outputs[0]
    assert (first.seed, first.cost) == (4101, Decimal("0.0013"))
    assert first.url == f"https://im.runware.ai/image/ws/2/ii/{REFS[0]}.png"
    flagged = INBOUND.translate(body_of(sample("webhook-nsfw")), task=TASK).outputs[0]
    assert flagged.raw["NSFWContent"] is True


def test_wrapped_and_flat_say_the_same():
    one, other = (
        INBOUND.translate(body_of(sample(f"webhook-image-ok-{shape}")), task=TASK)
        for shape in ("wrapped", "flat")
    )
    assert one.outputs == other.outputs


def test_a_failed_item_is_named_by_its_index():
    errors = INBOUND.translate(body_of(sample("response-poll-partial-item")), task=TASK).errors
    assert [(one.code, one.ref) for one in errors] == [("webhook_error", "result:2")]
    unnamed = INBOUND.translate(body_of(sample("response-poll-partial")), task=TASK).errors
    assert unnamed[0].ref is None


def test_a_refusal_of_the_content_is_told_apart():
    error = INBOUND.translate(body_of(sample("webhook-error-wrapped")), task=TASK).errors[0]
    assert (error.code, error.content_blocked) == ("content_blocked", True)
    error = INBOUND.translate(body_of(sample("webhook-error-flat")), task=TASK).errors[0]
    assert (error.code, error.content_blocked) == ("webhook_error", False)


def test_inline_results_are_decoded_and_not_kept_twice():
    body = sample("response-image-base64")["body"]
    for item in body["data"]:
        output = wire.translate({"data": [item]}, task=item["taskUUID"]).outputs[0]
        assert output.url is None
        assert output.data.startswith(b"\x89PNG")
        assert not {"imageBase64Data", "imageDataURI"} & output.raw.keys()


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_ends_in_the_same_results_in_any_order(name):
    deliveries = sample(name).get("deliveries") or sample(name)["steps"]
    for order in (deliveries, deliveries[::-1], deliveries * 2):
        refs = {
            output.ref
            for one in order
            for output in INBOUND.translate(body_of(one), task=TASK).outputs
        }
        assert (
            len(refs)
            == {
                "webhook-seq-partial": 2,
                "webhook-seq-duplicate": 2,
                "webhook-seq-out-of-order": 3,
                "webhook-seq-poll-race": 1,
            }[name]
        )


def test_the_same_result_twice_in_one_body_is_one():
    item = sample("webhook-image-ok-flat")["body"]
    assert len(wire.translate({"data": [item, item]}, task=TASK).outputs) == 1


def test_a_lone_id_finishes_nothing():
    update = wire.translate({"data": [{"taskUUID": TASK, "imageUUID": REFS[0]}]}, task=TASK)
    assert told(update) == ([], [], None, None)


@pytest.mark.parametrize(
    "body", sample("bad-shapes")["bodies"], ids=lambda body: json.dumps(body)[:60]
)
def test_a_wrong_shape_never_becomes_a_stored_result(body):
    try:
        update = wire.translate(body, task=TASK)
    except Unparsable as error:
        issues = error.issues
        update = None
    for output in update.outputs if update else ():
        assert output.ref
        assert isinstance(output.url, str) or output.data is not None
        assert output.seed is None or isinstance(output.seed, int)
    if update is None:
        assert issues
        assert all(one.keys() == {"pointer", "detail"} for one in issues)


BAD_DELIVERIES = {
    "token right, taskUUID of a foreign task": "belongs to another task",
    "not JSON": "not JSON",
    "truncated": "not JSON",
    "empty body": "not JSON",
    "no items": "nothing about the task",
    "items of wrong type": "not an object",
    "taskUUID no UUID": "belongs to another task",
}


@pytest.mark.parametrize(
    "delivery", sample("webhook-bad")["deliveries"], ids=lambda one: one["why"]
)
def test_a_bad_delivery_is_unparsable_or_harmless(delivery):
    if (why := delivery["why"]) in BAD_DELIVERIES:
        with pytest.raises(Unparsable, match=BAD_DELIVERIES[why]):
            INBOUND.translate(body_of(delivery), task=TASK)
    else:
        # A wrong token is the door's to refuse, a private address the download's.
        assert INBOUND.translate(body_of(delivery), task=TASK).ref == TASK


def test_what_is_understood_counts_beside_what_is_not():
    item = sample("webhook-image-ok-flat")["body"]
    update = wire.translate({"data": [None, item]}, task=TASK)
    assert [one.ref for one in update.outputs] == REFS[:1]
    assert update.issues[0]["pointer"] == "/data/0"


def test_one_foreign_item_spoils_the_whole_message():
    item = sample("webhook-image-ok-flat")["body"]
    with pytest.raises(Unparsable, match="another task"):
        wire.translate({"data": [item, {**item, "taskUUID": VIDEO_TASK}]}, task=TASK)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NAMES = ["taskUUID", "taskType", "imageUUID", "imageURL", "imageBase64Data", "imageDataURI"]
NAMES += ["seed", "cost", "status", "error", "code", "message", "progress", "resultIndex"]
likely = json_values | st.sampled_from([TASK, "success", "error", "processing", "aGk="])
items = st.dictionaries(st.sampled_from(NAMES), likely)
messages = st.fixed_dictionaries(
    {},
    optional={"data": st.lists(items | json_values) | items, "errors": st.lists(items), "x": items},
)


@given(json_values | items | messages)
def test_no_json_breaks_the_reader(message):
    body = json.dumps(message).encode()
    try:
        update = INBOUND.translate(body, task=TASK)
    except Unparsable:
        return
    assert isinstance(update, ProviderUpdate)
    json.dumps(update.raw, allow_nan=False).encode()
    for output in update.outputs:
        assert output.ref
        assert output.seed is None or 0 <= output.seed < 2**63
        assert output.cost is None or 0 <= output.cost <= 100_000
        assert (output.url is None) != (output.data is None)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(body):
    with pytest.raises(Unparsable):
        INBOUND.translate(body, task=TASK)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"data":NaN}', b'{"data":' + b"9" * 5000 + b"}", b"\xff\xfe"]
)
def test_hostile_json_is_unparsable(body):
    with pytest.raises(Unparsable):
        read_json(body)


def test_characters_that_no_database_keeps_are_replaced():
    assert read_json(b'{"a\\u0000": "\\ud800x\\u0000"}') == {"a\ufffd": "?x\ufffd"}


# ── requests ──────────────────────────────────────────────────────────────────────────────────


def task(**words):
    words = {"prompt": "a lighthouse at dusk, oil painting", **words}
    return Task(TASK, "image", "runware:100@1", words, 3, "https://app.example/hooks/?token=3f1c")


def test_a_full_request_is_the_documented_one():
    documented = sample("request-image-full")["body"][0]
    sent = wire.request(
        Task(
            id=TASK,
            kind="image",
            model="runware:100@1",
            count=3,
            callback_url=documented["webhookURL"],
            input={
                "prompt": "a lighthouse at dusk, oil painting",
                "negative_prompt": "text, watermark",
                "width": 1024,
                "height": 768,
                "seed": 4101,
                "output_format": "PNG",
                "parameters": {
                    "steps": 4,
                    "CFGScale": 1,
                    "scheduler": "Default",
                    "outputQuality": 95,
                    "safety": {"checkContent": True, "mode": "fast"},
                },
            },
        )
    )
    documented.pop("ttl")
    assert sent == documented


@pytest.mark.parametrize("name", sorted(wire.OURS))
def test_parameters_never_replace_what_is_ours(name):
    clean = wire.request(task())
    assert wire.request(task(parameters={name: "theirs"})) == clean


def test_words_that_were_left_empty_are_not_sent():
    sent = wire.request(task(seed=None, negative_prompt="", width=None, parameters=None))
    assert not {"seed", "negativePrompt", "width", "outputFormat", "inputs"} & sent.keys()
    assert sent["deliveryMethod"] == "async"
    assert sent["includeCost"] is True


def test_a_seed_of_zero_is_sent_and_no_callback_is_left_out():
    sent = wire.request(Task(TASK, "video", "google:3@2", {"prompt": "x", "seed": 0}, 1))
    assert sent["seed"] == 0
    assert sent["taskType"] == "videoInference"
    assert "webhookURL" not in sent


def test_a_film_in_our_words_is_asked_for_in_theirs():
    words = {
        "duration": 8,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "sound": True,
    }
    expected = dict(sample("request-video")["body"][0])
    first = expected.pop("inputs")["frameImages"][0]
    wish = {
        "prompt": expected["positivePrompt"],
        "parameters": words,
        "references": [first["image"]],
    }
    sent = wire.request(Task(expected["taskUUID"], "video", "google:3@2", wish, 1))
    assert sent.pop("inputs") == {"frameImages": [first]}
    assert sent == expected


@pytest.mark.parametrize(
    ("words", "sides"),
    [
        ({"resolution": "1080p", "aspect_ratio": "16:9"}, (1920, 1080)),
        ({"resolution": "1080p", "aspect_ratio": "9:16"}, (1080, 1920)),
        ({"aspect_ratio": "9:16"}, (720, 1280)),
        ({"resolution": "4K"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_shape_and_resolution_are_sides(words, sides):
    sent = wire.request(Task(TASK, "video", "google:3@2", {"prompt": "x", "parameters": words}, 1))
    assert (sent.get("width"), sent.get("height")) == sides
    assert not {"aspect_ratio", "sound"} & sent.keys()
    assert sent.get("resolution") == (words["resolution"] if sides[0] is None and words else None)


def test_references_travel_under_inputs():
    expected = sample("request-image-references")["body"][1]["inputs"]
    assert wire.request(task(references=expected["referenceImages"]))["inputs"] == expected


# ── the door's part ───────────────────────────────────────────────────────────────────────────


def test_a_delivery_speaks_for_the_entry_its_address_was_made_for():
    token = callback_token(b"s", TASK)
    good = {"generation_id": TASK, "token": token}
    assert INBOUND.authenticate([b"new", b"s"], good, {}, b"") == TASK
    for bad in ({}, {"token": token}, {**good, "generation_id": "x"}, {**good, "token": "ffff"}):
        assert INBOUND.authenticate([b"s"], bad, {}, b"") is None
    assert INBOUND.authenticate([], good, {}, b"") is None


def test_a_repeated_delivery_has_the_same_id_and_any_other_has_not():
    ids = {
        INBOUND.delivery_id(*one) for one in (("a", b"x"), ("a", b"x"), ("b", b"x"), ("a", b"y"))
    }
    assert len(ids) == 3
    assert all(len(one) == 64 for one in ids)
