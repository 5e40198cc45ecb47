"""What may be asked for: one request checked whole against its model, then written down."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations import queries
from generations.errors import ModelRetired
from generations.models import ProviderModel, RegisterEntry
from generations.operations import pressure
from generations.operations.outages import search_catalogue
from generations.operations.register import open_entry
from generations.operations.registry import add_from_catalogue
from generations.providers.base import ProviderError
from generations.providers.runware.wire import OURS
from generations.states import Kind
from genproj.kernel.api.bodies import Errors, errors_in, with_defaults
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid, ProviderUnavailable
from genproj.kernel.memory import remembered

LARGEST_SEED = 2**63 - 1
CATALOGUE_ID = re.compile(r"[a-z0-9_-]{1,40}:[A-Za-z0-9._-]{1,40}@[A-Za-z0-9._-]{1,40}")
SIZES = {"min": 128, "max": 2048, "multiple": 1, "default": [1024, 1024]}

TAGS = {
    "type": "array",
    "maxItems": 20,
    "items": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "\\S"},
    "default": [],
}

#: the body of a request; what depends on the model is checked against its row
REQUEST: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model", "prompt"],
    "properties": {
        "model": {"type": "string", "minLength": 1, "maxLength": 120},
        "prompt": {"type": "string", "minLength": 2, "maxLength": 3000},
        "negative_prompt": {"type": "string", "maxLength": 3000, "default": ""},
        "width": {"type": ["integer", "null"], "minimum": 1, "default": None},
        "height": {"type": ["integer", "null"], "minimum": 1, "default": None},
        "count": {"type": "integer", "minimum": 1, "default": 1},
        "seed": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": LARGEST_SEED,
            "default": None,
        },
        "output_format": {"enum": ["PNG", "JPG", "JPEG", "WEBP"], "default": "PNG"},
        "reference_artifacts": {
            "type": "array",
            "maxItems": 20,
            "uniqueItems": True,
            "items": {"type": "string", "format": "uuid", "maxLength": 36},
            "default": [],
        },
        "parameters": {"type": "object", "default": {}},
        "tags": TAGS,
        "deadline_seconds": {
            "type": "integer",
            "minimum": 10,
            "maximum": 3600,
            "default": 300,
        },
    },
}


@dataclass(frozen=True)
class Request:
    """A request that can be carried out as it stands."""

    model: ProviderModel
    input: dict[str, Any]
    count: int
    tags: tuple[str, ...]
    deadline_seconds: int


def checked(*, actor: User, body: Any) -> Request:
    """The request in `body`, its defaults filled in.

    May ask the provider's catalogue about a model that the registry lacks; not to be called
    inside a transaction.

    Raises:
        Invalid: every field that is wrong, at once.
        ModelRetired: with its replacement.
        ProviderUnavailable: the catalogue had to be asked and did not answer.
    """
    errors = errors_in(body, REQUEST)
    wrong = {row["pointer"].split("/")[1] for row in errors if row["pointer"]}
    if not isinstance(body, dict):
        raise Invalid(errors)
    wish = with_defaults(body, REQUEST)
    fine = {name: value for name, value in wish.items() if name not in wrong}
    model = None
    if "model" in fine:
        model, about_model = _model(fine["model"])
        errors += about_model
    if model is not None:
        wish = _fitted(wish, fine, model)
        errors += against(model, wish={name: wish[name] for name in fine})
    if "prompt" in fine and len(fine["prompt"].strip()) < 2:
        errors.append(_row("/prompt", "too_short", "Must have at least 2 characters."))
    if len(fine.get("negative_prompt", "")) == 1:
        errors.append(_row("/negative_prompt", "too_short", "Must have at least 2 characters."))
    if "reference_artifacts" in fine:
        errors += _references(actor, fine["reference_artifacts"], model)
    if errors or model is None:
        raise Invalid(sorted(errors, key=lambda row: row["pointer"]))
    ours = ("model", "count", "tags", "deadline_seconds")
    return Request(
        model=model,
        input={name: value for name, value in wish.items() if name not in ours},
        count=wish["count"],
        tags=tuple(dict.fromkeys(wish["tags"])),
        deadline_seconds=wish["deadline_seconds"],
    )


def ask(*, actor: User, request: Request, audience: str = "") -> RegisterEntry:
    """Write a checked request down, for the actor's own audience unless another is named.

    Raises:
        RateLimited, Overloaded: too much is under way already.
    """
    pressure.require_room(owner_id=actor.pk)
    return open_entry(
        actor=actor,
        audience=audience or f"user:{actor.pk}",
        model=request.model,
        input=request.input,
        expected_count=request.count,
        deadline_seconds=request.deadline_seconds,
        tags=request.tags,
    )


def _row(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


@remembered(1.0)
def _registered(id: str) -> ProviderModel | None:
    return ProviderModel.objects.filter(pk=id).select_related(None).first()


def _model(id: str) -> tuple[ProviderModel | None, Errors]:
    """The row of a model that makes pictures now, or what is wrong with it."""
    row = _registered(id)
    if row is not None and row.sunset_at is not None and row.sunset_at <= now():
        raise ModelRetired(replacement=row.replacement_id)
    if row is None and CATALOGUE_ID.fullmatch(id):
        row = _from_catalogue(id)
    if row is None or not row.enabled:
        return None, [_row("/model", "unknown", "There is no such model here.")]
    if row.kind == Kind.VIDEO:
        detail = "This model makes films; they are asked for at /api/v1/videos/."
        return None, [_row("/model", "kind", detail)]
    return row, []


def _from_catalogue(id: str) -> ProviderModel | None:
    """A new row for a model that the provider's catalogue knows under exactly this id."""
    try:
        found = search_catalogue(provider="runware", filters={"search": id, "limit": 20})
    except ProviderError as problem:
        raise ProviderUnavailable(
            "The registry lacks this model and the provider's catalogue cannot be asked just now."
        ) from problem
    for model in found.models:
        if model.id == id:
            architecture = str(model.raw.get("architecture") or "")
            return add_from_catalogue(id=id, name=model.name, architecture=architecture)
    return None


def _fitted(wish: dict[str, Any], fine: Mapping[str, Any], model: ProviderModel) -> dict[str, Any]:
    """The wish with the model's own size where none is named."""
    width, height = (SIZES | model.sizes)["default"]
    sides = {"width": width, "height": height}
    named = {side: wish[side] for side in sides if side not in fine or fine[side] is not None}
    return wish | sides | named


def against(model: ProviderModel, *, wish: Mapping[str, Any]) -> Errors:
    """What of a well-formed wish this model cannot do."""
    errors: Errors = []
    sizes = SIZES | model.sizes
    for side in ("width", "height"):
        if side in wish:
            errors += errors_in(
                wish[side],
                {
                    "minimum": sizes["min"],
                    "maximum": sizes["max"],
                    "multipleOf": sizes["multiple"],
                },
                f"/{side}",
            )
    if "count" in wish:
        errors += errors_in(wish["count"], {"maximum": model.max_count}, "/count")
    if "parameters" in wish:
        errors += _parameters(model, wish["parameters"])
    return errors


def _parameters(model: ProviderModel, given: Mapping[str, Any]) -> Errors:
    schema = {
        **model.parameters,
        "properties": {
            name: field
            for name, field in model.parameters.get("properties", {}).items()
            if name not in OURS
        },
        "type": "object",
        "additionalProperties": False,
    }
    return errors_in(given, schema, "/parameters")


def _references(actor: User, given: list[str], model: ProviderModel | None) -> Errors:
    errors: Errors = []
    ids: dict[int, UUID] = {}
    for place, text in enumerate(given):
        try:
            ids[place] = UUID(text)
        except ValueError:
            errors.append(_row(f"/reference_artifacts/{place}", "format", "Must be a UUID."))
    seen = queries.artifacts_visible(actor, list(ids.values())) if ids else set()
    errors += [
        _row(f"/reference_artifacts/{place}", "not_found", "There is no such picture.")
        for place, id in ids.items()
        if id not in seen
    ]
    if model is not None and len(given) > model.max_references:
        detail = f"This model takes at most {model.max_references} references."
        errors.append(_row("/reference_artifacts", "too_many", detail))
    return errors
