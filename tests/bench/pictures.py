"""Prepared pictures: several hundred different real JPEGs of about 200 kB, made once and kept."""

import io
import random
from pathlib import Path

from PIL import Image

SIZE = (1024, 1024)
BYTES = 200_000
COUNT = 300


def prepare(folder: Path, *, count: int = COUNT) -> list[bytes]:
    """The pictures, made in `folder` when they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = sorted(folder.glob("*.jpg"))
    if len(kept) < count:
        _make(folder, count)
        kept = sorted(folder.glob("*.jpg"))
    return [path.read_bytes() for path in kept[:count]]


def _make(folder: Path, count: int) -> None:
    rough = Image.effect_noise((512, 512), 70).resize(SIZE, Image.Resampling.BICUBIC)
    quality = _quality_for(_picture(rough, 0))
    for number in range(count):
        path = folder / f"{number:04}.jpg"
        part = path.with_suffix(".part")
        part.write_bytes(_encoded(_picture(rough, number), quality))
        part.replace(path)


def _picture(rough: Image.Image, number: int) -> Image.Image:
    """Grain under coloured clouds that differ from picture to picture."""
    chance = random.Random(number)
    clouds = Image.new("RGB", (6, 6))
    clouds.putdata([tuple(chance.randrange(256) for _ in range(3)) for _ in range(36)])
    wide = clouds.resize(SIZE, Image.Resampling.BICUBIC)
    return Image.blend(wide, Image.merge("RGB", (rough, rough, rough)), 0.35)


def _quality_for(picture: Image.Image) -> int:
    return min(range(30, 96, 2), key=lambda quality: abs(len(_encoded(picture, quality)) - BYTES))


def _encoded(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
