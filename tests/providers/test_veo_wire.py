"""Veo's words, table-driven over the recorded bodies."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generations.providers import google
from generations.providers.base import ProviderUpdate, Task, Unparsable
from generations.providers.veo import wire

SAMPLES = Path(__file__).parents[1] / "samples" / "veo"
NAME = "models/veo-3.1-generate-preview/operations/k3v9q0x7a1bz"
FILE = "files/9f2k7c0d1a1"


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


def told(update):
    """What an update says, in short."""
    return (
        [one.ref for one in update.outputs],
        [(one.code, one.provider_code) for one in update.errors],
        update.processing,
    )


# sample -> refs, errors, processing
POLLS = {
    "response-running": ([], [], True),
    "response-done": ([FILE], [], False),
    "response-done-filtered": ([], [("content_blocked", "raiMediaFiltered")], False),
    "response-done-partial": ([FILE], [("content_blocked", "raiMediaFiltered")], False),
    "response-failed": ([], [("provider_failed", "INTERNAL")], False),
}


@pytest.mark.parametrize("name", POLLS)
def test_a_poll_is_read(name):
    update = wire.translate(sample(name)["body"], name=NAME)
    assert update.ref == NAME
    assert told(update) == POLLS[name]


def test_what_the_filter_says_is_told_in_its_own_words():
    [blocked] = wire.translate(sample("response-done-filtered")["body"], name=NAME).errors
    assert blocked.content_blocked
    assert blocked.message.startswith("The audio of the video was withheld")


# the bodies of bad-shapes, in their order: the error, or None where nothing can be read from it
SHAPES = [
    "no_result",  # done, and nothing else
    "no_result",  # an empty response
    "no_result",  # an empty answer in it
    "no_result",  # no samples
    "no_result",  # an empty sample
    "no_result",  # a film without an address
    "validation",  # an address that films do not come from
    "no_result",  # an error without anything in it
    "provider_failed",  # an error beside a response
    None,  # another operation's
    None,  # nothing
    None,  # no object
]


@pytest.mark.parametrize(("number", "code"), list(enumerate(SHAPES)))
def test_a_bad_shape_ends_the_task_or_is_asked_again(number, code):
    body = sample("bad-shapes")["bodies"][number]
    if code is None:
        with pytest.raises(Unparsable):
            wire.translate(body, name=NAME)
        return
    update = wire.translate(body, name=NAME)
    assert (update.outputs, [one.code for one in update.errors]) == ((), [code])
    assert update.processing is False


def test_every_bad_shape_is_in_the_table():
    assert len(sample("bad-shapes")["bodies"]) == len(SHAPES)


def test_an_older_answer_after_done_says_only_that_it_runs():
    updates = [wire.translate(step, name=NAME) for step in sample("seq-poll-regress")["steps"]]
    assert [told(update)[0] for update in updates] == [[], [FILE], []]
    assert [update.processing for update in updates] == [True, False, True]


def test_bytes_that_come_along_are_read_and_not_kept_twice():
    body = sample("vertex-done")["body"]
    update = wire.translate(body, name=body["name"])
    [output] = update.outputs
    assert output.data == base64.b64decode(body["response"]["videos"][0]["bytesBase64Encoded"])
    assert "bytesBase64Encoded" not in output.raw
    assert "AAAAGGZ0" not in json.dumps(update.raw)


@pytest.mark.parametrize(
    ("code", "retryable"), [(13, True), (14, True), (4, True), (8, True), (3, False), (7, False)]
)
def test_a_failed_operation_says_whether_another_try_is_worth_it(code, retryable):
    body = {"name": NAME, "done": True, "error": {"code": code, "message": "m"}}
    [failure] = wire.translate(body, name=NAME).errors
    assert failure.retryable is retryable


@pytest.mark.parametrize(
    "response",
    [[], "x", {"generateVideoResponse": []}, {"generateVideoResponse": {"generatedSamples": [7]}}],
)
def test_an_unknown_shape_of_an_end_is_told_as_such(response):
    update = wire.translate({"name": NAME, "done": True, "response": response}, name=NAME)
    assert [one.code for one in update.errors] == ["validation"]


def wish(prompt, references=(), **parameters):
    words = {"prompt": prompt, "parameters": parameters, "references": list(references)}
    return wire.request(Task("id", "video", "veo-3.1-generate-preview", words, 1))


def test_a_film_is_asked_for_as_the_sdk_asks():
    body = sample("request-text")["body"]
    sent = wish(
        "waves against a lighthouse, wide shot",
        duration=8,
        aspect_ratio="16:9",
        resolution="720p",
        negative_prompt="people, text",
    )
    expected = dict(body["parameters"])
    del expected["personGeneration"], expected["sampleCount"]  # the model's own defaults
    assert sent == {"instances": body["instances"], "parameters": expected}


def test_one_reference_is_the_first_frame_and_never_inline_data():
    frame = sample("request-image-frames")["body"]["instances"][0]["image"]
    uri = f"data:{frame['mimeType']};base64,{frame['bytesBase64Encoded']}"
    sent = wish("the tide rises", [uri], aspect_ratio="9:16", duration=8)
    assert sent["instances"][0]["image"] == frame
    assert "inlineData" not in json.dumps(sent)


def test_several_references_are_assets():
    [asset] = sample("request-references")["body"]["instances"][0]["referenceImages"]
    uri = f"data:image/png;base64,{asset['image']['bytesBase64Encoded']}"
    sent = wish("the keeper walks", [uri, uri], duration=8)
    assert sent["instances"][0]["referenceImages"] == [asset, asset]
    assert "image" not in sent["instances"][0]


def test_without_references_no_picture_is_sent():
    assert wish("waves")["instances"] == [{"prompt": "waves"}]


def test_a_reference_that_is_no_picture_is_refused_here():
    with pytest.raises(ValueError, match="no picture"):
        wish("waves", ["http://169.254.169.254/x"])


def test_a_created_operation_has_a_name():
    assert wire.operation(sample("response-created")["body"]) == NAME


@pytest.mark.parametrize(
    "name", [None, 7, "", "x", "../operations/x", "a/../operations/x", f"operations/{'x' * 400}"]
)
def test_a_name_that_is_none_is_not_taken(name):
    with pytest.raises(Unparsable):
        wire.operation({"name": name})


# sample -> what Google calls it, seconds to wait
ERRORS = {
    "google-error-bad-field": ("INVALID_ARGUMENT", None),
    "google-error-bad-key": ("INVALID_ARGUMENT", None),
    "google-error-no-key": ("PERMISSION_DENIED", None),
    "google-error-overloaded": ("UNAVAILABLE", None),
    "google-error-precondition": ("FAILED_PRECONDITION", None),
    "google-error-quota": ("RESOURCE_EXHAUSTED", 17.0),
    "error-bad-parameter": ("INVALID_ARGUMENT", None),
    "error-retired-model": ("NOT_FOUND", None),
    "error-unknown-operation": ("NOT_FOUND", None),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_googles_is_read(name):
    body = sample(name)["body"]
    found = google.error_in(body)
    assert found is not None
    assert (found.provider_code, google.retry_delay(body)) == ERRORS[name]
    assert found.message == body["error"]["message"]


@pytest.mark.parametrize("body", [None, [], {}, {"error": "x"}, {"error": {}}])
def test_what_is_no_error_of_googles_is_none(body):
    assert google.error_in(body) is None
    assert google.retry_delay(body) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "response", "generateVideoResponse", "generatedSamples", "video", "uri"]
                + ["code", "message", "videos", "bytesBase64Encoded", "raiMediaFilteredCount"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(JSON, JSON, st.booleans() | JSON)
def test_no_json_breaks_the_reader(response, error, done):
    try:
        update = wire.translate(
            {"name": NAME, "done": done, "response": response, "error": error}, name=NAME
        )
    except Unparsable:
        return
    assert isinstance(update, ProviderUpdate)
    assert update.processing or update.outputs or update.errors
