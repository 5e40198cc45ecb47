"""Paints a picture that is a pure function of what was asked; its words choose the motif."""

import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageOps

from genproj.sandbox.scenes import figures, flowers, indoors, land, night, water
from genproj.sandbox.scenes.canvas import Canvas
from genproj.sandbox.scenes.colour import LIGHTS, Light, lit

Scene = Callable[[Canvas, Light, str], None]

PILLOW_FORMATS = {"JPG": "JPEG", "PNG": "PNG", "WEBP": "WEBP"}
WORKING_SIDE = 1024

# First match wins: the more special motif stands before the more general.
MOTIFS: tuple[tuple[str, Scene], ...] = (
    (r"lighthouses?|beacon|leuchtturm|phare", water.coast),
    (r"auroras?|northern lights|polar", night.aurora),
    (r"planets?|space|galaxy|nebula|cosm\w+|astronaut|star ?ship|saturn|orbit", night.space),
    (r"cats?|kittens?|katze", figures.cat),
    (r"portraits?|wom[ae]n|m[ae]n|girl|boy|face|person|people|king|queen", figures.portrait),
    (r"city|cities|streets?|skyline|skyscrapers?|market|tokyo|neon|town|downtown", night.city),
    (r"deserts?|dunes?|sahara|sand|camels?|canyon", land.dunes),
    (r"forests?|woods?|woodland|jungle|trees|pines?|redwoods?|birch\w*", land.forest),
    (r"flowers?|botanical|roses?|tulips?|peon\w+|garden|lea(?:f|ves)|orchids?", flowers.botanical),
    (r"seas?|ocean|coast\w*|beach|waves?|harbou?r|boats?|ships?|sail\w*|island", water.coast),
    (r"mountains?|alps?|alpine|peaks?|lakes?|valley|fjord|landscape", land.mountains),
    (r"meadows?|hills?|fields?|tree|prairie|farm|countryside|spring", land.meadow),
    (r"teapot|kettle|vases?|bottles?|still life|table|bowl|cup|fruit|jug", indoors.still_life),
    (r"abstract|marble|fluid|agate|patterns?|texture|liquid|ink|swirl\w*", indoors.agate),
)
# What comes when no word says where.
ANYWHERE: tuple[Scene, ...] = (
    land.mountains, water.coast, indoors.agate, land.dunes, flowers.botanical, land.meadow,
    indoors.still_life, land.forest, night.aurora,
)  # fmt: skip
HOURS = (
    ("fog|foggy|mist|misty|haze|hazy", "fog"),
    ("storm\\w*|rain\\w*|thunder|tempest|gloomy", "storm"),
    ("dawn|sunrise|morning", "dawn"),
    ("dusk|sunset|twilight|evening", "dusk"),
    ("golden|embers?|fire|fiery|warm|copper|lava", "ember"),
    ("night|midnight|moon\\w*|dark|neon|stars", "night"),
    ("winter|snow\\w*|ice|icy|frost\\w*|frozen|white", "winter"),
    ("autumn|fall|october", "autumn"),
    ("noon|day|summer|sunny|bright|blue", "day"),
)
OIL = "oil|impasto|painting|painterly|brush\\w*|gouache|watercolou?r|impression\\w*"


@dataclass(frozen=True)
class Brief:
    model: str
    prompt: str
    negative: str
    seed: int
    references: tuple[str, ...]

    @property
    def words(self) -> str:
        return self.prompt.lower()

    def chance(self) -> random.Random:
        parts = [self.model, self.prompt, self.negative, str(self.seed), *self.references]
        return random.Random(
            hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).digest()
        )


def painted(brief: Brief, width: int, height: int) -> Image.Image:
    """The picture of a brief: equal for equal briefs and sizes."""
    chance = brief.chance()
    scale = min(1.0, WORKING_SIDE / max(width, height))
    canvas = Canvas(max(16, round(width * scale)), max(16, round(height * scale)), chance)
    scene = _motif(brief)
    scene(canvas, lit(_hour(brief, chance), chance), brief.words)
    picture = canvas.image
    if re.search(rf"\b({OIL})\b", brief.words):
        picture = _brushed(picture, chance)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return _finished(picture, chance)


def _motif(brief: Brief) -> Scene:
    for words, scene in MOTIFS:
        if re.search(rf"\b({words})\b", brief.words):
            return scene
    # Of the prompt alone, so that the results of one task are variations of one thing.
    return random.Random(brief.prompt).choice(ANYWHERE)


def _hour(brief: Brief, chance: random.Random) -> str:
    for words, hour in HOURS:
        if re.search(rf"\b({words})\b", brief.words):
            return hour
    return chance.choice([*LIGHTS])


def _brushed(picture: Image.Image, chance: random.Random) -> Image.Image:
    """The picture again in strokes, first broad ones and then fine, along a slow swirl."""
    source = picture.resize((max(2, picture.width // 4), max(2, picture.height // 4)))
    raw = source.tobytes()
    pixels = list(zip(raw[::3], raw[1::3], raw[2::3], strict=True))
    angles = Canvas(source.width, source.height, chance).noise(*source.size, 2, 2, 2).tobytes()
    draw = ImageDraw.Draw(picture)
    side = min(picture.size)
    original = picture.copy()
    for count, length, wide in ((900, 0.028, 0.011), (2600, 0.014, 0.0055), (4500, 0.007, 0.003)):
        for _ in range(count):
            x, y = chance.randrange(source.width), chance.randrange(source.height)
            reach = side * length * chance.uniform(0.5, 1)
            dx, dy = reach, reach * (angles[y * source.width + x] - 128) / 128
            shift = chance.randrange(-9, 10)
            tone = tuple(max(0, min(255, value + shift)) for value in pixels[y * source.width + x])
            ends = (x * 4 - dx, y * 4 - dy, x * 4 + dx, y * 4 + dy)
            draw.line(ends, fill=tone, width=max(1, round(side * wide)))
    return Image.blend(original, picture, 0.8)


def _finished(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A breath of grain and a darker rim, as a lens and a film would leave."""
    grain = Image.frombytes("L", (256, 256), chance.randbytes(65536)).point(
        [118 + level * 20 // 255 for level in range(256)]
    )
    tile = Image.new("L", picture.size)
    for left in range(0, picture.width, 256):
        for top in range(0, picture.height, 256):
            tile.paste(grain, (left, top))
    picture = ImageChops.overlay(picture, Image.merge("RGB", [tile] * 3))
    rim = ImageOps.invert(Image.radial_gradient("L")).point(
        [min(255, 196 + level) for level in range(256)]
    )
    rim = rim.resize(picture.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(picture, Image.merge("RGB", [rim] * 3))


def encoded(image: Image.Image, file_format: str, quality: int = 95) -> bytes:
    """The same bytes for the same picture, every time."""
    file = BytesIO()
    if file_format == "JPG" and image.mode != "RGB":
        image = image.convert("RGB")
    if file_format == "PNG":
        image.save(file, "PNG", compress_level=3)
    else:
        image.save(file, PILLOW_FORMATS[file_format], quality=quality)
    return file.getvalue()
