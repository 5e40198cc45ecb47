"""What becomes of a variant as its entry goes through the engine; called by its projector."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any
from uuid import UUID

from generations.operations import picturing, uses
from genproj.kernel import logs, rows
from genproj.kernel.clock import now
from spaces.models import Asset, Space, Variant
from spaces.operations.entering import change
from spaces.operations.opening import audience_of, holder_of
from spaces.operations.telling import tell_asset, tell_variant
from spaces.states import VARIANT, VariantStatus

if TYPE_CHECKING:
    from generations.models import RegisterEntry

#: by its name, because plans are made of what makes variants
SETTLED = "spaces.operations.plans.picture_settled"
RUNS = frozenset({VariantStatus.PENDING, VariantStatus.PROCESSING})

log = logs.component("spaces")


def lock_spaces(entry_ids: Collection[UUID]) -> None:
    """Lock the spaces and variants of some entries, in id order, before the engine locks those."""
    if rows.locks_rows():
        variants = Variant.objects.filter(generation__in=entry_ids)
        spaces = Space.objects.filter(pk__in=variants.values("space")).order_by("pk")
        list(spaces.select_for_update(no_key=True).values_list("pk"))
        list(variants.order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _variants(entries: Sequence[RegisterEntry]) -> Iterator[tuple[Variant, RegisterEntry]]:
    """The variants whose newest attempt these are; deleted ones and older attempts are left out."""
    found = Variant.objects.filter(generation__in=[entry.pk for entry in entries])
    found = found.select_related("asset__created_by", "created_by")
    by_entry = {variant.generation: variant for variant in found}
    for entry in entries:
        if (variant := by_entry.get(entry.pk)) is not None:
            yield variant, entry


def note_submitted(entries: Sequence[RegisterEntry]) -> None:
    """The provider has the task. A result that was quicker is never put back."""
    for variant, _ in _variants(entries):
        if variant.status == VariantStatus.PENDING:
            move(variant, to=VariantStatus.PROCESSING, facts={})
            tell_variant(variant, kind="variant:updated")


def settle(entries: Sequence[RegisterEntry]) -> None:
    """The engine is done with an attempt: the variant has its picture, or has failed."""
    for variant, entry in _variants(entries):
        if variant.status not in RUNS:
            continue  # cancelled meanwhile
        outcome = picturing.outcome_of(entry)
        if outcome.artifact_id is not None:
            complete(variant, artifact_id=outcome.artifact_id)
        else:
            fail(variant, error=outcome.error or {})


def note_late(entries: Sequence[RegisterEntry]) -> None:
    """A picture came after its variant had failed: it is kept, and completes the variant."""
    for variant, entry in _variants(entries):
        outcome = picturing.outcome_of(entry)
        if variant.status == VariantStatus.FAILED and outcome.artifact_id is not None:
            complete(variant, artifact_id=outcome.artifact_id)


def complete(variant: Variant, *, artifact_id: UUID) -> None:
    """The picture is stored. The first one of an asset stands for it from now on."""
    uses.use(holder=holder_of(variant), audience=audience_of(variant), artifact_ids=[artifact_id])
    facts = {"artifact": artifact_id, "error": None}
    move(variant, to=VariantStatus.COMPLETED, facts=facts)
    asset = Asset.objects.select_related("created_by").get(pk=variant.asset_id)
    if asset.active_variant_id is None:
        change(asset, facts={"active_variant_id": variant.pk})
        tell_asset(asset, kind="asset:updated")
    tell_variant(variant, kind="variant:updated", webhook="variant.completed")
    resolve_name(SETTLED)(variant)
    _announce(variant, "completed")


def fail(variant: Variant, *, error: dict[str, Any]) -> None:
    """No picture came; `error` is what people read."""
    move(variant, to=VariantStatus.FAILED, facts={"error": error})
    tell_variant(variant, kind="variant:updated", webhook="variant.failed")
    resolve_name(SETTLED)(variant)
    _announce(variant, "failed")


def gone(variants: Iterable[Variant], /) -> None:
    """Variants were deleted: what waits for a picture of one goes on without, or tells why not."""
    for variant in variants:
        if variant.status in RUNS:
            resolve_name(SETTLED)(variant)


def move(variant: Variant, *, to: VariantStatus, facts: dict[str, Any]) -> None:
    """Move a locked variant along its lifecycle; its version rises by one."""
    VARIANT.advance(variant, to, **facts, updated_at=now(), version=variant.version + 1)


def _announce(variant: Variant, what: str) -> None:
    ids = {name: str(getattr(variant, f"{name}_id")) for name in ("space", "asset")}
    code = (variant.error or {}).get("code")
    facts = {**ids, "variant": str(variant.pk), "generation": str(variant.generation)}
    rows.after_commit(lambda: log.info(what, **facts, error=code))
