"""Has a failed variant made once more, or stops one that is being made."""

from uuid import UUID

from django.contrib.auth.models import User

from generations.operations import picturing, register
from genproj.kernel import rows
from genproj.kernel.clock import now, zulu
from genproj.kernel.errors import InvalidTransition
from genproj.usage.operations import lock_budgets
from spaces.models import Variant
from spaces.operations.entering import entered, variant_in
from spaces.operations.opening import begin_attempt
from spaces.operations.settling import RUNS, fail, move
from spaces.operations.telling import tell_variant
from spaces.permissions import Act
from spaces.states import VariantStatus


@rows.atomically
def retry(*, actor: User, space_id: UUID, variant_id: UUID) -> Variant:
    """Have the whole recipe of a failed variant carried out again: one attempt more.

    Of two at once the second finds the first one's attempt and changes nothing.

    Raises:
        InvalidTransition: it has its picture, or was never asked of anybody.
        ModelRetired: with its replacement.
        BudgetExhausted, PriceUnknown: the money cannot be held.
    """
    lock_budgets(audience=f"space:{space_id}", owner_id=actor.pk)
    here = entered(actor=actor, space_id=space_id, act=Act.GENERATE)
    variant = variant_in(here, variant_id=variant_id)
    if variant.status in RUNS:
        return variant
    if variant.status != VariantStatus.FAILED or variant.generation is None:
        raise InvalidTransition("Only a variant whose making failed can be retried.")
    before = variant.generation
    request = picturing.again(entry_id=before)
    variant.attempt += 1
    begin_attempt(here, variant=variant, request=request, retry_of=before)
    facts = {"attempt": variant.attempt, "generation": variant.generation, "error": None}
    move(variant, to=VariantStatus.PENDING, facts=facts)
    tell_variant(variant, kind="variant:updated")
    return variant


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
