"""Which Messages requests are refused, in the service's words: the first thing wrong is named."""

import re
from typing import Any

import jsonschema

NEW = "2026-10-21"
VERSIONS = ("2023-06-01", NEW)
MODEL = re.compile(r"claude-(?:fable|mythos|opus|sonnet|haiku)-[\w.-]+|claude-mythos-preview")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
MOST_MESSAGES = 100_000
GONE = ("temperature", "top_p", "top_k")
FIELDS = frozenset({
    "model", "max_tokens", "messages", "system", "tools", "tool_choice", "stream", "metadata",
    "stop_sequences", "service_tier", "speed", "container", "inference_geo", "cache_control",
    "thinking", "output_config",
})  # fmt: skip
EFFORTS = ("low", "medium", "high", "xhigh", "max")
BLOCKS = {
    "user": frozenset({
        "text", "image", "document", "tool_result", "search_result", "container_upload",
    }),
    "assistant": frozenset({
        "text", "thinking", "redacted_thinking", "tool_use", "document", "container_upload",
    }),
    "system": frozenset({"text"}),
}  # fmt: skip
Body = dict[str, Any]


class Refused(Exception):
    """The request is not taken; status, type and message are the service's."""

    def __init__(self, message: str, kind: str = "invalid_request_error", status: int = 400):
        super().__init__(message)
        self.message, self.kind, self.status = message, kind, status


def require(fits: Any, message: str) -> None:
    if not fits:
        raise Refused(message)


def check(body: Any, version: str) -> Body:
    """The body of a request that the service takes. Raises Refused."""
    require(isinstance(body, dict), "The request body must be a JSON object")
    for field in ("model", "max_tokens", "messages"):
        require(field in body, f"{field}: Field required")
    for field in body:
        known = field in FIELDS or (version != NEW and field in GONE)
        require(known, f"{field}: Extra inputs are not permitted")
    require(isinstance(body["model"], str), "model: Input should be a valid string")
    if not MODEL.fullmatch(body["model"]):
        raise Refused(f"model: {body['model']}", "not_found_error", 404)
    require(_whole(body["max_tokens"]), "max_tokens: Input should be a valid integer")
    require(body["max_tokens"] >= 0, "max_tokens: Input should be greater than or equal to 0")
    _check_settings(body)
    _check_tools(body)
    _check_messages(body["messages"], version)
    _check_loop(body["messages"], declared=bool(body.get("tools")))
    return body


def _check_settings(body: Body) -> None:
    system = body.get("system", "")
    texts = isinstance(system, str) or (
        isinstance(system, list) and all(_is_text(block) for block in system)
    )
    require(texts, "system: Input should be a valid string or a list of text blocks")
    require(isinstance(body.get("stream", False), bool), "stream: Input should be a valid boolean")
    stops = body.get("stop_sequences", [])
    require(
        isinstance(stops, list) and all(isinstance(stop, str) and stop.strip() for stop in stops),
        "stop_sequences: each stop sequence must contain non-whitespace",
    )
    require(isinstance(body.get("metadata") or {}, dict), "metadata: Input should be an object")
    tier = body.get("service_tier", "auto")
    require(tier in ("auto", "standard_only"), "service_tier: unknown tier")
    for name in GONE:
        value = body.get(name, 0)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        require(number, f"{name}: Input should be a valid number")
    _check_thinking(body.get("thinking"), body)
    _check_output(body.get("output_config"))


def _check_thinking(thinking: Any, body: Body) -> None:
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    require(kind in ("adaptive", "enabled", "disabled"), "thinking.type: unknown type")
    if kind != "enabled":
        return
    budget = thinking.get("budget_tokens")
    require(_whole(budget), "thinking.enabled.budget_tokens: Field required")
    require(budget >= 1024, "thinking.enabled.budget_tokens: Input should be at least 1024")
    require(
        budget < body["max_tokens"], "`max_tokens` must be greater than `thinking.budget_tokens`"
    )


def _check_output(config: Any) -> None:
    if config is None:
        return
    require(isinstance(config, dict), "output_config: Input should be an object")
    effort = config.get("effort")
    require(effort is None or effort in EFFORTS, "output_config.effort: unknown effort")
    wanted = config.get("format")
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    require(kind == "json_schema", "output_config.format.type: Input should be 'json_schema'")
    schema = wanted.get("schema")
    require(isinstance(schema, dict), "output_config.format.schema: Field required")
    _check_schema(schema, "output_config.format.schema")


def _check_schema(schema: Any, place: str) -> None:
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except (jsonschema.SchemaError, RecursionError):
        raise Refused(f"{place}: JSON schema is invalid - please consult documentation") from None


def _check_tools(body: Body) -> None:
    tools = body.get("tools") or []
    require(isinstance(tools, list), "tools: Input should be a valid list")
    names: list[str] = []
    for number, tool in enumerate(tools):
        place = f"tools.{number}"
        require(isinstance(tool, dict), f"{place}: Input should be an object")
        name = tool.get("name")
        fits = isinstance(name, str) and NAME.fullmatch(name)
        require(fits, f"{place}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        require(name not in names, "tools: Tool names must be unique.")
        names.append(name)
        if tool.get("type", "custom") != "custom":
            continue  # a tool of the service's own
        schema = tool.get("input_schema")
        require(isinstance(schema, dict), f"{place}.custom.input_schema: Field required")
        require(
            schema.get("type") == "object",
            f"{place}.custom.input_schema.type: Input should be 'object'",
        )
        _check_schema(schema, f"{place}.custom.input_schema")
        described = isinstance(tool.get("description", ""), str)
        require(described, f"{place}.custom.description: Input should be a valid string")
    _check_choice(body, names)


def _check_choice(body: Body, names: list[str]) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    require(kind in ("auto", "any", "none", "tool"), "tool_choice.type: unknown type")
    require(names, "tool_choice may only be specified while providing tools")
    if kind == "tool":
        require(
            choice.get("name") in names, f"Tool '{choice.get('name')}' not found in provided tools"
        )
    thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    forced = kind in ("any", "tool")
    require(
        not (thinks and forced), "Thinking may not be enabled when tool_choice forces tool use."
    )


def _check_messages(messages: Any, version: str) -> None:
    require(isinstance(messages, list), "messages: Input should be a valid list")
    require(messages, "messages: at least one message is required")
    require(len(messages) <= MOST_MESSAGES, "messages: too many messages")
    for number, message in enumerate(messages):
        place = f"messages.{number}"
        role = message.get("role") if isinstance(message, dict) else None
        require(role in BLOCKS, f"{place}.role: Input should be 'user' or 'assistant'")
        content = message.get("content")
        if isinstance(content, str):
            require(content.strip(), f"{place}: text content blocks must be non-empty")
            continue
        require(isinstance(content, list), f"{place}.content: Field required")
        require(content, f"{place}: all messages must have non-empty content")
        for index, block in enumerate(content):
            _check_block(block, str(role), f"{place}.content.{index}", version)
    first = next((one["role"] for one in messages if one["role"] != "system"), "")
    require(first == "user", 'messages: first message must use the "user" role')
    last = messages[-1]
    paused = isinstance(last["content"], list) and any(
        block["type"] == "server_tool_use" for block in last["content"]
    )
    require(
        last["role"] != "assistant" or paused,
        "This model does not support assistant message prefill. "
        "The conversation must end with a user message.",
    )


def _check_block(block: Any, role: str, place: str, version: str) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    require(isinstance(kind, str), f"{place}.type: Field required")
    own = role == "assistant" and (kind == "server_tool_use" or str(kind).endswith("_tool_result"))
    require(kind in BLOCKS[role] or own, f"{place}: Input tag '{kind}' is not permitted as {role}")
    refuses = version == NEW and role == "assistant" and kind == "document"
    require(not refuses, f"{place}: document blocks are not permitted in assistant messages")
    if kind == "text":
        require(_is_text(block), f"{place}.text.text: Field required")
        require(block["text"].strip(), "messages: text content blocks must be non-empty")
        cited = version == NEW and role == "user" and block.get("citations")
        require(not cited, f"{place}.text.citations: citations are not permitted in user messages")
    if kind == "thinking":
        require(block.get("signature"), f"{place}.thinking.signature: Field required")
    if kind == "tool_use":
        _check_tool_use(block, place)
    if kind == "tool_result":
        fits = isinstance(block.get("tool_use_id"), str)
        require(fits, f"{place}.tool_result.tool_use_id: Field required")
        fits = isinstance(block.get("content", ""), str | list)
        require(fits, f"{place}.tool_result.content: Input should be a valid string or list")


def _check_tool_use(block: Body, place: str) -> None:
    fits = isinstance(block.get("id"), str) and TOOL_ID.fullmatch(block["id"])
    require(fits, f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    fits = isinstance(block.get("name"), str) and block["name"]
    require(fits, f"{place}.tool_use.name: Field required")
    fits = isinstance(block.get("input"), dict)
    require(fits, f"{place}.tool_use.input: Input should be a valid dictionary")


def _check_loop(messages: list[Body], *, declared: bool) -> None:
    """Every tool_use is answered by the first blocks of the very next message."""
    asked: list[str] = []
    for number, message in enumerate(messages):
        content = message["content"] if isinstance(message["content"], list) else []
        kinds = [block["type"] for block in content]
        given = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        _check_answers(number, asked, given)
        late = kinds.index("tool_result") if given else 0
        require(
            kinds[: len(given)] == ["tool_result"] * len(given) or not given,
            f"messages.{number}: tool_result blocks must come first; found one at content.{late}",
        )
        asked = [block["id"] for block in content if block["type"] == "tool_use"]
        require(len(set(asked)) == len(asked), f"messages.{number}: `tool_use` ids must be unique")
        require(
            declared or not (asked or given),
            "Requests which include `tool_use` blocks must define tools",
        )
    _check_answers(len(messages), asked, [])


def _check_answers(number: int, asked: list[str], given: list[str]) -> None:
    foreign = [one for one in given if one not in asked]
    if foreign:
        raise Refused(
            f"messages.{number}: unexpected `tool_use_id` found in `tool_result` blocks: "
            f"{foreign[0]}. Each `tool_result` block must have a corresponding `tool_use` block "
            "in the previous message."
        )
    require(
        len(set(given)) == len(given), f"messages.{number}: each tool_use must have a single result"
    )
    missing = [one for one in asked if one not in given]
    if missing:
        raise Refused(
            f"messages.{number - 1}: `tool_use` ids were found without `tool_result` blocks "
            f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
            "corresponding `tool_result` block in the next message."
        )


def _is_text(block: Any) -> bool:
    return (
        isinstance(block, dict)
        and block.get("type") == "text"
        and isinstance(block.get("text"), str)
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
