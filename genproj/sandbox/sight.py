"""What can be seen in a picture, by rule: its shape, how light it is, and its colours."""

import base64
import binascii
import colorsys
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

SMALL = 48
HUES = (
    (15, "red"), (40, "orange"), (68, "yellow"), (165, "green"), (200, "turquoise"),
    (255, "blue"), (290, "violet"), (335, "pink"), (361, "red"),
)  # fmt: skip


@dataclass(frozen=True)
class Sight:
    width: int
    height: int
    light: int  # 0 to 100
    colours: tuple[str, ...]  # the commonest first
    contrast: int  # 0 to 100

    @property
    def shape(self) -> str:
        ratio = self.width / self.height
        name = "wide" if ratio > 1.15 else "upright" if ratio < 0.87 else "square"
        return f"{name} ({self.width} × {self.height})"

    @property
    def mood(self) -> str:
        return "dark" if self.light < 33 else "bright" if self.light > 66 else "of middle light"

    @property
    def said(self) -> str:
        named = " and ".join(self.colours[:2])
        return f"a {self.shape} picture, {self.mood}, mostly {named}"


def pictures(body: dict[str, Any]) -> list[Sight]:
    """What the last message shows, in its order."""
    content = body["messages"][-1]["content"]
    blocks = content if isinstance(content, list) else []
    return [sight for block in blocks if (sight := seen(block)) is not None]


def seen(block: dict[str, Any]) -> Sight | None:
    """What an image block shows; None for any other block, and for what is no picture."""
    source = block.get("source")
    if block.get("type") != "image" or not isinstance(source, dict):
        return None
    try:
        content = base64.b64decode(source.get("data", ""))
        with Image.open(BytesIO(content)) as image:
            size, small = image.size, image.convert("RGB").resize((SMALL, SMALL))
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError):
        return None
    return _sight(size, list(small.getdata()))


def _sight(size: tuple[int, int], dots: list[tuple[int, int, int]]) -> Sight:
    lights = sorted((3 * r + 6 * g + b) / 2550 for r, g, b in dots)
    named = Counter(_name(dot) for dot in dots)
    tenth = len(lights) // 10
    return Sight(
        width=size[0],
        height=size[1],
        light=round(100 * sum(lights) / len(lights)),
        colours=tuple(name for name, _ in named.most_common(3)),
        contrast=round(100 * (lights[-tenth - 1] - lights[tenth])),
    )


def _name(dot: tuple[int, int, int]) -> str:
    hue, light, full = colorsys.rgb_to_hls(*(part / 255 for part in dot))
    if light < 0.12:
        return "black"
    if light > 0.92:
        return "white"
    if full < 0.12:
        return "grey"
    return next(name for end, name in HUES if hue * 360 < end)


def described(sights: list[Sight], words: str) -> str:
    """One picture or several, in words."""
    if len(sights) == 1:
        [one] = sights
        contrast = "strong" if one.contrast > 55 else "soft"
        more = f" There is some {one.colours[2]} in it." if len(one.colours) > 2 else ""
        asked = f" As to “{words[:120]}”: I see colours and light, and no more." if words else ""
        return f"This is {one.said}, with {contrast} contrasts.{more}{asked}"
    lines = [f"Picture {place} is {one.said}." for place, one in enumerate(sights, start=1)]
    return f"{' '.join(lines)} {_difference(sights)}"


def _difference(sights: list[Sight]) -> str:
    brightest = max(range(len(sights)), key=lambda place: sights[place].light)
    darkest = min(range(len(sights)), key=lambda place: sights[place].light)
    shared = set(sights[0].colours).intersection(*(one.colours for one in sights[1:]))
    common = (
        f"All of them have {' and '.join(sorted(shared))}."
        if shared
        else ("They have no main colour in common.")
    )
    if sights[brightest].light - sights[darkest].light < 3:
        return f"{common} They are about equally bright."
    return f"{common} Picture {brightest + 1} is the brightest, picture {darkest + 1} the darkest."
