"""What a variant leaves behind when it is deleted."""

from generations.operations import keeping, register, uses
from spaces.models import Variant
from spaces.states import VariantStatus

RUNS = frozenset({VariantStatus.PENDING, VariantStatus.PROCESSING, VariantStatus.UPLOADING})


def part(variant: Variant) -> None:
    """Cancel what still makes it, and let go of its pictures. Joins the caller's transaction, with
    the variant locked.

    What was made for it goes to the trash, late results included; whatever else needs a picture
    keeps it.
    """
    if variant.generation and variant.status in RUNS:
        register.drop_entry(entry_id=variant.generation)
    uses.release(holder=f"variant:{variant.pk}")
    if variant.generation:
        keeping.throw_away_entry(entry_id=variant.generation)
