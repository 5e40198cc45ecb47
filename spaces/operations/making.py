"""Makes pictures of assets: new ones, from others, in batches; and copies them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from uuid import UUID

from django.contrib.auth.models import User

from generations.operations import uses
from genproj.kernel import rows
from genproj.kernel.errors import Invalid
from genproj.kernel.ids import uuid7
from genproj.usage.operations import lock_budgets
from spaces.models import Asset, Lineage, Variant
from spaces.operations import lineage, recipes
from spaces.operations.assets import ABSENT, Absent, open_asset
from spaces.operations.entering import Here, asset_in, change, entered
from spaces.operations.opening import audience_of, holder_of, open_variant
from spaces.operations.placing import FEWEST, MOST, Made, counted, made_of, placed
from spaces.operations.recipes import Wish
from spaces.operations.telling import tell_forked
from spaces.permissions import Act
from spaces.states import Relation, VariantStatus

MODES = ("explore", "set")


@dataclass(frozen=True)
class Estimate:
    """What a request would cost; `cost` None where a price is not known."""

    cost: Decimal | None
    count: int
    model: str


@dataclass(frozen=True)
class Forked:
    """A copy under a name of its own."""

    asset: Asset
    variant: Variant
    lineage: tuple[Lineage, ...]


@rows.atomically
def generate(
    *,
    actor: User,
    space_id: UUID,
    name: str,
    asset_type: str,
    wish: Wish,
    parent_asset_id: UUID | None | Absent = ABSENT,
    count: int = 1,
) -> Made:
    """A new asset with `count` pictures to come. One transaction: all of it, or nothing.

    Args:
        parent_asset_id: absent: the asset of the first reference; None: no parent.

    Raises:
        Invalid: every field that is wrong; a reference that cannot be had is never left out.
        ModelRetired, BudgetExhausted, PriceUnknown.
    """
    here = _entered(actor, space_id)
    wishes = [wish] * counted(count, fewest=1)
    return made_of(here, name=name, asset_type=asset_type, parent=parent_asset_id, wishes=wishes)


@rows.atomically
def derive(
    *,
    actor: User,
    space_id: UUID,
    name: str,
    asset_type: str,
    wish: Wish,
    parent_asset_id: UUID | None | Absent = ABSENT,
    count: int = 1,
) -> Made:
    """As `generate`, from at least one reference.

    Raises:
        Invalid: also without a reference.
    """
    if not wish.reference_variant_ids and not wish.reference_asset_ids:
        words = "Name at least one picture to derive from."
        raise Invalid.one("/reference_variant_ids", "required", words)
    return generate(
        actor=actor,
        space_id=space_id,
        name=name,
        asset_type=asset_type,
        wish=wish,
        parent_asset_id=parent_asset_id,
        count=count,
    )


@rows.atomically
def refine(*, actor: User, space_id: UUID, asset_id: UUID, wish: Wish, count: int = 1) -> Made:
    """Another variant of an asset, from one or more of its own; by default from its active one.

    Raises:
        AssetNotFound: there is none here.
        Invalid: every field that is wrong, as for `generate`.
    """
    here = _entered(actor, space_id)
    asset = asset_in(here, asset_id=asset_id)
    sources = list(wish.source_variant_ids)
    if not sources and asset.active_variant_id:
        sources = [asset.active_variant_id]
    if not sources:
        words = "The asset has no picture to refine yet."
        raise Invalid.one("/source_variant_ids", "required", words)
    own = set(Variant.objects.filter(asset=asset, pk__in=sources).values_list("pk", flat=True))
    if strange := [place for place, id in enumerate(sources) if id not in own]:
        words = "The asset has no such variant."
        raise Invalid.one(f"/source_variant_ids/{strange[0]}", "not_found", words)
    found = recipes.resolved(here.space, wish=replace(wish, source_variant_ids=sources))
    many = [found] * counted(count, fewest=1)
    return placed(here, groups=[(asset, many)], batch=uuid7() if count > 1 else None)


@rows.atomically
def batch(
    *,
    actor: User,
    space_id: UUID,
    name: str,
    asset_type: str,
    wish: Wish,
    count: int,
    mode: str,
    parent_asset_id: UUID | None | Absent = ABSENT,
) -> Made:
    """Two to eight pictures at once: of one asset (`explore`), or of one asset each (`set`).

    All are asked for or none; what becomes of each is its own variant's affair.

    Raises:
        Invalid: every field that is wrong, as for `generate`.
    """
    if mode not in MODES:
        raise Invalid.one("/mode", "choice", f"Must be one of {', '.join(MODES)}.")
    here = _entered(actor, space_id)
    return made_of(
        here,
        name=name,
        asset_type=asset_type,
        parent=parent_asset_id,
        wishes=[wish] * counted(count, fewest=FEWEST),
        apart=mode == "set",
    )


@rows.atomically
def matrix(
    *,
    actor: User,
    space_id: UUID,
    name: str,
    asset_type: str,
    wish: Wish,
    prompts: Sequence[str],
    models: Sequence[str] = (),
    seeds: Sequence[int | None] = (),
    parent_asset_id: UUID | None | Absent = ABSENT,
) -> Made:
    """One asset with a picture for each prompt, by each model, with each seed; eight at most.

    `wish` says the rest. Without models or seeds: by its model, with its seed.

    Raises:
        Invalid: every field that is wrong, as for `generate`.
    """
    cells = list(product(prompts, models or (wish.model,), seeds or (wish.seed,)))
    if not 1 <= len(cells) <= MOST:
        words = f"Prompts times models times seeds must be 1 to {MOST} pictures."
        raise Invalid.one("/prompts", "count", words)
    wishes = [replace(wish, prompt=prompt, model=model, seed=seed) for prompt, model, seed in cells]
    here = _entered(actor, space_id)
    return made_of(here, name=name, asset_type=asset_type, parent=parent_asset_id, wishes=wishes)


@rows.atomically
def estimate(*, actor: User, space_id: UUID, wish: Wish, count: int = 1) -> Estimate:
    """What such a request would cost, and which model would do it; nothing is made.

    Raises:
        Invalid: it would be refused, and why.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.GENERATE)
    request = recipes.resolved(here.space, wish=wish).request
    count = counted(count, fewest=1)
    cost = None if request.cost is None else request.cost * count
    return Estimate(cost=cost, count=count, model=request.model.pk)


@rows.atomically
def fork(
    *,
    actor: User,
    space_id: UUID,
    name: str,
    asset_type: str,
    source_asset_id: UUID | None = None,
    source_variant_id: UUID | None = None,
    parent_asset_id: UUID | None = None,
) -> Forked:
    """A new asset with a copy of a picture; nothing is asked of anybody, nothing is spent.

    Raises:
        Invalid: neither or both sources are named, or the one named has no picture.
    """
    if (source_asset_id is None) == (source_variant_id is None):
        words = "Name either a variant or an asset to copy."
        raise Invalid.one("/source_variant_id", "required", words)
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_ASSETS)
    source = recipes.source_of(here.space, asset_id=source_asset_id, variant_id=source_variant_id)
    asset = open_asset(here, name=name, asset_type=asset_type, parent_asset_id=parent_asset_id)
    recipe = {**source.recipe, "operation": "fork", "forked_from": str(source.pk)}
    variant = open_variant(
        here,
        asset=asset,
        recipe=recipe,
        status=VariantStatus.COMPLETED,
        artifact=source.artifact,
    )
    assert source.artifact is not None
    uses.use(
        holder=holder_of(variant),
        audience=audience_of(variant),
        artifact_ids=[source.artifact],
    )
    change(asset, facts={"active_variant_id": variant.pk})
    line = lineage.open_line(variant, parent=source, relation=Relation.FORKED)
    tell_forked(asset, variant=variant, lineage=[line])
    return Forked(asset, variant, (line,))


def _entered(actor: User, space_id: UUID) -> Here:
    """In the space to spend: budgets are locked before it."""
    lock_budgets(audience=f"space:{space_id}", owner_id=actor.pk)
    return entered(actor=actor, space_id=space_id, act=Act.GENERATE)
