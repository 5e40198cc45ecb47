"""What a wish still lacks, and what it amounts to; pure functions over models and words."""

from collections.abc import Mapping, Sequence
from typing import Any

#: asked for at most this often at once
MOST_QUESTIONS = 5
#: a prompt shorter than this says too little about its subject
SHORT_PROMPT = 20

#: what a film is not rendered without somebody having chosen it
ESSENTIAL = ("duration", "aspect_ratio", "resolution")
#: asked along with the essential ones, never alone
ALONG = ("style", "sound")
#: of the wish itself, not of the model
WORDS = ("style", "detail")
STYLES = ["natural", "cinematic", "documentary", "animation", "watercolour"]
ON_OFF = ["on", "off"]

QUESTIONS = {
    "duration": "How many seconds should it last?",
    "aspect_ratio": "Which shape: wide for screens, or upright for phones?",
    "resolution": "How sharp should it be?",
    "style": "In which style?",
    "sound": "With sound?",
    "detail": "What should be seen in it? A sentence or two help.",
}
LONGEST_WORDS = 1000

Question = dict[str, Any]


def fields_of(schema: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The parameters that a model's schema knows."""
    known: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    return known


def default_of(field: Mapping[str, Any]) -> Any:
    """A field's default: its own, else the first of its choices, else its least value."""
    if "default" in field:
        return field["default"]
    if field.get("enum"):
        return field["enum"][0]
    return field.get("minimum")


def question_for(key: str, schema: Mapping[str, Any], *, words: str = "") -> Question | None:
    """The typed question for one key; None when this model has no such choice.

    Args:
        words: how it is asked, where somebody found better words than ours.
    """
    question: Question = {"key": key, "question": (words or QUESTIONS[key]).strip()[:300]}
    if key == "style":
        return question | {"type": "text", "choices": STYLES, "default": STYLES[0]}
    if key == "detail":
        return question | {"type": "text", "default": ""}
    field = fields_of(schema).get(key)
    if field is None:
        return None
    default = default_of(field)
    if field.get("type") == "boolean":
        on = "off" if default is False else "on"
        return question | {"type": "choice", "choices": ON_OFF, "default": on}
    if field.get("enum"):
        return question | {"type": "choice", "choices": field["enum"], "default": default}
    if field.get("type") in {"integer", "number"}:
        bounds = {"min": field.get("minimum"), "max": field.get("maximum")}
        return question | {"type": "number", **bounds, "default": default}
    return question | {"type": "text", "default": default or ""}


def missing_of(prompt: str, given: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """The keys that matter and that nobody has said anything about; [] for a complete wish."""
    needed = [key for key in ESSENTIAL if key in fields_of(schema) and key not in given]
    if len(prompt) < SHORT_PROMPT and "detail" not in given:
        needed.insert(0, "detail")
    if not needed:
        return []
    return (needed + [key for key in ALONG if key not in given])[:MOST_QUESTIONS]


def questions_of(
    prompt: str,
    given: Mapping[str, Any],
    schema: Mapping[str, Any],
    *,
    words: Mapping[str, str] | None = None,
) -> list[Question]:
    """The questions that a wish leaves open, typed, with defaults; at most five."""
    found = (
        question_for(key, schema, words=(words or {}).get(key, ""))
        for key in missing_of(prompt, given, schema)
    )
    return [question for question in found if question is not None]


def defaults_of(questions: Sequence[Question]) -> dict[str, Any]:
    """What is taken where nothing is answered."""
    return {question["key"]: question["default"] for question in questions}


def parameters_of(choices: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The model's parameters among the choices, in the types of its schema."""
    known = fields_of(schema)
    found = {}
    for key, value in choices.items():
        if key in known and value is not None:
            is_switch = known[key].get("type") == "boolean" and value in ON_OFF
            found[key] = value == "on" if is_switch else value
    return found


def with_defaults(choices: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The model's parameters with its defaults where nothing was chosen."""
    known = fields_of(schema)
    usual = {key: default_of(known[key]) for key in (*ESSENTIAL, "sound") if key in known}
    return usual | parameters_of(choices, schema)


def full_prompt(prompt: str, choices: Mapping[str, Any]) -> str:
    """What the provider is told: the wish with its details and its style."""
    parts = [prompt.strip().rstrip(".")]
    if detail := str(choices.get("detail") or "").strip().rstrip("."):
        parts.append(detail)
    style = str(choices.get("style") or "").strip().rstrip(".")
    if style and style != STYLES[0]:
        parts.append(f"Style: {style}")
    return ". ".join(parts) + ("." if len(parts) > 1 else "")


def changes_between(
    before: Mapping[str, Any] | None, now: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What differs between two summaries: `{field, before, now}` each."""
    if before is None:
        return []
    fields = [*now, *(field for field in before if field not in now)]
    return [
        {"field": field, "before": before.get(field), "now": now.get(field)}
        for field in fields
        if before.get(field) != now.get(field)
    ]
