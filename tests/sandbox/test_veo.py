"""Veo at the sandbox's door: what it takes, what it refuses, and how it goes wrong on order."""

import base64
from io import BytesIO
from typing import Any

import av
import pytest
import requests
from PIL import Image

from tests.sandbox.stage import SandboxProcess, eventually

MODEL = "/v1beta/models/veo-3.1-generate-preview"
CREATE = f"{MODEL}:predictLongRunning"
SHORT = {"durationSeconds": 4}
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/files/"


@pytest.fixture(autouse=True)
def _nothing_before(sandbox: SandboxProcess) -> None:
    sandbox.session.post(f"{sandbox.root}/control/reset", json={"tasks": True}, timeout=60)


def wish(prompt: str = "a quiet harbour", **parameters: Any) -> dict[str, Any]:
    return {"instances": [{"prompt": prompt}], "parameters": {**SHORT, **parameters}}


def picture(colour: str = "teal", size: tuple[int, int] = (64, 48)) -> dict[str, str]:
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    encoded = base64.b64encode(file.getvalue()).decode()
    return {"bytesBase64Encoded": encoded, "mimeType": "image/png"}


def begun(sandbox: SandboxProcess, body: dict[str, Any] | None = None, path: str = CREATE) -> str:
    reply = sandbox.google(path, body or wish())
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"name"}
    return reply.json()["name"]


def poll(sandbox: SandboxProcess, name: str) -> requests.Response:
    return sandbox.google(f"/v1beta/{name}")


def ended(sandbox: SandboxProcess, name: str) -> dict[str, Any]:
    return eventually(lambda: poll(sandbox, name).json(), lambda body: "done" in body, 20)


def uris(body: dict[str, Any]) -> list[str]:
    samples = body["response"]["generateVideoResponse"]["generatedSamples"]
    return [sample["video"]["uri"] for sample in samples]


def path_of(uri: str) -> str:
    assert uri.startswith(GOOGLE)
    return "/v1beta/files/" + uri.removeprefix(GOOGLE)


def film(sandbox: SandboxProcess, body: dict[str, Any] | None = None) -> bytes:
    uri = uris(ended(sandbox, begun(sandbox, body)))[0]
    reply = sandbox.google(path_of(uri))
    assert (reply.status_code, reply.headers["content-type"]) == (200, "video/mp4")
    return reply.content


def error(reply: requests.Response) -> tuple[int, str]:
    body = reply.json()["error"]
    assert body["code"] == reply.status_code
    return reply.status_code, body["status"]


def test_a_film_is_begun_polled_and_fetched(sandbox):
    content = film(sandbox)
    assert content[4:8] == b"ftyp"
    assert content.find(b"moov") < content.find(b"mdat")
    with av.open(BytesIO(content)) as opened:
        stream = opened.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 24)
        assert opened.streams.audio[0].codec_context.name == "aac"
        frames = [frame.to_image() for frame in opened.decode(video=0)]
    assert (len(frames), frames[0].size) == (96, (1280, 720))
    small = [frames[place].resize((32, 18)).tobytes() for place in (0, 48, 95)]
    moved = [
        sum(abs(one - two) for one, two in zip(*pair, strict=True)) / len(small[0])
        for pair in (small[:2], small[1:])
    ]
    assert min(moved) > 1, "nothing moves"


def test_a_film_is_equal_for_equal_words_and_seed(sandbox):
    one = film(sandbox, wish(seed=7))
    assert film(sandbox, wish(seed=7)) == one
    assert film(sandbox, wish(seed=8)) != one


def test_the_same_wish_again_gives_another_film(sandbox):
    assert film(sandbox) != film(sandbox)


@pytest.mark.parametrize(
    ("parameters", "size", "seconds"),
    [
        ({"aspectRatio": "9:16"}, (720, 1280), 4),
        ({"resolution": "1080p", "durationSeconds": 8}, (1920, 1080), 8),
    ],
)
def test_shape_size_and_length_are_as_asked(sandbox, parameters, size, seconds):
    with av.open(BytesIO(film(sandbox, wish(**parameters)))) as opened:
        stream = opened.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (*size, seconds * 24)


def test_a_first_frame_is_the_films_beginning_and_the_last_its_end(sandbox):
    body = wish("the tide rises")
    body["instances"][0] |= {"image": picture("red"), "lastFrame": picture("blue")}
    with av.open(BytesIO(film(sandbox, body))) as opened:
        frames = [
            frame.to_image().resize((1, 1)).getpixel((0, 0)) for frame in opened.decode(video=0)
        ]
    assert frames[0][0] > 2 * frames[0][2]
    assert frames[-1][2] > 2 * frames[-1][0]


def test_a_film_can_be_continued(sandbox):
    uri = uris(ended(sandbox, begun(sandbox)))[0]
    body = {"instances": [{"prompt": "and on", "video": {"uri": uri}}]}
    with av.open(BytesIO(film(sandbox, body))) as opened:
        assert opened.streams.video[0].frames == 11 * 24


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_both_versions_of_the_path_serve(sandbox, version):
    name = begun(sandbox, path=CREATE.replace("v1beta", version))
    assert sandbox.google(f"/{version}/{name}").status_code == 200


def test_both_spellings_of_a_field_are_taken(sandbox):
    body = {"instances": [{"prompt": "a boat"}], "parameters": {"duration_seconds": 4}}
    begun(sandbox, body)


def test_the_key_is_asked_for_at_every_door(sandbox):
    name = begun(sandbox)
    file = path_of(uris(ended(sandbox, name))[0])
    for path, body in ((CREATE, wish()), (f"/v1beta/{name}", None), (file, None)):
        assert error(sandbox.google(path, body, key=None)) == (403, "PERMISSION_DENIED")
        refused = sandbox.google(path, body, key="wrong")
        assert error(refused) == (400, "INVALID_ARGUMENT")
        assert refused.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert sandbox.get(f"{sandbox.root}/v1beta/{name}?key=sandbox").status_code == 200


@pytest.mark.parametrize(
    ("model", "words"),
    [("veo-2.0-generate-001", "no longer available"), ("veo-9", "is not found")],
)
def test_a_model_that_is_gone_or_never_was(sandbox, model, words):
    reply = sandbox.google(f"/v1beta/models/{model}:predictLongRunning", wish())
    assert error(reply) == (404, "NOT_FOUND")
    assert words in reply.json()["error"]["message"]


def test_what_nobody_knows_is_not_found(sandbox):
    name = begun(sandbox)
    for path in (
        f"{MODEL}/operations/nobodyknows1",
        f"/v1beta/{name.replace('-generate', '-fast-generate')}",
        "/v1beta/files/nobodyknows1:download?alt=media",
        "/v1beta/elsewhere",
    ):
        assert error(sandbox.google(path)) == (404, "NOT_FOUND")


INLINE = {"inlineData": {"mimeType": "image/png", "data": picture()["bytesBase64Encoded"]}}
WRONG = [
    ({}, {}, "prompt"),
    ({"prompt": 5}, {}, "prompt"),
    ({"prompt": "x", "image": INLINE}, {}, "`inlineData` isn't supported"),
    ({"prompt": "x", "image": {**picture(), "mimeType": "text/html"}}, {}, "MIME"),
    ({"prompt": "x", "image": {**picture(), "bytesBase64Encoded": "!!"}}, {}, "Base64"),
    ({"prompt": "x", "image": {**picture(), "bytesBase64Encoded": "AAAA"}}, {}, "input image"),
    ({"prompt": "x", "lastFrame": picture()}, {}, "`lastFrame`"),
    ({"prompt": "x", "referenceImages": [{"image": picture()}]}, {}, "referenceType"),
    ({"prompt": "x", "video": {"uri": "https://example.com/x.mp4"}}, {}, "generated by VEO"),
    ({"prompt": "x", "music": "loud"}, {}, "`music`"),
    ({"prompt": "x"}, {"durationSeconds": 5}, "durationSeconds"),
    ({"prompt": "x"}, {"durationSeconds": "8"}, "needs to be a number"),
    ({"prompt": "x"}, {"durationSeconds": 4, "resolution": "1080p"}, "given combination"),
    ({"prompt": "x"}, {"resolution": "480p"}, "resolution"),
    ({"prompt": "x"}, {"aspectRatio": "1:1"}, "aspectRatio"),
    ({"prompt": "x"}, {"generateAudio": True}, "`generateAudio` isn't supported"),
    ({"prompt": "x"}, {"personGeneration": "allow_adult"}, "personGeneration"),
    ({"prompt": "x"}, {"sampleCount": 9}, "sampleCount"),
    ({"prompt": "x"}, {"sampleCount": True}, "sampleCount"),
    ({"prompt": "x"}, {"seed": -1}, "seed"),
    ({"prompt": "x"}, {"negativePrompt": 1}, "negativePrompt"),
]


@pytest.mark.parametrize(("instance", "parameters", "words"), WRONG)
def test_a_wrong_field_is_named(sandbox, instance, parameters, words):
    reply = sandbox.google(CREATE, {"instances": [instance], "parameters": parameters})
    assert error(reply) == (400, "INVALID_ARGUMENT")
    assert words in reply.json()["error"]["message"]
    assert sandbox.tasks_of_google() == []


@pytest.mark.parametrize(
    "body", [[], {}, {"instances": []}, {"instances": ["x"]}, {"instances": [{}, {}]}, {"what": 1}]
)
def test_an_odd_body_is_refused(sandbox, body):
    assert error(sandbox.google(CREATE, body)) == (400, "INVALID_ARGUMENT")


def test_a_body_that_is_no_json_is_refused(sandbox):
    headers = {"x-goog-api-key": "sandbox"}
    for content in (b"{", b'{"instances": [{"prompt": "\\ud800"}]}', b"\xff"):
        reply = sandbox.session.post(
            f"{sandbox.root}{CREATE}", data=content, headers=headers, timeout=5
        )
        assert error(reply) == (400, "INVALID_ARGUMENT")


def test_a_part_of_a_film_can_be_fetched(sandbox):
    file = path_of(uris(ended(sandbox, begun(sandbox)))[0])
    headers = {"x-goog-api-key": "sandbox", "range": "bytes=4-7"}
    reply = sandbox.get(f"{sandbox.root}{file}", headers=headers)
    assert (reply.status_code, reply.content) == (206, b"ftyp")


def test_the_control_door_shows_films_and_hides_keys(sandbox):
    name = begun(sandbox)
    ended(sandbox, name)
    operation = name.rpartition("/")[2]
    made, asked = sandbox.calls(task=operation)[:2]
    assert made["body"]["instances"] == [{"prompt": "a quiet harbour"}]
    assert (made["headers"]["x-goog-api-key"], asked["method"]) == ("…box", "GET")
    shown = sandbox.tasks(operation)[0]
    assert (shown["prompt"], shown["taskType"]) == ("a quiet harbour", "predictLongRunning")
    assert shown["results"][0]["state"] == "success"
    file = sandbox.get(f"{sandbox.root}/control/files/{shown['results'][0]['uuid']}", timeout=60)
    assert file.headers["content-type"] == "video/mp4"
