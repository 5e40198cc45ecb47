"""Drives a sandbox with anthropic 2.x (or 1.x: row A6); prints what the SDK saw as JSON.

Usage: python drive_anthropic.py ROOT ROW
"""

import json
import sys
import time
from typing import Any

import anthropic
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter, ValidationError

MODEL = "claude-sonnet-5-5"
WISH = "Make three moody posters of our lighthouse"
TOOLS: list[Any] = [
    {
        "name": "create_generation",
        "description": "Start image or video generation in this space.",
        "input_schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind", "prompt"],
            "properties": {
                "kind": {"type": "string", "enum": ["image", "video"]},
                "prompt": {"type": "string"},
                "count": {"type": "integer", "minimum": 1, "maximum": 8},
            },
        },
    },
    {
        "name": "ask_user",
        "description": "Ask one question that is needed before generating.",
        "input_schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["question"],
            "properties": {"question": {"type": "string"}},
        },
    },
]
ASKED: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 512,
    "tools": TOOLS,
    "messages": [{"role": "user", "content": WISH}],
}
EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def client(root: str, **more: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(**{"api_key": "sandbox", "base_url": root, "max_retries": 0, **more})


def strict(raw: Any) -> Message:
    return Message.model_validate(raw, strict=True)


def error_of(call: Any) -> dict[str, Any]:
    started = time.monotonic()
    try:
        call()
    except anthropic.APIStatusError as error:
        body = error.body if isinstance(error.body, dict) else {}
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "type": (body.get("error") or {}).get("type"),
            "message": (body.get("error") or {}).get("message"),
            "request": bool(error.request_id),
            "seconds": time.monotonic() - started,
        }
    raise AssertionError("the SDK saw no error")


def a0(_root: str) -> Any:
    """The strict reader refuses what is not a message."""
    refused = []
    for raw in ({}, {"type": "message"}, {"content": [], "stop_reason": "weather"}):
        try:
            strict(raw)
        except ValidationError:
            refused.append(True)
    return refused


def a1(root: str) -> Any:
    """A tool loop of two calls."""
    sdk = client(root)
    first = sdk.messages.with_raw_response.create(**ASKED)
    message = strict(json.loads(first.text() if callable(first.text) else first.text))
    uses = [block for block in message.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": use.id, "content": "job 81 queued, 3 results"}
        for use in uses
    ]
    said = [
        *ASKED["messages"],
        {"role": "assistant", "content": [block.model_dump() for block in message.content]},
        {"role": "user", "content": results},
    ]
    second = sdk.messages.with_raw_response.create(**{**ASKED, "messages": said})
    ended = strict(json.loads(second.text() if callable(second.text) else second.text))
    return {
        "first": message.model_dump(mode="json"),
        "second": ended.model_dump(mode="json"),
        "request": bool(first.headers.get("request-id")),
    }


def a2(root: str) -> Any:
    """A stream with a tool; every raw event is judged."""
    sdk = client(root)
    with sdk.messages.with_streaming_response.create(**{**ASKED, "stream": True}) as response:
        lines = list(response.iter_lines())
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    datas = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    for data in datas:
        if data["type"] != "ping":
            EVENTS.validate_python(data, strict=True)
    joined = "".join(
        data["delta"].get("partial_json", "")
        for data in datas
        if data["type"] == "content_block_delta"
    )
    with sdk.messages.stream(**ASKED) as stream:
        texts = list(stream.text_stream)
        final = stream.get_final_message()
    return {
        "names": names,
        "types": [data["type"] for data in datas],
        "joined": json.loads(joined),
        "text": "".join(texts),
        "final": final.model_dump(mode="json"),
    }


def a3(root: str) -> Any:
    """An error event in the stream."""

    def call() -> None:
        with client(root).messages.stream(**ASKED) as stream:
            stream.get_final_message()

    return error_of(call)


def a4(root: str) -> Any:
    """Retries of a 429 with retry-after, or of a 529, as the faults say."""
    sdk = client(root, max_retries=2)
    started = time.monotonic()
    try:
        message = sdk.messages.create(**ASKED)
    except anthropic.APIStatusError as error:
        return {"class": type(error).__name__, "seconds": time.monotonic() - started}
    return {"stop_reason": message.stop_reason, "seconds": time.monotonic() - started}


def a5(root: str) -> Any:
    """What is refused."""
    sdk = client(root)
    dangling = [
        *ASKED["messages"],
        {
            "role": "assistant",
            "content": [
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "ask_user",
                    "input": {"question": "?"},
                }
            ],
        },
        {"role": "user", "content": "and?"},
    ]
    hello = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
    return {
        "key": error_of(lambda: client(root, api_key="wrong").messages.create(**ASKED)),
        "max_tokens": error_of(lambda: sdk.post("/v1/messages", body=hello, cast_to=Message)),
        "temperature": error_of(
            lambda: sdk.messages.create(**ASKED, extra_body={"temperature": 1.0})
        ),
        "unanswered": error_of(lambda: sdk.messages.create(**{**ASKED, "messages": dangling})),
        "model": error_of(lambda: sdk.messages.create(**{**ASKED, "model": "claude-nope"})),
    }


def a6(root: str) -> Any:
    """A plain answer, also with the temperature that the earlier version still knows."""
    said = {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
    message = client(root).messages.create(**said, extra_body={"temperature": 0.5})
    raw = message.model_dump(mode="json")
    return {"version": anthropic.__version__, "message": raw}


if __name__ == "__main__":
    found = globals()[sys.argv[2].lower()](sys.argv[1])
    sys.stdout.write(json.dumps(found) + "\n")
