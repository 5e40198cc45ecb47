"""Talks like an assistant that works on pictures with a team, by rule: looks for what is spoken
of, calls the declared tools for what is asked, and says what came of it."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from genproj.sandbox import conversation, hearing

Block = dict[str, Any]
Call = tuple[str, dict[str, Any]]
#: a tool, its input, what it brought, whether it failed
Done = tuple[str, dict[str, Any], Any, bool]
#: whoever declares these works on pictures
SIGNS = frozenset({"search", "describe", "compare"})
MAKES = r"(?:make|create|generate|draw|paint|render|produce|design)"
KINDS = r"(?:pictures?|images?|variants?|versions?|variations?|drawings?|takes?|illustrations?)"
STEPS = re.compile(
    r"\s*(?:;|\.\s+(?=[A-Z])|,?\s+(?:and\s+)?then\s+|,?\s+and\s+(?=(?:rename|tag|move|fork|copy|"
    r"describe|compare|generate|create|refine|make)\b))\s*",
    re.I,
)
POLITE = re.compile(r"^\s*(?:(?:please|can you|could you|now|also|let's|i want you to)\s+)+", re.I)
PLAN = re.compile(r"^\s*plan(?: to)?\s*[:,]?\s+", re.I)
COUNT = rf"(?P<count>\d+|{hearing.NAMED})"
HELP = (
    "I can look through the space, describe and compare pictures, and propose new ones: say "
    "“generate three variants of a lighthouse at night”, or “make the knight's armor darker”."
)
ASKS = re.compile(
    r"\b(?:what (?:do we|have we|is here|'s here|assets)|which assets"
    r"|show (?:me )?(?:all|everything)|list|overview|find|search|look for|how many)\b",
    re.I,
)
FOUND_WORDS = re.compile(
    r"\b(?:find|search(?: for)?|look for)\s+(?:the |any |all |our )?(.+)", re.I
)
CHANGES = re.compile(
    rf"^(?:make|change|refine|improve|edit|adjust|retouch|turn|give|add)\b(?!.*\b{KINDS}\s+of\b)",
    re.I,
)


@dataclass
class Known:
    """What the talk has shown of the space, and what this turn has brought."""

    words: str
    tools: frozenset[str]
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)

    def asset(self, words: str) -> dict[str, Any] | None:
        """The asset that words name: the longest name wins."""
        low = _plain(words)
        named = [one for one in self.assets.values() if _plain(one["name"]) in low]
        if named:
            return max(named, key=lambda one: len(one["name"]))
        spoken = set(low.split())
        shared = [
            (len(spoken & set(_plain(one["name"]).split())), one) for one in self.assets.values()
        ]
        best = max(shared, key=lambda pair: pair[0], default=(0, None))
        return best[1] if best[0] else None

    @property
    def searched(self) -> bool:
        return any(name == "search" for name, *_ in self.done)

    @property
    def acted(self) -> bool:
        """Whether something was proposed in this turn and has its results."""
        return any(name not in SIGNS for name, *_ in self.done)


def works_here(body: dict[str, Any]) -> bool:
    """Whether a request declares the tools of a space."""
    return {tool.get("name") for tool in body.get("tools") or []} >= SIGNS


def answer(body: dict[str, Any]) -> tuple[list[Call], str]:
    """The calls to be made next, and what is said beside them or instead."""
    known = heard(body)
    if known.acted:
        return [], " ".join(_told(one) for one in known.done if one[0] not in SIGNS)
    if any(name in ("describe", "compare") for name, *_ in known.done):
        return [], " ".join(_told(one) for one in known.done if one[0] != "search")
    planned = PLAN.match(known.words)
    words = known.words[planned.end() :] if planned else known.words
    steps = [POLITE.sub("", step) for step in STEPS.split(words) if step.strip()]
    wanted = [_call(known, step.strip(" .!")) for step in steps]
    calls = [one for one in wanted if isinstance(one, tuple)]
    if "search" in (name for name, _ in calls):
        calls = [one for one in calls if one[0] == "search"][:1]
    if calls:
        if planned and "search" not in (name for name, _ in calls):
            parts = [{"tool": name, "arguments": given} for name, given in calls]
            calls = [("plan", {"title": _capital(words[:80]), "steps": parts})]
        allowed = [one for one in calls if one[0] in known.tools]
        if not allowed:
            return [], f"I would {_verbs(calls)} now; switch to Actor, and I propose it."
        return allowed, _announced(allowed)
    return [], next((one for one in wanted if isinstance(one, str)), HELP)


def heard(body: dict[str, Any]) -> Known:
    """What the request tells: the last words, all assets seen, what this turn's calls brought."""
    known = Known("", frozenset(tool["name"] for tool in body["tools"]))
    asked: dict[str, Call] = {}
    for message in body["messages"]:
        content = message["content"]
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        for block in blocks:
            if block["type"] == "tool_use":
                asked[block["id"]] = (block["name"], block["input"])
            elif block["type"] == "tool_result":
                _result(known, block, asked)
            elif block["type"] == "text" and message["role"] == "user":
                _said(known, block["text"])
    return known


def _said(known: Known, text: str) -> None:
    known.words, known.done = conversation.spoken(text), []
    for value in conversation.jsons(text):
        _collect(known, value)


def _result(known: Known, block: Block, asked: dict[str, Call]) -> None:
    content = block.get("content", "")
    try:
        value = json.loads(content) if isinstance(content, str) else {}
    except ValueError:
        value = {}
    _collect(known, value)
    name, given = asked.get(block["tool_use_id"], ("", {}))
    known.done.append((name, given, value, bool(block.get("is_error"))))


def _collect(known: Known, value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            _collect(known, one)
    elif isinstance(value, dict):
        if {"id", "name", "asset_type"} <= value.keys():
            known.assets[value["id"]] = value
        for one in value.values():
            _collect(known, one)


def _call(known: Known, step: str) -> Call | str:
    """The call that one sentence asks for; or what is said to it."""
    for read in (_rename, _tag, _move, _fork, _compare, _describe, _batch, _derive):
        if (found := read(known, step)) is not None:
            return found
    if ASKS.search(step):
        return _listed(known, step)
    if CHANGES.match(step) and (found := _refine(known, step)) is not None:
        return found
    made = re.match(rf"{MAKES}\s+(?:me\s+|us\s+)?(.+)", step, re.I)
    if made:
        thing = re.sub(rf"^(?:an?|the)\s+{KINDS}\s+(?:of|showing)\s+", "", made[1], flags=re.I)
        return "generate", {"name": hearing.title_of(thing), "prompt": _capital(thing)}
    return HELP


def _named(known: Known, words: str) -> dict[str, Any] | Call | str:
    """The asset that words name; the search for it; or that there is none."""
    found = known.asset(words)
    if found is not None:
        return found
    searches = [given for name, given, *_ in known.done if name == "search"]
    if not searches:
        return "search", {"query": _noun(words)}
    if {} not in searches:
        return "search", {}
    return f"I cannot find “{words.strip()}” in this space."


def _rename(known: Known, step: str) -> Call | str | None:
    match = re.match(
        r"rename\s+(?:the\s+)?(.+?)\s+(?:to|as|into)\s+[\"“']?(.+?)[\"”']?$", step, re.I
    )
    if not match:
        return None
    asset = _named(known, match[1])
    return ("rename", {"asset_id": asset["id"], "name": match[2]}) if _is(asset) else asset


def _tag(known: Known, step: str) -> Call | str | None:
    match = re.match(r"tag\s+(?:the\s+)?(.+?)\s+(?:as|with)\s+(.+)$", step, re.I)
    if not match:
        return None
    asset = _named(known, match[1])
    names = [one.strip(" “”\"'") for one in re.split(r",|\band\b", match[2]) if one.strip()]
    return ("tag", {"asset_id": asset["id"], "add": names}) if _is(asset) else asset


def _move(known: Known, step: str) -> Call | str | None:
    match = re.match(
        r"move\s+(?:the\s+)?(.+?)\s+(?:below|under|into|beneath|to)\s+(?:the\s+)?(.+)$", step, re.I
    )
    if not match:
        return None
    asset = _named(known, match[1])
    if not _is(asset):
        return asset
    if re.match(r"top|root", match[2], re.I):
        return "move", {"asset_id": asset["id"], "parent_asset_id": None}
    parent = _named(known, match[2])
    if not _is(parent):
        return parent
    return "move", {"asset_id": asset["id"], "parent_asset_id": parent["id"]}


def _fork(known: Known, step: str) -> Call | str | None:
    match = re.match(
        r"(?:fork|copy|duplicate)\s+(?:the\s+)?(.+?)(?:\s+(?:as|called|named)\s+(.+))?$", step, re.I
    )
    if not match:
        return None
    asset = _named(known, match[1])
    if not _is(asset):
        return asset
    name = match[2] or f"{asset['name']} copy"
    return "fork", {"source_asset_id": asset["id"], "name": name}


def _describe(known: Known, step: str) -> Call | str | None:
    match = re.match(
        r"(?:describe|what(?:'s| is) (?:in|on)|what does)\s+(?:the\s+)?(.+?)(?:\s+look like)?\??$",
        step,
        re.I,
    )
    if not match:
        return None
    asset = _named(known, match[1])
    if not _is(asset):
        return asset
    variant = asset.get("active_variant_id")
    return ("describe", {"variant_id": variant}) if variant else _bare(asset)


def _compare(known: Known, step: str) -> Call | str | None:
    match = re.match(r"compare\s+(?:the\s+)?(.+?)\s+(?:and|with|to)\s+(?:the\s+)?(.+)$", step, re.I)
    if not match:
        return None
    found = [_named(known, match[1]), _named(known, match[2])]
    for one in found:
        if not _is(one):
            return one
        if not one.get("active_variant_id"):
            return _bare(one)
    return "compare", {"variant_ids": [one["active_variant_id"] for one in found]}


def _batch(known: Known, step: str) -> Call | str | None:
    match = re.match(
        rf"{MAKES}\s+(?:me\s+|us\s+)?(?:a\s+(?P<set>set)\s+of\s+)?{COUNT}\s+(?:different\s+)?"
        rf"(?:{KINDS}\s+(?:of|showing)\s+)?(?P<thing>.+)$",
        step,
        re.I,
    )
    if not match:
        return None
    word = match["count"].lower()
    count = int(word) if word.isdigit() else int(hearing.NUMBERS[word])
    thing = match["thing"]
    given: dict[str, Any] = {"name": hearing.title_of(thing), "prompt": _capital(thing)}
    if count < 2:
        return "generate", given
    mode = "set" if match["set"] else "explore"
    return "batch_generate", {**given, "count": min(count, 8), "mode": mode}


def _derive(known: Known, step: str) -> Call | str | None:
    match = re.match(
        r"(?:combine|mix|merge|blend)\s+(?:the\s+)?(.+?)\s+(?:and|with)\s+(?:the\s+)?(.+)$",
        step,
        re.I,
    )
    if not match:
        return None
    found = [_named(known, match[1]), _named(known, match[2])]
    for one in found:
        if not _is(one):
            return one
        if not one.get("active_variant_id"):
            return _bare(one)
    names = " and ".join(one["name"] for one in found)
    return "derive", {
        "name": names[:100],
        "prompt": f"{names} together",
        "reference_variant_ids": [one["active_variant_id"] for one in found],
    }


def _refine(known: Known, step: str) -> Call | str | None:
    asset = known.asset(step)
    if asset is None:
        if re.match(rf"{MAKES}\s+(?:me\s+|us\s+)?(?:an?|some)\b", step, re.I):
            return None
        named = re.search(r"\b(?:the|our)\s+([\w-]+)", step, re.I)
        found = _named(known, named[1] if named else step)
        if not _is(found):
            return found
        asset = found
    return "refine", {"asset_id": asset["id"], "prompt": _capital(step)}


def _listed(known: Known, step: str) -> Call | str:
    if not known.searched:
        words = FOUND_WORDS.search(step)
        return "search", {"query": _noun(words[1])} if words else {}
    found = known.done[-1][2]
    assets = found.get("assets", []) if isinstance(found, dict) else []
    if not assets:
        return "Nothing of that kind is here yet."
    shown = [
        f"{one['name']} ({one['asset_type']}, {one.get('variant_count', 0)} "
        f"picture{'' if one.get('variant_count') == 1 else 's'})"
        for one in assets[:12]
    ]
    total = found.get("total", len(assets))
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return f"We have {total} asset{'' if total == 1 else 's'}: {', '.join(shown)}{more}."


def _told(one: Done) -> str:
    name, given, value, failed = one
    value = value if isinstance(value, dict) else {}
    error = value.get("error") or {}
    status = value.get("status", "")
    label = name.replace("_", " ")
    if status == "rejected":
        why = f" ({value['reason']})" if value.get("reason") else ""
        return f"You decided against it: {label}{why}."
    if status == "expired":
        return f"Nobody decided in time: {label}."
    if failed:
        return f"That did not work ({label}): {error.get('detail', 'no reason was given')}"
    if name in ("describe", "compare"):
        return str(value.get("description") or value.get("comparison") or "")
    edited = " as you edited it" if "edited_arguments" in value else ""
    thing = value.get("name") or given.get("name") or given.get("title", "")
    return f"Done{edited}: {label} – {thing}."


def _announced(calls: list[Call]) -> str:
    names = [name for name, _ in calls]
    if names == ["search"]:
        return "Let me look."
    if set(names) <= SIGNS:
        return "Let me look at it."
    return f"I propose to {_verbs(calls)}; decide on it below."


def _verbs(calls: list[Call]) -> str:
    return ", ".join(name.replace("_", " ") for name, _ in calls)


def _is(found: Any) -> bool:
    return isinstance(found, dict)


def _bare(asset: dict[str, Any]) -> str:
    return f"{asset['name']} has no picture yet."


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", " ", re.sub(r"['’]s\b", "", text.lower())).strip()


def _noun(words: str) -> str:
    return next(iter(re.sub(r"['’]s\b", "", words).split()), words)[:60].strip(".,!?“”\"'")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
