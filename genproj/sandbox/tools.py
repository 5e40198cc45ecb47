"""What each kind of task makes out of a request: bytes of a picture or a film."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from genproj.sandbox import film, paint
from genproj.sandbox.models import MODELS


@dataclass(frozen=True)
class Source:
    """A picture that came with a request; `content` is None when it could not be had."""

    name: str
    content: bytes | None


@dataclass(frozen=True)
class Asked:
    task: dict[str, Any]
    seed: int
    format: str
    sources: list[Source]

    @property
    def request(self) -> dict[str, Any]:
        request: dict[str, Any] = self.task["request"]
        return request

    @property
    def quality(self) -> int:
        return int(self.request.get("outputQuality", 95))


SIDES = {"0.5K": 512, "1K": 1024, "2K": 2048, "4K": 4096, "720p": 720, "1080p": 1080}


def picture(asked: Asked) -> bytes:
    return paint.encoded(painted(asked), asked.format, asked.quality)


def painted(asked: Asked) -> Image.Image:
    request = asked.request
    side = SIDES.get(request.get("resolution", ""), 1024)
    width, height = request.get("width", side), request.get("height", side)
    brief = paint.Brief(
        model=asked.task["model"],
        prompt=request.get("positivePrompt", ""),
        negative=request.get("negativePrompt", ""),
        seed=asked.seed,
        references=tuple(source.name for source in asked.sources),
    )
    image = paint.painted(brief, width, height)
    opened = [picture for source in asked.sources if (picture := _opened(source))]
    if not opened:
        return image
    # A picture that refines another should look like its child: same masses, new colours and light.
    parent = ImageOps.fit(opened[0], image.size)
    return Image.blend(parent, image, float(request.get("strength", 0.45)))


def upscaled(asked: Asked) -> bytes:
    source = _source(asked)
    factor = asked.request.get("upscaleFactor", 2)
    larger = source.resize(
        (source.width * factor, source.height * factor), Image.Resampling.LANCZOS
    )
    return paint.encoded(larger, asked.format, asked.quality)


def cut_out(asked: Asked) -> bytes:
    """The middle of the picture on nothing: an honest stand-in for a found subject."""
    source = _source(asked).convert("RGB")
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (16, 10, 48, 64))
    soft = mask.filter(ImageFilter.GaussianBlur(3)).resize(source.size, Image.Resampling.BICUBIC)
    source.putalpha(soft)
    return paint.encoded(source, asked.format, asked.quality)


def video(asked: Asked) -> bytes:
    return film.filmed(painted(asked), asked.format, asked.request)


def hero(slug: str) -> bytes:
    names = {model.air.replace(":", "-").replace("@", "-"): model.name for model in MODELS.values()}
    brief = paint.Brief(
        model=slug, prompt=names.get(slug, slug), negative="", seed=1, references=()
    )
    return paint.encoded(paint.painted(brief, 512, 512), "JPG")


def _source(asked: Asked) -> Image.Image:
    opened = [picture for source in asked.sources if (picture := _opened(source))]
    if opened:
        return opened[0]
    name = asked.sources[0].name if asked.sources else ""
    brief = paint.Brief(model="", prompt="", negative="", seed=asked.seed, references=(name,))
    return paint.painted(brief, 512, 512)


def _opened(source: Source) -> Image.Image | None:
    try:
        return Image.open(BytesIO(source.content)).convert("RGB") if source.content else None
    except (UnidentifiedImageError, OSError):
        return None


MAKERS: dict[str, Callable[[Asked], bytes]] = {
    "imageInference": picture,
    "videoInference": video,
    "upscale": upscaled,
    "removeBackground": cut_out,
}
