"""Paints a picture that is a pure function of what was asked."""

import hashlib
import random
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

PILLOW_FORMATS = {"JPG": "JPEG", "PNG": "PNG", "WEBP": "WEBP"}


@dataclass(frozen=True)
class Brief:
    model: str
    prompt: str
    negative: str
    seed: int
    references: tuple[str, ...]

    def chance(self) -> random.Random:
        parts = "\x1f".join(
            [self.model, self.prompt, self.negative, str(self.seed), *self.references]
        )
        return random.Random(hashlib.sha256(parts.encode()).digest())


def painted(brief: Brief, width: int, height: int) -> Image.Image:
    chance = brief.chance()
    tiny = Image.new("RGB", (3, 3))
    tiny.putdata([tuple(chance.randrange(256) for _ in range(3)) for _ in range(9)])
    return tiny.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, file_format: str, quality: int = 95) -> bytes:
    """The same bytes for the same picture, every time."""
    file = BytesIO()
    if file_format == "JPG" and image.mode != "RGB":
        image = image.convert("RGB")
    options = {"compress_level": 3} if file_format == "PNG" else {"quality": quality}
    image.save(file, PILLOW_FORMATS[file_format], **options)
    return file.getvalue()
