"""The official Google SDKs drive the sandbox; values and their own types are asserted."""

import base64
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from generations.providers.base import Connection, Task
from generations.providers.gemini.client import GeminiClient
from generations.providers.veo.client import VeoClient
from tests.conformance.sdk import driven, python_with
from tests.sandbox.stage import SandboxProcess, eventually

pytestmark = pytest.mark.conformance

VERSIONS = {"2.34.0": "v1beta", "3.3.0": "v1"}
OLD, NEW = VERSIONS
FILE = "https://generativelanguage.googleapis.com/v1beta/files/"
WITHHELD = "The video was withheld by the safety filters. It was not charged."
FULL = ["candidates", "modelVersion", "responseId", "usageMetadata"]


@pytest.fixture(scope="session")
def pythons() -> dict[str, Path]:
    return {
        version: python_with(f".venv-sdk-google-{version[0]}", "google-genai", version)
        for version in VERSIONS
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"), "--delay", "0.1").start()
    yield sandbox
    sandbox.kill()
    sandbox.session.close()


@pytest.fixture
def drive(pythons: dict[str, Path], server: SandboxProcess, tmp_path: Path) -> Callable[..., Any]:
    """Runs one row with one SDK against a sandbox that was reset, with the rules given."""

    def run(version: str, row: str, *rules: dict[str, Any], api: str = "") -> Any:
        server.session.post(f"{server.root}/control/reset", timeout=5)
        server.faults(*rules)
        arguments = (server.root, api or VERSIONS[version], row, str(tmp_path / "film.mp4"))
        return driven(pythons[version], "drive_google.py", *arguments)

    return run


def picture(image: dict[str, Any]) -> Image.Image:
    assert image["type"] == "image/png"
    opened = Image.open(BytesIO(base64.b64decode(image["data"])))
    opened.load()
    assert opened.format == "PNG"
    return opened


def assert_sum(seen: dict[str, Any]) -> None:
    before, after, thought, total = seen["usage"]
    assert before + (after or 0) + (thought or 0) == total
    assert sum(seen["modalities"].values()) == (after or 0)


def assert_film(path: Path, *, size: tuple[int, int], seconds: int, sound: bool = True) -> None:
    content = path.read_bytes()
    assert content.find(b"moov") < content.find(b"mdat")
    with av.open(BytesIO(content)) as film:
        frames = list(film.decode(video=0))
        assert (frames[0].width, frames[0].height) == size
        assert len(frames) == seconds * 24
        assert film.streams.video[0].codec_context.name == "h264"
        assert bool(film.streams.audio) is sound


@pytest.mark.parametrize("version", VERSIONS)
def test_g1_a_picture_from_words(drive, version):
    outcome = drive(version, "G1")
    seen, sent = outcome["seen"], outcome["sent"]
    assert picture(seen["images"][0]).size == (1376, 768)
    assert (len(seen["images"]), seen["finish"], seen["blocked"]) == (1, ["STOP"], None)
    assert seen["model"] == "gemini-3.1-flash-image"
    assert seen["modalities"]["IMAGE"] == 1120
    assert_sum(seen)
    assert sent["path"] == f"/{VERSIONS[version]}/models/gemini-3.1-flash-image:generateContent"
    assert sent["headers"]["x-goog-api-key"] == "…box"
    assert outcome["keys"] == FULL


@pytest.mark.parametrize("version", VERSIONS)
def test_g2_a_picture_from_a_picture(drive, version):
    outcome = drive(version, "G2")
    assert picture(outcome["seen"]["images"][0]).size == (1024, 1024)
    # The SDK mixes both spellings; the service takes either.
    assert set(outcome["sent"][1]["inlineData"]) == {"data", "mime_type"}


@pytest.mark.parametrize("version", VERSIONS)
def test_g3_refusals_of_content_are_answers(drive, version):
    outcome = drive(version, "G3")
    seen = {name: one["seen"] for name, one in outcome.items()}
    assert seen["blocked"]["blocked"] == "PROHIBITED_CONTENT"
    assert seen["blocked"]["finish"] == []
    assert "candidates" not in outcome["blocked"]["keys"]
    assert (seen["safety"]["finish"], seen["safety"]["images"]) == (["IMAGE_SAFETY"], [])
    assert (seen["words"]["finish"], seen["words"]["images"]) == (["STOP"], [])
    assert seen["words"]["text"]
    assert len(seen["two"]["images"]) == 2
    assert seen["two"]["images"][0]["data"] != seen["two"]["images"][1]["data"]
    assert [image["thought"] for image in seen["thought"]["images"]] == [True, False]
    for one in seen.values():
        assert_sum(one)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("fault", "finish"),
    [("no_image", "NO_IMAGE"), ("cut", "MAX_TOKENS"), ("unknown_finish", "IMAGE_SOMETHING_NEW")],
)
def test_g3_other_ends_come_by_rule(drive, version, fault, finish):
    seen = drive(version, "G3_ordered", {"fault": f"gemini_{fault}"})
    assert (seen["finish"], seen["images"]) == ([finish], [])


@pytest.mark.parametrize("version", VERSIONS)
def test_g4_errors_have_their_codes(drive, version):
    found = drive(version, "G4", {"fault": "google_quota", "match": "lighthouse", "seconds": 17})
    key, quota = found["key"], found["ordered"]
    assert (key["kind"], key["code"], key["status"]) == ("ClientError", 400, "INVALID_ARGUMENT")
    assert key["details"]["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert (quota["code"], quota["status"]) == (429, "RESOURCE_EXHAUSTED")
    delays = [one.get("retryDelay") for one in quota["details"]["error"]["details"]]
    assert "17s" in delays
    assert (found["retired"]["code"], found["retired"]["status"]) == (404, "NOT_FOUND")
    assert "no longer available" in found["retired"]["message"]
    assert found["unknown"]["code"] == 404


def test_v1_a_film_is_begun_polled_and_fetched(drive, tmp_path):
    outcome = drive(OLD, "V1")
    assert outcome["said"][:2] == [None, None]
    assert outcome["said"][-1] is True
    assert bytes.fromhex(outcome["head"])[4:8] == b"ftyp"
    assert_film(tmp_path / "film.mp4", size=(1280, 720), seconds=4)
    assert outcome["end"]["videos"][0].startswith(FILE)
    assert outcome["raw"] == {
        "name": outcome["end"]["name"],
        "done": True,
        "response": {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1beta"
            ".PredictLongRunningResponse",
            "generateVideoResponse": {
                "generatedSamples": [{"video": {"uri": outcome["end"]["videos"][0]}}]
            },
        },
    }


def test_v2_pictures_come_as_bytes_and_never_as_inline_data(drive, tmp_path):
    outcome = drive(OLD, "V2")
    assert len(outcome["frames"]["videos"]) == len(outcome["shown"]["videos"]) == 1
    assert_film(tmp_path / "film.mp4", size=(720, 1280), seconds=4)
    assert "/operations/" in outcome["longer"]
    status, body = outcome["refused"]
    assert (status, body["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "`inlineData` isn't supported by this model" in body["error"]["message"]


def test_v3_ends_without_a_film(drive):
    found = drive(
        OLD,
        "V3",
        {"fault": "veo_filtered", "match": "filtered"},
        {"fault": "veo_failed", "match": "failed"},
        {"fault": "veo_no_result", "match": "nothing"},
    )
    filtered = found["filtered"]
    assert (filtered["videos"], filtered["count"]) == ([], 1)
    assert filtered["reasons"] == [WITHHELD]
    assert found["failed"]["error"]["code"] == 13
    assert found["nothing"] == {
        **found["nothing"], "videos": [], "count": None, "reasons": None, "error": None
    }  # fmt: skip
    assert (found["unknown"]["code"], found["unknown"]["status"]) == (404, "NOT_FOUND")


def test_v4_the_newer_sdk_polls_and_fetches(drive, tmp_path):
    outcome = drive(NEW, "V4", api="v1beta")
    assert outcome["status"] == 200
    assert outcome["said"][-1] is True
    assert bytes.fromhex(outcome["head"])[4:8] == b"ftyp"
    assert_film(tmp_path / "film.mp4", size=(1280, 720), seconds=4)


def test_v5_the_enterprise_platform_sends_the_film_inside(drive, tmp_path):
    outcome = drive(NEW, "V5", api="v1beta1")
    assert outcome["said"][-1] is True
    assert outcome["type"] == "video/mp4"
    model = "/v1beta1/publishers/google/models/veo-3.1-generate-001"
    assert outcome["paths"] == [f"{model}:fetchPredictOperation", f"{model}:predictLongRunning"]
    assert_film(tmp_path / "film.mp4", size=(1280, 720), seconds=4, sound=False)


@pytest.mark.parametrize("version", VERSIONS)
def test_o1_an_interaction_brings_a_film(drive, tmp_path, version):
    outcome = drive(version, "O1")
    assert outcome["said"][0] == "in_progress"
    assert outcome["said"][-1] == "completed"
    assert outcome["type"] == "video/mp4"
    assert_film(tmp_path / "film.mp4", size=(640, 360), seconds=3)
    status, body = outcome["refused"]
    assert (status, body["error"]["code"]) == (400, "invalid_request")


def our_client(server: SandboxProcess) -> VeoClient:
    server.session.post(f"{server.root}/control/reset", timeout=5)
    return VeoClient(Connection("sandbox", f"{server.root}/v1beta"))


def begun(client: VeoClient, **fields: Any) -> str:
    model = "veo-3.1-generate-preview"
    return client.submit(Task(id="1", kind="video", model=model, input=fields, count=1)).ref


def shape(call: dict[str, Any]) -> tuple[str, str, str]:
    """A call without what differs each time."""
    path = re.sub(r"(operations|files)/[a-z0-9]{12}", r"\1/ID", call["path"])
    return call["method"], path, call["headers"]["x-goog-api-key"]


def test_our_client_sends_what_the_sdk_sends(drive, server):
    parameters = {
        "duration": 4, "aspect_ratio": "16:9", "resolution": "720p",
        "negative_prompt": "people, text",
    }  # fmt: skip
    theirs = drive(OLD, "V1")["calls"]
    client = our_client(server)
    ref = begun(client, prompt="waves against a lighthouse, wide shot", parameters=parameters)
    update = eventually(lambda: client.ask(ref), lambda update: not update.processing, 10)
    address = client.address_of(update.outputs[0].url)
    server.session.head(address.url, headers=dict(address.headers), timeout=60)
    ours = server.calls()
    download = next(call for call in theirs if "/files/" in call["path"])
    assert [shape(call) for call in ours[:2]] == [shape(call) for call in theirs[:2]]
    assert shape(ours[-1])[1:] == shape(download)[1:]
    assert address.url.endswith(":download?alt=media")
    assert ours[0]["body"]["instances"] == theirs[0]["body"]["instances"]
    # What we leave to the service is what the SDK was told to say: the number and the people.
    more = {"personGeneration": "allow_all", "sampleCount": 1}
    assert {**ours[0]["body"]["parameters"], **more} == theirs[0]["body"]["parameters"]
    assert ours[0]["headers"]["content-type"] == theirs[0]["headers"]["content-type"]


def test_our_client_sends_pictures_as_the_sdk_does(drive, server):
    frames, shown = drive(OLD, "V2")["sent"][:2]
    first = frames["instances"][0]["image"]
    uri = f"data:{first['mimeType']};base64,{first['bytesBase64Encoded']}"
    client = our_client(server)
    begun(client, prompt="the tide rises", references=[uri], parameters={"duration": 4})
    begun(client, prompt="the keeper", references=[uri, uri], parameters={"duration": 8})
    one, two = (call["body"]["instances"][0] for call in server.calls())
    assert one["image"] == first
    assert two["referenceImages"] == shown["instances"][0]["referenceImages"] * 2


def our_painter(server: SandboxProcess, version: str) -> GeminiClient:
    server.session.post(f"{server.root}/control/reset", timeout=5)
    return GeminiClient(Connection("sandbox", f"{server.root}/{VERSIONS[version]}"))


def painted(client: GeminiClient, **fields: Any) -> Image.Image:
    task = Task(id="1", kind="image", model="gemini-3.1-flash-image", input=fields, count=1)
    [output] = client.submit(task).update.outputs
    return Image.open(BytesIO(output.data))


@pytest.mark.parametrize("version", VERSIONS)
def test_our_client_asks_for_a_picture_as_the_sdk_does(drive, server, version):
    theirs = drive(version, "G1")["sent"]
    client = our_painter(server, version)
    image = painted(client, prompt="a lighthouse at dusk", width=1376, height=768)
    assert image.size == (1376, 768)
    [ours] = server.calls()
    assert shape(ours) == shape(theirs)
    assert ours["body"] == theirs["body"]
    assert ours["headers"]["content-type"] == theirs["headers"]["content-type"]


@pytest.mark.parametrize("version", VERSIONS)
def test_our_client_sends_a_picture_to_be_changed_as_the_sdk_does(drive, server, version):
    text, picture = drive(version, "G2")["sent"]
    theirs = picture["inlineData"]
    uri = f"data:{theirs['mime_type']};base64,{theirs['data']}"
    client = our_painter(server, version)
    painted(client, prompt=text["text"], references=[uri], reference_roles=["source"])
    [call] = server.calls()
    label, ours, words = call["body"]["contents"][0]["parts"]
    # The documented spelling, where the SDK mixes two; and a line of ours before the picture.
    assert ours == {"inlineData": {"mimeType": theirs["mime_type"], "data": theirs["data"]}}
    assert words == text
    assert label == {"text": "Image 1, the picture to change:"}
