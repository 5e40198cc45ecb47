"""The forms of a video: what is asked as typed fields, and how what was sent is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generations import queries as engine
from generations.queries import FilmModel
from videos.queries import LABELS, VideoView
from videos.queries.wishes import ESSENTIAL, STYLES, Question, default_of, fields_of

#: what a field's name begins with in a form
PREFIX = "r."
ON_OFF = ("on", "off")
ORDER = (*ESSENTIAL, "sound", "style", "detail", "negative_prompt", "seed")
WORDS = {"style": "Style", "detail": "Details"}
HINTS = {
    "detail": "What else is seen: place, light, movement.",
    "seed": "The same seed and prompt give nearly the same film. Empty: random.",
}
SIDE = 18


@dataclass(frozen=True)
class Choice:
    """One answer to choose; a shape has its outline within a square of 20."""

    value: str
    label: str
    is_chosen: bool
    outline: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """One question as a form shows it. `kind` is choice | number | text | long."""

    key: str
    label: str
    kind: str
    value: Any
    choices: Sequence[Choice] = ()
    suggestions: Sequence[str] = ()
    low: Any = None
    high: Any = None
    hint: str = ""

    @property
    def name(self) -> str:
        """Its name in the form."""
        return PREFIX + self.key

    @property
    def pointer(self) -> str:
        """Where an answer's error points to."""
        return f"/responses/{self.key}"


def asked(view: VideoView) -> list[Field]:
    """The questions that were asked, with their defaults chosen."""
    given = view.row.clarification_responses
    return [
        _of_question(question, given.get(question["key"], question.get("default")))
        for question in view.row.clarification_questions or []
    ]


def _of_question(question: Question, value: Any) -> Field:
    key, kind = question["key"], question["type"]
    choices = question.get("choices") or []
    return Field(
        key=key,
        label=question["question"],
        kind="long" if key == "detail" else kind,
        value="" if value is None else value,
        choices=_choices(key, choices, value) if kind == "choice" else (),
        suggestions=choices if kind == "text" else (),
        low=question.get("min"),
        high=question.get("max"),
    )


def changeable(view: VideoView, model: FilmModel) -> list[Field]:
    """Everything of a wish that can be changed, as it stands, for a model."""
    known, video = fields_of(model.parameters), view.row
    have = {**video.clarification_responses, **video.parameters}
    fields = []
    for key in (*ORDER, *(name for name in known if name not in ORDER)):
        if key in WORDS:
            value = have.get(key, "")
            kind = "long" if key == "detail" else "text"
            ideas = STYLES if key == "style" else ()
            fields.append(
                Field(key, WORDS[key], kind, value, suggestions=ideas, hint=HINTS.get(key, ""))
            )
        elif key in known:
            fields.append(_of_schema(key, known[key], have.get(key)))
    return fields


def _of_schema(key: str, schema: Mapping[str, Any], value: Any) -> Field:
    label = LABELS.get(key) or schema.get("title") or key.replace("_", " ").capitalize()
    hint = HINTS.get(key) or schema.get("description", "")
    if schema.get("type") == "boolean":
        value = "on" if (default_of(schema) if value is None else value) else "off"
        return Field(key, label, "choice", value, _choices(key, ON_OFF, value), hint=hint)
    if schema.get("enum"):
        value = value if value in schema["enum"] else default_of(schema)
        return Field(key, label, "choice", value, _choices(key, schema["enum"], value), hint=hint)
    value = "" if value is None else value
    if schema.get("type") in {"integer", "number"}:
        bounds = {"low": schema.get("minimum"), "high": schema.get("maximum")}
        return Field(key, label, "number", value, hint=hint, **bounds)
    return Field(key, label, "text", value, hint=hint)


def _choices(key: str, values: Iterable[Any], chosen: Any) -> list[Choice]:
    return [
        Choice(
            value=str(value),
            label=f"{value} s" if key == "duration" else str(value).capitalize(),
            is_chosen=value == chosen,
            outline=_outline(str(value)) if key == "aspect_ratio" else {},
        )
        for value in values
    ]


def _outline(ratio: str) -> dict[str, float]:
    across, _, down = ratio.partition(":")
    if not (across.isdigit() and down.isdigit() and int(across) and int(down)):
        return {}
    scale = SIDE / max(int(across), int(down))
    width, height = int(across) * scale, int(down) * scale
    return {
        "x": round(10 - width / 2, 1),
        "y": round(10 - height / 2, 1),
        "width": round(width, 1),
        "height": round(height, 1),
    }


def answers_of(form: Mapping[str, Any], view: VideoView) -> dict[str, Any]:
    """What a form answers, in the types of the model that it names; empty fields say nothing."""
    named = {
        name.removeprefix(PREFIX): str(text).replace("\0", "").strip()
        for name, text in form.items()
        if name.startswith(PREFIX)
    }
    model = engine.film_model(named.get("model") or view.row.model)
    known = fields_of(model.parameters) if model else {}
    said = view.row.clarification_responses
    return {
        key: _typed(text, known.get(key, {}))
        for key, text in named.items()
        if text or (key in WORDS and said.get(key))
    }


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """A text as its schema's type; as it is where it cannot be, so that it is refused by name."""
    for choice in schema.get("enum") or ():
        if str(choice) == text:
            return choice
    try:
        if schema.get("type") == "integer":
            return int(text)
        if schema.get("type") == "number":
            return float(text)
    except ValueError:
        return text
    return text


def fitted(view: VideoView, model: FilmModel) -> dict[str, Any]:
    """The answers that take a wish to another model: what it cannot do becomes its default."""
    have = {**view.row.clarification_responses, **view.row.parameters}
    answers: dict[str, Any] = {"model": model.id}
    for key, schema in fields_of(model.parameters).items():
        choices = schema.get("enum")
        if choices and have.get(key) not in choices:
            answers[key] = default_of(schema)
    return answers


def other_models(view: VideoView) -> list[FilmModel]:
    """The models that could make this film instead."""
    return [model for model in served() if model.id != view.row.model]


def served() -> list[FilmModel]:
    """The models that make films now."""
    return [model for model in engine.film_models() if model.enabled and not model.retired]
