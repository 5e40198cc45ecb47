"""What the assistant's reading tools bring: assets that fit some words, what a picture shows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q

from spaces import queries
from spaces.models import Asset, Variant
from spaces.operations import describing
from spaces.states import VariantStatus

MOST_ASSETS = 20
MOST_VARIANTS = 4
LONGEST_PROMPT = 300


def search(*, actor: User, space_id: UUID, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Assets that fit all of the words, a type and a tag; the newest first.

    Raises:
        SpaceNotFound: `actor` is not in the space.
    """
    queries.role_in(viewer=actor, space_id=space_id)
    found = Asset.objects.filter(space=space_id)
    for word in str(arguments.get("query", "")).split()[:8]:
        pictures = Variant.objects.filter(
            Q(description__icontains=word)
            | Q(label__icontains=word)
            | Q(recipe__prompt__icontains=word),
            space=space_id,
        )
        found = found.filter(
            Q(name__icontains=word)
            | Q(asset_type__icontains=word)
            | Q(tags__icontains=word)
            | Q(pk__in=pictures.values("asset"))
        )
    if arguments.get("asset_type"):
        found = found.filter(asset_type__iexact=arguments["asset_type"])
    rows = list(found.order_by("-created_at", "-id")[:500])
    if tag := str(arguments.get("tag", "")).lower():
        rows = [row for row in rows if tag in (one.lower() for one in row.tags)]
    return {"total": len(rows), "assets": assets_told(rows[:MOST_ASSETS])}


def describe(*, actor: User, space_id: UUID, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What can be seen in a variant's picture."""
    found = describing.describe(
        actor=actor,
        space_id=space_id,
        variant_id=UUID(arguments["variant_id"]),
        question=arguments.get("question", ""),
    )
    return {"variant_id": arguments["variant_id"], "description": found.text}


def compare(*, actor: User, space_id: UUID, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """How several pictures differ."""
    found = describing.compare(
        actor=actor,
        space_id=space_id,
        variant_ids=[UUID(one) for one in arguments["variant_ids"]],
        aspects=arguments.get("aspects", ()),
    )
    return {"variant_ids": arguments["variant_ids"], "comparison": found.text}


def assets_told(rows: list[Asset]) -> list[dict[str, Any]]:
    """Assets with some of their variants, as the model reads them."""
    by_asset: dict[UUID, list[Variant]] = {row.pk: [] for row in rows}
    pictures = Variant.objects.filter(asset__in=rows).exclude(status=VariantStatus.FAILED)
    for variant in pictures.order_by("-created_at", "-id"):
        by_asset[variant.asset_id].append(variant)
    return [
        {
            "id": str(row.pk),
            "name": row.name,
            "asset_type": row.asset_type,
            "tags": row.tags,
            "parent_asset_id": str(row.parent_id) if row.parent_id else None,
            "active_variant_id": str(row.active_variant_id) if row.active_variant_id else None,
            "variant_count": len(by_asset[row.pk]),
            "variants": [variant_told(one) for one in by_asset[row.pk][:MOST_VARIANTS]],
        }
        for row in rows
    ]


def variant_told(variant: Variant) -> dict[str, Any]:
    """A variant, as the model reads it."""
    return {
        "id": str(variant.pk),
        "asset_id": str(variant.asset_id),
        "status": str(variant.status),
        "label": variant.label,
        "starred": variant.starred,
        "rating": variant.rating or None,
        "prompt": str(variant.recipe.get("prompt", ""))[:LONGEST_PROMPT],
        "description": variant.description[:LONGEST_PROMPT],
    }
