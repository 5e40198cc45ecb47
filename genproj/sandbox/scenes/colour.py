"""Colours in OKLCH, where equal steps look equal, and the lights in which a scene can stand."""

import math
import random
from dataclasses import dataclass, replace

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Colour:
    """Lightness 0 to 1, chroma 0 to about 0.3, hue in degrees."""

    l: float  # noqa: E741
    c: float
    h: float

    @property
    def rgb(self) -> RGB:
        a = self.c * math.cos(math.radians(self.h))
        b = self.c * math.sin(math.radians(self.h))
        x = (self.l + 0.3963377774 * a + 0.2158037573 * b) ** 3
        y = (self.l - 0.1055613458 * a - 0.0638541728 * b) ** 3
        z = (self.l - 0.0894841775 * a - 1.2914855480 * b) ** 3
        return (
            _encoded(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z),
            _encoded(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z),
            _encoded(-0.0041960863 * x - 0.7034186147 * y + 1.7076147010 * z),
        )

    def mixed(self, other: "Colour", share: float) -> "Colour":
        """The colour on the straight way to another, without detours through other hues."""
        share = max(0.0, min(1.0, share))
        ours, theirs = math.radians(self.h), math.radians(other.h)
        a = self.c * math.cos(ours) * (1 - share) + other.c * math.cos(theirs) * share
        b = self.c * math.sin(ours) * (1 - share) + other.c * math.sin(theirs) * share
        lightness = self.l + (other.l - self.l) * share
        return Colour(lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)))

    def lighter(self, amount: float) -> "Colour":
        return replace(self, l=max(0.0, min(1.0, self.l + amount)))

    def turned(self, degrees: float) -> "Colour":
        return replace(self, h=self.h + degrees)


def _encoded(linear: float) -> int:
    linear = max(0.0, min(1.0, linear))
    value = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(255 * value)


@dataclass(frozen=True)
class Light:
    """The colours of an hour: three of the sky, the sun's, things far and near, and one accent."""

    name: str
    top: Colour
    middle: Colour
    horizon: Colour
    sun: Colour
    far: Colour
    near: Colour
    accent: Colour

    @property
    def dark(self) -> bool:
        return self.top.l < 0.3

    def at(self, depth: float) -> Colour:
        """The colour of a thing at a depth from 0 (far) to 1 (near)."""
        return self.far.mixed(self.near, depth)


def _light(name: str, *triples: tuple[float, float, float]) -> Light:
    return Light(name, *(Colour(*triple) for triple in triples))


# name: top, middle, horizon, sun, far, near, accent
LIGHTS = {
    light.name: light
    for light in (
        _light("dawn", (0.66, 0.07, 250), (0.82, 0.07, 345), (0.93, 0.07, 75), (0.97, 0.06, 85),
               (0.76, 0.055, 300), (0.30, 0.06, 265), (0.72, 0.15, 25)),
        _light("day", (0.60, 0.11, 245), (0.78, 0.075, 228), (0.95, 0.03, 100), (0.99, 0.03, 95),
               (0.76, 0.055, 228), (0.36, 0.075, 165), (0.70, 0.16, 45)),
        _light("dusk", (0.36, 0.09, 280), (0.60, 0.13, 10), (0.86, 0.12, 65), (0.95, 0.11, 80),
               (0.58, 0.10, 350), (0.19, 0.05, 285), (0.75, 0.16, 60)),
        _light("ember", (0.30, 0.06, 255), (0.55, 0.10, 45), (0.82, 0.14, 75), (0.94, 0.12, 85),
               (0.56, 0.09, 50), (0.17, 0.035, 40), (0.70, 0.19, 40)),
        _light("night", (0.15, 0.045, 272), (0.25, 0.07, 262), (0.43, 0.085, 235), (0.95, 0.03, 95),
               (0.33, 0.065, 250), (0.09, 0.03, 268), (0.82, 0.14, 80)),
        _light("fog", (0.74, 0.02, 235), (0.83, 0.018, 215), (0.92, 0.025, 85), (0.97, 0.03, 90),
               (0.82, 0.016, 215), (0.34, 0.03, 225), (0.66, 0.14, 35)),
        _light("storm", (0.30, 0.03, 250), (0.46, 0.03, 235), (0.76, 0.04, 120), (0.90, 0.05, 105),
               (0.52, 0.03, 225), (0.17, 0.025, 230), (0.72, 0.12, 70)),
        _light("winter", (0.68, 0.05, 250), (0.83, 0.04, 240), (0.95, 0.03, 50), (0.98, 0.03, 70),
               (0.86, 0.03, 240), (0.42, 0.05, 255), (0.65, 0.15, 25)),
        _light("autumn", (0.62, 0.05, 225), (0.80, 0.06, 90), (0.92, 0.08, 80), (0.97, 0.07, 90),
               (0.74, 0.09, 70), (0.30, 0.07, 45), (0.64, 0.18, 40)),
    )
}  # fmt: skip


def lit(name: str, chance: random.Random) -> Light:
    """A light, a little different every time."""
    light = LIGHTS[name]
    turn = chance.uniform(-14, 14)
    parts = ("top", "middle", "horizon", "far", "near")
    return replace(light, **{part: getattr(light, part).turned(turn) for part in parts})
