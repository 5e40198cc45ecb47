"""Which requests the service refuses, and in which words; all that is wrong is named at once."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from genproj.sandbox.models import COMMON, DEFAULT_TOOLS, MODELS, Model

Refusal = dict[str, Any]

# The names of 2025 that the older SDK still sends.
LEGACY_NAMES = {
    "imageUpscale": "upscale",
    "imageBackgroundRemoval": "removeBackground",
    "imageCaption": "caption",
}
GENERATING = ("imageInference", "videoInference", "upscale", "removeBackground", "caption")
TASK_TYPES = (
    *GENERATING, *LEGACY_NAMES, "modelSearch", "getResponse", "imageUpload", "mediaStorage",
    "accountManagement", "ping", "authentication",
)  # fmt: skip
STATUS = {
    "missingApiKey": 401, "invalidApiKey": 401, "insufficientCredits": 402,
    "rateLimitExceeded": 429, "internalServerError": 500, "serviceUnavailable": 503,
    "timeoutProvider": 504,
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    type: str
    low: float | None = None
    high: float | None = None
    multiplier: int | None = None
    choices: tuple[Any, ...] = ()


KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "float": (int, float), "boolean": (bool,),
    "object": (dict,), "array": (list,), "media": (str,),
}  # fmt: skip
IMAGE_FORMATS = ("JPG", "PNG", "WEBP")
VIDEO_FORMATS = ("MP4", "WEBM", "MOV")

FIELDS = {
    "model": Field("string"),
    "deliveryMethod": Field("string", choices=("sync", "async")),
    "outputType": Field("string", choices=("URL", "base64Data", "dataURI")),
    "outputFormat": Field("string", choices=IMAGE_FORMATS),
    "outputQuality": Field("integer", 20, 99),
    "ttl": Field("integer", 60),
    "includeCost": Field("boolean"),
    "checkNSFW": Field("boolean"),
    "numberResults": Field("integer", 1, 20),
    "safety": Field("object"),
    "routing": Field("object"),
    "positivePrompt": Field("string", 2, 3000),
    "negativePrompt": Field("string", 2, 3000),
    "steps": Field("integer", 1, 100),
    "CFGScale": Field("float", 0, 50),
    "trueCFGScale": Field("float", 0, 50),
    "strength": Field("float", 0, 1),
    "clipSkip": Field("integer", 0, 2),
    "seed": Field("integer", 1, 9223372036854775807),
    "scheduler": Field("string"),
    "promptWeighting": Field("string", choices=("compel", "sdEmbeds")),
    "maskMargin": Field("integer", 32, 128),
    "outpaint": Field("object"),
    "seedImage": Field("media"),
    "maskImage": Field("media"),
    "referenceImages": Field("array"),
    "frameImages": Field("array"),
    "lora": Field("array"),
    "controlNet": Field("array"),
    "inputs": Field("object"),
    "settings": Field("object"),
    "providerSettings": Field("object"),
    "advancedFeatures": Field("object"),
    "resolution": Field("string"),
    "duration": Field("integer", 1, 60),
    "fps": Field("integer", 12, 60),
    "upscaleFactor": Field("integer", 2, 4),
}
CATEGORIES = ("checkpoint", "lora", "lycoris", "controlnet", "vae", "embeddings")
VISIBILITIES = ("public", "private", "favorite", "owned", "all")
ACCOUNT = ("getDetails", "getUsageActivity", "getUsagePerformance", "getUsageErrors")
UTILITIES: dict[str, dict[str, Field]] = {
    "modelSearch": {
        "search": Field("string"),
        "tags": Field("array"),
        "category": Field("string", choices=CATEGORIES),
        "type": Field("string"),
        "architecture": Field("string"),
        "conditioning": Field("string"),
        "capabilities": Field("array"),
        "visibility": Field("string", choices=VISIBILITIES),
        "source": Field("string", choices=("official", "community")),
        "sort": Field("string"),
        "limit": Field("integer", 1, 100),
        "offset": Field("integer", 0),
    },
    "imageUpload": {"image": Field("media")},
    "mediaStorage": {"operation": Field("string", choices=("upload",)), "media": Field("media")},
    "accountManagement": {"operation": Field("string", choices=ACCOUNT)},
}
REQUIRED = {
    "imageUpload": ("image",),
    "mediaStorage": ("operation", "media"),
    "accountManagement": ("operation",),
}


def refusal(code: str, message: str, task: Any = None, **more: Any) -> Refusal:
    error: Refusal = {"code": code, "message": message, **more}
    if isinstance(task, dict):
        error |= {
            name: task[name] for name in ("taskType", "taskUUID") if isinstance(task.get(name), str)
        }
    return error


def status_of(errors: list[Refusal]) -> int:
    return STATUS.get(errors[0]["code"], 400)


def is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def refusals(task: Any) -> list[Refusal]:
    """Everything that is wrong with one task object; empty when it may run."""
    if not isinstance(task, dict):
        return [refusal("invalidTask", "Every element of the array must be an object.")]
    task_type = task.get("taskType")
    if task_type is None:
        return [
            refusal(
                "missingTaskType",
                "Missing required parameter taskType.",
                task,
                parameter="taskType",
            )
        ]
    if task_type not in TASK_TYPES:
        return [_invalid("taskType", task, type="string", allowedValues=list(TASK_TYPES))]
    if task_type in ("ping", "authentication"):
        return []
    if "taskUUID" not in task:
        return [_missing("taskUUID", task)]
    if not is_uuid(task["taskUUID"]):
        return [_invalid("taskUUID", task, type="string")]
    if task_type == "getResponse":
        return []
    if task_type in UTILITIES:
        return _utility(task, task_type)
    return _generation(task, kind_of(task))


def kind_of(task: dict[str, Any]) -> str:
    """The present name of a task's type."""
    name: str = task["taskType"]
    return LEGACY_NAMES.get(name, name)


def model_of(task: dict[str, Any]) -> Model | None:
    task_type = kind_of(task)
    named = task.get("model") or DEFAULT_TOOLS.get(task_type)
    model = MODELS.get(named) if isinstance(named, str) else None
    return model if model and model.task_type == task_type else None


def source_of(task: dict[str, Any]) -> Any:
    """The one picture that a tool works on, in either generation's form."""
    inputs = task.get("inputs")
    inputs = inputs if isinstance(inputs, dict) else {}
    several = task.get("inputImages")
    first = several[0] if isinstance(several, list) and several else None
    return inputs.get("image") or task.get("inputImage") or task.get("image") or first


def _utility(task: dict[str, Any], task_type: str) -> list[Refusal]:
    fields = UTILITIES[task_type]
    errors = [_missing(name, task) for name in REQUIRED.get(task_type, ()) if name not in task]
    return errors + [
        error
        for name, field in fields.items()
        if name in task
        for error in _value(name, field, task)
    ]


def _generation(task: dict[str, Any], task_type: str) -> list[Refusal]:
    if "model" not in task and task_type not in DEFAULT_TOOLS:
        return [_missing("model", task)]
    model = model_of(task)
    if model is None or model.category not in ("checkpoint", "tool"):
        message = "Invalid value for the parameter model: no such model serves this task."
        return [refusal("invalidModel", message, task, parameter="model", type="string")]
    errors = [_missing(name, task) for name in model.required if name not in task]
    for name in task:
        if model.fields is not None and name not in model.fields | COMMON:
            # Undocumented; the official SDK knows this code as one of validation.
            message = f"Unknown parameter {name} for the model {model.air}."
            errors.append(refusal("unknownParameter", message, task, parameter=name))
        elif name in ("width", "height"):
            field = Field("integer", model.low, model.high, model.multiplier)
            errors += _value(name, field, task)
        elif name in FIELDS:
            errors += _value(name, _field_for(name, model), task)
    errors += _webhook(task) + _outpaint(task)
    if task_type in DEFAULT_TOOLS and not isinstance(source_of(task), str):
        errors.append(_missing("inputs.image", task))
    return errors


def _field_for(name: str, model: Model) -> Field:
    if name == "outputFormat" and model.task_type == "videoInference":
        return Field("string", choices=VIDEO_FORMATS)
    if name == "outputType" and model.task_type == "videoInference":
        return Field("string", choices=("URL",))
    if name in model.choices:
        return Field(FIELDS[name].type, choices=model.choices[name])
    return FIELDS[name]


def _value(name: str, field: Field, task: dict[str, Any]) -> list[Refusal]:
    value = task[name]
    more: dict[str, Any] = {"type": "string" if field.type == "media" else field.type}
    bounds = {"min": field.low, "max": field.high, "multiplier": field.multiplier}
    more |= {key: bound for key, bound in bounds.items() if bound is not None}
    if field.choices:
        more["allowedValues"] = list(field.choices)
    wrong_kind = not isinstance(value, KINDS[field.type])
    if wrong_kind or (isinstance(value, bool) and field.type != "boolean"):
        return [_invalid(name, task, **more)]
    measure = len(value) if isinstance(value, str) else value
    fits = (
        (not field.choices or value in field.choices)
        and (field.low is None or measure >= field.low)
        and (field.high is None or measure <= field.high)
        and (field.multiplier is None or measure % field.multiplier == 0)
        and (field.type != "media" or is_media(value))
    )
    return [] if fits else [_invalid(name, task, **more)]


def is_media(value: str) -> bool:
    """Whether a string names a picture: an id, an address, a data URI or bare base64."""
    if is_uuid(value) or urlsplit(value).scheme in ("http", "https"):
        return True
    return decoded(value) is not None


def decoded(value: str) -> bytes | None:
    """The bytes of a data URI or bare base64, else None."""
    encoded = re.sub(r"^data:[\w/+.-]+;base64,", "", value)
    try:
        return base64.b64decode(encoded, validate=True) if len(encoded) > 16 else None
    except (binascii.Error, ValueError):
        return None


def _webhook(task: dict[str, Any]) -> list[Refusal]:
    url = task.get("webhookURL")
    if url is None:
        return []
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts and parts.scheme in ("http", "https") and parts.hostname:
        return []
    return [_invalid("webhookURL", task, type="string")]


def _outpaint(task: dict[str, Any]) -> list[Refusal]:
    sides = task.get("outpaint")
    if not isinstance(sides, dict):
        return []
    named = {side: sides[side] for side in ("top", "right", "bottom", "left") if side in sides}
    wrong = [side for side, far in named.items() if not isinstance(far, int) or far % 64]
    return [_invalid(f"outpaint.{side}", task, type="integer", multiplier=64) for side in wrong]


def _missing(name: str, task: dict[str, Any]) -> Refusal:
    return refusal(
        f"missing{_title(name)}", f"Missing required parameter {name}.", task, parameter=name
    )


def _invalid(name: str, task: dict[str, Any], **more: Any) -> Refusal:
    link = "https://runware.ai/docs/en/image-inference/api-reference#request-" + name.lower()
    message = f"Invalid value for the parameter {name}."
    return refusal(
        f"invalid{_title(name)}", message, task, parameter=name, documentation=link, **more
    )


def _title(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("."))
