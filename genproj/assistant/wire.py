"""The Messages protocol: how a request is written and an answer is read; pure."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema

from genproj.assistant.replies import Code, ModelFailure, Reply, ToolCall, ToolResult, Usage
from genproj.kernel import http

VERSION = "2026-10-21"
# With these the answer ends before the model was done; a tool call in it may be half of one.
CUT = frozenset({"max_tokens", "model_context_window_exceeded"})
STATUSES: Mapping[int, Code] = {408: "timeout", 429: "rate_limited", 504: "timeout"}
KINDS: Mapping[str, Code] = {
    "rate_limit_error": "rate_limited",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
    "api_error": "overloaded",
}
# The parts of a schema that the service takes; the answer is judged by the whole schema anyway.
TAKEN = ("type", "enum", "const", "description", "title", "required", "$ref")
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_PRINTABLE = re.compile(r"[^\x21-\x7e]")


# ── what is sent ──────────────────────────────────────────────────────────────────────────────


def headers(api_key: str) -> dict[str, str]:
    return {"x-api-key": api_key, "anthropic-version": VERSION}


def request(
    model: str,
    *,
    system: str,
    messages: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any] | None,
    tools: Sequence[Mapping[str, Any]],
    max_tokens: int,
) -> dict[str, Any]:
    """The body of one call. Raises ModelFailure when the history has an unanswered tool call."""
    require_answered(messages)
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": [dict(message) for message in messages],
    }
    if system:
        body["system"] = system
    if tools:
        body["tools"] = [dict(tool) for tool in tools]
    if schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": accepted(schema)}}
    return body


def accepted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as the service takes it; bounds that it refuses become words of the description."""
    taken = {name: schema[name] for name in TAKEN if name in schema}
    left = {name: value for name, value in schema.items() if name not in TAKEN}
    for name in ("$defs", "properties"):
        if name in left:
            taken[name] = {key: accepted(value) for key, value in left.pop(name).items()}
    for name, sent in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        if name in left:
            taken[sent] = [accepted(one) for one in left.pop(name)]
    if "items" in left:
        taken["items"] = accepted(left.pop("items"))
    if schema.get("type") == "object":
        left.pop("additionalProperties", None)
        taken["additionalProperties"] = False
    if left.get("minItems") in (0, 1):
        taken["minItems"] = left.pop("minItems")
    if left.get("format") in FORMATS:
        taken["format"] = left.pop("format")
    left.pop("$schema", None)
    if left:
        bounds = ", ".join(f"{name}: {value}" for name, value in left.items())
        taken["description"] = f"{taken.get('description', '')} {{{bounds}}}".strip()
    return taken


def assistant_turn(reply: Reply) -> dict[str, Any]:
    """The model's own message, given back as it came."""
    return {"role": "assistant", "content": [dict(block) for block in reply.content]}


def tool_results(results: Sequence[ToolResult], text: str = "") -> dict[str, Any]:
    """The user message that answers every tool call of the turn before; text comes after."""
    blocks: list[dict[str, Any]] = []
    for result in results:
        block = {"type": "tool_result", "tool_use_id": result.id, "content": result.content}
        blocks.append({**block, "is_error": True} if result.is_error else block)
    if text:
        blocks.append({"type": "text", "text": text})
    return {"role": "user", "content": blocks}


def require_answered(messages: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a history in which a tool call is not answered by the very next message."""
    asked: list[str] = []
    for message in messages:
        content = message.get("content")
        blocks = content if isinstance(content, Sequence) and not isinstance(content, str) else ()
        given = [str(one.get("tool_use_id")) for one in blocks if one["type"] == "tool_result"]
        if sorted(given) != sorted(asked):
            raise ModelFailure("rejected", retryable=False, kind="unanswered tool_use")
        asked = [str(one.get("id")) for one in blocks if one["type"] == "tool_use"]
    if asked:
        raise ModelFailure("rejected", retryable=False, kind="unanswered tool_use")


# ── what comes ────────────────────────────────────────────────────────────────────────────────


def parsed(text: str | bytes) -> Any:
    """JSON without what a database or a browser would choke on. Raises ModelFailure."""
    try:
        return _storable(json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        raise bad_answer("not JSON") from error


def message(value: Any) -> Reply:
    """The reply in a message of the service. Raises ModelFailure: "refused", "bad_answer"."""
    blocks = value.get("content") if isinstance(value, dict) else None
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise bad_answer("no message")
    reason = value.get("stop_reason")
    if not isinstance(reason, str):
        raise bad_answer("no stop_reason")
    if reason == "refusal":
        raise ModelFailure("refused", retryable=False, status=200, kind=_category(value))
    content = _usable(blocks, reason)
    text = "".join(block["text"] for block in content if block.get("type") == "text")
    calls = tuple(
        ToolCall(block["id"], block["name"], block["input"])
        for block in content
        if block["type"] == "tool_use"
    )
    if reason == "tool_use" and not calls:
        raise bad_answer("tool_use without a tool")
    return Reply(text, None, calls, reason, usage(value.get("usage")), tuple(content))


def structure(reply: Reply, schema: Mapping[str, Any]) -> Any:
    """The JSON in a reply's text, judged by the schema that was asked for.

    None when the model asks for a tool first. Raises ModelFailure: "cut_off", "bad_answer".
    """
    if reply.stop_reason == "tool_use":
        return None
    if reply.stop_reason in CUT:
        raise ModelFailure("cut_off", retryable=False, status=200, kind=reply.stop_reason)
    value = parsed(reply.text)
    if not jsonschema.Draft202012Validator(dict(schema)).is_valid(value):
        raise bad_answer("against the schema")
    return value


def usage(value: Any) -> Usage:
    counts = value if isinstance(value, dict) else {}
    return Usage(_count(counts.get("input_tokens")), _count(counts.get("output_tokens")))


def failure(answer: http.Answer) -> ModelFailure:
    """What a status outside 2xx means."""
    try:
        body = parsed(answer.body)
    except ModelFailure:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    wait = http.retry_after(answer.headers)
    code = STATUSES.get(answer.status, "overloaded" if answer.status >= 500 else "rejected")
    # A spent budget answers 429 as well, but names no time after which to come again.
    retryable = wait is not None if answer.status == 429 else code != "rejected"
    return ModelFailure(
        code,
        retryable=retryable or answer.status == 409,
        status=answer.status,
        retry_after=wait,
        kind=_word(error.get("type")),
        detail=str(error.get("message", "")),
        request_id=_word(answer.headers.get("request-id")),
    )


def stream_failure(value: Any) -> ModelFailure:
    """What an error inside a stream means, whose status was 200."""
    error = value.get("error") if isinstance(value, dict) else None
    error = error if isinstance(error, dict) else {}
    kind = _word(error.get("type"))
    code = KINDS.get(kind, "rejected")
    retryable = code != "rejected"
    detail = str(error.get("message", ""))
    return ModelFailure(code, retryable=retryable, status=200, kind=kind, detail=detail)


def lost(error: http.HttpFailure) -> ModelFailure:
    """An exchange that gave no answer at all."""
    codes: Mapping[str, Code] = {
        "refused": "unreachable",
        "unreachable": "unreachable",
        "timeout": "timeout",
        "cut": "cut_off",
    }
    code = codes.get(error.kind, "bad_answer")
    retryable = error.kind not in ("refused", "too_large")
    return ModelFailure(code, retryable=retryable, status=error.status, kind=error.kind)


def bad_answer(why: str) -> ModelFailure:
    return ModelFailure("bad_answer", retryable=True, status=200, kind=why)


def _usable(blocks: list[dict[str, Any]], reason: str) -> list[dict[str, Any]]:
    """The blocks to be kept: each tool call once, and none that nobody may answer."""
    kept: list[dict[str, Any]] = []
    seen: set[str] = set()
    for block in blocks:
        kind = block.get("type")
        if not isinstance(kind, str) or (kind == "text" and not isinstance(block.get("text"), str)):
            raise bad_answer("an odd block")
        if kind == "tool_use":
            if reason != "tool_use" or block.get("id") in seen:
                continue
            if not _is_call(block):
                raise bad_answer("an odd tool call")
            seen.add(block["id"])
        kept.append(block)
    return kept


def _is_call(block: dict[str, Any]) -> bool:
    named = isinstance(block.get("id"), str) and isinstance(block.get("name"), str)
    return named and isinstance(block.get("input"), dict)


def _category(value: dict[str, Any]) -> str:
    details = value.get("stop_details")
    return _word(details.get("category")) if isinstance(details, dict) else ""


def _word(value: Any) -> str:
    return _PRINTABLE.sub("", value)[:80] if isinstance(value, str) else ""


def _count(value: Any) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return max(value, 0) if whole else 0


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value
