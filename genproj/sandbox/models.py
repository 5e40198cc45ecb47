"""The models that the sandbox serves: what each accepts and costs, and what a search finds."""

from dataclasses import dataclass, field
from typing import Any

COMMON = frozenset(
    ["taskType", "taskUUID", "model", "webhookURL", "includeCost", "routing", "numberResults", "uploadEndpoint", "ttl", "outputType", "outputFormat", "outputQuality", "deliveryMethod", "safety", "checkNSFW"]
)
# The 2025 documentation puts media at the top level; the 2026 schemas nest it under `inputs`.
MEDIA_2025 = frozenset(["seedImage", "maskImage", "referenceImages"])
FLUX = (
    frozenset(
        ["inputs", "positivePrompt", "negativePrompt", "width", "height", "seed", "steps", "scheduler", "CFGScale", "trueCFGScale", "strength", "maskMargin", "promptWeighting", "acceleratorOptions", "outpaint", "lora", "hiresFix", "ultralytics", "advancedFeatures"]
    )
    | MEDIA_2025
)
NANO_BANANA = (
    frozenset(
        ["inputs", "positivePrompt", "width", "height", "resolution", "seed", "settings", "providerSettings", "advancedFeatures"]
    )
    | MEDIA_2025
)
VEO = frozenset(
    ["inputs", "positivePrompt", "width", "height", "resolution", "duration", "seed", "providerSettings", "frameImages", "referenceImages", "fps"]
)
TOOL = frozenset(["inputs", "image", "inputImage", "settings", "upscaleFactor", "prompt", "includeCost"])


@dataclass(frozen=True)
class Model:
    air: str
    name: str
    task_type: str = "imageInference"
    fields: frozenset[str] | None = None  # None: the schema is open
    required: tuple[str, ...] = ("positivePrompt", "width", "height")
    low: int = 128
    high: int = 2048
    multiplier: int = 64
    price: float = 0.002  # USD for a megapixel of image, a second of video, or one use of a tool
    choices: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    category: str = "checkpoint"
    architecture: str = "flux1d"
    type: str | None = "base"
    tags: tuple[str, ...] = ()
    steps: int = 28
    cfg: float = 3.5
    trigger: str = ""


FREE_SIZE: dict[str, Any] = {
    "low": 256,
    "high": 4096,
    "multiplier": 1,
    "required": ("positivePrompt",),
}
GOOGLE: dict[str, Any] = {
    **FREE_SIZE,
    "fields": NANO_BANANA,
    "architecture": "gemini",
    "tags": ("edit", "text"),
}
VIDEO: dict[str, Any] = {
    **FREE_SIZE, "task_type": "videoInference", "fields": VEO, "architecture": "veo", "tags": ("video", "audio"),
}  # fmt: skip
SD15: dict[str, Any] = {"architecture": "sd1x", "price": 0.0006, "steps": 25, "cfg": 7}
SDXL: dict[str, Any] = {"architecture": "sdxl", "price": 0.0026, "steps": 30, "cfg": 7}
LORA: dict[str, Any] = {"category": "lora", "type": None, "price": 0.0, "steps": 0, "cfg": 0}
TOOLS: dict[str, Any] = {
    "fields": TOOL,
    "required": (),
    "type": None,
    "category": "tool",
    "architecture": "tool",
}
RESOLUTIONS = ("720p", "1080p", "4K")
DURATIONS = (4, 6, 7, 8)

# fmt: off
CATALOGUE = (
    Model("runware:100@1", "FLUX.1 schnell", fields=FLUX, price=0.0013, architecture="flux1s", steps=4, cfg=1, tags=("photo", "fast")),
    Model("runware:101@1", "FLUX.1 dev", fields=FLUX, price=0.0038, tags=("photo", "illustration")),
    Model("runware:400@1", "FLUX.2 dev", price=0.0096, architecture="flux2", tags=("photo", "edit")),
    Model("google:4@1", "Nano Banana", price=0.039, **GOOGLE),
    Model("google:4@2", "Nano Banana Pro", price=0.134, choices={"resolution": ("1K", "2K", "4K")}, **GOOGLE),
    Model("google:4@3", "Nano Banana 2", price=0.067, choices={"resolution": ("0.5K", "1K", "2K", "4K")}, **GOOGLE),
    Model("google:nano-banana@2-lite", "Nano Banana 2 Lite", price=0.03, **GOOGLE),
    Model("google:3@2", "Veo 3.1", price=0.4, choices={"resolution": RESOLUTIONS, "duration": DURATIONS}, **VIDEO),
    Model("google:3@3", "Veo 3.1 Fast", price=0.15, choices={"resolution": RESOLUTIONS, "duration": DURATIONS}, **VIDEO),
    Model("google:veo@3.1-lite", "Veo 3.1 Lite", price=0.05, choices={"resolution": ("720p", "1080p"), "duration": (4, 6, 8)}, **VIDEO),
    Model("runware:504@1", "Real-ESRGAN", task_type="upscale", price=0.002, choices={"upscaleFactor": (2, 4)}, **TOOLS),
    Model("runware:109@1", "RemBG 1.4", task_type="removeBackground", price=0.001, **TOOLS),
    Model("runware:150@2", "LLaVA 1.6 Mistral 7B", task_type="caption", price=0.0006, **TOOLS),
    Model("civitai:4384@128713", "DreamShaper 8", tags=("painting", "landscape"), **SD15),
    Model("civitai:4201@130072", "Realistic Vision V6.0", tags=("photo", "portrait"), **SD15),
    Model("civitai:25694@143906", "epiCRealism Natural", tags=("photo", "portrait"), **SD15),
    Model("civitai:36520@76907", "GhostMix", tags=("illustration",), **SD15),
    Model("civitai:43331@176425", "majicMIX realistic", tags=("photo",), **SD15),
    Model("civitai:101055@128078", "SDXL 1.0", tags=("general",), **SDXL),
    Model("civitai:133005@782002", "Juggernaut XL", tags=("photo", "cinematic"), **SDXL),
    Model("civitai:112902@351306", "DreamShaper XL", tags=("painting", "fantasy"), **SDXL),
    Model("civitai:139562@344487", "RealVisXL V4.0", tags=("photo",), **SDXL),
    Model("civitai:257749@290640", "Pony Diffusion V6 XL", tags=("illustration",), **SDXL),
    Model("civitai:618692@691639", "FLUX.1 dev fp8", tags=("photo",), price=0.0038),
    Model("civitai:277058@1522905", "epiCRealism XL", tags=("photo",), **SDXL),
    Model("civitai:58390@62833", "Detail Tweaker", architecture="sd1x", tags=("detail",), **LORA),
    Model("civitai:122359@135867", "Detail Tweaker XL", architecture="sdxl", tags=("detail",), **LORA),
    Model("civitai:118427@128524", "Watercolour Wash", architecture="sd1x", tags=("painting",), trigger="watercolour wash", **LORA),
    Model("civitai:652699@806265", "Amateur Photography", tags=("photo",), trigger="amateur photo", **LORA),
    Model("civitai:640459@716305", "Oil Impasto", tags=("painting",), trigger="impasto", **LORA),
    Model("civitai:730729@817097", "Foggy Coast", tags=("landscape", "fog"), trigger="foggy coast", **LORA),
    Model("civitai:695825@778691", "Ink and Gold", tags=("illustration",), trigger="ink and gold", **LORA),
    Model("civitai:7808@9208", "EasyNegative", category="embeddings", architecture="sd1x", type="negative", price=0.0),
    Model("civitai:276082@311162", "ClearVAE", category="vae", architecture="sd1x", type=None, price=0.0),
    Model("civitai:38784@44716", "ControlNet 1.1 Canny", category="controlnet", architecture="sd1x", type=None, price=0.0),
)
# fmt: on
MODELS = {model.air: model for model in CATALOGUE}

# Slugs that the official SDK may send when it could not resolve them.
DEFAULT_TOOLS = {
    "upscale": "runware:504@1",
    "removeBackground": "runware:109@1",
    "caption": "runware:150@2",
}


def price(model: Model, request: dict[str, Any]) -> float:
    """What one result costs in USD, rounded as the provider rounds."""
    if model.task_type == "videoInference":
        return round(model.price * (request.get("duration") or 8), 4)
    if model.task_type != "imageInference":
        return model.price
    megapixels = request.get("width", 1024) * request.get("height", 1024) / (1024 * 1024)
    return round(model.price * megapixels, 4)


def found(model: Model, origin: str) -> dict[str, Any]:
    """One model as modelSearch shows it."""
    shown: dict[str, Any] = {
        "air": model.air,
        "name": model.name,
        "version": model.air.rpartition("@")[2],
        "category": model.category,
        "architecture": model.architecture,
        "type": model.type,
        "tags": list(model.tags),
        "heroImage": f"{origin}/cdn/hero/{model.air.replace(':', '-').replace('@', '-')}.jpg",
        "private": False,
        "comment": "",
    }
    if model.category == "checkpoint":
        shown |= {"defaultWidth": 1024, "defaultHeight": 1024, "defaultSteps": model.steps}
        shown |= {"defaultScheduler": "Default", "defaultCFG": model.cfg, "defaultStrength": 0.8}
    if model.trigger:
        shown["positiveTriggerWords"] = model.trigger
    return shown


def search(request: dict[str, Any], origin: str) -> dict[str, Any]:
    """The answer to a modelSearch: one page of what matches, and how much there is in all."""
    sought = str(request.get("search", "")).lower()
    wanted = {
        name: request[name] for name in ("category", "architecture", "type") if name in request
    }
    tags = {str(tag).lower() for tag in request.get("tags") or request.get("capabilities") or []}
    models = [
        model
        for model in CATALOGUE
        if model.category != "tool"
        and all(getattr(model, name) == value for name, value in wanted.items())
        and (
            not sought
            or sought
            in f"{model.air} {model.name} {model.architecture} {' '.join(model.tags)}".lower()
        )
        and tags <= set(model.tags)
        and _from(request.get("source"), model)
        and request.get("visibility", "all") in ("all", "public")
    ]
    if request.get("sort", "").lstrip("-") == "name":
        models.sort(key=lambda model: model.name.lower(), reverse=request["sort"].startswith("-"))
    offset, limit = request.get("offset", 0), request.get("limit", 20)
    page = [found(model, origin) for model in models[offset : offset + limit]]
    return {"totalResults": len(models), "results": page}


def _from(source: str | None, model: Model) -> bool:
    if source is None:
        return True
    return (source == "community") == model.air.startswith("civitai:")
