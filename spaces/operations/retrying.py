"""Has a failed variant made once more, or stops one that is being made."""

from uuid import UUID

from django.contrib.auth.models import User

from generations.operations import picturing, register
from generations.operations.picturing import PictureRequest, Reference
from generations.queries.belonging import held_by
from genproj.kernel import rows
from genproj.kernel.api import bodies
from genproj.kernel.clock import now, zulu
from genproj.kernel.errors import InvalidTransition
from genproj.usage.operations import lock_budgets
from spaces.errors import RecipeIncomplete
from spaces.models import Variant
from spaces.operations import recipes
from spaces.operations.entering import entered, variant_in
from spaces.operations.opening import begin_attempt, holder_of
from spaces.operations.settling import RUNS, fail, move
from spaces.operations.telling import tell_variant
from spaces.permissions import Act
from spaces.states import VariantStatus
from spaces.tools import UUID_TEXT

#: operations by which nothing was asked of anybody
BROUGHT = frozenset({"upload", "add", "fork"})
#: what of a recipe makes its picture again
RECIPE = {
    "type": "object",
    "required": ["model", "references", "sent"],
    "properties": {
        "model": {"type": "string", "minLength": 1, "maxLength": 120},
        "aspect_ratio": {"type": "string"},
        "parameters": {"type": "object"},
        "references": {
            "type": "array",
            "maxItems": recipes.MOST_REFERENCES,
            "items": {
                "type": "object",
                "required": ["artifact", "role"],
                "properties": {
                    "artifact": {"type": "string", "pattern": UUID_TEXT, "maxLength": 36},
                    "role": {"enum": ["style", "source", "reference"]},
                },
            },
        },
        "sent": {
            "type": "object",
            "required": ["prompt"],
            "properties": {"prompt": {"type": "string"}},
        },
    },
}


@rows.atomically
def retry(*, actor: User, space_id: UUID, variant_id: UUID) -> Variant:
    """Have the whole recipe of a failed variant carried out again: one attempt more.

    Of two at once the second finds the first one's attempt and changes nothing. One that came
    with an imported space has only its recipe: that is judged like anybody's wish.

    Raises:
        InvalidTransition: it has its picture.
        RecipeIncomplete: what made it is not known here whole, or it was a file.
        Invalid: nobody here can do what its recipe says.
        ModelRetired: with its replacement.
        BudgetExhausted, PriceUnknown: the money cannot be held.
    """
    lock_budgets(audience=f"space:{space_id}", owner_id=actor.pk)
    here = entered(actor=actor, space_id=space_id, act=Act.GENERATE)
    variant = variant_in(here, variant_id=variant_id)
    if variant.status in RUNS:
        return variant
    if variant.status != VariantStatus.FAILED:
        raise InvalidTransition("Only a variant whose making failed can be retried.")
    before = variant.generation
    request = picturing.again(entry_id=before) if before else _remade(variant)
    variant.attempt += 1
    begin_attempt(here, variant=variant, request=request, retry_of=before)
    facts = {"attempt": variant.attempt, "generation": variant.generation, "error": None}
    move(variant, to=VariantStatus.PENDING, facts=facts)
    tell_variant(variant, kind="variant:updated")
    return variant


def _remade(variant: Variant) -> PictureRequest:
    """What the recipe of a variant asks for; an archive's word is taken for nothing but JSON."""
    recipe = variant.recipe
    if str(recipe.get("operation")) in BROUGHT:
        raise RecipeIncomplete("It was brought in, not asked for. Bring the file in again.")
    if bodies.errors_in(recipe, RECIPE):
        raise RecipeIncomplete("Its recipe does not say all that it takes to make it again.")
    references = [Reference(UUID(one["artifact"]), one["role"]) for one in recipe["references"]]
    missing = {one.artifact_id for one in references} - held_by(holder_of(variant))
    if missing:
        words = f"Of the pictures that it was made from, {len(missing)} did not come along."
        raise RecipeIncomplete(words)
    sent = recipe["sent"]
    return picturing.checked(
        model=recipe["model"],
        prompt=sent["prompt"],
        references=references,
        aspect_ratio=recipe.get("aspect_ratio", ""),
        parameters=recipe.get("parameters", {}),
        seed=recipe.get("seed"),
    )


@rows.atomically
def cancel(*, actor: User, space_id: UUID, variant_id: UUID) -> Variant:
    """Stop waiting for a variant that is being made. Repeated on a cancelled one: no change.

    What the provider was already told may still come; it is kept, and completes the variant.

    Raises:
        InvalidTransition: it has its picture, or has failed otherwise.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.GENERATE)
    variant = variant_in(here, variant_id=variant_id)
    if variant.status in RUNS and variant.generation is not None:
        register.drop_entry(entry_id=variant.generation)
        error = {"code": "cancelled", "message": "It was cancelled.", "retryable": True}
        fail(variant, error={**error, "at": zulu(now())})
    elif (variant.error or {}).get("code") != "cancelled":
        raise InvalidTransition("It has already settled.")
    return variant
