"""Veo's words: operations as Google's Gemini API wants and reports them.

Source: the classic wire of the Gemini API (`predictLongRunning`) and what google-genai reads.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from generations.providers.base import (
    ProviderUpdate,
    ResultError,
    ResultOutput,
    Task,
    Unparsable,
    issue,
    read_progress,
)
from generations.providers.google import DATA_URI, failed, words_of

# our word -> theirs
PARAMETERS = {
    "duration": "durationSeconds",
    "aspect_ratio": "aspectRatio",
    "resolution": "resolution",
    "negative_prompt": "negativePrompt",
}
MOST_REFERENCES = 3

NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._@-]*/)*operations/[A-Za-z0-9_-][A-Za-z0-9._-]*")
LONGEST_NAME = 300
# The only part of an announced address that is used: the key must not go where an answer says.
FILE = re.compile(r"(?:^|/)files/([a-z0-9]{1,100})(?=[:?/]|$)")

# google.rpc.Code, as failed operations carry it: worth another try?
RPC = {
    1: ("CANCELLED", True),
    2: ("UNKNOWN", True),
    3: ("INVALID_ARGUMENT", False),
    4: ("DEADLINE_EXCEEDED", True),
    5: ("NOT_FOUND", False),
    6: ("ALREADY_EXISTS", False),
    7: ("PERMISSION_DENIED", False),
    8: ("RESOURCE_EXHAUSTED", True),
    9: ("FAILED_PRECONDITION", False),
    10: ("ABORTED", True),
    11: ("OUT_OF_RANGE", False),
    12: ("UNIMPLEMENTED", False),
    13: ("INTERNAL", True),
    14: ("UNAVAILABLE", True),
    15: ("DATA_LOSS", False),
    16: ("UNAUTHENTICATED", False),
}


def request(task: Task) -> dict[str, Any]:
    """The body that creates an operation.

    `input` holds our words: prompt, parameters, and `references`, which are data URIs: one is the
    film's first frame, several are what it shall show.
    """
    given = task.input
    words = given.get("parameters") or {}
    instance: dict[str, Any] = {"prompt": given.get("prompt") or ""}
    pictures = [_picture(uri) for uri in given.get("references") or ()]
    if len(pictures) == 1:
        instance["image"] = pictures[0]
    elif pictures:
        instance["referenceImages"] = [
            {"image": picture, "referenceType": "ASSET"} for picture in pictures[:MOST_REFERENCES]
        ]
    parameters = {
        theirs: words[ours]
        for ours, theirs in PARAMETERS.items()
        if words.get(ours) not in (None, "")
    }
    if task.count > 1:
        parameters["sampleCount"] = task.count
    return {"instances": [instance], "parameters": parameters}


def _picture(uri: str) -> dict[str, str]:
    """A data URI in the only shape that this wire takes; ValueError for anything else."""
    found = DATA_URI.fullmatch(uri)
    if found is None:
        raise ValueError("a reference that is no picture's data URI")
    return {"bytesBase64Encoded": found[2], "mimeType": found[1]}


def operation(message: Any) -> str:
    """The name of the operation that a create call was answered with; Unparsable without one."""
    name = message.get("name") if isinstance(message, dict) else None
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise Unparsable(issue("/name", "not the name of an operation"))
    return name


def translate(message: Any, *, name: str) -> ProviderUpdate:
    """What a poll says of the operation `name`. Unparsable when it says nothing of it.

    A finished operation always ends the task: with files, or with the error that tells why not.
    """
    if not isinstance(message, dict):
        raise Unparsable(issue("", "not an object"))
    if message.get("name") != name:
        raise Unparsable(issue("/name", "another operation's, or none"))
    done = message.get("done", False)
    if done is False:
        told = message.get("metadata")
        percent = told.get("progressPercent") if isinstance(told, dict) else None
        return ProviderUpdate(
            ref=name, processing=True, progress=read_progress(percent), raw=message
        )
    if done is not True:
        raise Unparsable(issue("/done", "neither true nor false"))
    failure = message.get("error")
    if isinstance(failure, dict) and failure:
        return _ended(name, message, (), (_failed(failure),))
    return _result(name, message)


def _ended(
    name: str,
    message: Any,
    outputs: tuple[ResultOutput, ...],
    errors: tuple[ResultError, ...],
) -> ProviderUpdate:
    return ProviderUpdate(
        ref=name, outputs=outputs, errors=errors, processing=False, raw=_without_bytes(message)
    )


def _failed(told: Mapping[str, Any]) -> ResultError:
    code = told.get("code")
    known = RPC.get(code) if isinstance(code, int) and not isinstance(code, bool) else None
    name, retryable = known or (str(told.get("status") or code or "unknown")[:100], True)
    return failed("provider_failed", words_of(told), name, told, retryable=retryable)


def _result(name: str, message: Mapping[str, Any]) -> ProviderUpdate:
    response = message.get("response")
    if not isinstance(response, dict | None):
        told = failed("validation", "The provider's answer has no known shape.", "shape", message)
        return _ended(name, message, (), (told,))
    inner = (response or {}).get("generateVideoResponse", response or {})
    if not isinstance(inner, dict):
        told = failed("validation", "The provider's answer has no known shape.", "shape", message)
        return _ended(name, message, (), (told,))
    outputs: list[ResultOutput] = []
    errors: list[ResultError] = []
    for number, sample in enumerate(_samples(inner)):
        found = _output(sample, name=name, number=number)
        if isinstance(found, ResultOutput):
            outputs.append(found)
        else:
            errors.append(found)
    errors += _filtered(inner)
    if not outputs and not errors:
        words = "The provider says that it is done, but there is no film and no reason."
        errors.append(failed("no_result", words, "no_result", _without_bytes(message)))
    return _ended(name, message, tuple(outputs), tuple(errors))


def _samples(inner: Mapping[str, Any]) -> list[Any]:
    """What is said of each film, in either of the shapes that Google uses."""
    for key in ("generatedSamples", "videos"):
        if isinstance(inner.get(key), list) and inner[key]:
            return [
                one["video"] if key == "generatedSamples" and _has_video(one) else one
                for one in inner[key]
            ]
    return []


def _has_video(sample: Any) -> bool:
    return isinstance(sample, dict) and "video" in sample


def _output(video: Any, *, name: str, number: int) -> ResultOutput | ResultError:
    """The film of a sample, or why there is none that can be had."""
    if not isinstance(video, dict):
        return failed("validation", "The provider's answer has no known shape.", "shape", {})
    uri, encoded = video.get("uri"), video.get("bytesBase64Encoded")
    kept = {key: value for key, value in video.items() if key != "bytesBase64Encoded"}
    if isinstance(uri, str) and (file := FILE.search(uri)):
        return ResultOutput(ref=f"files/{file[1]}", url=uri, seed=None, cost=None, raw=kept)
    if isinstance(encoded, str) and encoded:
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return failed("validation", "The film that came cannot be read.", "base64", kept)
        ref = f"{name}#{number}"
        return ResultOutput(ref=ref, url=None, seed=None, cost=None, raw=kept, data=data)
    if any(video.get(key) is not None for key in ("uri", "gcsUri", "bytesBase64Encoded")):
        words = "The provider names an address that films are not fetched from."
        return failed("validation", words, "address", kept)
    words = "The provider says that it is done, but there is no film."
    return failed("no_result", words, "no_result", kept)


def _filtered(inner: Mapping[str, Any]) -> list[ResultError]:
    """What the provider's safety filters have withheld, in its own words."""
    reasons, count = inner.get("raiMediaFilteredReasons"), inner.get("raiMediaFilteredCount")
    told = [one for one in reasons if isinstance(one, str)] if isinstance(reasons, list) else []
    if not told and not (isinstance(count, int) and count > 0):
        return []
    words = " ".join(told) or "The film was withheld by the provider's safety filters."
    raw = {"raiMediaFilteredCount": count, "raiMediaFilteredReasons": told}
    return [failed("content_blocked", words, "raiMediaFiltered", raw)]


def _without_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "…" if key == "bytesBase64Encoded" else _without_bytes(part)
            for key, part in value.items()
        }
    return [_without_bytes(part) for part in value] if isinstance(value, list) else value
