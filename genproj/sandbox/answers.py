"""The blocks of an answer: words, JSON in an asked shape, or calls of the declared tools."""

import json
import re
import secrets
from typing import Any

from genproj.sandbox import sight, studio, toolbox
from genproj.sandbox.conversation import Conversation
from genproj.sandbox.shapes import shaped
from genproj.sandbox.understanding import understood

Block = dict[str, Any]
NONSENSE = "The moon hums softly, and seventeen is my favourite colour."
# The same intent under the names that schemas give it.
SYNONYMS = {
    "video": ("video", "film", "generate_video", "create_video", "generate", "create", "movie"),
    "change": ("change", "edit", "update", "modify", "refine", "answer"),
    "talk": ("talk", "chat", "conversation", "question", "other", "none", "smalltalk"),
}
TEXTS = ("text", "message", "answer", "content", "response", "comment", "summary", "description")


def blocks(body: dict[str, Any], talk: Conversation, fault: str) -> list[Block]:
    """What the model says to a checked request."""
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    if fault == "model_nonsense":
        return [_words(NONSENSE)]
    if fault == "model_unknown_tool":
        return [_use("drop_everything", {})]
    sights = [] if body.get("tools") else sight.pictures(body)
    if sights:
        return [_words(sight.described(sights, _asked_of(talk.words)))]
    working = studio.works_here(body)
    calls, told = studio.answer(body) if working else toolbox.calls(body, talk)
    if calls:
        said = [_words(told)] if told else []
        odd = fault == "model_bad_shape"
        return said + [_use(name, {"odd": given} if odd else given) for name, given in calls]
    if schema is not None:
        if fault == "model_bad_shape":
            return [_words(json.dumps({"odd": True}))]
        value = shaped(schema, wanted(schema, talk))
        return [_words(json.dumps(value, ensure_ascii=False))]
    return [_words(told or understood(talk)["reply"])]


def _asked_of(words: str) -> str:
    """What is asked of a picture beyond that it be described."""
    return "" if re.match(r"(?:describe|compare)\b|picture \d", words, re.I) else words


def wanted(schema: dict[str, Any], talk: Conversation) -> dict[str, Any]:
    """What a schema's properties should hold, as far as their names tell."""
    known = understood(talk)
    found: dict[str, Any] = {**known}
    for name, part in _properties(schema, schema).items():
        choices = part.get("enum") if isinstance(part, dict) else None
        if choices:
            choice = _choice(name, choices, known["intent"], talk.words)
            if choice is not None:
                found[name] = choice
        elif name in TEXTS:
            found[name] = known["reply"]
        elif name not in found and name in schema.get("required", ()):
            found[name] = _named(name, part, talk)
    return found


def _named(name: str, part: Any, talk: Conversation) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("integer", "number"):
        number = re.search(r"\d+", talk.words)
        return int(number[0]) if number else 1
    if kind == "string":
        return talk.words or "text"
    return {} if kind == "object" else []


def _choice(name: str, choices: list[Any], intent: str, words: str) -> Any:
    spoken = [one for one in choices if isinstance(one, str) and toolbox.speaks_of(words, one)]
    meant = [one for name in SYNONYMS[intent] for one in choices if one == name]
    return ((meant + spoken if name == "intent" else spoken + meant) + [None])[0]


def _properties(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(schema, dict):
        return {}
    ref = schema.get("$ref", "")
    if isinstance(ref, str) and ref.startswith("#/$defs/"):
        return _properties((root.get("$defs") or {}).get(ref.removeprefix("#/$defs/")), {})
    inside = schema.get("properties")
    return inside if isinstance(inside, dict) else {}


def _words(text: str) -> Block:
    return {"type": "text", "text": text}


def _use(name: str, given: dict[str, Any]) -> Block:
    return {
        "type": "tool_use",
        "id": f"toolu_01{secrets.token_hex(11)}",
        "name": name,
        "input": given,
    }
