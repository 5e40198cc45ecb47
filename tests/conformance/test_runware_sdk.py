"""The official Runware SDK drives the sandbox; values and its typed schema are asserted."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import pytest
from PIL import Image

from generations.providers.base import Task
from generations.providers.runware import wire
from tests.conformance.sdk import driven, python_with
from tests.sandbox.stage import Catcher, SandboxProcess

JPEG = "ffd8ff"

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    return python_with(".venv-sdk-runware", "runware-sdk", "1.8.0")


@pytest.fixture(scope="session")
def legacy_python() -> Path:
    # Both packages import as `runware`, so they cannot share an environment.
    return python_with(".venv-sdk-runware-legacy", "runware", "0.5.24")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"), "--delay", "0.2").start()
    yield sandbox
    sandbox.kill()
    sandbox.session.close()


@pytest.fixture
def drive(sdk_python: Path, server: SandboxProcess) -> Callable[..., Any]:
    """Runs one row of the SDK script against a sandbox without faults."""
    server.faults()

    def run(row: str, *more: str) -> Any:
        return driven(sdk_python, "drive_runware.py", server.root, row, *more)

    return run


def assert_two_pictures(server: SandboxProcess, outcome: dict[str, Any]) -> None:
    items = outcome["items"]
    assert outcome["sent"][0] == "imageInference"
    assert outcome["problems"] == []
    assert outcome["seen"] == len(items) == 2
    assert len({item["imageUUID"] for item in items}) == 2
    assert {item["taskUUID"] for item in items} == {outcome["uuid"]}
    assert items[1]["seed"] == items[0]["seed"] + 1
    assert [item["cost"] for item in items] == [0.0002, 0.0002]
    for file in outcome["files"]:
        assert file["type"] == "image/jpeg"
        assert file["head"].startswith(JPEG)
    for item in items:
        with Image.open(BytesIO(server.get(item["imageURL"]).content)) as image:
            image.load()
            assert image.size == (512, 384)


def test_the_checker_sees_what_does_not_fit(drive):
    assert drive("R0") == {
        "unknown": ["unknown extra"],
        "type": ["seed is '1'"],
        "flag": ["seed is True"],
        "missing": ["missing taskUUID", "missing imageUUID"],
        "literal": ["outputFormat is 'GIF'"],
        "good": [],
    }


def test_r1_a_synchronous_task_over_rest(drive, server):
    outcome = drive("R1")
    assert_two_pictures(server, outcome)
    assert [item["seed"] for item in outcome["items"]] == [41, 42]


def test_r2_an_asynchronous_task_over_rest(drive, server):
    outcome = drive("R2")
    assert_two_pictures(server, outcome)
    assert 0.9 < outcome["seconds"] < 6


def test_r3_a_task_uuid_serves_once(drive):
    error = drive("R3")
    assert (error["code"], error["parameter"], error["status"]) == ("validation", "taskUUID", 400)


def test_r4_a_wrong_width_is_named(drive):
    error = drive("R4")
    assert (error["code"], error["parameter"], error["status"]) == ("validation", "width", 400)


def test_r5_a_wrong_key_is_refused(drive):
    error = drive("R5")
    assert (error["code"], error["status"]) == ("auth", 401)


def test_r6_one_of_three_fails_and_the_poll_keeps_two(drive, server):
    server.faults({"fault": "one_fails", "result": 1})
    outcome = drive("R6")
    assert outcome["error"]["code"] == "provider"
    poll = eventually_two(server, outcome["poll"])
    assert [item["status"] for item in poll["data"]] == ["success", "success"]
    assert [error["code"] for error in poll["errors"]] == ["inferenceError"]


def eventually_two(server: SandboxProcess, poll: dict[str, Any]) -> dict[str, Any]:
    """The SDK gives up at the first error, when the last picture may still be in work."""
    return server.settled(poll["data"][0]["taskUUID"])


def test_r7_content_is_judged_only_when_asked(drive):
    outcome = drive("R7")
    assert outcome["checked"]["items"][0]["NSFWContent"] is True
    assert "NSFWContent" not in outcome["unchecked"]["items"][0]
    assert outcome["checked"]["problems"] == outcome["unchecked"]["problems"] == []


def test_r8_a_webhook_brings_the_item_of_the_poll_once(drive, server):
    catcher = Catcher()
    try:
        outcome = drive("R8", catcher.url)
        assert_two_pictures(server, outcome)
        catcher.wait(2)
    finally:
        catcher.close()
    polled = server.settled(outcome["uuid"])["data"]
    expected = [{name: item[name] for name in item if name != "status"} for item in polled]
    delivered = sorted((body["data"][0] for body in catcher.json), key=lambda item: item["seed"])
    assert delivered == expected


def test_r9_a_video_is_an_mp4_that_plays(drive, server):
    outcome = drive("R9")
    assert outcome["problems"] == []
    assert outcome["items"][0]["videoUUID"]
    assert outcome["items"][0]["cost"] == 1.6
    assert outcome["files"][0]["type"] == "video/mp4"
    assert bytes.fromhex(outcome["files"][0]["head"])[4:8] == b"ftyp"
    with av.open(BytesIO(server.get(outcome["items"][0]["videoURL"]).content)) as film:
        frames = list(film.decode(video=0))
        assert (frames[0].width, frames[0].height, len(frames)) == (640, 360, 4 * 24)


def test_r10_utilities_and_tools_meet_their_schemas(drive):
    outcome = drive("R10")
    assert outcome["problems"] == []
    assert outcome["account"]["balance"]["currency"] == "USD"
    upscaled, cut_out, caption = outcome["tools"]
    assert upscaled["imageURL"].endswith(".jpg")
    assert cut_out["imageURL"].endswith(".png")
    assert caption["text"]


def test_r13_the_films_we_ask_for_meet_the_schema(drive):
    wishes = [
        {"duration": 4, "aspect_ratio": "9:16", "resolution": "720p", "sound": False, "seed": 7},
        {"duration": 8, "aspect_ratio": "16:9", "resolution": "1080p", "sound": True},
    ]
    bodies = [
        wire.request(Task(str(uuid4()), "video", model, {"prompt": "waves", "parameters": wish}, 1))
        for wish in wishes
        for model in ("google:3@2", "google:3@3")
    ]
    assert drive("R13", json.dumps(bodies)) == [[], [], [], []]


def test_r11_the_same_over_websocket(drive, server):
    outcome = drive("R11")
    assert_two_pictures(server, outcome["sync"])
    assert_two_pictures(server, outcome["async"])
    assert (outcome["reused"]["code"], outcome["reused"]["parameter"]) == ("validation", "taskUUID")
    assert (outcome["width"]["code"], outcome["width"]["parameter"]) == ("validation", "width")
    assert outcome["key"]["code"] == "auth"


def test_r12_the_older_sdk_over_websocket(legacy_python, server):
    server.faults()
    outcome = driven(legacy_python, "drive_runware_legacy.py", server.root)
    images = outcome["images"]
    assert [image["seed"] for image in images] == [11, 12]
    assert {image["taskUUID"] for image in images} == {outcome["uuid"]}
    assert outcome["polled"] == [image["imageUUID"] for image in images]
    assert server.get(images[0]["imageURL"]).content.startswith(bytes.fromhex(JPEG))
    assert outcome["total"] > 2
    assert outcome["caption"] == "A picture of a quiet harbour."
    assert outcome["cut_out"]["taskType"] == "imageBackgroundRemoval"
    with Image.open(BytesIO(server.get(outcome["large"]["imageURL"]).content)) as large:
        assert large.size == (512, 512)
    assert outcome["connected"] is True
