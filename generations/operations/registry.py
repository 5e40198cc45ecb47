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


SECONDS = {"type": "integer", "enum": [4, 6, 8], "default": 8, "title": "Seconds"}
SHAPE = {"type": "string", "enum": ["16:9", "9:16"], "default": "16:9", "title": "Shape"}
RESOLUTION = {
    "type": "string",
    "enum": ["720p", "1080p"],
    "default": "720p",
    "title": "Resolution",
}
SOUND = {"type": "boolean", "default": True, "title": "Sound"}
NEGATIVE = {"type": "string", "maxLength": 3000, "title": "What must not be seen"}
SEED = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1, "title": "Seed"}
#: only the longest film is made in the higher resolution
FULL_HD = {
    "if": {"required": ["resolution"], "properties": {"resolution": {"const": "1080p"}}},
    "then": {"properties": {"duration": {"const": 8}}},
}


def _film(**more: Any) -> dict[str, Any]:
    """What every film model takes, in our words; its adapter translates them."""
    words = _schema(duration=SECONDS, aspect_ratio=SHAPE, resolution=RESOLUTION, **more)
    return words | {"allOf": [FULL_HD]}


ASPECTS = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]


def _picture(*, aspects: list[str], sizes: list[str]) -> dict[str, Any]:
    """What Google's own picture models take; both go before width and height."""
    return _schema(
        aspect_ratio={"type": "string", "enum": aspects, "title": "Shape"},
        image_size={"type": "string", "enum": sizes, "title": "Size"},
    )


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
    "gemini": _picture(aspects=ASPECTS, sizes=["1K", "2K", "4K"]),
    "gemini_versatile": _picture(
        aspects=[*ASPECTS, "1:4", "4:1", "1:8", "8:1"], sizes=["512", "1K", "2K", "4K"]
    ),
    "runware_film": _film(sound=SOUND, seed=SEED),
    "veo_film": _film(negative_prompt=NEGATIVE),
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
#: of models whose own schema says so; whatever is not described takes the classic sides
FREE = CLASSIC | {"min": 256, "multiple": 16}
#: the sizes that Google's picture models make; others become the nearest of them
GOOGLES = {
    "min": 256,
    "max": 4096,
    "multiple": 16,
    "default": [1024, 1024],
    "presets": [[1024, 1024], [1376, 768], [768, 1376], [1200, 896], [896, 1200], [1584, 672]],
}
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
        "sizes": CLASSIC,
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
    "gemini-3.1-flash-image": {
        "provider": "gemini",
        "name": "Gemini 3.1 Flash Image",
        "description": "Google's own door: follows words and up to fourteen references closely.",
        "family": "gemini_versatile",
        "sizes": GOOGLES,
        "price": "0.0670",
        "max_count": 1,
        "max_references": 14,
        "position": 52,
    },
    "gemini-3-pro-image": {
        "provider": "gemini",
        "name": "Gemini 3 Pro Image",
        "description": "Google's most careful model: keeps faces and writes legible words.",
        "family": "gemini",
        "sizes": GOOGLES,
        "price": "0.1340",
        "max_count": 1,
        "max_references": 14,
        "position": 54,
    },
    "gemini-3.1-flash-lite-image": {
        "provider": "gemini",
        "name": "Gemini 3.1 Flash Lite Image",
        "description": "Quick edits at half the price of Flash.",
        "family": "gemini",
        "sizes": GOOGLES,
        "price": "0.0340",
        "max_count": 1,
        "max_references": 14,
        "position": 56,
    },
    "google:3@2": {
        "name": "Veo 3.1",
        "description": "Films of four to eight seconds with sound.",
        "kind": Kind.VIDEO,
        "family": "runware_film",
        "sizes": WIDE,
        "price": "0.4000",
        "price_unit": "second",
        "max_count": 1,
        "max_references": 3,
        "position": 60,
    },
    "google:3@3": {
        "name": "Veo 3.1 fast",
        "description": "Films at a third of the price of Veo 3.1.",
        "kind": Kind.VIDEO,
        "family": "runware_film",
        "sizes": WIDE,
        "price": "0.1500",
        "price_unit": "second",
        "max_count": 1,
        "max_references": 3,
        "position": 70,
    },
    "veo-3.1-generate-001": {
        "provider": "veo",
        "name": "Veo 3.1 at Google",
        "description": "Films of four to eight seconds, always with sound, made by Google itself.",
        "kind": Kind.VIDEO,
        "family": "veo_film",
        "sizes": WIDE,
        "price": "0.4000",
        "price_unit": "second",
        "max_count": 1,
        "max_references": 3,
        "position": 80,
    },
    "veo-3.1-fast-generate-001": {
        "provider": "veo",
        "name": "Veo 3.1 fast at Google",
        "description": "Films by Google itself at a third of the price, a little plainer.",
        "kind": Kind.VIDEO,
        "family": "veo_film",
        "sizes": WIDE,
        "price": "0.1500",
        "price_unit": "second",
        "max_count": 1,
        "max_references": 3,
        "position": 90,
    },
    "veo-3.0-generate-001": {
        "provider": "veo",
        "name": "Veo 3.0 at Google",
        "description": "Retired by its maker.",
        "kind": Kind.VIDEO,
        "family": "veo_film",
        "sizes": WIDE,
        "price": "0.4000",
        "price_unit": "second",
        "max_count": 1,
        "sunset_at": datetime(2026, 6, 30, tzinfo=UTC),
        "replacement": "veo-3.1-generate-001",
        "position": 910,
    },
    "gemini-2.5-flash-image": {
        "provider": "gemini",
        "name": "Gemini 2.5 Flash Image",
        "description": "Retired by its maker.",
        "family": "gemini",
        "sizes": GOOGLES,
        "price": "0.0390",
        "max_count": 1,
        "max_references": 3,
        "sunset_at": datetime(2026, 10, 2, tzinfo=UTC),
        "replacement": "gemini-3.1-flash-image",
        "position": 905,
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


#: what an earlier release said of a model; a row that still says so was not edited by anybody
FORMER_FILM = _schema(
    duration=SECONDS,
    resolution={"type": "string", "enum": ["720p", "1080p"], "title": "Resolution"},
)
FORMER: dict[str, Mapping[str, Any]] = {
    "runware:400@1": {"sizes": FREE},
    **{
        id: {"parameters": FORMER_FILM, "price": Decimal(price), "price_unit": "output"}
        for id, price in (("google:3@2", "3.2"), ("google:3@3", "1.2"))
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
        elif id in FORMER:
            news = {name: facts[name] for name in FORMER[id]}
            ProviderModel.objects.filter(pk=id, **FORMER[id]).update(**news)
    for id, row in MODELS.items():
        if row.get("replacement"):
            ProviderModel.objects.filter(pk=id, replacement__isnull=True).update(
                replacement_id=row["replacement"]
            )
    return made, changed


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "provider": row.get("provider", "runware"),
        "kind": row.get("kind", Kind.IMAGE).value,
        "name": row["name"],
        "description": row["description"],
        "parameters": FAMILIES[row["family"]],
        "sizes": row["sizes"],
        "price": Decimal(row["price"]),
        "price_unit": row.get("price_unit", "output"),
        "max_count": row["max_count"],
        "max_references": row.get("max_references", 0),
        "sunset_at": row.get("sunset_at"),
        "position": row["position"],
    }


def makes_films(architecture: str) -> bool:
    """Whether a catalogue model of this architecture makes films."""
    return architecture.lower().startswith("veo")


@rows.atomically
def add_from_catalogue(*, id: str, name: str, architecture: str) -> ProviderModel:
    """Make a row for a model of Runware's catalogue, with its family's schema and no price."""
    is_film = makes_films(architecture)
    family = next((known for known in FAMILIES if architecture.lower().startswith(known)), "sd")
    family = "runware_film" if is_film else family
    row, _ = ProviderModel.objects.get_or_create(
        id=id,
        defaults={
            "provider": "runware",
            "kind": (Kind.VIDEO if is_film else Kind.IMAGE).value,
            "name": name[:120],
            "parameters": FAMILIES[family],
            "sizes": WIDE if is_film else CLASSIC,
            "max_count": 1 if is_film else 10,
            "max_references": 1,
            "position": 500,
        },
    )
    return row
