"""Fills and extends the registry of models; staff may edit every row in the admin."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from generations.models import ProviderModel
from generations.states import Kind
from genproj.kernel import rows

STEPS = {"type": "integer", "minimum": 1, "maximum": 100, "title": "Steps"}
GUIDANCE = {"type": "number", "minimum": 0, "maximum": 50, "title": "Guidance (CFG scale)"}
STRENGTH = {"type": "number", "minimum": 0, "maximum": 1, "title": "Strength of the reference"}
QUALITY = {"type": "integer", "minimum": 20, "maximum": 99, "title": "Quality"}
SCHEDULER = {"type": "string", "maxLength": 60, "title": "Scheduler"}
LORA = {
    "type": "array",
    "title": "LoRA",
    "maxItems": 8,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["model"],
        "properties": {
            "model": {"type": "string", "maxLength": 120},
            "weight": {"type": "number", "minimum": -4, "maximum": 4},
        },
    },
}


def _schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


#: parameters by family of model; a catalogue model the registry lacks gets its family's
FAMILIES = {
    "flux": _schema(
        steps=STEPS | {"default": 4},
        CFGScale=GUIDANCE,
        strength=STRENGTH,
        scheduler=SCHEDULER,
        lora=LORA,
        outputQuality=QUALITY,
    ),
    "sd": _schema(
        steps=STEPS | {"default": 20},
        CFGScale=GUIDANCE | {"default": 7},
        strength=STRENGTH,
        clipSkip={"type": "integer", "minimum": 0, "maximum": 2, "title": "CLIP skip"},
        scheduler=SCHEDULER,
        lora=LORA,
        outputQuality=QUALITY,
    ),
    "google": _schema(
        resolution={"type": "string", "enum": ["1K", "2K", "4K"], "title": "Resolution"},
        outputQuality=QUALITY,
    ),
    "veo": _schema(
        duration={"type": "integer", "enum": [4, 6, 8], "default": 8, "title": "Seconds"},
        resolution={"type": "string", "enum": ["720p", "1080p"], "title": "Resolution"},
    ),
    "other": _schema(steps=STEPS, CFGScale=GUIDANCE, outputQuality=QUALITY),
}

PRESETS = [[1024, 1024], [1344, 768], [768, 1344], [1152, 896], [896, 1152], [1536, 640]]
CLASSIC = {
    "min": 128,
    "max": 2048,
    "multiple": 64,
    "default": [1024, 1024],
    "presets": PRESETS,
}
FREE = CLASSIC | {"min": 256, "multiple": 16}
WIDE = {
    "min": 720,
    "max": 1920,
    "multiple": 8,
    "default": [1280, 720],
    "presets": [[1280, 720], [720, 1280], [1920, 1080], [1080, 1920]],
}

#: Models as Runware's own schemas of October 2026 describe them. Prices in US dollars per output
#: of the default size.
MODELS: dict[str, Mapping[str, Any]] = {
    "runware:100@1": {
        "name": "FLUX.1 schnell",
        "description": "Quick drafts: a picture in a few seconds, for a tenth of a cent.",
        "family": "flux",
        "sizes": CLASSIC,
        "price": "0.0013",
        "max_count": 20,
        "max_references": 1,
        "position": 10,
    },
    "runware:101@1": {
        "name": "FLUX.1 dev",
        "description": "Finer detail and better hands than schnell, at three times the price.",
        "family": "flux",
        "sizes": CLASSIC,
        "price": "0.0038",
        "max_count": 20,
        "max_references": 1,
        "position": 20,
    },
    "runware:400@1": {
        "name": "FLUX.2 dev",
        "description": "The current open model: follows long prompts, writes legible words.",
        "family": "flux",
        "sizes": FREE,
        "price": "0.0096",
        "max_count": 10,
        "max_references": 4,
        "position": 30,
    },
    "google:4@2": {
        "name": "Nano Banana Pro",
        "description": "Edits with up to fourteen reference pictures and keeps faces.",
        "family": "google",
        "sizes": FREE,
        "price": "0.1380",
        "max_count": 4,
        "max_references": 14,
        "position": 40,
    },
    "google:4@3": {
        "name": "Nano Banana 2",
        "description": "The quick sibling of Nano Banana Pro.",
        "family": "google",
        "sizes": FREE,
        "price": "0.0690",
        "max_count": 4,
        "max_references": 14,
        "position": 50,
    },
    "google:3@2": {
        "name": "Veo 3.1",
        "description": "Films of four to eight seconds with sound.",
        "kind": Kind.VIDEO,
        "family": "veo",
        "sizes": WIDE,
        "price": "3.2000",
        "max_count": 1,
        "max_references": 3,
        "position": 60,
    },
    "google:3@3": {
        "name": "Veo 3.1 fast",
        "description": "Films at a third of the price of Veo 3.1.",
        "kind": Kind.VIDEO,
        "family": "veo",
        "sizes": WIDE,
        "price": "1.2000",
        "max_count": 1,
        "max_references": 3,
        "position": 70,
    },
    "google:1@1": {
        "name": "Imagen 3",
        "description": "Retired by its maker.",
        "family": "google",
        "sizes": FREE,
        "price": "0.0400",
        "max_count": 4,
        "sunset_at": datetime(2026, 6, 24, tzinfo=UTC),
        "replacement": "google:4@3",
        "position": 900,
    },
}


@rows.atomically
def sync_models(*, overwrite: bool = False) -> tuple[int, int]:
    """Add the models this release knows; rows that staff may have edited stay as they are.

    Args:
        overwrite: set the known rows back to what this release says.

    Returns:
        How many rows were made and how many were set back.
    """
    made = changed = 0
    for id, row in MODELS.items():
        facts = _facts(row)
        if not ProviderModel.objects.filter(pk=id).exists():
            ProviderModel.objects.create(id=id, **facts)
            made += 1
        elif overwrite:
            changed += ProviderModel.objects.filter(pk=id).update(**facts)
    for id, row in MODELS.items():
        if row.get("replacement"):
            ProviderModel.objects.filter(pk=id, replacement__isnull=True).update(
                replacement_id=row["replacement"]
            )
    return made, changed


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "provider": "runware",
        "kind": row.get("kind", Kind.IMAGE).value,
        "name": row["name"],
        "description": row["description"],
        "parameters": FAMILIES[row["family"]],
        "sizes": row["sizes"],
        "price": Decimal(row["price"]),
        "max_count": row["max_count"],
        "max_references": row.get("max_references", 0),
        "sunset_at": row.get("sunset_at"),
        "position": row["position"],
    }


@rows.atomically
def add_from_catalogue(*, id: str, name: str, architecture: str) -> ProviderModel:
    """Make a row for a model of Runware's catalogue, with its family's schema and no price."""
    family = next((known for known in FAMILIES if architecture.lower().startswith(known)), "sd")
    row, _ = ProviderModel.objects.get_or_create(
        id=id,
        defaults={
            "provider": "runware",
            "kind": Kind.IMAGE.value,
            "name": name[:120],
            "parameters": FAMILIES[family],
            "sizes": CLASSIC,
            "max_count": 10,
            "max_references": 1,
            "position": 500,
        },
    )
    return row
