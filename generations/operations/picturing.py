"""Pictures for the apps above: what may be asked for, for whom references are already judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations.errors import EntryError, ModelRetired
from generations.models import Output, ProviderModel, RegisterEntry
from generations.operations import asking, pressure, register
from generations.queries.costs import estimate
from generations.states import GenerationState, Kind
from genproj.kernel.api.bodies import Errors, errors_in
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid

#: how long a provider may take for a picture
DEADLINE = 300
#: the shapes that can be named
SHAPES = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
#: a model that edits takes more than one reference
LEAST_REFERENCES = 2


@dataclass(frozen=True)
class PictureRequest:
    """A picture that can be made as it is asked for; `input` is whole, in the engine's words."""

    model: ProviderModel
    input: dict[str, Any]

    @property
    def cost(self) -> Decimal | None:
        """What one is expected to cost; None when that cannot be known."""
        return estimate(self.model, self.input, count=1)


@dataclass(frozen=True)
class Reference:
    """A picture that goes along, and what for: `style`, `source` or `reference`."""

    artifact_id: UUID
    role: str


def checked(
    *,
    model: str,
    prompt: str,
    references: Sequence[Reference] = (),
    aspect_ratio: str = "",
    parameters: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> PictureRequest:
    """The request, its defaults filled in. Asks nobody, so it may be called in a transaction.

    Whether the actor may use the references is the caller's affair.

    Args:
        model: empty: the first of the registry that can make it.
        aspect_ratio: empty: like the first reference that is no style, else the model's own.

    Raises:
        Invalid: every field that is wrong, at once.
        ModelRetired: with its replacement.
    """
    wish: dict[str, Any] = {"prompt": prompt, "parameters": parameters or {}, "seed": seed}
    row = _model(model, references=len(references))
    errors = _wrong(wish, aspect_ratio, row, references)
    if errors or row is None:
        raise Invalid(sorted(errors, key=lambda error: error["pointer"]))
    width, height = _sides(row, aspect_ratio, references)
    return PictureRequest(
        row,
        {
            "prompt": prompt.strip(),
            "negative_prompt": "",
            "width": width,
            "height": height,
            "seed": seed,
            "output_format": "PNG",
            "reference_artifacts": [str(one.artifact_id) for one in references],
            "reference_roles": [one.role for one in references],
            "parameters": dict(wish["parameters"]),
        },
    )


def _wrong(
    wish: Mapping[str, Any],
    shape: str,
    row: ProviderModel | None,
    references: Sequence[Reference],
) -> Errors:
    """What of a wish nobody can do, or not this model."""
    properties = {name: asking.REQUEST["properties"][name] for name in wish}
    errors = errors_in(wish, {"type": "object", "properties": properties})
    if not errors and len(wish["prompt"].strip()) < 2:
        errors.append(_row("/prompt", "too_short", "Must have at least 2 characters."))
    if shape and shape not in SHAPES:
        errors.append(_row("/aspect_ratio", "choice", f"Must be one of {', '.join(SHAPES)}."))
    if row is None:
        errors.append(_row("/model", "unknown", "There is no such model here."))
    elif row.kind != Kind.IMAGE:
        errors.append(_row("/model", "kind", "This model makes films, not pictures."))
    elif len(references) > row.max_references:
        words = f"{row.name} takes at most {row.max_references} references, not {len(references)}."
        errors.append(_row("/model", "too_many_references", words))
    elif not errors:
        errors += asking.against(row, wish={"parameters": wish["parameters"]})
    return errors


def again(*, entry_id: UUID) -> PictureRequest:
    """What an entry asked for, to be asked for once more, whole.

    Raises:
        ModelRetired: the provider no longer serves its model; with the replacement.
        Invalid: the entry was purged.
    """
    entry = RegisterEntry.objects.filter(pk=entry_id, purged_at__isnull=True).first()
    row = _model(entry.model, references=0) if entry is not None else None
    if entry is None or row is None:
        raise Invalid.one("/model", "unknown", "What made it is not known here any more.")
    return PictureRequest(row, dict(entry.input))


def open_picture(
    *,
    actor: User,
    audience: str,
    request: PictureRequest,
    key_prefix: str,
    annotations: Mapping[str, Any],
    retry_of: UUID | None = None,
    deadline_seconds: int = DEADLINE,
) -> RegisterEntry:
    """Write a picture down and have it submitted after commit. Joins the caller's transaction.

    Args:
        annotations: what projectors know it by.

    Raises:
        BudgetExhausted, PriceUnknown: the money cannot be held.
        RateLimited, Overloaded: too much is under way already.
    """
    pressure.require_room(owner_id=actor.pk)
    before = RegisterEntry.objects.filter(pk=retry_of).first() if retry_of else None
    return register.open_entry(
        actor=actor,
        audience=audience,
        model=request.model,
        input=request.input,
        expected_count=1,
        deadline_seconds=deadline_seconds,
        key_prefix=key_prefix,
        annotations=annotations,
        retry_of=before,
    )


@dataclass(frozen=True)
class Outcome:
    """What has become of an entry of one picture: the artifact's id, or why there is none."""

    artifact_id: UUID | None
    error: dict[str, Any] | None


def outcome_of(entry: RegisterEntry) -> Outcome:
    """The first stored picture of an entry, or the error that people may read."""
    outputs = list(Output.objects.filter(entry=entry).order_by("index", "id"))
    stored = next((one for one in outputs if one.stored_at), None)
    if stored is not None:
        return Outcome(stored.pk, None)
    told = entry.error or next((one.error for one in outputs if one.error), None)
    if told is None and entry.state is GenerationState.CANCELLED:
        told = {"code": "cancelled", "message": "It was cancelled.", "retryable": True}
    told = told or {
        "code": EntryError.TIMEOUT.value,
        "message": "No picture came.",
        "retryable": True,
    }
    return Outcome(None, {name: told.get(name) for name in ("code", "message", "retryable", "at")})


def _row(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


def _model(id: str, *, references: int) -> ProviderModel | None:
    """The row of this id, or of the first model that takes so many references."""
    if id:
        found = ProviderModel.objects.filter(pk=id) if "\0" not in id else None
        row = found.first() if found is not None else None
        if row is not None and row.sunset_at is not None and row.sunset_at <= now():
            raise ModelRetired(replacement=row.replacement_id)
        return row if row is not None and row.enabled else None
    least = max(references, LEAST_REFERENCES) if references else 0
    known = ProviderModel.objects.filter(
        enabled=True, kind=Kind.IMAGE, max_references__gte=least
    ).exclude(sunset_at__lte=now())
    return known.order_by("position", "pk").first()


def _sides(row: ProviderModel, shape: str, references: Sequence[Reference]) -> tuple[int, int]:
    """Width and height of this shape, about as large as the model's own size."""
    sizes = asking.SIZES | row.sizes
    width, height = sizes["default"]
    share = width / height
    likened = next((one for one in references if one.role != "style"), None)
    if shape:
        first, second = shape.split(":")
        share = int(first) / int(second)
    elif likened is not None:
        seen = Output.objects.filter(pk=likened.artifact_id, width__gt=0, height__gt=0).first()
        if seen is not None and seen.width and seen.height:
            share = min(4.0, max(0.25, seen.width / seen.height))
    if share == width / height:
        return width, height
    down = sqrt(width * height / share)
    return _fitting(down * share, sizes), _fitting(down, sizes)


def _fitting(side: float, sizes: Mapping[str, Any]) -> int:
    """The nearest length that the model takes."""
    step = int(sizes["multiple"])
    least, most = -(-int(sizes["min"]) // step) * step, int(sizes["max"]) // step * step
    return min(most, max(least, round(side / step) * step))
