"""Cities, planets and northern lights."""

import math
from functools import partial

from PIL import Image, ImageFilter

from genproj.sandbox.scenes.canvas import Canvas, Pen
from genproj.sandbox.scenes.colour import Colour, Light
from genproj.sandbox.scenes.land import _firs
from genproj.sandbox.scenes.sky import sky

# left, top, right, bottom, and which roof
Tower = tuple[float, float, float, float, int]
WINDOW = Colour(0.88, 0.11, 80)


def city(canvas: Canvas, light: Light, words: str) -> None:
    """A skyline over wet ground."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    ground = h * chance.uniform(0.7, 0.78)
    sky(canvas, light, (w * chance.uniform(0.2, 0.8), h * chance.uniform(0.2, 0.45)), ground)
    lamps = 0.9 if light.top.l < 0.5 else 0.25
    for i in range(4):
        depth = (i + 0.6) / 4
        towers = _towers(canvas, ground, h * (0.5 - 0.06 * i), s * (0.05 + 0.018 * i))
        shade = light.at(depth)
        canvas.shape(
            partial(_houses, towers),
            shade,
            shade.mixed(light.horizon, 0.3 * (1 - depth)),
        )
        canvas.shape(
            partial(_windows, canvas, towers, i),
            WINDOW.turned(chance.uniform(-30, 20)),
            alpha=lamps * depth,
        )
        canvas.mist(ground - h * 0.03, h * 0.16, light.horizon, 0.5 * (1 - depth))
    for _ in range(26):
        tone = chance.choice((WINDOW, light.accent, Colour(0.75, 0.15, 20), Colour(0.8, 0.12, 200)))
        canvas.glow(
            chance.random() * w,
            ground - chance.random() * h * 0.05,
            s * chance.uniform(0.01, 0.05),
            tone,
            0.75 * lamps,
        )
    canvas.reflect(ground, light.at(0.9), 0.3)
    canvas.glints(w / 2, ground, WINDOW, 240, 0.9)


def _towers(canvas: Canvas, ground: float, tall: float, wide: float) -> list[Tower]:
    chance, x = canvas.chance, -wide
    found = []
    while x < canvas.w:
        width = wide * chance.uniform(0.6, 1.5)
        middle = 1 - abs((x + width / 2) / canvas.w - 0.5) * 0.9
        height = tall * middle * chance.uniform(0.35, 1.0)
        found.append((x, ground - height, x + width, ground, chance.randrange(5)))
        x += width * chance.uniform(0.85, 1.1)
    return found


def _houses(towers: list[Tower], pen: Pen) -> None:
    for left, top, right, bottom, kind in towers:
        pen.box(left, top, right, bottom)
        middle, wide = (left + right) / 2, right - left
        if kind == 0:
            pen.polygon([(left, top), (middle, top - wide * 0.5), (right, top)])
        elif kind == 1:
            pen.box(left + wide * 0.2, top - wide * 0.35, right - wide * 0.2, top)
            pen.box(middle - wide * 0.02, top - wide, middle + wide * 0.02, top)
        elif kind == 2:
            pen.polygon([(left, top), (right, top - wide * 0.45), (right, top)])


def _windows(canvas: Canvas, towers: list[Tower], row: int, pen: Pen) -> None:
    chance, size = canvas.chance, canvas.s * (0.0032 + 0.0012 * row)
    for left, top, right, bottom, _ in towers:
        share = chance.uniform(0.12, 0.5)
        across = int((right - left) / (size * 2.6))
        for i in range(1, across):
            for j in range(1, int((bottom - top) / (size * 3.4))):
                if chance.random() < share:
                    x, y = left + i * size * 2.6, top + j * size * 3.4
                    pen.box(
                        x - size * 0.7,
                        y,
                        x + size * 0.5,
                        y + size * 1.5,
                        chance.randrange(110, 256),
                    )


def space(canvas: Canvas, light: Light, words: str) -> None:
    """A planet before a nebula."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    hue = chance.uniform(0, 360)
    canvas.gradient(
        Colour(0.11, 0.03, hue), Colour(0.15, 0.05, hue + 30), Colour(0.09, 0.03, hue + 60)
    )
    for turn, level in ((0, 0.62), (50, 0.55), (320, 0.7)):
        cloud = canvas.noise(w, h, 2, 2, octaves=4)
        veil = [round(max(0.0, (value - 70) / 185) ** 2.2 * 120) for value in range(256)]
        canvas.add(cloud.point(veil), Colour(level, 0.13, hue + turn))
    canvas.stars(900, 1.3)
    for _ in range(7):
        x, y, size = chance.random() * w, chance.random() * h, s * chance.uniform(0.01, 0.035)
        canvas.glow(x, y, size, Colour(0.96, 0.03, hue + 180), 1)
    _planet(
        canvas,
        w * chance.uniform(0.35, 0.65),
        h * chance.uniform(0.4, 0.62),
        s * chance.uniform(0.2, 0.3),
        hue + chance.uniform(120, 240),
    )
    _planet(
        canvas, w * chance.uniform(0.08, 0.25), h * chance.uniform(0.1, 0.3), s * 0.045, hue + 40
    )


def _planet(canvas: Canvas, x: float, y: float, radius: float, hue: float) -> None:
    lit, dark = Colour(0.82, 0.11, hue), Colour(0.12, 0.05, hue + 40)
    side = round(radius * 2)
    canvas.glow(x - radius * 0.2, y - radius * 0.2, radius * 1.9, lit, 0.4)
    bands = canvas.noise(side, side, 1, 7, octaves=4)
    ball = Image.composite(
        Image.new("RGB", (side, side), lit.rgb),
        Image.new("RGB", (side, side), Colour(0.55, 0.13, hue + 35).rgb),
        bands,
    )
    ball = ball.rotate(18, Image.Resampling.BICUBIC)
    shade = Image.radial_gradient("L").resize((side * 2, side * 2), Image.Resampling.BILINEAR)
    # The light falls in from the upper left.
    offset = round(side * 0.66)
    shade = shade.crop((offset, offset, offset + side, offset + side))
    shade = shade.point([min(255, round((level / 108) ** 1.9 * 255)) for level in range(256)])
    ball.paste(Image.new("RGB", (side, side), dark.rgb), (0, 0), shade)
    pen = Pen()
    pen.ellipse(radius, radius, radius - 1, radius - 1)
    disc = pen.mask((0, 0, side, side))
    ringed = radius > canvas.s * 0.1 and canvas.chance.random() < 0.6
    if ringed:
        _ring(canvas, x, y, radius, lit.lighter(-0.12), math.pi)
    canvas.image.paste(ball, (round(x - radius), round(y - radius)), disc)
    if ringed:
        _ring(canvas, x, y, radius, lit, 0)


def _ring(canvas: Canvas, x: float, y: float, radius: float, tone: Colour, start: float) -> None:
    """Half a ring: the far one from pi, drawn before the planet, or the near one from 0."""
    tilt = 0.32

    def point(angle: float, far: float) -> tuple[float, float]:
        px, py = math.cos(angle) * far, math.sin(angle) * far * 0.24
        return (
            x + px * math.cos(tilt) - py * math.sin(tilt),
            y + px * math.sin(tilt) + py * math.cos(tilt),
        )

    for inner, outer, alpha in ((1.35, 1.62, 0.6), (1.66, 1.82, 0.4), (1.86, 2.15, 0.5)):
        angles = [start + math.pi * i / 72 for i in range(73)]
        band = [point(a, outer * radius) for a in angles] + [
            point(a, inner * radius) for a in angles[::-1]
        ]
        canvas.area(band, tone.lighter(0.1), alpha=alpha)


def aurora(canvas: Canvas, light: Light, words: str) -> None:
    """Curtains of light over dark firs."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    hue = chance.uniform(140, 190)
    canvas.gradient(Colour(0.13, 0.05, 275), Colour(0.22, 0.06, 240), Colour(0.32, 0.07, hue + 30))
    canvas.stars(500, 0.85)
    for i in range(4):
        curtain = Image.new("L", (96, 96))
        pixels = bytearray(96 * 96)
        phase, base = chance.uniform(0, 6.3), chance.uniform(44, 66)
        for x in range(96):
            foot = base + 9 * math.sin(x / 96 * 5 + phase) + 5 * math.sin(x / 96 * 13 + phase * 3)
            bright = 0.45 + 0.55 * math.sin(x / 96 * 9 + phase * 2) ** 2 * (
                0.6 + 0.4 * chance.random()
            )
            for y in range(96):
                up = foot - y
                level = math.exp(-up / 20) if up > 0 else math.exp(up / 2.2)
                pixels[y * 96 + x] = round(255 * min(1.0, level * bright))
        curtain.frombytes(bytes(pixels))
        mask = curtain.filter(ImageFilter.GaussianBlur(0.8)).resize(
            (w, h), Image.Resampling.BICUBIC
        )
        mask = mask.point([round(level * 0.62) for level in range(256)])
        canvas.add(mask, Colour(0.8, 0.19, hue + i * chance.uniform(10, 55)))
    for depth in (0.5, 0.8):
        line = canvas.ridge(h * (0.74 + 0.1 * depth), h * 0.14, 0.5)
        canvas.area(
            line,
            Colour(0.2 - 0.1 * depth, 0.04, 250),
        )
    canvas.reflect(h * 0.84, Colour(0.12, 0.04, 250), 0.35)
    dark = Light(
        "aurora",
        light.top,
        light.middle,
        Colour(0.3, 0.05, hue),
        light.sun,
        Colour(0.2, 0.04, 240),
        Colour(0.07, 0.02, 250),
        light.accent,
    )
    _firs(canvas, dark, h * 0.94, h * 0.24)
    canvas.glow(w / 2, h * 0.5, s * 0.6, Colour(0.7, 0.12, hue), 0.15)
