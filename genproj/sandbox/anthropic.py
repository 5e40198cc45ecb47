"""Anthropic's Messages protocol: whole answers and streams, with the faults that were ordered."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from typing import Any

from genproj.sandbox import answers, conversation, messages
from genproj.sandbox.answers import Block
from genproj.sandbox.faults import MODEL, Rule, Rules
from genproj.sandbox.messages import Refused
from genproj.sandbox.web import Exchange

KEY = "sandbox"
LONGEST_BODY = 32 * 2**20
# The share of the sandbox's delay that an answer takes, and that passes between two words.
THINKING, SPEAKING = 0.6, 0.03
# A token is about as many letters of English.
LETTERS = 4
PICTURE = 1500
GATEWAY = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
ERRORS = {
    "model_rejected": (400, "invalid_request_error", "messages: this request was refused on order"),
    "model_billing": (402, "billing_error", "The account has a billing problem."),
    "model_denied": (403, "permission_error", "This key may not use the requested model."),
    "model_retired": (404, "not_found_error", "model: this model was retired"),
    "model_busy": (429, "rate_limit_error", "Rate limit reached for this organization."),
    "model_spent": (429, "rate_limit_error", "The monthly spend limit is reached."),
    "model_500": (500, "api_error", "Internal server error"),
    "model_504": (504, "timeout_error", "The request took too long."),
    "model_overloaded": (529, "overloaded_error", "Overloaded"),
}  # fmt: skip
CUTS = {"model_max_tokens": "max_tokens", "model_full": "model_context_window_exceeded"}
PAUSE: list[Block] = [
    {"type": "text", "text": "One moment."},
    {"type": "server_tool_use", "id": "srvtoolu_01Sandbox", "name": "web_search",
     "input": {"query": "inspiration"}},
]  # fmt: skip
Message = dict[str, Any]


class Anthropic:
    def __init__(self, rules: Rules, *, delay: float) -> None:
        self._rules = rules
        self._delay = delay

    async def serve(self, exchange: Exchange) -> None:
        """One request for a message."""
        if exchange.method != "POST":
            await self._refuse(exchange, 405, "invalid_request_error", "Method Not Allowed")
            return
        try:
            body = await self._checked(exchange)
        except Refused as refused:
            await self._refuse(exchange, refused.status, refused.kind, refused.message)
            return
        talk = conversation.heard(body)
        rule = self._rules.take(MODEL, "", talk.words)
        fault = rule["fault"] if rule else ""
        if await self._broken(exchange, fault, rule):
            return
        await asyncio.sleep(self._delay * THINKING)
        if fault == "model_slow" and rule:
            await asyncio.sleep(rule.get("seconds", 5))
        message = self._message(body, talk, fault)
        if body.get("stream"):
            await self._stream(exchange, message, fault, rule)
        else:
            await self._whole(exchange, message, fault, rule)

    async def _checked(self, exchange: Exchange) -> dict[str, Any]:
        headers = exchange.headers
        bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
        key = headers.get("x-api-key") or bearer
        if not key:
            raise Refused("x-api-key header is required", "authentication_error", 401)
        if key != KEY:
            raise Refused("invalid x-api-key", "authentication_error", 401)
        version = headers.get("anthropic-version", "")
        if not version:
            raise Refused("anthropic-version: header is required")
        if version not in messages.VERSIONS:
            raise Refused(f'anthropic-version: "{version}" is not a valid version')
        content = await exchange.body()
        if len(content) > LONGEST_BODY:
            raise Refused("Request exceeds the maximum size", "request_too_large", 413)
        try:
            body = json.loads(content)
            json.dumps(body, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise Refused("The request body is not valid JSON") from None
        return messages.check(body, version)

    async def _broken(self, exchange: Exchange, fault: str, rule: Rule | None) -> bool:
        """Refuse or vanish on order, before anything is answered."""
        if fault in ERRORS:
            wait = (rule or {}).get("seconds", 12)
            more = {"retry-after": str(int(wait))} if fault == "model_busy" else {}
            await self._refuse(exchange, *ERRORS[fault], **more)
        elif fault == "model_html":
            await exchange.answer(502, GATEWAY, "text/html")
        elif fault == "model_lost":
            await exchange.hang_up()
        else:
            return False
        return True

    async def _refuse(
        self, exchange: Exchange, status: int, kind: str, message: str, **headers: str
    ) -> None:
        request = request_id()
        body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await exchange.answer(
            status, json.dumps(body).encode(), "application/json", {"request-id": request, **named}
        )

    def _message(
        self, body: dict[str, Any], talk: conversation.Conversation, fault: str
    ) -> Message:
        """The whole answer, as a stream would bring it in parts."""
        reason, details = "end_turn", None
        blocks = answers.blocks(body, talk, fault)
        if fault == "model_refusal":
            blocks, reason = [], "refusal"
            details = {"type": "refusal", "category": None, "explanation": None}
        elif fault == "model_pause":
            blocks, reason = [dict(block) for block in PAUSE], "pause_turn"
        elif any(block["type"] == "tool_use" for block in blocks):
            reason = "tool_use"
        blocks, stopped = _stopped(blocks, body.get("stop_sequences") or [])
        if stopped is not None:
            reason = "stop_sequence"
        room = body["max_tokens"]
        if fault in CUTS:
            room = min(room, max(1, _tokens(blocks) // 2))
        if _tokens(blocks) > room:
            blocks, reason = _shortened(blocks, room), CUTS.get(fault, "max_tokens")
        return {
            "id": f"msg_01{secrets.token_hex(11)}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": blocks,
            "stop_reason": reason,
            "stop_sequence": stopped,
            "stop_details": details,
            "container": None,
            "usage": _usage(body, blocks),
        }

    async def _whole(
        self, exchange: Exchange, message: Message, fault: str, rule: Rule | None
    ) -> None:
        if fault == "model_error_event":
            await self._refuse(exchange, *ERRORS["model_overloaded"])
            return
        content = json.dumps(message).encode()
        headers = {**_headers(), "content-type": "application/json"}
        await exchange.start(200, {**headers, "content-length": str(len(content))})
        if fault == "model_cut":
            await exchange.chunk(content[: len(content) // 2], more=True)
            await exchange.hang_up()
            return
        await self._send(exchange, [content], fault, rule)

    async def _stream(
        self, exchange: Exchange, message: Message, fault: str, rule: Rule | None
    ) -> None:
        headers = {**_headers(), "content-type": "text/event-stream; charset=utf-8"}
        await exchange.start(200, {**headers, "cache-control": "no-cache"})
        frames = [_frame(event) for event in events(message)]
        if fault in ("model_cut", "model_error_event"):
            half = frames[: max(4, len(frames) // 2)]
            error = {"type": "overloaded_error", "message": "Overloaded"}
            event = {"type": "error", "error": error, "request_id": request_id()}
            if fault == "model_error_event":
                await self._send(exchange, [*half, _frame(event)], "", None)
                return
            for frame in half:
                await exchange.chunk(frame, more=True)
            await exchange.hang_up()
            return
        await self._send(exchange, frames, fault, rule)

    async def _send(
        self, exchange: Exchange, parts: list[bytes], fault: str, rule: Rule | None
    ) -> None:
        pause = self._delay * SPEAKING if len(parts) > 1 else 0
        if fault == "model_drip":
            whole = b"".join(parts)
            parts = [whole[at : at + 1] for at in range(len(whole))]
            pause = (rule or {}).get("seconds", 30) / max(1, len(parts))
        for part in parts:
            if exchange.gone:
                return
            await exchange.chunk(part, more=True)
            if pause:
                await asyncio.sleep(pause)
        await exchange.chunk(b"")


def events(message: Message) -> Iterator[dict[str, Any]]:
    """A message in the events of a stream; a ping comes after the first block has begun."""
    usage = message["usage"]
    opening = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    opening |= {"stop_details": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": opening}
    for index, block in enumerate(message["content"]):
        text = block["type"] == "text"
        begun = {**block, "text": ""} if text else {**block, "input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        if index == 0:
            yield {"type": "ping"}
        for delta in _text_deltas(block) if text else _input_deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    yield {
        "type": "message_delta",
        "delta": {**ended, "container": None},
        "usage": {"input_tokens": usage["input_tokens"], "output_tokens": usage["output_tokens"]},
    }
    yield {"type": "message_stop"}


def request_id() -> str:
    return f"req_011{secrets.token_hex(10)}"


def _text_deltas(block: Block) -> Iterator[Block]:
    words = block["text"].split(" ")
    for at in range(0, len(words), 2):
        piece = " ".join(words[at : at + 2]) + (" " if at + 2 < len(words) else "")
        yield {"type": "text_delta", "text": piece}


def _input_deltas(block: Block) -> Iterator[Block]:
    written = json.dumps(block["input"]) if block["input"] else ""
    yield {"type": "input_json_delta", "partial_json": ""}
    for at in range(0, len(written), 24):
        yield {"type": "input_json_delta", "partial_json": written[at : at + 24]}


def _frame(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _headers() -> dict[str, str]:
    return {
        "request-id": request_id(),
        "anthropic-organization-id": "00000000-0000-4000-8000-00000000beef",
        "anthropic-ratelimit-requests-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "999",
        "anthropic-ratelimit-requests-reset": "2030-01-01T00:00:00Z",
    }


def _usage(body: dict[str, Any], blocks: list[Block]) -> dict[str, Any]:
    asked = json.dumps([body.get("system", ""), body["messages"], body.get("tools", [])])
    pictures = [
        len(block["source"].get("data", ""))
        for message in body["messages"]
        for block in (message["content"] if isinstance(message["content"], list) else ())
        if block["type"] == "image" and isinstance(block.get("source"), dict)
    ]
    read = (len(asked) - sum(pictures)) // LETTERS + PICTURE * len(pictures)
    return {
        "input_tokens": max(1, read),
        "output_tokens": _tokens(blocks),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


def _tokens(blocks: list[Block]) -> int:
    return sum(-(-len(_written(block)) // LETTERS) for block in blocks)


def _written(block: Block) -> str:
    return block["text"] if block["type"] == "text" else json.dumps(block["input"])


def _shortened(blocks: list[Block], room: int) -> list[Block]:
    """The blocks that fit; the last is cut where the room ends."""
    kept: list[Block] = []
    for block in blocks:
        if room <= 0:
            break
        if block["type"] == "text":
            kept.append({**block, "text": block["text"][: room * LETTERS]})
        else:
            whole = _tokens([block]) <= room
            kept.append(block if whole else {**block, "input": {}})
        room -= _tokens([block])
    return kept


def _stopped(blocks: list[Block], stops: list[str]) -> tuple[list[Block], str | None]:
    for number, block in enumerate(blocks):
        if block["type"] != "text":
            continue
        found = [(block["text"].find(stop), stop) for stop in stops if stop in block["text"]]
        if found:
            at, stop = min(found)
            return [*blocks[:number], {**block, "text": block["text"][:at]}], stop
    return blocks, None
