"""Which of the declared tools a person's words ask for, and with what input."""

import re
from typing import Any

from genproj.sandbox import hearing
from genproj.sandbox.conversation import Conversation
from genproj.sandbox.shapes import shaped

Call = tuple[str, dict[str, Any]]
THEN = re.compile(r"\s*(?:[,;.]?\s+(?:and )?then\s+|;\s+|\.\s+(?=[A-Z]))", re.I)
WORD = re.compile(r"[a-z]+")
# Words of people and words of tools that mean the same.
ALIKE = (
    {"make", "create", "generate", "draw", "paint", "render", "produce", "design", "start", "begin",
     "generation", "new"},
    {"image", "picture", "photo", "poster", "drawing", "painting", "illustration", "sprite",
     "portrait", "logo"},
    {"video", "film", "clip", "movie", "animation", "animate", "timelapse"},
    {"delete", "remove", "trash", "drop", "discard"},
    {"rename", "call", "title", "name"},
    {"list", "show", "display", "see"},
    {"find", "search", "look"},
    {"star", "favourite", "favorite", "like"},
    {"rate", "rating", "approve", "reject", "score"},
    {"refine", "improve", "edit", "change", "modify", "adjust", "retouch"},
    {"combine", "mix", "merge", "blend", "derive"},
    {"fork", "copy", "duplicate", "clone"},
    {"tag", "label"},
    {"ask", "question", "clarify"},
    {"describe", "explain", "caption"},
    {"asset", "character", "thing", "object"},
    {"variant", "version", "variation"},
    {"plan", "steps"},
    {"count", "many", "number"},
)  # fmt: skip
DULL = frozenset({
    "a", "an", "the", "of", "to", "in", "on", "at", "for", "with", "and", "or", "me", "my", "our",
    "your", "this", "that", "it", "is", "be", "please", "can", "you", "i", "we", "one", "some",
    "get", "give", "do", "does", "use", "used", "using", "by", "from", "as", "into", "its", "all",
})  # fmt: skip
LEAST = 1.5
TEXTS = ("prompt", "description", "text", "message", "content", "instructions", "instruction")


def calls(body: dict[str, Any], talk: Conversation) -> tuple[list[Call], str]:
    """The calls to be made next, and what is said beside them or instead; both may be empty."""
    tools = [tool for tool in body.get("tools") or [] if tool.get("type", "custom") == "custom"]
    choice = body.get("tool_choice") or {"type": "auto"}
    if not tools or choice["type"] == "none":
        return [], ""
    steps = [step for step in THEN.split(talk.words) if step.strip()]
    done, outcome = _so_far(body["messages"])
    if choice["type"] == "tool":
        tools = [tool for tool in tools if tool["name"] == choice["name"]]
    forced = choice["type"] in ("any", "tool")
    if done < len(steps):
        step = steps[done]
        tool, score = max(((tool, _score(tool, step)) for tool in tools), key=lambda one: one[1])
        if score >= LEAST or forced:
            return [(tool["name"], _input(tool, step, talk))], _announced(tool)
    if forced:
        return [(tools[0]["name"], _input(tools[0], talk.words, talk))], ""
    return [], outcome


def speaks_of(words: str, term: str) -> bool:
    """Whether words use a term, or one that means the same."""
    spoken, meant = _stems(words), _stems(term.replace("_", " "))
    return bool(meant) and all(_weight(one, spoken) for one in meant)


def _so_far(messages: list[dict[str, Any]]) -> tuple[int, str]:
    """How many rounds of tools followed the last words, and what the last of them brought."""
    rounds, outcome = 0, ""
    for message in messages:
        content = message["content"] if isinstance(message["content"], list) else []
        results = [block for block in content if block["type"] == "tool_result"]
        texts = [
            block for block in content if block["type"] == "text" and message["role"] == "user"
        ]
        if message["role"] == "user" and (not results or texts):
            rounds, outcome = 0, ""
        if results:
            rounds += 1
            outcome = " ".join(_outcome(result) for result in results)
    return rounds, outcome


def _outcome(result: dict[str, Any]) -> str:
    content = result.get("content", "")
    if isinstance(content, list):
        content = " ".join(block.get("text", "") for block in content if isinstance(block, dict))
    shown = content.strip() if len(content) <= 200 else content[:197].strip() + "…"
    if result.get("is_error"):
        return f"That did not work: {shown or 'no reason was given.'}"
    return f"Done: {shown}" if shown else "Done."


def _announced(tool: dict[str, Any]) -> str:
    return f"I'll do that now ({tool['name']})."


def _score(tool: dict[str, Any], words: str) -> float:
    """How much of a tool's name, and a little of its description, the words speak of."""
    spoken = _stems(words)
    called = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", tool["name"])
    name, verb = _stems(called), _stems(called.split()[0])
    about = _stems(tool.get("description", "")) - name
    named = sum(_weight(one, spoken) for one in name)
    told = sum(_weight(one, spoken) for one in about)
    acts = sum(_weight(one, spoken) for one in verb)
    return named / max(1, len(name)) + (named + acts) * 0.5 + min(told, 3) * 0.4


def _weight(term: str, spoken: set[str]) -> float:
    if term in spoken:
        return 1.0
    return 0.8 if any(term in alike and spoken & alike for alike in MEANINGS) else 0.0


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in WORD.findall(text.lower()) if word not in DULL}


def _stem(word: str) -> str:
    return re.sub(r"(?<=[a-z]{3})(?:es|s|ing|ed|e)$", "", word)


MEANINGS = [{_stem(word) for word in alike} for alike in ALIKE]


def _input(tool: dict[str, Any], words: str, talk: Conversation) -> dict[str, Any]:
    schema = tool["input_schema"]
    told: dict[str, Any] = {**hearing.parameters_in(words)}
    thing = _thing(words)
    for name, part in (schema.get("properties") or {}).items():
        value = _value(name, part, words, thing, talk)
        if value is not None:
            told.setdefault(name, value)
    made = shaped(schema, told)
    return made if isinstance(made, dict) else {}


def _value(name: str, part: Any, words: str, thing: str, talk: Conversation) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    choices = part.get("enum") if isinstance(part, dict) else None
    if choices:
        return next(
            (one for one in choices if isinstance(one, str) and speaks_of(words, one)), None
        )
    if name in TEXTS or name in ("query", "search", "subject"):
        return thing
    if name in ("title", "name"):
        called = re.search(r"\b(?:called|named|to|as)\s+[\"“']?([\w' -]+)", words, re.I)
        return called[1].strip() if called else hearing.title_of(thing)
    if name == "question":
        return "Could you tell me a little more about what you have in mind?"
    if name.endswith("id") or name.endswith("_ids"):
        return _ids(name, part, talk)
    if kind in ("integer", "number") and re.search(r"count|number|copies|variants?|n$", name):
        return _count(words)
    return None


def _count(words: str) -> int | None:
    match = re.search(rf"\b(\d{{1,2}}|{hearing.NAMED})\b", words, re.I)
    if not match:
        return None
    word = match[1].lower()
    return int(word) if word.isdigit() else int(hearing.NUMBERS[word])


def _ids(name: str, part: Any, talk: Conversation) -> Any:
    """Ids that the request declares, those first whose own name was spoken."""
    wanted = name.removesuffix("_ids").removesuffix("_id")
    found: list[tuple[bool, Any]] = []
    _collect(talk.declared, wanted, talk.words.lower(), found)
    ids = [one for _, one in sorted(found, key=lambda one: not one[0])]
    many = isinstance(part, dict) and part.get("type") == "array"
    return ids[:2] if many else (ids[0] if ids else None)


def _collect(value: Any, wanted: str, words: str, found: list[tuple[bool, Any]]) -> None:
    if isinstance(value, list):
        for one in value:
            _collect(one, wanted, words, found)
    if isinstance(value, dict):
        called = str(value.get("name") or value.get("title") or "").lower()
        for name, one in value.items():
            if name in ("id", f"{wanted}_id", wanted) and isinstance(one, str | int):
                found.append((bool(called) and called in words, one))
            _collect(one, wanted, words, found)


def _thing(words: str) -> str:
    """What the words are about, without the verb and the kind of work: "a moody lighthouse"."""
    subject = hearing.subject_of(words) or words
    kinds = "|".join(sorted(ALIKE[1] | ALIKE[2], key=len, reverse=True))
    found = re.sub(
        rf"^(?:(?:an?|the|some|\d+|{hearing.NAMED})\s+)*((?:[\w-]+\s+){{0,3}}?)"
        rf"(?:{kinds})s?\s+(?:of|about|showing)\s+(?:an?|the|our|my|some)?\b\s*",
        r"\1",
        subject,
        flags=re.I,
    ).strip()
    return found[:1].upper() + found[1:] if found else words
