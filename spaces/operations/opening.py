"""The rows of new variants: their placeholders, their entries in the engine, where they came from.

Each is called in the transaction of whoever makes something, with the space locked.
"""

from typing import Any
from uuid import UUID

from django.db.models import Max

from generations.operations import picturing, uses
from generations.operations.picturing import PictureRequest
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces.models import Asset, Lineage, Variant
from spaces.operations import lineage
from spaces.operations.entering import Here
from spaces.operations.recipes import Recipe
from spaces.states import Relation, VariantStatus


def holder_of(variant: Variant) -> str:
    """Under which name a variant needs pictures."""
    return f"variant:{variant.pk}"


def audience_of(variant: Variant) -> str:
    """Who sees a variant's pictures."""
    return f"space:{variant.space_id}"


def open_variant(
    here: Here,
    *,
    asset: Asset,
    recipe: dict[str, Any],
    status: VariantStatus = VariantStatus.PENDING,
    artifact: UUID | None = None,
    batch: UUID | None = None,
) -> Variant:
    """The row of a new variant, placed after its siblings."""
    at = now()
    last = Variant.objects.filter(asset=asset).aggregate(last=Max("position"))["last"]
    variant = Variant(
        id=uuid7(),
        space=here.space,
        asset=asset,
        status=status,
        artifact=artifact,
        recipe=recipe,
        batch=batch,
        position=0.0 if last is None else last + 1.0,
        created_by=here.actor,
        created_at=at,
        updated_at=at,
    )
    variant.save(force_insert=True)
    return variant


def open_picture_of(
    here: Here, *, asset: Asset, recipe: Recipe, batch: UUID | None = None
) -> Variant:
    """A placeholder, the pictures that it needs, and its entry in the engine.

    Raises:
        BudgetExhausted, PriceUnknown: the money cannot be held.
        Invalid: a picture that it needs is being purged.
    """
    variant = open_variant(here, asset=asset, recipe=recipe.json, batch=batch)
    needed = recipe.artifact_ids
    uses.use(holder=holder_of(variant), audience=audience_of(variant), artifact_ids=needed)
    begin_attempt(here, variant=variant, request=recipe.request)
    Variant.objects.filter(pk=variant.pk).update(generation=variant.generation)
    return variant


def begin_attempt(
    here: Here, *, variant: Variant, request: PictureRequest, retry_of: UUID | None = None
) -> None:
    """Open the entry of the variant's newest attempt; only the row in memory is changed."""
    entry = picturing.open_picture(
        actor=here.actor,
        audience=audience_of(variant),
        request=request,
        key_prefix=f"images/{variant.space_id}",
        annotations={
            "variant": str(variant.pk),
            "asset": str(variant.asset_id),
            "space": str(variant.space_id),
            "attempt": variant.attempt,
        },
        retry_of=retry_of,
    )
    variant.generation = entry.pk


def open_lines(variant: Variant, *, recipe: Recipe) -> list[Lineage]:
    """That a variant came from each of the variants in its recipe."""
    sources = {one["variant"] for one in recipe.json["references"] if one["role"] == "source"}
    return [
        lineage.open_line(
            variant,
            parent=parent,
            relation=Relation.REFINED if str(parent.pk) in sources else Relation.DERIVED,
        )
        for parent in recipe.parents
    ]
