"""What Google's doors have in common: the key, the spellings of a field, and the errors."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

from genproj.sandbox.faults import Rule
from genproj.sandbox.web import Exchange

KEY = "sandbox"
SERVICE = "generativelanguage.googleapis.com"
HTML = b"<!DOCTYPE html><title>Error 502</title>"
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
RETIRED = re.compile(
    r"veo-[23]\.0-.*|gemini-2\.[05]-flash-image|gemini-.*-image-preview|gemini-2\.0-.*|imagen-.*"
)
STATUSES = {
    400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "UNIMPLEMENTED",
    413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip


class Refused(Exception):
    """A request that Google answers with an error; the whole answer is in it."""

    def __init__(
        self, code: int, message: str, *details: dict[str, Any], status: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        error: dict[str, Any] = {
            "code": code,
            "message": message,
            "status": status or STATUSES[code],
        }
        if details:
            error["details"] = list(details)
        self.body = {"error": error}


def detail(kind: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}


def bad_field(field: str, description: str) -> Refused:
    """The refusal of a field that the protocol itself does not know."""
    violation = detail("BadRequest", fieldViolations=[{"field": field, "description": description}])
    return Refused(400, f"Invalid JSON payload received. {description}", violation)


def check_key(exchange: Exchange) -> None:
    """Let pass who has the key, in a header or in the address. Raises Refused."""
    key = exchange.headers.get("x-goog-api-key") or exchange.query.get("key")
    if not key:
        raise Refused(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        )
    if key != KEY:
        message = "API key not valid. Please pass a valid API key."
        raise Refused(
            400,
            message,
            detail(
                "ErrorInfo",
                reason="API_KEY_INVALID",
                domain="googleapis.com",
                metadata={"service": SERVICE},
            ),
            detail("LocalizedMessage", locale="en-US", message=message),
        )


def check_model(model: str, known: tuple[str, ...], method: str, version: str) -> None:
    """Raises Refused for a model that is gone or never was."""
    if model in known:
        return
    if RETIRED.fullmatch(model):
        raise retired(model)
    raise Refused(
        404,
        f"models/{model} is not found for API version {version}, or is not supported for "
        f"{method}. Call ListModels to see the list of available models and their supported "
        "methods.",
    )


def retired(model: str) -> Refused:
    return Refused(404, f"This model models/{model} is no longer available.")


async def parsed(exchange: Exchange) -> dict[str, Any]:
    """The JSON object of a request, every field in camelCase. Raises Refused."""
    content = await exchange.body()
    try:
        value = json.loads(content)
        # A lone surrogate is JSON, but no text that any store could keep.
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        raise Refused(400, "Invalid JSON payload received. Unexpected token.") from None
    if not isinstance(value, dict):
        message = 'Invalid JSON payload received. Unknown name "": Root element must be a message.'
        raise Refused(400, message)
    camel: dict[str, Any] = camelled(value)
    return camel


def camelled(value: Any) -> Any:
    """The same in camelCase: proto-JSON takes both spellings, and SDKs mix them."""
    if isinstance(value, list):
        return [camelled(item) for item in value]
    if isinstance(value, dict):
        return {
            re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name): camelled(item)
            for name, item in value.items()
        }
    return value


def check_names(value: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raises Refused for a field that the message does not have."""
    for name in value:
        if name not in known:
            at = f" at '{where}'" if where else ""
            raise bad_field(where, f'Unknown name "{name}"{at}: Cannot find field.')


def opened(data: Any, kind: Any, where: str) -> bytes:
    """The bytes of a picture that came inside a request. Raises Refused."""
    if kind not in PICTURES:
        raise Refused(400, f"Unsupported MIME type: {kind}")
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise bad_field(
            where, f"Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed."
        ) from None
    try:
        Image.open(BytesIO(content)).load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Refused(400, "Unable to process input image. Please retry or report.") from None
    return content


def struck(rule: Rule, model: str) -> Refused | None:
    """The refusal that a rule orders; None for one that is no JSON."""
    quota = detail(
        "QuotaFailure",
        violations=[{
            "quotaMetric": f"{SERVICE}/generate_requests",
            "quotaId": "GenerateRequestsPerMinutePerProjectPerModel",
            "quotaDimensions": {"model": model, "location": "global"},
            "quotaValue": "10",
        }],
    )  # fmt: skip
    retry = detail("RetryInfo", retryDelay=f"{rule.get('seconds', 17):g}s")
    made: dict[str, Callable[[], Refused]] = {
        "reject": lambda: bad_field("instances", "The prompt is not supported."),
        "precondition": lambda: Refused(
            400, "User location is not supported for the API use.", status="FAILED_PRECONDITION"
        ),
        "denied": lambda: Refused(
            403, "Your API key was reported as leaked. Please use another API key."
        ),
        "retired": lambda: retired(model),
        "quota": lambda: Refused(429, "Quota exceeded for this project.", quota, retry),
        "500": lambda: Refused(500, "An internal error has occurred. Please retry."),
        "503": lambda: Refused(503, "The model is overloaded. Please try again later."),
    }
    make = made.get(rule["fault"].rpartition("_")[2])
    return make() if make else None


async def refuse(exchange: Exchange, rule: Rule, model: str) -> None:
    """Answer a call as a rule orders, before anything is accepted or told."""
    refused = struck(rule, model)
    if refused:
        await exchange.json(refused.code, refused.body)
    elif rule["fault"].endswith("_lost"):
        await exchange.hang_up()
    else:
        await exchange.answer(502, HTML, "text/html; charset=UTF-8")
