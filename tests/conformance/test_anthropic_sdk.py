"""The official Anthropic SDK drives the sandbox; values and its typed messages are asserted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.sdk import driven, python_with
from tests.sandbox.stage import SandboxProcess

pytestmark = pytest.mark.conformance

EVENTS = [
    *("message_start", "content_block_start", "ping", "content_block_delta", "content_block_stop"),
    *("content_block_start", "content_block_delta", "content_block_stop"),
    *("message_delta", "message_stop"),
]


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    return python_with(".venv-sdk-anthropic", "anthropic", "2.10.0")


@pytest.fixture(scope="session")
def older_python() -> Path:
    return python_with(".venv-sdk-anthropic-legacy", "anthropic", "1.17.0")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"), "--delay", "0").start()
    yield sandbox
    sandbox.kill()
    sandbox.session.close()


@pytest.fixture
def drive(sdk_python: Path, server: SandboxProcess) -> Callable[..., Any]:
    """Runs one row of the SDK script against a sandbox with just these faults."""

    def run(row: str, *rules: dict[str, Any]) -> Any:
        server.faults(*rules)
        return driven(sdk_python, "drive_anthropic.py", server.root, row)

    return run


def test_the_strict_reader_sees_what_is_no_message(drive):
    assert drive("A0") == [True, True, True]


def test_a1_a_tool_loop_of_two_calls(drive, server):
    outcome = drive("A1")
    words, use = outcome["first"]["content"]
    assert (words["type"], use["type"], use["name"]) == ("text", "tool_use", "create_generation")
    assert use["input"] == {"kind": "image", "prompt": "Moody lighthouse", "count": 3}
    assert outcome["first"]["stop_reason"] == "tool_use"
    assert outcome["second"]["stop_reason"] == "end_turn"
    assert outcome["second"]["content"][0]["text"] == "Done: job 81 queued, 3 results"
    assert outcome["second"]["usage"]["input_tokens"] > outcome["first"]["usage"]["input_tokens"]
    assert outcome["request"] is True
    headers = server.calls()[-1]["headers"]
    assert headers["anthropic-version"] == "2026-10-21"
    assert "x-api-key" not in headers
    assert "sandbox" not in headers["authorization"]


def test_a2_a_stream_with_a_tool(drive):
    outcome = drive("A2")
    once = [
        name
        for at, name in enumerate(outcome["names"])
        if at == 0 or name != outcome["names"][at - 1]
    ]
    assert outcome["names"] == outcome["types"]
    assert once == EVENTS
    final = outcome["final"]
    assert outcome["joined"] == final["content"][1]["input"]
    assert outcome["text"] == final["content"][0]["text"]
    assert final["stop_reason"] == "tool_use"
    assert final["usage"]["output_tokens"] > 1


def test_a3_an_error_within_a_stream(drive):
    outcome = drive("A3", {"fault": "model_error_event"})
    assert (outcome["status"], outcome["type"]) == (200, "overloaded_error")


def test_a4_retries_wait_as_they_are_told(drive):
    outcome = drive("A4", {"fault": "model_busy", "seconds": 1, "times": 1})
    assert outcome["stop_reason"] == "tool_use"
    assert 0.9 < outcome["seconds"] < 3


def test_a4_an_overload_that_lasts(drive, server):
    before = len(server.calls())
    outcome = drive("A4", {"fault": "model_overloaded"})
    assert outcome["class"] == "OverloadedError"
    assert len(server.calls()) - before == 3


@pytest.mark.parametrize(
    ("what", "status", "error"),
    [
        ("key", 401, "AuthenticationError"),
        ("max_tokens", 400, "BadRequestError"),
        ("temperature", 400, "BadRequestError"),
        ("unanswered", 400, "BadRequestError"),
        ("model", 404, "NotFoundError"),
    ],
)
def test_a5_what_is_refused(refusals, what, status, error):
    assert (refusals[what]["status"], refusals[what]["class"]) == (status, error)
    assert refusals[what]["request"] is True


@pytest.fixture(scope="module")
def refusals(server: SandboxProcess) -> Any:
    server.faults()
    python = python_with(".venv-sdk-anthropic", "anthropic", "2.10.0")
    return driven(python, "drive_anthropic.py", server.root, "A5")


def test_a6_the_older_sdk_with_its_key_and_version(older_python, server):
    server.faults()
    outcome = driven(older_python, "drive_anthropic.py", server.root, "A6")
    assert outcome["version"] == "1.17.0"
    assert outcome["message"]["stop_reason"] == "end_turn"
    headers = server.calls()[-1]["headers"]
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["x-api-key"] == "…box"
