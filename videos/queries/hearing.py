"""Reads a sentence by rule: what stands in for the language model when it does not answer.

The rules are those of the first system's clarification, made to read answers too.
"""

import re
from collections.abc import Mapping
from typing import Any

MAKE = (
    r"(create|make|generate|produce|render|shoot|film|animate|draw|i want|i need|i'd like|give me)"
)
FILM = r"(video|film|clip|movie|animation|short)"
WISH = re.compile(
    rf"\b{MAKE}\b.*\b{FILM}\b|\b{FILM}\s+(of|about|with|showing|where)\b", re.I | re.S
)
LEAD = re.compile(
    rf"^\W*(please|can you|could you|hey|hi|hello|\W)*\s*({MAKE}\s+)?(me\s+|us\s+)?"
    r"(an?|the|one|another)?\s*"
    rf"([\w-]+\s+)?{FILM}\s+(of|about|with|showing|where|in which|that shows)?\s*",
    re.I,
)
DEFAULTS = re.compile(
    r"^\W*(just |please |then )*(use|take|go with|pick|choose)?\s*(the |all |your )*"
    r"(defaults?|usual)"
    r"|^\W*(you decide|whatever|as you (like|think)|surprise me)\b",
    re.I,
)
NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10,
}  # fmt: skip
SECONDS = re.compile(rf"\b(\d{{1,2}}|{'|'.join(NUMBERS)})\s*-?\s*(s|sec|secs|seconds?)\b", re.I)
RATIO = re.compile(r"\b(\d{1,2})\s*:\s*(\d{1,2})\b")
UPRIGHT = re.compile(r"\b(vertical|portrait|upright|phone|story|stories|reels?|tiktok)\b", re.I)
WIDE = re.compile(r"\b(wide|widescreen|landscape|horizontal|cinema)\b", re.I)
SHARP = re.compile(r"\b(4k|2160p|1080p?|720p?|full\s*hd|uhd|hd)\b", re.I)
SHARPNESS = {
    "4k": "4k", "2160p": "4k", "uhd": "4k", "1080": "1080p", "1080p": "1080p", "fullhd": "1080p",
    "720": "720p", "720p": "720p", "hd": "720p",
}  # fmt: skip
SILENT = re.compile(
    r"\b(silent|mute|muted|no sound|without (any )?(sound|audio)|sound off)\b", re.I
)
LOUD = re.compile(r"\b(with (sound|audio|music)|sound on)\b", re.I)
STYLE = re.compile(
    r"\b(cinematic|documentary|animation|animated|anime|cartoon|watercolou?r|noir|natural|"
    r"black and white|stop motion|claymation|pixel art|photorealistic|realistic|vintage|retro)\b",
    re.I,
)


def is_wish(text: str) -> bool:
    """Whether a sentence asks for a film."""
    return bool(WISH.search(text))


def wants_defaults(text: str) -> bool:
    """Whether a sentence leaves the choices to us."""
    return bool(DEFAULTS.search(text.strip()))


def prompt_in(text: str) -> str:
    """What is to be seen, without the words that ask for it."""
    bare = LEAD.sub("", text.strip(), count=1).strip(" .,:;!?\n")
    return bare[:1].upper() + bare[1:] if len(bare) > 2 else text.strip()


def choices_in(text: str) -> dict[str, Any]:
    """What a sentence says about a film's parameters and style."""
    found: dict[str, Any] = {}
    if match := SECONDS.search(text):
        word = match[1].lower()
        found["duration"] = NUMBERS.get(word) or int(word)
    if match := RATIO.search(text):
        found["aspect_ratio"] = f"{match[1]}:{match[2]}"
    elif UPRIGHT.search(text):
        found["aspect_ratio"] = "9:16"
    elif WIDE.search(text):
        found["aspect_ratio"] = "16:9"
    if match := SHARP.search(text):
        found["resolution"] = SHARPNESS[match[1].lower().replace(" ", "")]
    if SILENT.search(text):
        found["sound"] = False
    elif LOUD.search(text):
        found["sound"] = True
    if match := STYLE.search(text):
        found["style"] = match[1].lower()
    return found


def fitting(choices: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The choices that the model offers; a number beside its steps becomes the nearest."""
    known, found = schema.get("properties", {}), {}
    for key, value in choices.items():
        if key in {"style", "detail"}:
            if str(value).strip():
                found[key] = str(value).strip()[:1000]
        elif field := known.get(key):
            allowed = field.get("enum")
            if not allowed or value in allowed:
                found[key] = value
            elif isinstance(value, int) and all(isinstance(one, int) for one in allowed):
                found[key] = min(allowed, key=lambda one: abs(one - value))
    return found
