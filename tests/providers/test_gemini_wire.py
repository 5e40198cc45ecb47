"""Gemini's words, table-driven over the recorded bodies; its client against a replaying server."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generations.providers import PROVIDERS, client_of, inbound_of
from generations.providers.base import (
    Connection,
    ProviderError,
    ProviderUpdate,
    Task,
    UnknownTask,
    Unparsable,
)
from generations.providers.gemini import wire
from genproj.kernel import http

SAMPLES = Path(__file__).parents[1] / "samples"
FLASH = "gemini-3.1-flash-image"
PRO = "gemini-3-pro-image"
ID = "0b6f4d2e-51c7-4d0a-9a43-1f8f0a3c7d11"


def sample(name):
    return json.loads((SAMPLES / "gemini" / f"{name}.json").read_text())


def translated(name):
    return wire.translate(sample(name)["body"], task=ID)


# sample -> code, Google's word; None where a picture comes
OUTCOMES = {
    "response-ok": None,
    "response-two": None,
    "response-thought": None,
    "response-text-only": ("no_result", "STOP"),
    "response-image-safety": ("content_blocked", "IMAGE_SAFETY"),
    "response-prompt-blocked": ("content_blocked", "PROHIBITED_CONTENT"),
    "response-prompt-blocked-safety": ("content_blocked", "SAFETY"),
    "response-no-image": ("no_result", "NO_IMAGE"),
    "response-max-tokens": ("no_result", "MAX_TOKENS"),
    "response-unknown-finish": ("no_result", "IMAGE_SOMETHING_NEW"),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_each_outcome_is_told_apart(name):
    update = translated(name)
    assert update.processing is False
    told = [(one.code, one.provider_code) for one in update.errors]
    expected = OUTCOMES[name]
    assert told == ([expected] if expected else [])
    assert len(update.outputs) == (0 if expected else 1)
    assert all(one.content_blocked == (one.code == "content_blocked") for one in update.errors)


def test_every_recorded_answer_is_in_the_table():
    found = {path.stem for path in (SAMPLES / "gemini").glob("response-*.json")}
    assert found == set(OUTCOMES)


def test_the_model_is_heard_in_its_own_words():
    words = {name: translated(name).errors[0].message for name, one in OUTCOMES.items() if one}
    assert words["response-text-only"].endswith(
        "I can describe the scene, which style would you like?"
    )
    assert (
        words["response-image-safety"]
        == sample("response-image-safety")["body"]["candidates"][0]["finishMessage"]
    )
    assert "PROHIBITED_CONTENT" in words["response-prompt-blocked"]
    assert "IMAGE_SOMETHING_NEW" in words["response-unknown-finish"]


def parts_of(name):
    return sample(name)["body"]["candidates"][0]["content"]["parts"]


def test_a_picture_is_its_bytes_and_these_are_kept_nowhere_else():
    [output] = translated("response-ok").outputs
    encoded = parts_of("response-ok")[1]["inlineData"]["data"]
    assert output.data == base64.b64decode(encoded)
    assert encoded not in json.dumps(output.raw)
    assert encoded not in json.dumps(translated("response-ok").raw)
    assert output.ref == "kQ0faZzBK9-x7M8P"
    assert output.raw["usageMetadata"]["candidatesTokenCount"] == 1120
    assert output.raw["text"] == "Here is your picture."


def test_of_two_pictures_the_first_is_taken_and_the_other_noted():
    [output] = translated("response-two").outputs
    first, _, second = parts_of("response-two")
    assert output.data == base64.b64decode(first["inlineData"]["data"])
    [note] = output.raw["others"]
    assert note["mimeType"] == "image/png"
    assert second["inlineData"]["data"] not in json.dumps(output.raw)


def test_what_is_only_thought_is_no_result():
    [output] = translated("response-thought").outputs
    draft, final = parts_of("response-thought")
    assert output.data == base64.b64decode(final["inlineData"]["data"])
    assert draft["inlineData"]["data"] != final["inlineData"]["data"]


# the bodies of bad-parts, in their order: the error; None where bytes are taken that are looked
# at later; Unparsable where it is no answer
BAD = [
    "validation",  # no base64
    "validation",  # a page instead of a picture
    None,  # another picture than it says
    "validation",  # an empty part
    "no_result",  # no parts
    "no_result",  # no candidates
    "no_result",  # nothing
    Unparsable,  # a list
    Unparsable,  # null
]


@pytest.mark.parametrize(("number", "expected"), list(enumerate(BAD)))
def test_a_bad_answer_is_told_as_such(number, expected):
    body = sample("bad-parts")["bodies"][number]
    if expected is Unparsable:
        with pytest.raises(Unparsable):
            wire.translate(body, task=ID)
        return
    update = wire.translate(body, task=ID)
    assert [one.code for one in update.errors] == ([expected] if expected else [])
    assert len(update.outputs) == (0 if expected else 1)


def test_every_bad_answer_is_in_the_table():
    assert len(sample("bad-parts")["bodies"]) == len(BAD)


def test_either_spelling_is_read():
    body = sample("response-ok")["body"]
    part = body["candidates"][0]["content"]["parts"][1]
    inline = part.pop("inlineData")
    part["inline_data"] = {"mime_type": inline["mimeType"], "data": inline["data"]}
    assert len(wire.translate(body, task=ID).outputs) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["candidates", "content", "parts", "inlineData", "inline_data", "mimeType", "data"]
                + ["finishReason", "promptFeedback", "blockReason", "text", "thought"]
                + ["finishMessage", "blockReasonMessage", "responseId", "usageMetadata"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(JSON, JSON, JSON)
def test_no_json_breaks_the_reader(content, feedback, finish):
    body = {
        "candidates": [{"content": content, "finishReason": finish, "finishMessage": feedback}],
        "promptFeedback": feedback,
        "responseId": finish,
    }
    for message in (body, content, {"candidates": content, "promptFeedback": feedback}):
        try:
            update = wire.translate(message, task=ID)
        except Unparsable:
            continue
        assert isinstance(update, ProviderUpdate)
        assert len(update.outputs) + len(update.errors) == 1


# ── asking ────────────────────────────────────────────────────────────────────────────────────


def wish(prompt="a lighthouse at dusk", *, model=FLASH, count=1, **more):
    return wire.request(Task(ID, "image", model, {"prompt": prompt, **more}, count))


def test_words_are_asked_for_as_the_sdk_asks():
    assert wish(width=1376, height=768) == sample("request-text")["body"]


def test_references_go_in_order_each_after_a_line_that_says_what_it_is_for():
    parts = sample("request-edit-camel")["body"]["contents"][0]["parts"]
    inline = [part["inlineData"] for part in parts[1:]]
    uris = [f"data:{one['mimeType']};base64,{one['data']}" for one in inline]
    sent = wish("put both on one postcard", references=uris, reference_roles=["style", "source"])
    said = sent["contents"][0]["parts"]
    assert [part["inlineData"] for part in said if "inlineData" in part] == inline
    assert [part.get("text") for part in said] == [
        "Image 1, the style to follow:",
        None,
        "Image 2, the picture to change:",
        None,
        "put both on one postcard",
    ]


@pytest.mark.parametrize(
    ("model", "width", "height", "shape", "size"),
    [
        (FLASH, 1024, 1024, "1:1", "1K"),
        (FLASH, 512, 512, "1:1", "512"),
        (PRO, 512, 512, "1:1", "1K"),
        (PRO, 1152, 896, "5:4", "1K"),
        (FLASH, 768, 1344, "9:16", "1K"),
        (FLASH, 1536, 640, "21:9", "1K"),
        (FLASH, 512, 2048, "1:4", "1K"),
        (PRO, 512, 2048, "9:16", "1K"),
        (PRO, 2048, 2048, "1:1", "2K"),
        (PRO, 4096, 4096, "1:1", "4K"),
    ],
)
def test_sizes_become_the_nearest_that_is_made(model, width, height, shape, size):
    config = wish(model=model, width=width, height=height)["generationConfig"]
    assert config["imageConfig"] == {"aspectRatio": shape, "imageSize": size}


def test_shape_and_size_by_name_go_before_sides():
    words = {"aspect_ratio": "4:5", "image_size": "2K"}
    config = wish(width=1024, height=1024, parameters=words)["generationConfig"]
    assert (
        config["imageConfig"]
        == sample("request-edit-camel")["body"]["generationConfig"]["imageConfig"]
    )


def test_what_must_not_be_seen_is_said_in_the_prompt_and_a_seed_fits_the_wire():
    sent = wish(negative_prompt="people", seed=2**40 + 7)
    assert "people" in sent["contents"][0]["parts"][-1]["text"]
    assert 0 <= sent["generationConfig"]["seed"] < 2**31


PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    "more",
    [
        {"references": ["http://169.254.169.254/x"]},
        {"references": ["data:image/gif;base64,R0lG"]},
        {"references": [PIXEL] * 15},
        {"references": [f"data:image/png;base64,{'A' * 20_000_000}"]},
        {"count": 2},
    ],
)
def test_what_would_be_refused_is_not_sent(more):
    with pytest.raises(ValueError, match=r"[Rr]eference|one picture"):
        wish(**more)


# ── calling ───────────────────────────────────────────────────────────────────────────────────


class Replay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers, body))
        status, answer = self.server.answer
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def google():
    served = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    served.asked = []
    served.url = f"http://127.0.0.1:{served.server_port}/v1beta"
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    http.close()
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def client(google):
    return client_of("gemini", Connection("k", google.url, PROVIDERS["gemini"].hosts))


ASKED = Task(ID, "image", FLASH, {"prompt": "a lighthouse at dusk"}, 1)


def test_a_picture_is_asked_for_by_its_model_and_comes_in_the_answer(google, client):
    google.answer = (200, json.dumps(sample("response-ok")["body"]).encode())
    submission = client.submit(ASKED)
    [(path, headers, _)] = google.asked
    assert path == f"/v1beta/models/{FLASH}:generateContent"
    assert headers["x-goog-api-key"] == "k"
    assert submission.ref == "kQ0faZzBK9-x7M8P"
    assert len(submission.update.outputs) == 1


# sample -> code, status, permanent, in doubt, seconds to wait
REFUSALS = {
    "google-error-bad-field": ("api_rejected", 400, True, False, None),
    "google-error-bad-key": ("api_rejected", 400, True, False, None),
    "google-error-no-key": ("api_rejected", 403, True, False, None),
    "google-error-precondition": ("api_rejected", 400, True, False, None),
    "google-error-quota": ("api_rejected", 429, False, False, 17.0),
    "google-error-overloaded": ("api_rejected", 503, False, False, None),
    "google-error-not-json": ("http_error", 502, False, True, None),
    "error-retired-model": ("model_retired", 404, True, False, None),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_read(google, client, name):
    found = json.loads((SAMPLES / "veo" / f"{name}.json").read_text())
    raw = found.get("raw_body")
    body = raw.encode() if raw is not None else json.dumps(found["body"]).encode()
    google.answer = (found["http"]["status"], body)
    with pytest.raises(ProviderError) as caught:
        client.submit(ASKED)
    told = caught.value
    assert (
        told.code, told.status, told.permanent, told.in_doubt, told.retry_after
    ) == REFUSALS[name]  # fmt: skip


@pytest.mark.parametrize("reply", [(None, b""), (200, b'{"cand'), (200, b"[]"), (200, b"<html>")])
def test_a_lost_or_unreadable_reply_leaves_the_picture_in_doubt(google, client, reply):
    google.answer = reply
    with pytest.raises(ProviderError) as caught:
        client.submit(ASKED)
    assert caught.value.in_doubt


def test_what_cannot_be_sent_is_refused_with_its_reason(google, client):
    task = Task(ID, "image", FLASH, {"prompt": "x", "references": [PIXEL] * 15}, 1)
    with pytest.raises(ProviderError) as caught:
        client.submit(task)
    assert caught.value.permanent
    assert "At most 14" in caught.value.errors[0]["message"]
    assert google.asked == []


def test_nothing_can_be_asked_for_later(client):
    with pytest.raises(UnknownTask):
        client.ask("kQ0faZzBK9-x7M8P")
    assert client.address_of("https://example.com/x.png") is None
    assert (client.takes_task_id, client.kind_of_answer) == (False, "inline")


def test_the_table_has_a_row_for_it():
    assert PROVIDERS["gemini"].kinds == ("image",)
    assert inbound_of("gemini") is None
