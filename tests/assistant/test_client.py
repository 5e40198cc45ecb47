"""The language model's client against a server that replays the recorded answers."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from genproj.assistant import client
from genproj.assistant.client import ModelFailure, ToolResult
from genproj.kernel import http

SAMPLES = Path(__file__).parents[1] / "samples" / "anthropic"
SAID = [{"role": "user", "content": "Make three moody posters of our lighthouse"}]
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["intent", "kind"],
    "properties": {
        "intent": {"type": "string", "maxLength": 80},
        "kind": {"enum": ["image", "video", "chat"]},
    },
}
TOOLS = [{"name": "ask_user", "description": "Ask.", "input_schema": {"type": "object"}}]
PROMPT = "the secret harbour"


class Replay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.asked.append((self.path, self.headers, json.loads(self.rfile.read(length))))
        answers = self.server.answers
        status, headers, chunks, pause = answers.pop(0) if len(answers) > 1 else answers[0]
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        for chunk in chunks:
            try:
                self.wfile.write(chunk)
            except OSError:
                return
            if pause and self.server.over.wait(pause):
                return


@pytest.fixture
def model():
    served = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    served.asked, served.answers, served.over = [], [], threading.Event()
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.over.set()
    http.close()
    served.shutdown()
    thread.join()
    served.server_close()


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


def answers(model, *bodies, status=200, headers=None, pause=0.0):
    for body in bodies:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        chunks = [bytes([byte]) for byte in content] if pause else [content]
        model.answers.append((status, headers or {}, chunks, pause))


def recorded(model, name, **changes):
    found = sample(name)
    answers(model, found["body"] | changes, **found["http"])


def streamed(model, events, *, size=7):
    text = "".join(f"event: {one['event']}\ndata: {json.dumps(one['data'])}\n\n" for one in events)
    content = text.encode()
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    model.answers.append((200, {"Content-Type": "text/event-stream"}, parts, 0))


def connected(model):
    return client.connection("k", f"http://127.0.0.1:{model.server_port}", "claude-sonnet-5-5")


def ask(model, *, messages=SAID, **more):
    return client.complete(connected(model), system="You plan.", messages=messages, **more)


def failure(model, **more):
    with pytest.raises(ModelFailure) as error:
        ask(model, **more)
    return error.value


def parts(model, **more):
    return list(client.stream(connected(model), system="", messages=SAID, **more))


def broken(model, **more):
    with pytest.raises(ModelFailure) as error:
        parts(model, **more)
    return error.value


# ── what is sent ──────────────────────────────────────────────────────────────────────────────


def test_a_request_is_as_the_service_wants_it(model):
    recorded(model, "response-end")
    ask(model, tools=TOOLS, max_tokens=64)
    path, headers, body = model.asked[0]
    assert path == "/v1/messages"
    assert headers["x-api-key"] == "k"
    assert headers["anthropic-version"] == "2026-10-21"
    assert body == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 64,
        "system": "You plan.",
        "messages": SAID,
        "tools": TOOLS,
    }


def test_a_schema_is_sent_without_the_bounds_that_the_service_refuses(model):
    recorded(model, "response-structured", content=[{"type": "text", "text": '{"a":[]}'}])
    bounded = {
        "type": "object",
        "properties": {"a": {"type": "array", "maxItems": 5, "items": {"type": "object"}}},
    }
    ask(model, schema=bounded)
    sent = model.asked[0][2]["output_config"]["format"]
    assert sent == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "a": {
                    "type": "array",
                    "description": "{maxItems: 5}",
                    "items": {"type": "object", "additionalProperties": False},
                }
            },
        },
    }


# ── what comes ────────────────────────────────────────────────────────────────────────────────


def test_a_plain_answer(model):
    recorded(model, "response-end")
    reply = ask(model)
    assert reply.text
    assert (reply.stop_reason, reply.tool_calls, reply.structured) == ("end_turn", (), None)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (412, 57)


def test_tool_calls_come_with_the_blocks_to_be_given_back(model):
    recorded(model, "response-thinking")
    reply = ask(model, tools=TOOLS)
    assert [call.name for call in reply.tool_calls] == ["create_generation"]
    assert reply.tool_calls[0].input["count"] == 3
    assert client.assistant_turn(reply)["content"] == sample("response-thinking")["body"]["content"]


def test_two_tool_calls_at_once(model):
    recorded(model, "response-parallel-tools")
    assert len(ask(model, tools=TOOLS).tool_calls) == 2


def test_a_structured_answer(model):
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "intent": {"type": "string"}}}
    recorded(model, "response-structured")
    reply = ask(model, schema=schema)
    assert reply.structured == {"intent": "generate posters", "kind": "image"}


@pytest.mark.parametrize(
    "text",
    ["", "Sure!", "[]", '{"intent":"x"}', '{"intent":"x","kind":"film"}', '{"intent":NaN}']
    + ['{"intent":"x","kind":"chat","more":1}', "[" * 5000, json.dumps({"intent": "x" * 81})],
)
def test_a_structured_answer_that_breaks_the_schema(model, text):
    recorded(model, "response-structured", content=[{"type": "text", "text": text}])
    found = failure(model, schema=SCHEMA)
    assert (found.code, found.retryable) == ("bad_answer", True)


def test_a_refusal(model):
    recorded(model, "response-refusal")
    found = failure(model, schema=SCHEMA)
    assert (found.code, found.retryable, found.status) == ("refused", False, 200)


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
def test_a_tool_call_of_an_unfinished_answer_is_left_out(model, reason):
    recorded(model, "response-max-tokens", stop_reason=reason)
    reply = ask(model, tools=TOOLS)
    assert (reply.text, reply.stop_reason, reply.tool_calls) == ("I will start", reason, ())
    assert [block["type"] for block in reply.content] == ["text"]


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
def test_half_a_structure_is_none(model, reason):
    recorded(model, "response-structured", stop_reason=reason)
    assert failure(model, schema=SCHEMA).code == "cut_off"


def test_a_paused_turn_is_gone_on_with(model):
    recorded(model, "response-pause")
    recorded(model, "response-end")
    reply = ask(model)
    assert reply.text.startswith("One moment.")
    assert reply.usage.output_tokens == 114
    paused = {"role": "assistant", "content": sample("response-pause")["body"]["content"]}
    assert model.asked[1][2]["messages"] == [*SAID, paused]


def test_a_turn_that_pauses_for_ever_ends(model):
    recorded(model, "response-pause")
    assert failure(model).code == "cut_off"
    assert len(model.asked) == 4


@pytest.mark.parametrize("number", range(8))
def test_odd_tool_calls_never_break_the_reader(model, number):
    answers(model, sample("bad-tool-inputs")["bodies"][number])
    if number == 6:
        assert failure(model, tools=TOOLS).code == "bad_answer"
        return
    reply = ask(model, tools=TOOLS)
    assert len(reply.tool_calls) == (0 if number == 7 else 1)
    assert len(reply.content) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502</html>", b"{", b"[]", b"{}", b"null", b"[" * 100_000, b"\xff"]
    + [{"content": "x"}, {"content": [1]}, {"content": []}, {"content": [{}], "stop_reason": "x"}]
    + [{"content": [{"type": "text"}], "stop_reason": "end_turn"}]
    + [{"content": [{"type": "tool_use"}], "stop_reason": "tool_use"}],
)
def test_what_is_no_message_is_a_bad_answer(model, body):
    answers(model, body)
    assert failure(model).code == "bad_answer"


def test_letters_that_no_table_holds_are_taken_out(model):
    recorded(model, "response-end", content=[{"type": "text", "text": "a\0b\ud800c"}])
    assert ask(model).text == "ab?c"


# ── failures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "rejected", False),
        (401, "rejected", False),
        (402, "rejected", False),
        (403, "rejected", False),
        (404, "rejected", False),
        (413, "rejected", False),
        (429, "rate_limited", True),
        (500, "overloaded", True),
        (504, "timeout", True),
        (529, "overloaded", True),
    ],
)
def test_a_status_has_a_meaning(model, status, code, retryable):
    recorded(model, f"error-{status}")
    found = failure(model)
    assert (found.code, found.retryable, found.status) == (code, retryable, status)
    assert found.retry_after == (12 if status == 429 else None)
    assert found.kind == sample(f"error-{status}")["body"]["error"]["type"]
    assert found.request_id == "req_011CsandboxA1"


def test_a_spent_budget_is_not_waited_for(model):
    answers(model, sample("error-429")["body"], status=429)
    found = failure(model)
    assert (found.code, found.retryable, found.retry_after) == ("rate_limited", False, None)


@pytest.mark.parametrize(
    ("status", "code", "retryable"), [(502, "overloaded", True), (302, "rejected", False)]
)
def test_a_gateway_in_between(model, status, code, retryable):
    answers(model, b"<html>Bad Gateway</html>", status=status)
    found = failure(model)
    assert (found.code, found.retryable) == (code, retryable)


def test_nobody_is_there():
    nowhere = client.connection("k", "http://127.0.0.1:9", "m")
    with pytest.raises(ModelFailure) as error:
        client.complete(nowhere, system="", messages=SAID)
    assert (error.value.code, error.value.retryable) == ("unreachable", True)


def test_a_connection_that_ends(model):
    model.answers.append((None, {}, [], 0))
    found = failure(model)
    assert (found.code, found.retryable) == ("cut_off", True)


def test_half_a_body(model):
    answers(model, b'{"content":', headers={"Content-Length": "500"})
    assert failure(model).code == "cut_off"


def test_a_drip_does_not_outlast_the_time(model):
    answers(model, sample("response-end")["body"], pause=0.05)
    started = time.monotonic()
    found = failure(model, seconds=0.4)
    assert (found.code, found.retryable) == ("timeout", True)
    assert time.monotonic() - started < 30


def test_pauses_share_the_time(model):
    recorded(model, "response-pause")
    answers(model, sample("response-end")["body"], pause=0.05)
    started = time.monotonic()
    assert failure(model, seconds=0.4).code == "timeout"
    assert time.monotonic() - started < 30


def test_neither_prompt_nor_key_is_in_a_failure_or_a_log(model, caplog):
    caplog.set_level(0)
    said = [{"role": "user", "content": PROMPT}]
    echoed = {"type": "error", "error": {"type": "invalid_request_error", "message": PROMPT}}
    answers(model, echoed, status=400)
    connection = client.connection("sk-very-secret", connected(model).base_url, "m")
    with pytest.raises(ModelFailure) as error:
        client.complete(connection, system="", messages=said)
    shown = f"{error.value} {error.value!r} {connection!r} {caplog.text}"
    assert PROMPT not in shown
    assert "sk-very-secret" not in shown
    assert error.value.detail == PROMPT


# ── tool loops ────────────────────────────────────────────────────────────────────────────────


def test_results_come_first_and_in_one_message(model):
    recorded(model, "response-parallel-tools")
    recorded(model, "response-end")
    reply = ask(model, tools=TOOLS)
    first, second = reply.tool_calls
    results = [ToolResult(first.id, "job 81 queued"), ToolResult(second.id, "no", is_error=True)]
    turn = client.tool_results(results, "go on")
    assert turn["content"] == [
        {"type": "tool_result", "tool_use_id": first.id, "content": "job 81 queued"},
        {"type": "tool_result", "tool_use_id": second.id, "content": "no", "is_error": True},
        {"type": "text", "text": "go on"},
    ]
    ask(model, messages=[*SAID, client.assistant_turn(reply), turn], tools=TOOLS)
    assert len(model.asked) == 2


@pytest.mark.parametrize("answer", ["nothing", "other", "twice", "late"])
def test_a_tool_call_that_dangles_is_not_sent(model, answer):
    recorded(model, "response-tool-use")
    reply = ask(model, tools=TOOLS)
    given = [ToolResult(reply.tool_calls[0].id, "x")]
    turns = {
        "nothing": [],
        "other": [client.tool_results([ToolResult("toolu_other", "x")])],
        "twice": [client.tool_results(given * 2)],
        "late": [*SAID, client.tool_results(given)],
    }
    said = [*SAID, client.assistant_turn(reply), *turns[answer]]
    assert failure(model, messages=said, tools=TOOLS).code == "rejected"
    assert len(model.asked) == 1


# ── streams ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_stream_gives_text_as_it_comes_and_then_the_reply(model, size):
    streamed(model, sample("stream-tool")["events"], size=size)
    *pieces, last = parts(model, tools=TOOLS)
    assert [piece.text for piece in pieces] == ["I will start ", "three posters."]
    assert last.reply.text == "I will start three posters."
    assert last.reply.tool_calls[0].input["prompt"] == "moody poster of a lighthouse"
    assert (last.reply.usage.input_tokens, last.reply.usage.output_tokens) == (412, 57)
    assert model.asked[0][2]["stream"] is True


def test_a_stream_that_is_cut(model):
    streamed(model, sample("stream-cut")["events"])
    found = broken(model)
    assert (found.code, found.retryable) == ("cut_off", True)


def test_an_error_within_a_stream(model):
    streamed(model, sample("stream-error")["events"])
    found = broken(model)
    assert (found.code, found.retryable, found.status) == ("overloaded", True, 200)


def test_an_event_of_the_future_is_ignored(model):
    events = sample("stream-tool")["events"]
    events.insert(3, {"event": "weather", "data": {"type": "weather"}})
    streamed(model, events)
    assert parts(model)[-1].reply.stop_reason == "tool_use"


@pytest.mark.parametrize(
    "change",
    [
        lambda events: events[3]["data"].pop("delta"),
        lambda events: events[3]["data"].update(index=9),
        lambda events: events[0]["data"].update(message=None),
        lambda events: events[9]["data"]["delta"].update(partial_json='"'),
        lambda events: events[3].update(data=[1]),
    ],
)
def test_events_that_make_no_message(model, change):
    events = sample("stream-tool")["events"]
    change(events)
    streamed(model, events)
    assert broken(model).code == "bad_answer"


def test_a_stream_is_refused_like_any_call(model):
    recorded(model, "error-529")
    found = broken(model)
    assert (found.code, found.status) == ("overloaded", 529)


def test_half_a_tool_call_of_a_full_stream_is_left_out(model):
    events = sample("stream-tool")["events"]
    events = [event for event in events if "count" not in json.dumps(event)]
    events[-2]["data"]["delta"]["stop_reason"] = "max_tokens"
    streamed(model, events)
    assert parts(model)[-1].reply.tool_calls == ()


def test_a_reader_may_stop(model):
    streamed(model, sample("stream-tool")["events"])
    pieces = client.stream(connected(model), system="", messages=SAID)
    assert next(pieces).text == "I will start "
    pieces.close()
