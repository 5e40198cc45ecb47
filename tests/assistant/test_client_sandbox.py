"""The language model's client and its sandbox: two readings of one protocol that must agree."""

import time

import pytest

from genproj.assistant import client
from genproj.assistant.client import ModelFailure, ToolResult
from videos import prompts

TOOLS = [
    {
        "name": "create_picture",
        "description": "Make a picture.",
        "input_schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["prompt"],
            "properties": {"prompt": {"type": "string"}},
        },
    }
]
WISH = "Create a video of a sunset over Lisbon, 8 seconds"


@pytest.fixture
def connection(sandbox):
    return client.connection("sandbox", sandbox.url, "claude-sonnet-5-5")


def said(words):
    return [{"role": "user", "content": words}]


def intent(connection, words=WISH, seconds=8.0):
    system = prompts.system(model={"properties": {"duration": {"enum": [4, 8]}}}, film=None)
    return client.complete(
        connection, system=system, messages=said(words), schema=prompts.INTENT, seconds=seconds
    )


def test_a_wish_is_understood_in_the_asked_form(connection):
    reply = intent(connection)
    assert reply.structured["intent"] == "video"
    assert reply.structured["prompt"] == "A sunset over Lisbon"
    assert reply.structured["parameters"] == {"duration": 8}
    assert reply.usage.input_tokens > 100


def test_a_tool_loop_ends(connection):
    told = said("Make a picture of a lighthouse")
    first = client.complete(connection, system="", messages=told, tools=TOOLS)
    assert [call.name for call in first.tool_calls] == ["create_picture"]
    results = [ToolResult(call.id, "kept as number 5") for call in first.tool_calls]
    told += [client.assistant_turn(first), client.tool_results(results)]
    second = client.complete(connection, system="", messages=told, tools=TOOLS)
    assert (second.text, second.stop_reason) == ("Done: kept as number 5", "end_turn")


def test_a_stream_brings_what_the_whole_answer_has(connection):
    whole = client.complete(connection, system="", messages=said("hello"))
    *pieces, last = client.stream(connection, system="", messages=said("hello"))
    assert "".join(piece.text for piece in pieces) == last.reply.text == whole.text
    assert last.reply.usage == whole.usage


@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        ("model_rejected", "rejected", False),
        ("model_billing", "rejected", False),
        ("model_denied", "rejected", False),
        ("model_retired", "rejected", False),
        ("model_busy", "rate_limited", True),
        ("model_spent", "rate_limited", False),
        ("model_500", "overloaded", True),
        ("model_504", "timeout", True),
        ("model_overloaded", "overloaded", True),
        ("model_html", "overloaded", True),
        ("model_lost", "cut_off", True),
        ("model_cut", "cut_off", True),
        ("model_refusal", "refused", False),
        ("model_max_tokens", "cut_off", False),
        ("model_full", "cut_off", False),
        ("model_nonsense", "bad_answer", True),
        ("model_bad_shape", "bad_answer", True),
    ],
)
def test_a_bad_day_has_a_code(connection, sandbox, fault, code, retryable):
    sandbox.faults({"fault": fault})
    with pytest.raises(ModelFailure) as error:
        intent(connection)
    assert (error.value.code, error.value.retryable) == (code, retryable)
    assert error.value.retry_after == (12 if fault == "model_busy" else None)


@pytest.mark.parametrize("fault", ["model_slow", "model_drip"])
def test_the_time_is_kept(connection, sandbox, fault):
    sandbox.faults({"fault": fault, "seconds": 20})
    started = time.monotonic()
    with pytest.raises(ModelFailure) as error:
        intent(connection, seconds=0.5)
    assert error.value.code == "timeout"
    assert time.monotonic() - started < 15


def test_a_pause_is_gone_on_with(connection, sandbox):
    sandbox.faults({"fault": "model_pause", "times": 1})
    reply = client.complete(connection, system="", messages=said("hello"))
    assert reply.text.startswith("One moment.")
    assert reply.stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("fault", "code"),
    [("model_cut", "cut_off"), ("model_error_event", "overloaded"), ("model_500", "overloaded")]
    + [("model_lost", "cut_off"), ("model_refusal", "refused")],
)
def test_a_stream_that_fails(connection, sandbox, fault, code):
    sandbox.faults({"fault": fault})
    with pytest.raises(ModelFailure) as error:
        list(client.stream(connection, system="", messages=said("hello")))
    assert error.value.code == code


def test_a_wrong_key_is_rejected(sandbox):
    wrong = client.connection("wrong", sandbox.url, "claude-sonnet-5-5")
    with pytest.raises(ModelFailure) as error:
        client.complete(wrong, system="", messages=said("hello"))
    assert (error.value.code, error.value.kind) == ("rejected", "authentication_error")
