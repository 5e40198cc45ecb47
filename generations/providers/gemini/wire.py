"""Gemini's words: pictures by `generateContent`, and all that may come instead of one.

Source: the Gemini API's image generation and what google-genai sends and reads. Every refusal of
content is HTTP 200, so the status alone says nothing.
"""

import base64
import binascii
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generations.providers.base import (
    ProviderUpdate,
    ResultError,
    ResultOutput,
    Task,
    Unparsable,
    issue,
)
from generations.providers.google import DATA_URI, failed

SHAPES = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
LONG_SHAPES = ("1:4", "4:1", "1:8", "8:1")
#: what takes more shapes and a smaller size than the others
VERSATILE = "gemini-3.1-flash-image"
#: the side of a square of each size
SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
LARGEST_SEED = 2**31 - 1

MOST_REFERENCES = 14
REFERENCE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
#: characters of base64 in one request; the service takes 20 MB
LARGEST_REQUEST = 19_500_000

LABELS = {
    "style": "the style to follow",
    "source": "the picture to change",
    "reference": "a reference",
}

#: why a picture that was made is withheld
FILTERED = frozenset(
    {
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "SAFETY",
        "PROHIBITED_CONTENT",
        "RECITATION",
        "BLOCKLIST",
        "SPII",
        "LANGUAGE",
    }
)
#: what is said where the model says nothing itself
WORDS = {
    "STOP": "The model answered without a picture.",
    "NO_IMAGE": "The model could not make a picture of this.",
    "MAX_TOKENS": "The answer was cut off before there was a picture.",
}
WITHHELD = "The picture was withheld by the provider's safety filters"
BLOCKED = "The request was blocked by the provider's safety filters"


# ── asking ────────────────────────────────────────────────────────────────────────────────────


def request(task: Task) -> dict[str, Any]:
    """The body that asks for one picture. ValueError when it cannot be said.

    `input` holds our words: prompt, width and height, parameters, `references`, which are data
    URIs, and `reference_roles`, which say what each of them is for.
    """
    if task.count != 1:
        raise ValueError("This provider makes one picture at a time.")
    given = task.input
    words = given.get("parameters") or {}
    parts = [
        *_references(given.get("references") or (), given.get("reference_roles") or ()),
        {"text": _prompt(given)},
    ]
    config: dict[str, Any] = {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {
            "aspectRatio": words.get("aspect_ratio") or _shape(task.model, given),
            "imageSize": words.get("image_size") or _size(task.model, given),
        },
    }
    if given.get("seed") is not None:
        config["seed"] = int(given["seed"]) % (LARGEST_SEED + 1)
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def _prompt(given: Mapping[str, Any]) -> str:
    """The prompt; what must not be seen has no field of its own on this wire."""
    prompt, without = str(given.get("prompt") or ""), given.get("negative_prompt")
    return f"{prompt}\n\nDo not show: {without}" if without else prompt


def _references(uris: Sequence[str], roles: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Each picture after a line that says what it is for; prompts count them as these do."""
    if len(uris) > MOST_REFERENCES:
        raise ValueError(f"At most {MOST_REFERENCES} reference pictures can be sent.")
    if sum(len(uri) for uri in uris) > LARGEST_REQUEST:
        raise ValueError("The reference pictures are too large together; at most 14 MB.")
    for number, uri in enumerate(uris):
        found = DATA_URI.fullmatch(uri)
        if found is None or found[1] not in REFERENCE_TYPES:
            raise ValueError(f"Reference {number + 1} is no picture that can be sent.")
        role = roles[number] if number < len(roles) else "reference"
        yield {"text": f"Image {number + 1}, {LABELS.get(role, role)}:"}
        yield {"inlineData": {"mimeType": found[1], "data": found[2]}}


def _shape(model: str, given: Mapping[str, Any]) -> str:
    """The shape nearest to the one asked for."""
    known = SHAPES + LONG_SHAPES if model == VERSATILE else SHAPES
    asked = math.log((given.get("width") or 1) / (given.get("height") or 1))
    return min(known, key=lambda name: abs(_log_of(name) - asked))


def _log_of(shape: str) -> float:
    across, down = shape.split(":")
    return math.log(int(across) / int(down))


def _size(model: str, given: Mapping[str, Any]) -> str:
    """The size nearest to the area asked for."""
    asked = math.sqrt((given.get("width") or 1024) * (given.get("height") or 1024))
    known = SIDES if model == VERSATILE else [name for name in SIDES if name != "512"]
    return min(known, key=lambda name: abs(math.log(SIDES[name] / asked)))


# ── reading ───────────────────────────────────────────────────────────────────────────────────


def translate(message: Any, *, task: str) -> ProviderUpdate:
    """What an answer brings: one picture, or one error that says why there is none.

    The call is over with it, so nothing is left in the works. Unparsable when it is no answer.
    """
    if not isinstance(message, dict):
        raise Unparsable(issue("", "not an object"))
    ref = message.get("responseId")
    ref = ref if isinstance(ref, str) and ref else task
    note = {
        name: message[name]
        for name in ("modelVersion", "responseId", "usageMetadata")
        if isinstance(message.get(name), str | dict)
    }
    found = _result(message, ref=ref, note=note)
    return ProviderUpdate(
        ref=ref,
        outputs=(found,) if isinstance(found, ResultOutput) else (),
        errors=(found,) if isinstance(found, ResultError) else (),
        processing=False,
        raw=_without_bytes(message),
    )


def _result(
    message: Mapping[str, Any], *, ref: str, note: dict[str, Any]
) -> ResultOutput | ResultError:
    candidate = _first(message.get("candidates"))
    feedback = message.get("promptFeedback")
    if candidate is None:
        if isinstance(feedback, dict) and feedback.get("blockReason"):
            return _blocked(feedback)
        words = "The provider's answer holds neither a picture nor a reason."
        return failed("no_result", words, "empty", _without_bytes(message))
    finish = candidate.get("finishReason")
    finish = finish if isinstance(finish, str) and finish else "STOP"
    parts = _parts(candidate)
    text = " ".join(part["text"] for part in parts if isinstance(part.get("text"), str)).strip()
    images = [part["inlineData"] for part in parts if isinstance(part.get("inlineData"), dict)]
    note |= {"finishReason": finish} | ({"text": text[:2000]} if text else {})
    if images:
        return _picture(images, ref=ref, note=note)
    return _none(finish, text, candidate)


def _first(candidates: Any) -> dict[str, Any] | None:
    found = candidates[0] if isinstance(candidates, list) and candidates else None
    return found if isinstance(found, dict) else None


def _parts(candidate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the model says, without what it only thinks."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    listed = parts if isinstance(parts, list) else []
    found = [_camel(part) for part in listed if isinstance(part, dict)]
    return [part for part in found if part.get("thought") is not True]


def _camel(part: dict[str, Any]) -> dict[str, Any]:
    """A part in the documented spelling; Google's own libraries mix both."""
    if "inlineData" not in part and "inline_data" in part:
        part = {**part, "inlineData": part["inline_data"]}
    inline = part.get("inlineData")
    if isinstance(inline, dict) and "mimeType" not in inline and "mime_type" in inline:
        part = {**part, "inlineData": {**inline, "mimeType": inline["mime_type"]}}
    return part


def _picture(
    images: Sequence[Mapping[str, Any]], *, ref: str, note: Mapping[str, Any]
) -> ResultOutput | ResultError:
    """The first picture; one was asked for, so of the others only a note is kept."""
    kind = images[0].get("mimeType")
    about = {**note, "mimeType": kind, "others": [_noted(one) for one in images[1:9]]}
    if not isinstance(kind, str) or not kind.startswith("image/"):
        words = f"The provider sent {str(kind)[:60]} instead of a picture."
        return failed("validation", words, "wrong_type", about)
    try:
        data = base64.b64decode(images[0].get("data") or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        data = b""
    if not data:
        return failed("validation", "The picture that came cannot be read.", "base64", about)
    return ResultOutput(ref=ref, url=None, seed=None, cost=None, raw=about, data=data)


def _noted(image: Mapping[str, Any]) -> dict[str, Any]:
    data = image.get("data")
    text = data if isinstance(data, str) else ""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"mimeType": str(image.get("mimeType"))[:80], "base64_sha256": digest}


def _blocked(feedback: Mapping[str, Any]) -> ResultError:
    """The prompt was blocked; nothing was made."""
    reason = str(feedback["blockReason"])[:80]
    said = feedback.get("blockReasonMessage")
    words = said if isinstance(said, str) and said else f"{BLOCKED} ({reason})."
    return failed("content_blocked", words, reason, feedback)


def _none(finish: str, text: str, candidate: Mapping[str, Any]) -> ResultError:
    """Why there is no picture, in the model's own words where it has any."""
    said = candidate.get("finishMessage")
    told = said if isinstance(said, str) and said else ""
    raw = _without_bytes(candidate)
    if finish in FILTERED:
        words = told or text or f"{WITHHELD} ({finish})."
        return failed("content_blocked", words, finish, raw)
    if finish == "MAX_TOKENS":
        return failed("no_result", told or WORDS[finish], finish, raw)
    if text and finish in {"STOP", "NO_IMAGE"}:
        return failed("no_result", f"The model answered in words: {text}", finish, raw)
    unknown = f"The model ended without a picture ({finish[:60]})."
    return failed("no_result", told or WORDS.get(finish) or unknown, finish, raw)


def _without_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "…" if key == "data" and isinstance(part, str) else _without_bytes(part)
            for key, part in value.items()
        }
    return [_without_bytes(part) for part in value] if isinstance(value, list) else value
