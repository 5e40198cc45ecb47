"""The named shapes of what is made in spaces."""

from genproj.openapi.shapes import NUMBER, TEXT, Schema, maybe, shape

ASSET, VARIANT, LINEAGE = (
    {"$ref": f"#/components/schemas/{name}"} for name in ("Asset", "Variant", "Lineage")
)


def _many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


SHAPES: dict[str, Schema] = {
    "SpaceMade": shape(
        "What a request has made: placeholders, until their pictures come. `assets` are several "
        "only for a batch of mode `set`.",
        asset=ASSET,
        assets=_many(ASSET),
        variants=_many(VARIANT),
        lineage=_many(LINEAGE),
    ),
    "SpaceBrought": shape("What was brought in.", asset=ASSET, variant=VARIANT),
    "SpaceForked": shape("A copy.", asset=ASSET, variant=VARIANT, lineage=_many(LINEAGE)),
    "SpaceEstimate": shape(
        "What a request would cost, in US dollars; null: not known.",
        cost=maybe(TEXT),
        count=NUMBER,
        model=TEXT,
    ),
}
