"""The stand-in for Anthropic: what it refuses, what it understands, and its bad days."""

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from genproj.sandbox.conversation import heard
from genproj.sandbox.hearing import subject_of, title_of
from genproj.sandbox.shapes import shaped
from genproj.sandbox.understanding import understood

SAMPLES = Path(__file__).parents[1] / "samples" / "anthropic"
NEW, OLD = "2026-10-21", "2023-06-01"
KEYS = ["duration", "aspect_ratio", "resolution", "style", "sound", "detail"]
INTENT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["intent", "reply"],
    "properties": {
        "intent": {"enum": ["video", "change", "talk"]},
        "reply": {"type": "string"},
        "prompt": {"type": "string"},
        "title": {"type": "string"},
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "duration": {"type": "integer"},
                "aspect_ratio": {"type": "string"},
                "resolution": {"type": "string"},
                "sound": {"type": "boolean"},
                "style": {"type": "string"},
            },
        },
        "missing": {"type": "array", "items": {"enum": KEYS}},
        "questions": {
            "type": "array",
            "maxItems": 5,
            "items": {
                "type": "object",
                "required": ["key", "question"],
                "properties": {"key": {"enum": KEYS}, "question": {"type": "string"}},
            },
        },
    },
}
FILM = {
    "status": "pending_clarification",
    "summary": {"prompt": "A sunset over Lisbon", "duration": "8 seconds", "aspect_ratio": "16:9"},
    "asked": ["duration", "aspect_ratio", "resolution"],
}
MODEL = {"type": "object", "properties": {"duration": {"type": "integer", "enum": [4, 6, 8]}}}
TOOLS = json.loads((SAMPLES / "request-tools.json").read_text())["body"]["tools"]


def body(*said: Any, **more: Any) -> dict[str, Any]:
    messages = [
        {"role": ("user", "assistant")[at % 2], "content": words} for at, words in enumerate(said)
    ]
    return {"model": "claude-sonnet-5-5", "max_tokens": 1024, "messages": messages} | more


def post(sandbox, content: Any, *, version: str = NEW, **headers: str) -> requests.Response:
    sent = {"x-api-key": "sandbox", "anthropic-version": version} | headers
    return sandbox.session.post(
        f"{sandbox.root}/v1/messages", json=content, headers=sent, timeout=60
    )


def refusal(answer: requests.Response) -> tuple[int, str]:
    told = answer.json()
    assert told["type"] == "error"
    assert told["request_id"] == answer.headers["request-id"]
    return answer.status_code, told["error"]["type"]


def meant(*said: str, film: Any = None, model: Any = MODEL) -> dict[str, Any]:
    """What the stand-in understands, with the film that the system prompt declares."""
    system = f"You make films.\nParameters:\n{json.dumps(model)}"
    if film is not None:
        system += f"\nThe film being discussed:\n{json.dumps(film)}"
    talk = [words for one in said for words in (one, "A few questions.")][:-1]
    return understood(heard(body(*talk, system=system)))


def events(answer: requests.Response) -> list[tuple[str, Any]]:
    found = []
    for frame in answer.text.split("\n\n")[:-1]:
        name, data = frame.split("\n", 1)
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


# ── who may ask, and what is refused ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", [NEW, OLD])
@pytest.mark.parametrize(
    "key",
    [{"x-api-key": "sandbox"}, {"authorization": "Bearer sandbox"}]
    + [{"x-api-key": "sandbox", "authorization": "Bearer wrong"}],
)
def test_both_keys_and_both_versions_are_taken(sandbox, key, version):
    headers = {"anthropic-version": version, **key}
    answer = sandbox.session.post(
        f"{sandbox.root}/v1/messages", json=body("hi"), headers=headers, timeout=60
    )
    assert answer.status_code == 200
    assert answer.json()["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    "key", [{}, {"x-api-key": "k"}, {"x-api-key": "k", "authorization": "Bearer sandbox"}]
)
def test_another_key_is_refused(sandbox, key):
    headers = {"anthropic-version": NEW, **key}
    answer = sandbox.session.post(
        f"{sandbox.root}/v1/messages", json=body("hi"), headers=headers, timeout=60
    )
    assert refusal(answer) == (401, "authentication_error")


def test_the_recorded_bad_requests_are_refused(sandbox):
    found = json.loads((SAMPLES / "bad-requests.json").read_text())["requests"]
    answers = [refusal(post(sandbox, one["body"])) for one in found]
    assert answers == [(400, "invalid_request_error")] * len(found)


@pytest.mark.parametrize(
    "name",
    ["tools", "tool-result", "tool-result-mixed", "structured", "headers-1x"],
)
def test_the_recorded_good_requests_are_taken(sandbox, name):
    found = json.loads((SAMPLES / f"request-{name}.json").read_text())
    version = found["http"]["headers"]["anthropic-version"]
    assert post(sandbox, found["body"], version=version).status_code == 200


def with_tool(**changes: Any) -> dict[str, Any]:
    return {"tools": [{**TOOLS[0], **changes}]}


BLOCK = {"type": "text", "text": "x"}


@pytest.mark.parametrize(
    "change",
    [
        {"messages": "x"},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "user", "content": []}]},
        {"messages": [{"role": "user", "content": [{"type": "weather"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "a"}]}]},
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "so,"}]},
        {"messages": [{"role": "user", "content": [{**BLOCK, "citations": [{}]}]}]},
        {"max_tokens": "many"},
        {"max_tokens": -1},
        {"max_tokens": True},
        {"model": 5},
        {"system": 5},
        {"stream": "yes"},
        {"temperature": 1},
        {"top_k": 3},
        {"weather": "good"},
        {"stop_sequences": [" "]},
        {"thinking": {"type": "enabled", "budget_tokens": 10}},
        {"thinking": {"type": "enabled", "budget_tokens": 4000}},
        {"output_config": {"format": {"type": "xml"}}},
        {"output_config": {"format": {"type": "json_schema"}}},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "wish"}}}},
        {"output_config": {"effort": "heroic"}},
        with_tool(name="a b"),
        with_tool(name="x" * 65),
        with_tool(name=""),
        with_tool(input_schema=None),
        with_tool(input_schema={"type": "array"}),
        with_tool(input_schema={"type": "object", "properties": {"a": {"type": "wish"}}}),
        {"tools": [TOOLS[0], TOOLS[0]]},
        {"tools": TOOLS, "tool_choice": {"type": "tool", "name": "nobody"}},
        {"tools": TOOLS, "tool_choice": {"type": "always"}},
        {"tools": TOOLS, "tool_choice": {"type": "any"}, "thinking": {"type": "adaptive"}},
        {"tool_choice": {"type": "auto"}},
    ],
    ids=str,
)
def test_a_bad_request_is_refused(sandbox, change):
    assert refusal(post(sandbox, body("hi") | change)) == (400, "invalid_request_error")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 9000, b'"\\ud800"'])
def test_what_is_no_json_object_is_refused(sandbox, content):
    answer = sandbox.session.post(
        f"{sandbox.root}/v1/messages",
        data=content,
        headers={"x-api-key": "sandbox", "anthropic-version": NEW},
        timeout=60,
    )
    assert refusal(answer) == (400, "invalid_request_error")


def test_an_unknown_model_is_not_found(sandbox):
    assert refusal(post(sandbox, body("hi", model="gpt-5"))) == (404, "not_found_error")


def test_a_temperature_is_taken_in_the_earlier_version(sandbox):
    assert post(sandbox, body("hi", temperature=0.5), version=OLD).status_code == 200


def test_a_document_of_the_assistant_is_refused_only_in_the_new_version(sandbox):
    document = {"type": "document", "source": {"type": "text", "data": "x"}}
    said = body("hi", [document], "and?")
    assert refusal(post(sandbox, said)) == (400, "invalid_request_error")
    assert post(sandbox, said, version=OLD).status_code == 200


# ── plain English ─────────────────────────────────────────────────────────────────────────────


def test_the_intent_schema_is_answered_sensibly(sandbox):
    asked = {"format": {"type": "json_schema", "schema": INTENT}}
    said = "Create a video of a sunset over Lisbon"
    answer = post(sandbox, body(said, output_config=asked)).json()
    found = json.loads(answer["content"][0]["text"])
    jsonschema.validate(found, INTENT)
    assert (found["intent"], found["prompt"]) == ("video", "A sunset over Lisbon")
    assert found["title"] == "Sunset over Lisbon"
    assert found["parameters"] == {}
    assert found["missing"] == ["duration", "aspect_ratio", "resolution", "style", "sound"]
    assert len(found["questions"]) == 5
    assert found == json.loads(
        post(sandbox, body(said, output_config=asked)).json()["content"][0]["text"]
    )


@pytest.mark.parametrize(
    ("words", "prompt", "parameters"),
    [
        ("a sunset over Lisbon in anime style", "A sunset over Lisbon", {"style": "anime"}),
        ("make a sunset over Lisbon", "A sunset over Lisbon", {}),
        (
            "can you make a film about a whale in space, 10 seconds, vertical?",
            "A whale in space",
            {"duration": 10, "aspect_ratio": "9:16"},
        ),
        ("I'd like a film where a robot learns to paint", "A robot learns to paint", {}),
        ("video of a town square at night", "A town square at night", {}),
        ("A portrait of a woman, 16:9", "A portrait of a woman", {"aspect_ratio": "16:9"}),
        ("an 80s disco with dancers", "An 80s disco with dancers", {}),
        ("Film noir detective in the rain", "Film noir detective in the rain", {"style": "noir"}),
        (
            "Make an eight second silent film of a dog",
            "A dog",
            {"duration": 8, "sound": False},
        ),
        (
            "Please create a 6 second long video, in portrait mode, of a tiny dragon",
            "A tiny dragon",
            {"duration": 6, "aspect_ratio": "9:16"},
        ),
        (
            "Create a video of a cat. 8 seconds, 16:9, 1080p, with sound, cinematic.",
            "A cat",
            {
                "duration": 8,
                "aspect_ratio": "16:9",
                "resolution": "1080p",
                "sound": True,
                "style": "cinematic",
            },
        ),
    ],
)
def test_a_wish_is_understood(words, prompt, parameters):
    found = meant(words)
    assert (found["intent"], found["prompt"]) == ("video", prompt)
    assert found["parameters"] == parameters
    assert not set(found["missing"]) & parameters.keys()


@pytest.mark.parametrize(
    "words",
    ["hello", "hello, what can you do?", "thanks!", "make a video", "how long does it take?"]
    + ["do you make videos?", "I love sunsets", "draw me a picture of a cat", "Give me an idea"]
    + ["why is the sky blue?", "tell me about yourself", "asdf", "…", "yes"],
)
def test_talk_is_talk(words):
    found = meant(words)
    assert found["intent"] == "talk"
    assert 10 < len(found["reply"]) < 200


@pytest.mark.parametrize(
    ("words", "prompt", "parameters"),
    [
        (
            "8 seconds, widescreen, no sound",
            None,
            {"duration": 8, "aspect_ratio": "16:9", "sound": False},
        ),
        ("8", None, {"duration": 8}),
        ("cinematic", None, {"style": "cinematic"}),
        ("half a minute, square-ish please", None, {"duration": 30, "aspect_ratio": "1:1"}),
        ("no, vertical please", None, {"aspect_ratio": "9:16"}),
        ("make the video vertical", None, {"aspect_ratio": "9:16"}),
        ("10 sec, tiktok", None, {"duration": 10, "aspect_ratio": "9:16"}),
        ("I'd prefer full hd", None, {"resolution": "1080p"}),
        ("can you make it shorter?", None, {"duration": 6}),
        ("you decide", None, {}),
        ("add a dog", "A sunset over Lisbon, with a dog", {}),
        ("make it at night", "A sunset over Lisbon, at night", {}),
        ("replace Lisbon with Porto", "A sunset over Porto", {}),
        ("actually, a fox in the snow instead", "A fox in the snow", {}),
        ("a red boat in front", "A sunset over Lisbon, with a red boat in front", {}),
    ],
)
def test_a_change_is_understood(words, prompt, parameters):
    found = meant("Create a video of a sunset over Lisbon", words, film=FILM)
    assert (found["intent"], found.get("prompt")) == ("change", prompt)
    assert found["parameters"] == parameters
    assert set(found["missing"]) <= set(FILM["asked"]) - parameters.keys()


def test_a_new_wish_while_a_film_is_discussed():
    found = meant("Create a video of a sunset", "Create a video of a fox in the snow", film=FILM)
    assert (found["intent"], found["prompt"]) == ("video", "A fox in the snow")


def test_a_change_to_a_film_that_is_made_is_a_new_wish():
    found = meant("Create a 4 second video of a sunset over Lisbon", "make it longer, at night")
    assert found["intent"] == "video"
    assert found["parameters"] == {"duration": 6}


@pytest.mark.parametrize(
    ("status", "word"), [("pending_confirmation", "Confirm"), ("processing", "right now")]
)
def test_the_state_of_a_film_is_known(status, word):
    found = meant("Create a video of a sunset", "is it ready?", film={**FILM, "status": status})
    assert (found["intent"], word in found["reply"]) == ("talk", True)


def test_only_declared_settings_are_asked_for():
    model = {"properties": {"duration": {"enum": [8]}, "aspect_ratio": {"enum": ["16:9"]}}}
    found = meant("Create a video of a sunset over Lisbon", model=model)
    assert found["missing"] == ["duration", "aspect_ratio", "style"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.text(max_size=80))
def test_no_words_break_it(first, second):
    for film in (None, FILM):
        found = meant(first or "x", second or "x", film=film)
        assert found["intent"] in ("video", "change", "talk")
        jsonschema.validate(shaped(INTENT, found), INTENT)
        title_of(subject_of(first))


def test_long_words_are_read_quickly():
    started = time.monotonic()
    for words in ("a " * 4000, "please " * 2000, "make the " * 1500, "so very " * 1500 + "x"):
        meant(words, film=FILM)
    assert time.monotonic() - started < 60


# ── any schema ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string", "pattern": r"^[a-z]{3}-\d+$", "minLength": 7},
        {"type": "string", "format": "email"},
        {"type": "string", "minLength": 50, "maxLength": 60},
        {"type": "integer", "minimum": 3, "multipleOf": 4},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": ["null", "string"]},
        {"not": {"type": "string"}},
        {"oneOf": [{"type": "string"}, {"type": "string", "minLength": 2}]},
        {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"const": 5}}}]},
        {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
        {"type": "array", "contains": {"const": 7}},
        {"type": "array", "prefixItems": [{"const": 1}, {"type": "boolean"}], "minItems": 2},
        {"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}},
        {
            "$defs": {
                "node": {
                    "type": "object",
                    "required": ["value", "next"],
                    "properties": {
                        "value": {"type": "integer"},
                        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    },
                }
            },
            "$ref": "#/$defs/node",
        },
    ],
    ids=str,
)
def test_any_schema_is_answered_with_an_instance(sandbox, schema):
    asked = {"format": {"type": "json_schema", "schema": schema}}
    answer = post(sandbox, body("Create a video of a cat", output_config=asked)).json()
    found = json.loads(answer["content"][0]["text"])
    jsonschema.Draft202012Validator(schema).validate(found)


def test_known_names_of_another_schema_are_filled(sandbox):
    sample = json.loads((SAMPLES / "request-structured.json").read_text())["body"]
    found = json.loads(post(sandbox, sample).json()["content"][0]["text"])
    assert found["kind"] == "image"


# ── tools ─────────────────────────────────────────────────────────────────────────────────────


def calls(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(one["name"], one["input"]) for one in answer["content"] if one["type"] == "tool_use"]


def test_a_declared_tool_is_called_with_valid_input(sandbox):
    answer = post(sandbox, body("Make three moody posters of our lighthouse", tools=TOOLS)).json()
    wanted = {"kind": "image", "prompt": "Moody lighthouse", "count": 3}
    assert calls(answer) == [("create_generation", wanted)]
    assert answer["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "auto"}, []),
        ({"type": "none"}, []),
        ({"type": "any"}, ["create_generation"]),
        ({"type": "tool", "name": "ask_user"}, ["ask_user"]),
    ],
)
def test_the_choice_of_tools_is_kept(sandbox, choice, names):
    answer = post(sandbox, body("hello", tools=TOOLS, tool_choice=choice)).json()
    assert [name for name, _ in calls(answer)] == names


def test_steps_are_taken_one_after_the_other(sandbox):
    tools = [
        TOOLS[0],
        {
            "name": "rename_asset",
            "description": "Give an asset another name.",
            "input_schema": {
                "type": "object",
                "required": ["asset_id", "name"],
                "properties": {"asset_id": {"type": "string"}, "name": {"type": "string"}},
            },
        },
    ]
    system = json.dumps({"assets": [{"id": "a1", "name": "Fox"}, {"id": "a2", "name": "Knight"}]})
    said = ["Make a picture of a knight, then rename the knight to Sir Rowan"]
    names = []
    for _ in range(3):
        answer = post(sandbox, body(*said, tools=tools, system=system)).json()
        uses = [one for one in answer["content"] if one["type"] == "tool_use"]
        names += calls(answer)
        results = [
            {"type": "tool_result", "tool_use_id": one["id"], "content": "fine"} for one in uses
        ]
        said += [answer["content"], results]
    assert names[0][0] == "create_generation"
    assert names[1] == ("rename_asset", {"asset_id": "a2", "name": "Sir Rowan"})
    assert len(names) == 2
    assert answer["content"][0]["text"] == "Done: fine"


# ── lengths and streams ───────────────────────────────────────────────────────────────────────


def test_a_stream_has_every_event_and_the_same_words(sandbox):
    whole = post(sandbox, body("hello")).json()
    streamed = post(sandbox, body("hello", stream=True))
    assert streamed.headers["content-type"].startswith("text/event-stream")
    found = events(streamed)
    assert all(name == data["type"] for name, data in found)
    names = [name for name, _ in found]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    words = "".join(data["delta"]["text"] for name, data in found if name == "content_block_delta")
    assert words == whole["content"][0]["text"]


def test_the_room_for_words_is_kept(sandbox):
    answer = post(sandbox, body("hello", max_tokens=2)).json()
    assert (answer["stop_reason"], len(answer["content"][0]["text"])) == ("max_tokens", 8)
    assert post(sandbox, body("hello", max_tokens=0)).json()["content"] == []


def test_a_stop_sequence_ends_the_answer(sandbox):
    words = post(sandbox, body("hello")).json()["content"][0]["text"]
    stop = words.split()[2]
    answer = post(sandbox, body("hello", stop_sequences=[stop])).json()
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", stop)
    assert answer["content"][0]["text"] == words[: words.index(stop)]


# ── bad days ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("model_rejected", 400, "invalid_request_error"),
        ("model_billing", 402, "billing_error"),
        ("model_denied", 403, "permission_error"),
        ("model_retired", 404, "not_found_error"),
        ("model_busy", 429, "rate_limit_error"),
        ("model_spent", 429, "rate_limit_error"),
        ("model_500", 500, "api_error"),
        ("model_504", 504, "timeout_error"),
        ("model_overloaded", 529, "overloaded_error"),
        ("model_error_event", 529, "overloaded_error"),
    ],
)
def test_an_ordered_refusal(sandbox, fault, status, kind):
    sandbox.faults({"fault": fault})
    answer = post(sandbox, body("hi"))
    assert refusal(answer) == (status, kind)
    assert answer.headers.get("retry-after") == ("12" if fault == "model_busy" else None)


def test_a_rule_looks_at_what_was_said_last(sandbox):
    sandbox.faults({"fault": "model_500", "match": "unlucky"})
    assert post(sandbox, body("hi")).status_code == 200
    assert post(sandbox, body("unlucky words")).status_code == 500
    assert post(sandbox, body("unlucky words", "oh", "hi")).status_code == 200


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("model_refusal", "refusal"),
        ("model_max_tokens", "max_tokens"),
        ("model_full", "model_context_window_exceeded"),
        ("model_pause", "pause_turn"),
    ],
)
def test_an_ordered_stop_reason(sandbox, fault, reason):
    sandbox.faults({"fault": fault, "times": 1})
    answer = post(sandbox, body("hi")).json()
    assert answer["stop_reason"] == reason
    if reason == "pause_turn":
        said = body("hi", answer["content"])
        assert post(sandbox, said).json()["stop_reason"] == "end_turn"


@pytest.mark.parametrize("fault", ["model_nonsense", "model_bad_shape"])
def test_an_answer_against_the_schema(sandbox, fault):
    sandbox.faults({"fault": fault})
    asked = {"format": {"type": "json_schema", "schema": INTENT}}
    words = post(sandbox, body("hi", output_config=asked)).json()["content"][0]["text"]
    try:
        assert not jsonschema.Draft202012Validator(INTENT).is_valid(json.loads(words))
    except json.JSONDecodeError:
        assert fault == "model_nonsense"


def test_an_undeclared_tool(sandbox):
    sandbox.faults({"fault": "model_unknown_tool"})
    assert calls(post(sandbox, body("hi", tools=TOOLS)).json()) == [("drop_everything", {})]


@pytest.mark.parametrize("fault", ["model_lost", "model_cut"])
def test_a_connection_that_ends(sandbox, fault):
    sandbox.faults({"fault": fault})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        post(sandbox, body("hi"))


def test_a_stream_that_is_cut_or_brings_an_error(sandbox):
    sandbox.faults({"fault": "model_error_event"})
    found = events(post(sandbox, body("hi", stream=True)))
    assert found[-1][1]["error"]["type"] == "overloaded_error"
    sandbox.faults({"fault": "model_cut"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        post(sandbox, body("hi", stream=True))


def test_slow_days(sandbox):
    sandbox.faults({"fault": "model_slow", "seconds": 0.4})
    started = time.monotonic()
    assert post(sandbox, body("hi")).status_code == 200
    assert time.monotonic() - started > 0.4
    sandbox.faults({"fault": "model_drip", "seconds": 0.4})
    started = time.monotonic()
    assert post(sandbox, body("hi")).json()["type"] == "message"
    assert time.monotonic() - started > 0.4


def test_calls_are_listed_without_the_key(sandbox):
    post(sandbox, body("a listed question"))
    call = sandbox.calls()[-1]
    assert (call["path"], call["status"]) == ("/v1/messages", 200)
    assert call["body"]["messages"][0]["content"] == "a listed question"
    assert call["headers"]["x-api-key"] == "…box"
