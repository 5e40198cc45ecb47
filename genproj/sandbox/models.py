"""The models that the sandbox serves: what each accepts and costs, and what a search finds."""

from dataclasses import dataclass, field
from typing import Any


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMON = _names(
    "taskType taskUUID model webhookURL includeCost routing numberResults uploadEndpoint ttl "
    "outputType outputFormat outputQuality deliveryMethod safety checkNSFW"
)
# The 2025 documentation puts media at the top level; the 2026 schemas nest it under `inputs`.
MEDIA_2025 = _names("seedImage maskImage referenceImages")
FLUX = MEDIA_2025 | _names(
    "inputs positivePrompt negativePrompt width height seed steps scheduler CFGScale trueCFGScale "
    "strength maskMargin promptWeighting acceleratorOptions outpaint lora hiresFix ultralytics "
    "advancedFeatures"
)
NANO_BANANA = MEDIA_2025 | _names(
    "inputs positivePrompt width height resolution seed settings providerSettings advancedFeatures"
)
VEO = _names(
    "inputs positivePrompt width height resolution duration seed providerSettings frameImages "
    "referenceImages fps"
)
TOOL = _names(
    "inputs image inputImage inputImages settings upscaleFactor targetMegapixels prompt template "
    "providerSettings"
)


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


def _flux(air: str, name: str, price: float, family: str, *tags: str, **more: Any) -> Model:
    return Model(air, name, price=price, architecture=family, tags=tags, **more)


def _nano_banana(air: str, name: str, price: float, *sizes: str) -> Model:
    choices: dict[str, tuple[Any, ...]] = {"resolution": sizes} if sizes else {}
    return Model(
        air, name, price=price, choices=choices, fields=NANO_BANANA, required=("positivePrompt",),
        low=256, high=4096, multiplier=1, architecture="gemini", tags=("edit", "text"),
    )  # fmt: skip


def _veo(air: str, name: str, price: float, sizes: tuple[str, ...], *seconds: int) -> Model:
    return Model(
        air, name, "videoInference", VEO, ("positivePrompt",), low=256, high=4096, multiplier=1,
        price=price, choices={"resolution": sizes, "duration": seconds}, architecture="veo",
        tags=("video", "audio"),
    )  # fmt: skip


def _tool(air: str, name: str, task_type: str, price: float, **choices: tuple[Any, ...]) -> Model:
    return Model(
        air, name, task_type, TOOL, (), price=price, choices=choices, category="tool",
        architecture="tool", type=None,
    )  # fmt: skip


def _sd15(air: str, name: str, *tags: str) -> Model:
    return Model(air, name, price=0.0006, architecture="sd1x", tags=tags, steps=25, cfg=7)


def _sdxl(air: str, name: str, *tags: str) -> Model:
    return Model(air, name, price=0.0026, architecture="sdxl", tags=tags, steps=30, cfg=7)


def _addition(
    category: str, air: str, name: str, family: str, tag: str, trigger: str = ""
) -> Model:
    return Model(
        air, name, price=0, category=category, architecture=family, type=None, tags=(tag,),
        trigger=trigger,
    )  # fmt: skip


HD = ("720p", "1080p")
CATALOGUE = (
    _flux(
        "runware:100@1", "FLUX.1 schnell", 0.0013, "flux1s", "photo", "fast", fields=FLUX, steps=4
    ),
    _flux("runware:101@1", "FLUX.1 dev", 0.0038, "flux1d", "photo", "illustration", fields=FLUX),
    _flux("runware:400@1", "FLUX.2 dev", 0.0096, "flux2", "photo", "edit"),
    _flux("civitai:618692@691639", "FLUX.1 dev fp8", 0.0038, "flux1d", "photo"),
    _nano_banana("google:4@1", "Nano Banana", 0.039),
    _nano_banana("google:4@2", "Nano Banana Pro", 0.134, "1K", "2K", "4K"),
    _nano_banana("google:4@3", "Nano Banana 2", 0.067, "0.5K", "1K", "2K", "4K"),
    _nano_banana("google:nano-banana@2-lite", "Nano Banana 2 Lite", 0.03),
    _veo("google:3@2", "Veo 3.1", 0.4, (*HD, "4K"), 4, 6, 7, 8),
    _veo("google:3@3", "Veo 3.1 Fast", 0.15, (*HD, "4K"), 4, 6, 7, 8),
    _veo("google:veo@3.1-lite", "Veo 3.1 Lite", 0.05, HD, 4, 6, 8),
    _tool("runware:504@1", "Real-ESRGAN", "upscale", 0.002, upscaleFactor=(2, 4)),
    _tool("runware:109@1", "RemBG 1.4", "removeBackground", 0.001),
    _tool("runware:150@2", "LLaVA 1.6 Mistral 7B", "caption", 0.0006),
    _sd15("civitai:4384@128713", "DreamShaper 8", "painting", "landscape"),
    _sd15("civitai:4201@130072", "Realistic Vision V6.0", "photo", "portrait"),
    _sd15("civitai:25694@143906", "epiCRealism Natural", "photo", "portrait"),
    _sd15("civitai:36520@76907", "GhostMix", "illustration"),
    _sd15("civitai:43331@176425", "majicMIX realistic", "photo"),
    _sdxl("civitai:101055@128078", "SDXL 1.0", "general"),
    _sdxl("civitai:133005@782002", "Juggernaut XL", "photo", "cinematic"),
    _sdxl("civitai:112902@351306", "DreamShaper XL", "painting", "fantasy"),
    _sdxl("civitai:139562@344487", "RealVisXL V4.0", "photo"),
    _sdxl("civitai:257749@290640", "Pony Diffusion V6 XL", "illustration"),
    _sdxl("civitai:277058@1522905", "epiCRealism XL", "photo"),
    _addition("lora", "civitai:58390@62833", "Detail Tweaker", "sd1x", "detail"),
    _addition("lora", "civitai:122359@135867", "Detail Tweaker XL", "sdxl", "detail"),
    _addition(
        "lora", "civitai:118427@128524", "Watercolour Wash", "sd1x", "painting", "watercolour"
    ),
    _addition(
        "lora", "civitai:652699@806265", "Amateur Photography", "flux1d", "photo", "amateur photo"
    ),
    _addition("lora", "civitai:640459@716305", "Oil Impasto", "flux1d", "painting", "impasto"),
    _addition("lora", "civitai:730729@817097", "Foggy Coast", "flux1d", "fog", "foggy coast"),
    _addition(
        "lora", "civitai:695825@778691", "Ink and Gold", "flux1d", "illustration", "ink and gold"
    ),
    _addition("embeddings", "civitai:7808@9208", "EasyNegative", "sd1x", "negative"),
    _addition("vae", "civitai:276082@311162", "ClearVAE", "sd1x", "contrast"),
    _addition("controlnet", "civitai:38784@44716", "ControlNet 1.1 Canny", "sd1x", "edges"),
)
MODELS = {model.air: model for model in CATALOGUE}

# The model of a tool when the request names none.
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
