"""Puts the states, the ratings and the recipes of variants into plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from genproj.kernel.errors import Invalid, Refusal
from genproj.templatetags.ui import shortened

#: status of a variant -> (word, tone, icon)
STATES = {
    "pending": ("Queued", "", "clock"),
    "processing": ("Painting", "running", "running"),
    "uploading": ("Uploading", "running", "running"),
    "completed": ("Ready", "done", "check"),
    "failed": ("Failed", "failed", "failed"),
    "empty": ("No picture yet", "", "image"),
}
#: rating -> (word, tone, icon, key, verb)
RATINGS = {
    "approved": ("Approved", "done", "check", "a", "Approve"),
    "rejected": ("Rejected", "failed", "cross", "r", "Reject"),
    "needs_changes": ("Needs changes", "partial", "pencil", "n", "Needs changes"),
}
FAILURES = {
    "content_blocked": "The provider refused the prompt (safety). Change the prompt and try again.",
    "api_rejected": "The provider refused this request. Change it and try again.",
    "rate_limited": "The provider’s quota is used up for now. Try again in some minutes.",
    "http_error": "The provider could not be reached. Try again in a minute.",
    "timeout": "The provider took too long. A picture that comes late is kept.",
    "dispatch_unknown": "The provider’s answer was lost; it may have billed it. Try again if you "
    "still want it.",
    "fetch_failed": "The finished picture could not be fetched. Try again.",
    "storage_failed": "The picture could not be kept. Try again in a minute.",
    "budget_exhausted": "The budget is used up. Ask an owner to raise it.",
    "no_result": "The provider sent no picture. Change the prompt a little and try again.",
    "model_retired": "The model is no longer served. Take another one.",
}
UNKNOWN = "The picture could not be made. Try again, or change the request."
DAMAGED = "The file was damaged on its way. Export the space again, or fetch the file again."
FOREIGN = "It is no space that was exported by Genproj."
#: code of a refused archive -> why, and what to do about it
IMPORT_FAILURES = {
    "required": "Choose the file of an exported space.",
    "not_an_archive": FOREIGN,
    "manifest_missing": FOREIGN,
    "unknown_format": FOREIGN,
    "unknown_version": "It was exported by a newer Genproj. Bring this one up to date first.",
    "damaged": DAMAGED,
    "wrong_size": DAMAGED,
    "wrong_checksum": DAMAGED,
    "file_missing": DAMAGED,
    "payload_too_large": "The file is larger than is taken here.",
    "too_large_unpacked": "Unpacked it is larger than is taken here.",
    "file_too_large": "A picture or film in it is larger than is taken here.",
    "import_busy": "Another space is being imported just now. Try again in a minute.",
    "storage_unavailable": "Its pictures cannot be stored just now. Try again in a minute.",
}
#: how a variant was made -> in words
OPERATIONS = {
    "generate": "Generated",
    "derive": "Derived from references",
    "refine": "Refined",
    "fork": "Forked",
    "upload": "Uploaded",
    "add": "Added from a gallery",
}
ABSENT = "not recorded"


def failure(error: Mapping[str, Any] | None) -> str:
    """Why a variant failed, and what to do."""
    if not error:
        return ""
    return FAILURES.get(str(error.get("code", "")), UNKNOWN)


def import_failure(refusal: Refusal) -> str:
    """Why an archive was not imported; what no person can mend by the refusal's own words."""
    errors = refusal.errors if isinstance(refusal, Invalid) else []
    codes = [str(row["code"]) for row in errors] or [refusal.code]
    known = IMPORT_FAILURES.get(codes[0])
    why = known or "Somebody has changed the file, or it is damaged: "
    told = "" if known else " ".join(str(row["detail"]) for row in errors[:3]) or refusal.detail
    return f"{why}{told} Nothing was imported."


def recipe_rows(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that a recipe records beside its prompt; what is missing says so."""
    sent = recipe.get("sent") or {}
    style = recipe.get("style")
    size = f"{sent['width']} × {sent['height']}" if sent.get("width") else ABSENT
    operation = str(recipe.get("operation") or "")
    rows = [
        ("How", OPERATIONS.get(operation, operation or ABSENT)),
        ("Model", value_words(recipe.get("model"))),
        ("Aspect", value_words(recipe.get("aspect_ratio"))),
        ("Size asked for", size),
        ("Seed", value_words(recipe.get("seed"))),
        ("Parameters", value_words(recipe.get("parameters"))),
        ("Negative prompt", value_words(sent.get("negative_prompt"))),
        ("Format", value_words(sent.get("output_format"))),
    ]
    if style:
        rows.append(("Style", f"{style.get('description') or 'pictures only'}"))
        rows.append(("Style version", value_words(style.get("version"))))
    else:
        rows.append(("Style", "none" if "style" in recipe else ABSENT))
    return rows


def value_words(value: Any) -> str:
    """A recorded value as people read it."""
    if value is None or value == "" or value == [] or value == {}:
        return ABSENT
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {value_words(one)}" for name, one in sorted(value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(value_words(one) for one in value)
    return str(value)


def alt(name: str, recipe: Mapping[str, Any]) -> str:
    """What a picture's description says to who cannot see it."""
    prompt = shortened(str(recipe.get("prompt") or ""), 120)
    return f"{name}: {prompt}" if prompt else name
