"""The objects on Runware's wire: one result as a reply, a poll and a webhook each show it."""

import base64
import time
from typing import Any

from genproj.sandbox.tasks import Task
from genproj.sandbox.validation import kind_of, refusal

WORDS = {
    "inferenceError": "One of the results could not be produced.",
    "contentPolicyViolation": "The prompt was refused by the content policy.",
}
DOCUMENTATION = "https://runware.ai/docs/en/errors"
DEFAULT_FORMATS = {
    "videoInference": "MP4", "removeBackground": "PNG", "predictLongRunning": "MP4",
    "generateContent": "PNG",
}  # fmt: skip
CONTENT_TYPES = {
    "JPG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp",
    "MP4": "video/mp4", "WEBM": "video/webm", "MOV": "video/quicktime",
}  # fmt: skip


def output_format(task: Task) -> str:
    kind = kind_of(task)
    default = DEFAULT_FORMATS.get(kind, "JPG")
    return task["request"].get("outputFormat", default)


def file_address(task: Task, result: dict[str, Any]) -> str:
    extension = output_format(task).lower()
    folder = "video/ws/1/vi" if task["taskType"] == "videoInference" else "image/ws/2/ii"
    return f"{task['origin']}/cdn/{folder}/{result['uuid']}.{extension}"


def bare(task: Task) -> dict[str, Any]:
    """The acknowledgement, which is also how every item begins."""
    return {"taskType": task["taskType"], "taskUUID": task["taskUUID"]}


def success(task: Task, result: dict[str, Any]) -> dict[str, Any]:
    """One good result. Inline data is left out here; `inline` adds it."""
    request, item = task["request"], bare(task)
    kind = kind_of(task)
    if kind == "caption":
        item["text"] = task["text"]
    elif kind == "videoInference":
        item |= {"videoUUID": result["uuid"], "videoURL": file_address(task, result)}
    else:
        item["imageUUID"] = result["uuid"]
        if request.get("outputType", "URL") == "URL":
            item["imageURL"] = file_address(task, result)
    if kind in ("imageInference", "videoInference"):
        item["seed"] = result["seed"]
    if kind == "imageInference" and _checks_content(request):
        item["NSFWContent"] = "nsfw" in request.get("positivePrompt", "").lower()
    if request.get("includeCost"):
        item["cost"] = task["cost"]
    return item


def inline(task: Task, item: dict[str, Any], content: bytes) -> dict[str, Any]:
    """The item with its picture inside, for a task that asked for that."""
    encoded = base64.b64encode(content).decode()
    if task["request"]["outputType"] == "base64Data":
        return {**item, "imageBase64Data": encoded}
    return {**item, "imageDataURI": f"data:{CONTENT_TYPES[output_format(task)]};base64,{encoded}"}


def failure(task: Task, result: dict[str, Any]) -> dict[str, Any]:
    """The error object of one failed result."""
    return refusal(result["fails"], WORDS[result["fails"]], task, documentation=DOCUMENTATION)


def processing(task: Task, result: dict[str, Any]) -> dict[str, Any]:
    item = {**bare(task), "status": "processing"}
    if result["due_at"]:
        whole = max(result["due_at"] - task["at"], 0.001)
        item["progress"] = max(0, min(99, int(100 * (time.time() - task["at"]) / whole)))
    return item


def poll(task: Task) -> dict[str, Any]:
    """The answer to getResponse: everything that has come so far, again and again."""
    items, errors = [], []
    for result in task["results"]:
        if result["state"] == "success":
            items.append({**success(task, result), "status": "success"})
        elif result["state"] == "processing":
            items.append(processing(task, result))
        elif "poll_error_in_data" in task["faults"]:
            error = {"code": result["fails"], "message": WORDS[result["fails"]]}
            items.append(
                {**bare(task), "resultIndex": result["index"], "status": "error", "error": error}
            )
        else:
            errors.append({**failure(task, result), "status": "error"})
    if "poll_error_in_data" in task["faults"]:
        for item, result in zip(items, task["results"], strict=True):
            item["resultIndex"] = result["index"]
    return {"data": items, **({"errors": errors} if errors else {})}


def reply(task: Task) -> dict[str, Any]:
    """The answer to a synchronous task."""
    done = task["results"]
    errors = [failure(task, result) for result in done if result["state"] == "error"]
    data = [success(task, result) for result in done if result["state"] == "success"]
    return {"data": data, **({"errors": errors} if errors else {})}


def webhook(task: Task, result: dict[str, Any]) -> dict[str, Any]:
    flat = "webhook_flat" in task["faults"]
    if result["state"] == "success":
        item = success(task, result)
        return item if flat else {"data": [item]}
    error = failure(task, result)
    return {**error, "status": "error"} if flat else {"errors": [error]}


def _checks_content(request: dict[str, Any]) -> bool:
    safety = request.get("safety") or {}
    return bool(
        request.get("checkNSFW")
        or safety.get("checkContent")
        or safety.get("mode") in ("fast", "full")
    )
