"""Runware's words: tasks as it wants them, results and errors as it writes them.

Source: runware.ai/docs (platform, image and video inference) and the schemas of its SDKs.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from generations.providers.base import (
    MESSAGE_KEPT,
    ProviderUpdate,
    ResultError,
    ResultOutput,
    Task,
    Unparsable,
    issue,
    read_cost,
    read_progress,
    read_seed,
)

TASK_TYPES = {"image": "imageInference", "video": "videoInference"}

# Fields of transport and identity: never taken from a person's `parameters`.
OURS = frozenset(
    {
        "apiKey",
        "deliveryMethod",
        "includeCost",
        "model",
        "numberResults",
        "outputType",
        "positivePrompt",
        "taskType",
        "taskUUID",
        "ttl",
        "uploadEndpoint",
        "webhookURL",
    }
)

# our word -> theirs
INPUT = {
    "negative_prompt": "negativePrompt",
    "width": "width",
    "height": "height",
    "seed": "seed",
    "duration": "duration",
    "fps": "fps",
}
FORMATS = {"JPEG": "JPG"}
# our words for films; the provider has others for the same
FILM_WORDS = frozenset({"aspect_ratio", "resolution", "sound", "negative_prompt"})
FILM_SIDES = {"720p": (1280, 720), "1080p": (1920, 1080)}
NO_PROMPT = "__BLANK__"

# Items that are no news of a task: replies to the connection itself.
NOT_RESULTS = ("authentication", "ping")

# what a result item holds: id, address, inline base64, inline data URI
MEDIA = (
    ("imageUUID", "imageURL", "imageBase64Data", "imageDataURI"),
    ("videoUUID", "videoURL", "videoBase64Data", "videoDataURI"),
)

SAFETY = frozenset(
    {
        "contentPolicyViolation",
        "providerContentPolicyViolation",
        "invalidProviderContent",
        "nsfwContentDetected",
        "promptBlocked",
    }
)
CONFLICT = "conflictTaskUUID"
UNKNOWN_TASK = "taskFailedOrNotFound"

# code -> can the same request never succeed? Codes that are not here are judged by HTTP status.
PERMANENT = {
    **dict.fromkeys(SAFETY, True),
    "invalidApiKey": True,
    "missingApiKey": True,
    "insufficientCredits": True,
    "conflictParameters": True,
    "inferenceError": True,
    UNKNOWN_TASK: True,
    CONFLICT: False,
    "rateLimitExceeded": False,
    "providerRateLimitExceeded": False,
    "internalServerError": False,
    "serviceUnavailable": False,
    "noAvailableServer": False,
    "modelUnavailable": False,
    "timeoutProvider": False,
}
# Errors of asking, not of the task that was asked for.
OF_THE_CALL = frozenset(
    {
        "invalidApiKey",
        "missingApiKey",
        "insufficientCredits",
        "rateLimitExceeded",
        "internalServerError",
        "serviceUnavailable",
        "noAvailableServer",
    }
)
RETRYABLE_STATUS = frozenset({408, 425, 429})


def request(task: Task) -> dict[str, Any]:
    """The task object for an entry; what a person gave as `parameters` never replaces our fields.

    `input` holds our words: prompt, negative_prompt, width, height, seed, output_format,
    parameters, and `references`, which are media ids or data URIs.
    """
    given = task.input
    sent = {
        name: value for name, value in (given.get("parameters") or {}).items() if name not in OURS
    }
    if task.kind == "video":
        sent = _film(sent)
    for ours, theirs in INPUT.items():
        if given.get(ours) not in (None, ""):
            sent[theirs] = given[ours]
    if given.get("output_format"):
        sent["outputFormat"] = FORMATS.get(given["output_format"], given["output_format"])
    if given.get("references"):
        inputs = sent.get("inputs")
        sent["inputs"] = {
            **(inputs if isinstance(inputs, dict) else {}),
            **_media(task.kind, list(given["references"])),
        }
    sent |= {
        "taskType": TASK_TYPES[task.kind],
        "taskUUID": task.id,
        "model": task.model,
        "positivePrompt": given.get("prompt") or NO_PROMPT,
        "numberResults": task.count,
        "deliveryMethod": "async",
        "outputType": "URL",
        "includeCost": True,
    }
    if task.callback_url:
        sent["webhookURL"] = task.callback_url
    return sent


def _media(kind: str, pictures: list[str]) -> dict[str, Any]:
    """Pictures to go by; a film begins with the only one."""
    if kind == "video" and len(pictures) == 1:
        return {"frameImages": [{"image": pictures[0], "frame": "first"}]}
    return {"referenceImages": pictures}


def _film(words: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a film: shape and resolution are sides there, sound is the maker's own."""
    sent = {name: value for name, value in words.items() if name not in FILM_WORDS}
    resolution = words.get("resolution")
    if resolution not in (None, *FILM_SIDES):
        sent["resolution"] = resolution  # staff's own word: the provider's
    elif resolution or words.get("aspect_ratio"):
        long, short = FILM_SIDES[resolution or "720p"]
        upright = words.get("aspect_ratio") == "9:16"
        sent["width"], sent["height"] = (short, long) if upright else (long, short)
    if words.get("negative_prompt"):
        sent["negativePrompt"] = words["negative_prompt"]
    if isinstance(words.get("sound"), bool):
        sent["providerSettings"] = {"google": {"generateAudio": words["sound"]}}
    sent["outputFormat"] = "MP4"
    return sent


def translate(message: Any, *, task: str) -> ProviderUpdate:
    """A reply or delivery about `task`, wrapped in `data` and `errors` or flat.

    `ref` is the task's id when an item named it. Unparsable when nothing in the message could be
    understood or anything in it belongs to another task; parts that could not are in `issues`.
    """
    items, errors, issues = _parts(message)
    outputs: dict[str, ResultOutput] = {}
    failures: list[ResultError] = []
    named = False
    processing: bool | None = None
    progress: int | None = None
    told = [(*part, _failed(part[1])) for part in items] + [(*part, True) for part in errors]
    for pointer, item, failed in told:
        whose = item.get("taskUUID")
        if whose is not None and whose != task:
            raise Unparsable(issue(f"{pointer}/taskUUID", "belongs to another task"))
        if failed:
            failures += _error(pointer, item, issues)
        elif whose is None:
            issues.append(issue(f"{pointer}/taskUUID", "missing"))
        else:
            named = True
            output = _output(pointer, item, issues)
            if output is not None:
                outputs.setdefault(output.ref, output)
            elif item.get("status") == "processing":
                processing = True
                progress = read_progress(item.get("progress"))
    if issues and not (outputs or failures or processing):
        raise Unparsable(*issues)
    return ProviderUpdate(
        ref=task if named else None,
        outputs=tuple(outputs.values()),
        errors=tuple(failures),
        processing=processing,
        progress=progress,
        raw=message,
        issues=tuple(issues),
    )


def errors_in(message: Any) -> list[ResultError]:
    """The readable errors of a reply, whatever task they name."""
    try:
        items, errors, _ = _parts(message)
    except Unparsable:
        return []
    found = [*errors, *((pointer, item) for pointer, item in items if _failed(item))]
    return [one for pointer, item in found for one in _error(pointer, item, [])]


def is_permanent(code: str, status: int) -> bool:
    """Whether a refusal is final: by its code, else by the HTTP status it came with.

    An unknown code in a reply of status 200 is one, as nothing speaks for another try.
    """
    if code in PERMANENT:
        return PERMANENT[code]
    return not (status in RETRYABLE_STATUS or status >= 500)


Part = tuple[str, dict[str, Any]]


def _parts(message: Any) -> tuple[list[Part], list[Part], list[dict[str, str]]]:
    """The items of `data` and of `errors` with their pointers, and what is neither."""
    issues: list[dict[str, str]] = []
    if not isinstance(message, dict):
        raise Unparsable(issue("", "not an object"))
    if not message.keys() & {"data", "errors"}:
        if isinstance(message.get("error"), dict) and "taskUUID" not in message:
            return [], [("/error", message["error"])], issues
        if message.keys() & {"taskUUID", "code"}:
            return [("", message)], [], issues
        raise Unparsable(issue("", "neither data nor errors"))
    found = {
        name: list(_objects(f"/{name}", message[name], issues))
        for name in ("data", "errors")
        if name in message
    }
    items = [part for part in found.get("data", []) if part[1].get("taskType") not in NOT_RESULTS]
    return items, found.get("errors", []), issues


def _objects(pointer: str, value: Any, issues: list[dict[str, str]]) -> Iterator[Part]:
    # The vendor's documentation shows `data` as an object in one place.
    if isinstance(value, dict) and value:
        value = [value]
    if not isinstance(value, list):
        issues.append(issue(pointer, "not a list"))
        return
    for number, item in enumerate(value):
        if isinstance(item, dict):
            yield f"{pointer}/{number}", item
        else:
            issues.append(issue(f"{pointer}/{number}", "not an object"))


def _failed(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status") == "error" or item.get("error") or item.get("code"))


def _error(
    pointer: str, item: Mapping[str, Any], issues: list[dict[str, str]]
) -> list[ResultError]:
    inner = item.get("error")
    told = inner if isinstance(inner, dict) else item
    code, message = told.get("code"), told.get("message")
    if not isinstance(code, str) and not isinstance(message, str):
        if item.get("status") != "error":
            issues.append(issue(pointer, "an error without code and message"))
            return []
        code, message = "unknown", "The provider gave no reason."
    code = code if isinstance(code, str) else "unknown"
    blocked = code in SAFETY
    return [
        ResultError(
            code="content_blocked" if blocked else "webhook_error",
            message=message[:MESSAGE_KEPT] if isinstance(message, str) else code,
            provider_code=code[:100],
            raw=item,
            ref=_ref(item),
            content_blocked=blocked,
        )
    ]


def _ref(item: Mapping[str, Any]) -> str | None:
    """Which result an error means, where the item says so."""
    for names in MEDIA:
        if isinstance(item.get(names[0]), str) and item[names[0]]:
            return str(item[names[0]])[:200]
    index = item.get("resultIndex")
    if isinstance(index, int) and not isinstance(index, bool):
        return f"result:{index}"
    return None


def _output(
    pointer: str, item: Mapping[str, Any], issues: list[dict[str, str]]
) -> ResultOutput | None:
    """The finished result of an item; None when it is not finished, or when it is unusable."""
    for uuid, url, encoded, data_uri in MEDIA:
        if not any(item.get(name) is not None for name in (url, encoded, data_uri)):
            continue
        ref, address = item.get(uuid), item.get(url)
        if not isinstance(ref, str) or not 0 < len(ref) <= 200:
            issues.append(issue(f"{pointer}/{uuid}", "no id for the result"))
            return None
        content = None
        if address is None:
            content = _content(item.get(encoded), item.get(data_uri))
        if content is None and not (isinstance(address, str) and 0 < len(address) <= 8192):
            issues.append(issue(f"{pointer}/{url}", "neither an address nor data"))
            return None
        return ResultOutput(
            ref=ref,
            url=address if content is None else None,
            seed=read_seed(item.get("seed")),
            cost=read_cost(item.get("cost")),
            raw={name: item[name] for name in item if name not in (encoded, data_uri)},
            data=content,
        )
    if item.get("status") == "success":
        issues.append(issue(pointer, "a success without a file"))
    return None


def _content(encoded: Any, data_uri: Any) -> bytes | None:
    if isinstance(data_uri, str) and data_uri.startswith("data:") and ";base64," in data_uri[:200]:
        encoded = data_uri.partition(";base64,")[2]
    if not isinstance(encoded, str) or not encoded:
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
