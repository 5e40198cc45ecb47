"""What a request to Gemini may say, and the picture that it asks for."""

import hashlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image

from genproj.sandbox import descent, google
from genproj.sandbox.google import Refused, bad_field

TOP = (
    "contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent",
    "serviceTier", "generationConfig", "labels", "model",
)  # fmt: skip
CONFIG = (
    "responseModalities", "imageConfig", "seed", "candidateCount", "stopSequences",
    "maxOutputTokens", "thinkingConfig", "temperature", "topP", "topK", "presencePenalty",
    "frequencyPenalty", "responseMimeType", "mediaResolution", "responseLogprobs", "logprobs",
)  # fmt: skip
PART = ("text", "inlineData", "fileData", "thought", "thoughtSignature", "mediaResolution")
HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY")
THRESHOLDS = (
    "BLOCK_NONE", "OFF", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE",
)  # fmt: skip
# Width and height of a 1K picture.
SHAPES = {
    "1:1": (1024, 1024), "2:3": (848, 1264), "3:2": (1264, 848), "3:4": (896, 1200),
    "4:3": (1200, 896), "4:5": (928, 1152), "5:4": (1152, 928), "9:16": (768, 1376),
    "16:9": (1376, 768), "21:9": (1584, 672),
}  # fmt: skip
LONG_SHAPES = {"1:4": (512, 2048), "4:1": (2048, 512), "1:8": (384, 3072), "8:1": (3072, 384)}
SIZES = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}
SMALL_MODEL = "gemini-3.1-flash-image"
REFERENCES = 14
SEED_LIMIT = 2**31


@dataclass
class Ask:
    """One checked request."""

    prompt: str
    modalities: tuple[str, ...] = ("TEXT", "IMAGE")
    seed: int | None = None
    width: int = 1024
    height: int = 1024
    size: str = "1K"
    inputs: dict[str, bytes] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)


def asked(body: dict[str, Any], model: str) -> Ask:
    """What a request wants. Raises Refused."""
    google.check_names(body, TOP, "")
    contents = body.get("contents")
    contents = [contents] if isinstance(contents, dict) else contents
    if not isinstance(contents, list) or not contents:
        raise Refused(400, "* GenerateContentRequest.contents: contents is not specified\n")
    ask = Ask(prompt="")
    for place, content in enumerate(contents):
        _hear(ask, content, f"contents[{place}]")
    if len(ask.inputs) > REFERENCES:
        raise Refused(400, f"At most {REFERENCES} input images are supported.")
    if not ask.prompt.strip() and not ask.inputs:
        raise Refused(400, "* GenerateContentRequest.contents: contents.parts must not be empty.\n")
    _see_safety(body.get("safetySettings", []))
    config = body.get("generationConfig", {})
    if not isinstance(config, dict):
        raise bad_field("generation_config", "Invalid value at 'generation_config'.")
    google.check_names(config, CONFIG, "generation_config")
    _see_config(ask, config)
    _see_image(ask, config.get("imageConfig", {}), model)
    return ask


def _hear(ask: Ask, content: Any, where: str) -> None:
    """One turn; the words of the last one count, and the pictures of all."""
    if not isinstance(content, dict):
        raise bad_field(where, f"Invalid value at '{where}'.")
    google.check_names(content, ("role", "parts"), where)
    if content.get("role", "user") not in ("user", "model"):
        raise Refused(400, "Please use a valid role: user, model.")
    parts = content.get("parts", [])
    words: list[str] = []
    role = ""
    for place, part in enumerate(parts if isinstance(parts, list) else [parts]):
        at = f"{where}.parts[{place}]"
        if not isinstance(part, dict):
            raise bad_field(at, f"Invalid value at '{at}'.")
        google.check_names(part, PART, at)
        if not {"text", "inlineData", "fileData"} & part.keys():
            raise Refused(400, f"* GenerateContentRequest.{at}: part must have data.\n")
        if not isinstance(part.get("text", ""), str):
            raise bad_field(f"{at}.text", f"Invalid value at '{at}.text' (TYPE_STRING).")
        if (told := descent.role_in(part.get("text", ""))) is not None:
            role = told  # of the picture that comes next
            continue
        words.append(part.get("text", ""))
        if "fileData" in part:
            raise Refused(400, "Cannot fetch content from the provided URL.")
        if "inlineData" in part and not part.get("thought"):
            name = _keep(ask, part["inlineData"], f"{at}.inline_data")
            if role:
                ask.roles[name] = role
            role = ""
    if content.get("role", "user") == "user":
        ask.prompt = "\n".join(filter(None, words))


def _keep(ask: Ask, data: Any, where: str) -> str:
    if not isinstance(data, dict):
        raise bad_field(where, f"Invalid value at '{where}'.")
    google.check_names(data, ("mimeType", "data", "displayName"), where)
    content = google.opened(data.get("data"), data.get("mimeType"), f"{where}.data")
    name = f"input-{hashlib.sha256(content).hexdigest()[:32]}"
    ask.inputs[name] = content
    return name


def _see_safety(settings: Any) -> None:
    for place, one in enumerate(settings if isinstance(settings, list) else [settings]):
        where = f"safety_settings[{place}]"
        if not isinstance(one, dict):
            raise bad_field(where, f"Invalid value at '{where}'.")
        if str(one.get("category", "")).removeprefix("HARM_CATEGORY_") not in HARMS:
            raise bad_field(f"{where}.category", f"Invalid value at '{where}.category'.")
        if one.get("threshold") not in THRESHOLDS:
            raise bad_field(f"{where}.threshold", f"Invalid value at '{where}.threshold'.")


def _see_config(ask: Ask, config: dict[str, Any]) -> None:
    modalities = config.get("responseModalities", ask.modalities)
    known = isinstance(modalities, (list, tuple)) and all(
        one in ("TEXT", "IMAGE") for one in modalities
    )
    if not known:
        where = "generation_config.response_modalities"
        raise bad_field(where, f"Invalid value at '{where}'.")
    ask.modalities = tuple(modalities) or ask.modalities
    if config.get("candidateCount", 1) != 1:
        raise Refused(400, "Multiple candidates is not enabled for this model")
    seed = config.get("seed")
    if seed is None:
        return
    if isinstance(seed, bool) or not isinstance(seed, int) or not -SEED_LIMIT <= seed < SEED_LIMIT:
        raise bad_field("generation_config.seed", "Invalid value (TYPE_INT32).")
    ask.seed = seed


def _see_image(ask: Ask, config: Any, model: str) -> None:
    where = "generation_config.image_config"
    if not isinstance(config, dict):
        raise bad_field(where, f"Invalid value at '{where}'.")
    google.check_names(config, ("aspectRatio", "imageSize"), where)
    shapes = SHAPES | (LONG_SHAPES if model == SMALL_MODEL else {})
    ratio = config.get("aspectRatio")
    if ratio is not None and (not isinstance(ratio, str) or ratio not in shapes):
        raise bad_field(where, "Unknown aspect ratio.")
    sizes = [size for size in SIZES if size != "512" or model == SMALL_MODEL]
    ask.size = config.get("imageSize", "1K")
    if ask.size not in sizes:
        raise bad_field(where, "Unknown image size.")
    across, down = shapes[ratio or _likeness(ask)]
    ask.width, ask.height = (round(side * SIZES[ask.size]) for side in (across, down))


def _likeness(ask: Ask) -> str:
    """The shape that is nearest to that of the first picture which came."""
    first = next(iter(ask.inputs.values()), None)
    if first is None:
        return "1:1"
    with Image.open(BytesIO(first)) as image:
        share = image.width / image.height
    return min(SHAPES, key=lambda name: abs(SHAPES[name][0] / SHAPES[name][1] - share))
