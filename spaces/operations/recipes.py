"""Turns what somebody asks for into a recipe: everything that makes the picture, resolved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

from generations.operations import picturing
from generations.operations.picturing import PictureRequest, Reference
from genproj.kernel.errors import Invalid
from spaces.models import Asset, Space, Variant
from spaces.operations import words
from spaces.states import VariantStatus

VERSION = 1
MOST_REFERENCES = 14
LONGEST_PROMPT = 3000


@dataclass(frozen=True)
class Wish:
    """What a picture shall be, in the words of whoever asks. `to_come`: so many more pictures will
    go along that are not made yet; what it would cost can be asked all the same."""

    prompt: str = ""
    model: str = ""
    source_variant_ids: Sequence[UUID] = ()
    reference_variant_ids: Sequence[UUID] = ()
    reference_asset_ids: Sequence[UUID] = ()
    aspect_ratio: str = ""
    parameters: Mapping[str, Any] | None = None
    use_style: bool = True
    seed: int | None = None
    to_come: int = 0

    @property
    def operation(self) -> str:
        """What it comes to, by what it begins with."""
        if self.source_variant_ids:
            return "refine"
        return "derive" if self.reference_variant_ids or self.reference_asset_ids else "generate"


WISHED = frozenset(one.name for one in fields(Wish))


def with_wish(said: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody said, those words gathered in one that make a wish."""
    wish = Wish(**{name: value for name, value in said.items() if name in WISHED})
    rest = {name: value for name, value in said.items() if name not in WISHED}
    return {**rest, "wish": wish}


@dataclass(frozen=True)
class Recipe:
    """A wish that can be carried out: the variants it comes from, and what is asked of whom."""

    request: PictureRequest
    json: dict[str, Any]
    parents: tuple[Variant, ...] = ()
    artifact_ids: tuple[UUID, ...] = field(default=())


def resolved(space: Space, *, wish: Wish) -> Recipe:
    """The recipe of a wish. A reference that cannot be had is refused, never left out.

    Raises:
        Invalid: every field that is wrong.
        ModelRetired: with its replacement.
    """
    parents = _parents(space, wish)
    styled = wish.use_style and space.style_enabled
    pictures = [
        *(Reference(UUID(id), "style") for id in (space.style_artifacts if styled else ())),
        *(Reference(one.artifact, role) for one, role in parents if one.artifact),
    ]
    pictures = list({one.artifact_id: one for one in reversed(pictures)}.values())[::-1]
    pictures += [Reference(UUID(int=number), "reference") for number in range(wish.to_come)]
    if len(pictures) > MOST_REFERENCES:
        detail = f"At most {MOST_REFERENCES} pictures can go along, those of the style included."
        raise Invalid.one("/reference_variant_ids", "too_many", detail)
    style = space.style_description if styled else ""
    request = picturing.checked(
        model=wish.model,
        prompt=_prompt(wish.prompt, style),
        references=pictures,
        aspect_ratio=wish.aspect_ratio,
        parameters=wish.parameters,
        seed=wish.seed,
    )
    variants = tuple(one for one, _ in parents)
    by_artifact = {one.artifact: one for one in variants}
    json = {
        "version": VERSION,
        "operation": wish.operation,
        "prompt": wish.prompt.strip(),
        "model": request.model.pk,
        "aspect_ratio": wish.aspect_ratio,
        "parameters": dict(wish.parameters or {}),
        "seed": wish.seed,
        "references": [_noted(one, by_artifact.get(one.artifact_id)) for one in pictures],
        "style": {"description": style, "version": space.style_version} if styled else None,
        "sent": request.input,
    }
    ids = tuple(one.artifact_id for one in pictures)
    return Recipe(request, json, variants, ids)


def _prompt(prompt: str, style: str) -> str:
    """What is sent: the words of the wish, and the style after them."""
    prompt = words.paragraph(prompt, pointer="/prompt", longest=LONGEST_PROMPT)
    if len(prompt) < 2:
        raise Invalid.one("/prompt", "too_short", "Must have at least 2 characters.")
    if not style:
        return prompt
    sent = f"{prompt}\n\nStyle: {style}"
    if len(sent) > LONGEST_PROMPT:
        detail = f"Together with the style it must have at most {LONGEST_PROMPT} characters."
        raise Invalid.one("/prompt", "too_long", detail)
    return sent


def _noted(one: Reference, variant: Variant | None) -> dict[str, Any]:
    return {
        "role": one.role,
        "artifact": str(one.artifact_id),
        "variant": str(variant.pk) if variant is not None else None,
        "name": variant.asset.name if variant is not None else None,
    }


def _parents(space: Space, wish: Wish) -> list[tuple[Variant, str]]:
    """The variants that a wish names, each once, with their part in it; sources come first."""
    found: list[tuple[Variant, str]] = []
    wrong: list[dict[str, str]] = []
    named = [
        ("source_variant_ids", "source", _by_variant(space, wish.source_variant_ids)),
        ("reference_variant_ids", "reference", _by_variant(space, wish.reference_variant_ids)),
        ("reference_asset_ids", "reference", _by_asset(space, wish.reference_asset_ids)),
    ]
    for field_name, role, variants in named:
        for place, (variant, problem) in enumerate(variants):
            if variant is None:
                code, detail = problem
                pointer = f"/{field_name}/{place}"
                wrong.append({"pointer": pointer, "code": code, "detail": detail})
            elif variant not in [one for one, _ in found]:
                found.append((variant, role))
    if wrong:
        raise Invalid(wrong)
    return found


def source_of(space: Space, *, asset_id: UUID | None, variant_id: UUID | None) -> Variant:
    """The variant whose picture is to be copied: the one named, or the asset's active one.

    Raises:
        Invalid: it is not of this space, or has no picture.
    """
    if variant_id is not None:
        pointer, found = "/source_variant_id", list(_by_variant(space, [variant_id]))
    else:
        pointer, found = "/source_asset_id", list(_by_asset(space, [asset_id] if asset_id else []))
    variant, (code, detail) = found[0] if found else (None, ("required", "Name what to copy."))
    if variant is None:
        raise Invalid.one(pointer, code, detail)
    return variant


Found = tuple[Variant | None, tuple[str, str]]


def _judged(variant: Variant | None) -> Found:
    if variant is None:
        return None, ("not_found", "There is no such variant here.")
    if variant.status != VariantStatus.COMPLETED or variant.artifact is None:
        return None, ("not_completed", "It has no picture yet.")
    return variant, ("", "")


def _by_variant(space: Space, ids: Sequence[UUID]) -> Iterator[Found]:
    known = Variant.objects.filter(space=space).select_related("asset").in_bulk(list(ids))
    return (_judged(known.get(id)) for id in ids)


def _by_asset(space: Space, ids: Sequence[UUID]) -> Iterator[Found]:
    """The active variants of some assets."""
    with_picture = Asset.objects.filter(space=space).select_related("active_variant__asset")
    known = with_picture.in_bulk(list(ids))
    for id in ids:
        asset = known.get(id)
        if asset is None:
            yield None, ("not_found", "There is no such asset here.")
        elif asset.active_variant is None:
            yield None, ("not_completed", "It has no picture yet.")
        else:
            yield _judged(asset.active_variant)
