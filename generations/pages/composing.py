"""What the composer shows: the fields of a model, and the values they begin with."""

import contextlib
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from generations import queries
from generations.queries import GenerationView, ModelView
from genproj.kernel.errors import NotFound
from genproj.usage.queries import budgets as money

FORMATS = ("PNG", "JPG", "WEBP")
PREFIX = "p."
PROMPT_LIMIT = 3000
FIELDS = ("prompt", "negative_prompt", "width", "height", "count", "seed", "output_format", "tags")
EXAMPLES = (
    "A lighthouse in fog, first light on wet granite",
    "An orchard of glass trees after rain, wide shot, soft morning sun",
    "Portrait of a heron as a ship's captain, oil on linen",
)
RATIOS = ((1, 1), (5, 4), (4, 3), (3, 2), (16, 9), (2, 1), (12, 5), (21, 9), (7, 4), (7, 5))


@dataclass(frozen=True)
class Parameter:
    """One field made from a model's schema. `type` is number | choice | boolean | text."""

    name: str
    pointer: str
    label: str
    hint: str
    type: str
    value: Any
    low: Any = None
    high: Any = None
    step: Any = None
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Shape:
    """A size to choose: its label, and its outline within a square of 20."""

    value: str
    label: str
    title: str
    x: float
    y: float
    width: float
    height: float


def composer(request: HttpRequest) -> dict[str, Any]:
    """Everything the composer's template needs."""
    models = queries.model_list(kind="image")
    given = starting_values(request)
    usable = [model for model in models if not model.retired]
    chosen = next(
        (model for model in usable if model.id == given.get("model")), usable[0] if usable else None
    )
    size = chosen_size(chosen, given)
    offered = shapes(chosen) if chosen else []
    wanted = f"{size[0]}x{size[1]}"
    return {
        "models": models,
        "model": chosen,
        "names": {model.id: model.name for model in models},
        "known": any(model.usual_seconds for model in models),
        "shapes": offered,
        "size": wanted,
        "custom": wanted not in {shape.value for shape in offered},
        "width": size[0],
        "height": size[1],
        "values": given,
        "count": min(int_or(given.get("count"), 4), chosen.max_count if chosen else 1),
        "parameters": parameters(chosen, given) if chosen else [],
        "formats": FORMATS,
        "examples": EXAMPLES,
        "prompt_limit": PROMPT_LIMIT,
        "references": references(request, given),
        "rooms": rooms_of(request, [model.id for model in usable]),
        "opened": any(given.get(name) for name in ("seed", "tags", "negative_prompt")),
    }


def rooms_of(request: HttpRequest, models: list[str]) -> dict[str, dict[str, Any]]:
    """What budgets leave this month, by model; empty without budgets."""
    viewer: Any = request.user
    rooms = money.room_for(audience=f"user:{viewer.pk}", owner_id=viewer.pk, models=models)
    return {
        model: {
            "left": money.amount(room.left),
            "limit": money.amount(room.limit),
            "stops": room.stops,
        }
        for model, room in rooms.items()
    }


def starting_values(request: HttpRequest) -> dict[str, Any]:
    """What the fields begin with: a generation to remix, then the address, then what was sent."""
    values: dict[str, Any] = {}
    if source := request.GET.get("from"):
        with contextlib.suppress(NotFound):
            values |= values_of(queries.generation_view(viewer=request.user, id=source))
    values |= {name: text for name, text in request.GET.items() if text}
    return values | request.POST.dict()


def values_of(generation: GenerationView) -> dict[str, Any]:
    """The fields as a generation was asked for."""
    asked = generation.input
    values = {name: asked[name] for name in FIELDS if asked.get(name) not in (None, "")}
    values |= {
        "model": generation.model,
        "count": generation.expected_count,
        "tags": ", ".join(generation.tags),
        "references": asked.get("reference_artifacts") or [],
    }
    chosen = asked.get("parameters")
    if isinstance(chosen, dict):
        values |= {f"{PREFIX}{name}": value for name, value in chosen.items()}
    return values


def references(request: HttpRequest, given: dict[str, Any]) -> list[str]:
    """Ids of the pictures to begin with."""
    listed = given.get("references")
    found = [str(id) for id in listed] if isinstance(listed, list) else []
    return list(dict.fromkeys([*found, *request.GET.getlist("reference")]))


def chosen_size(model: ModelView | None, given: dict[str, Any]) -> tuple[int, int]:
    """The size the fields begin with."""
    default = (model.sizes.get("default") if model else None) or (1024, 1024)
    width, _, height = str(given.get("size", "")).partition("x")
    return (
        int_or(width or given.get("width"), default[0]),
        int_or(height or given.get("height"), default[1]),
    )


def shapes(model: ModelView) -> list[Shape]:
    """The sizes the model offers, as outlines with a ratio."""
    sizes = model.sizes.get("presets") or [model.sizes.get("default") or (1024, 1024)]
    found = []
    for width, height in sizes:
        scale = 18 / max(width, height)
        across, down = round(width * scale, 1), round(height * scale, 1)
        found.append(
            Shape(
                value=f"{width}x{height}",
                label=ratio_label(width, height),
                title=f"{width} × {height}",
                x=round(10 - across / 2, 1),
                y=round(10 - down / 2, 1),
                width=across,
                height=down,
            )
        )
    return found


def ratio_label(width: int, height: int) -> str:
    """The nearest ratio that people know by name."""
    wide, narrow = max(width, height), max(1, min(width, height))
    across, down = min(RATIOS, key=lambda pair: abs(pair[0] / pair[1] - wide / narrow))
    return f"{across}:{down}" if width >= height else f"{down}:{across}"


def parameters(model: ModelView, given: dict[str, Any]) -> list[Parameter]:
    """The model's own parameters as fields."""
    described = model.parameters.get("properties") or {}
    return [
        parameter(name, schema, given.get(f"{PREFIX}{name}"))
        for name, schema in described.items()
        if kind_of(schema)
    ]


def parameter(name: str, schema: dict[str, Any], value: Any) -> Parameter:
    """One field; without a value the provider's own default holds, which the hint names."""
    kind, default = kind_of(schema), schema.get("default")
    hint = schema.get("description", "")
    bounds = (schema.get("minimum"), schema.get("maximum"))
    if not hint and None not in bounds:
        hint = f"{bounds[0]} to {bounds[1]}"
    if default is not None and kind != "boolean":
        hint = f"{hint} (usually {default})".strip() if hint else f"Usually {default}"
    whole = schema.get("type") == "integer"
    return Parameter(
        name=f"{PREFIX}{name}",
        pointer=f"/parameters/{name}",
        label=schema.get("title") or worded(name),
        hint=hint,
        type=kind,
        value=value if value is not None else (default if kind == "boolean" else ""),
        low=bounds[0],
        high=bounds[1],
        step=schema.get("multipleOf") or (1 if whole else "any"),
        choices=tuple(schema.get("enum") or ()),
    )


def kind_of(schema: dict[str, Any]) -> str:
    """The kind of field a schema needs; empty for what a form cannot ask."""
    if schema.get("enum"):
        return "choice"
    simple = {"integer": "number", "number": "number", "boolean": "boolean", "string": "text"}
    return simple.get(str(schema.get("type")), "")


def worded(name: str) -> str:
    """`CFGScale` as `CFG scale`, `promptWeighting` as `Prompt weighting`."""
    words: list[str] = []
    for before, letter in zip(" " + name, name, strict=False):
        if letter == "_" or (letter.isupper() and not before.isupper()):
            words.append("" if letter == "_" else letter)
        elif words and words[-1].isupper() and letter.islower() and len(words[-1]) > 1:
            words[-1:] = [words[-1][:-1], words[-1][-1] + letter]
        else:
            words[-1:] = [(words[-1] if words else "") + letter]
    said = " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)
    return said[:1].upper() + said[1:]


def int_or(text: Any, otherwise: int) -> int:
    """A whole number, or something sensible instead."""
    try:
        return int(text)
    except (TypeError, ValueError):
        return otherwise


def body_of(form: Any, model: ModelView | None) -> dict[str, Any]:
    """The request of a form sent without a script, as the API takes it."""
    body: dict[str, Any] = {
        "model": form.get("model", ""),
        "prompt": form.get("prompt", "").strip(),
    }
    width, _, height = form.get("size", "").partition("x")
    if not height:
        width, height = form.get("width", ""), form.get("height", "")
    numbers = {
        "width": width,
        "height": height,
        "count": form.get("count"),
        "seed": form.get("seed"),
    }
    body |= {name: int(text) if _whole(text) else text for name, text in numbers.items() if text}
    for name in ("negative_prompt", "output_format"):
        if form.get(name):
            body[name] = form[name]
    if tags := [tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()]:
        body["tags"] = tags
    if chosen := form.getlist("reference"):
        body["reference_artifacts"] = chosen
    described = (model.parameters.get("properties") or {}) if model else {}
    found = {
        name: _typed(form.get(f"{PREFIX}{name}", ""), schema) for name, schema in described.items()
    }
    if chosen_parameters := {name: value for name, value in found.items() if value is not None}:
        body["parameters"] = chosen_parameters
    return body


def _whole(text: str | None) -> bool:
    return bool(text) and text.strip().lstrip("-").isdigit()


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """A field's text as its schema's type; None when it was left empty."""
    if text == "":
        return None
    kind = schema.get("type")
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
    except ValueError:
        return text
    return text == "on" or text == "true" if kind == "boolean" else text
