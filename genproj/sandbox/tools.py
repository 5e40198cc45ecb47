"""What each kind of task makes out of a request: bytes of a picture or a film."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from genproj.sandbox import descent, film, paint
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


# Counted up when the same shot makes another film, so that kept ones are not taken for it.
FILM_EDITION = 2
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
    if "strength" in request:
        # How much of the seed picture is painted over.
        parent = ImageOps.fit(opened[0], image.size)
        return Image.blend(parent, image, float(request["strength"]))
    role = descent.SOURCE if len(opened) == 1 else descent.REFERENCE
    return descent.descended(image, [descent.Parent(one, role) for one in opened])


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
    request = asked.request
    picture = painted(asked)
    settings = (request.get("providerSettings") or {}).get("google") or {}
    take = film.Take(
        width=picture.width // 2 * 2,
        height=picture.height // 2 * 2,
        seconds=int(request.get("duration") or 8),
        seed=asked.seed,
        sound=settings.get("generateAudio") is not False,
    )
    return film.filmed(picture, asked.format, take)


def shot(wanted: dict[str, Any], pictures: dict[str, bytes]) -> bytes:
    """A film for Google's door; `pictures` are those that came with the request, by name."""
    width, height = wanted["width"], wanted["height"]
    scale = film.PICTURE_SIDE / max(width, height)
    size = round(width * scale), round(height * scale)
    frames = {
        place: ImageOps.fit(_decoded(pictures[wanted[place]]), size)
        for place in ("first", "last")
        if place in wanted
    }
    brief = paint.Brief(
        model=wanted["model"],
        prompt=wanted["prompt"],
        negative=wanted["negative"],
        seed=wanted["seed"],
        references=tuple(wanted.get("references", ())),
    )
    picture = frames.get("first") or paint.painted(brief, *size)
    for name in wanted.get("references", ()):
        picture = Image.blend(picture, ImageOps.fit(_decoded(pictures[name]), size), 0.25)
    take = film.Take(width, height, wanted["seconds"], wanted["seed"], wanted["sound"])
    return film.filmed(picture, "MP4", take, frames.get("last"))


def drawn(wanted: dict[str, Any], inputs: list[bytes]) -> bytes:
    """A picture for Google's door; `inputs` are those that it is to be made from."""
    names = tuple(wanted["inputs"])
    brief = paint.Brief(wanted["model"], wanted["prompt"], "", wanted["seed"], names)
    image = paint.painted(brief, wanted["width"], wanted["height"])
    alone = descent.SOURCE if len(inputs) == 1 else descent.REFERENCE
    roles = wanted.get("roles") or [alone] * len(inputs)
    parents = [
        descent.Parent(_decoded(content), role) for content, role in zip(inputs, roles, strict=True)
    ]
    return paint.encoded(descent.descended(image, parents), "PNG")


def mark(wanted: dict[str, Any]) -> str:
    """Equal for equal shots."""
    said = json.dumps([FILM_EDITION, wanted], sort_keys=True)
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:32]


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


def _decoded(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


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
