"""A cat at the window, and faces with closed eyes."""

import math
from functools import partial

from genproj.sandbox.scenes.canvas import Canvas, Pen, Point
from genproj.sandbox.scenes.colour import Colour, Light
from genproj.sandbox.scenes.flowers import PAPER, petal


def portrait(canvas: Canvas, light: Light, words: str) -> None:
    """A bust in flat shapes, lit from one side."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    back = light.middle.mixed(light.accent, 0.25)
    canvas.gradient(back.lighter(0.06), back, back.mixed(light.near, 0.35))
    canvas.clouds(back.lighter(0.07), 0.5, upto=1.0, stretch=1)
    x, y, size, side = w * 0.5, h * 0.46, s * 0.2, chance.choice((-1, 1))
    halo = (x - side * size * 0.5, y - size * 0.2)
    canvas.shape(lambda pen: pen.ellipse(*halo, size * 1.75, size * 1.75), light.sun, light.horizon)
    canvas.glow(*halo, s * 0.6, light.sun, 0.4)
    skin = Colour(chance.choice((0.5, 0.6, 0.7, 0.8)), 0.075, chance.uniform(48, 62))
    hair = Colour(chance.choice((0.22, 0.28, 0.4, 0.66)), 0.055, chance.uniform(35, 70))
    cloth = light.accent.turned(chance.choice((0, 150, 180, 220))).mixed(light.near, 0.25)
    short = any(word in words.split() for word in ("man", "men", "boy", "king"))
    locks = 0.05 if short else chance.uniform(0.9, 1.9)
    canvas.shape(lambda pen: _hair(pen, x, y, size, locks), hair, hair.lighter(-0.06))
    neck = [(x - size * 0.32, y), (x + size * 0.32, y)]
    neck += [(x + size * 0.42, y + size * 1.7), (x - size * 0.42, y + size * 1.7)]
    canvas.area(neck, skin.lighter(-0.14), skin.lighter(-0.06))
    canvas.shape(
        lambda pen: _shoulders(pen, x, y, size, h), cloth.lighter(0.05), cloth.lighter(-0.1)
    )
    _head(canvas, (x, y), size, side, skin)
    canvas.shape(lambda pen: _fringe(pen, x, y, size, side), hair.lighter(0.04), hair)


def _head(canvas: Canvas, at: Point, size: float, side: int, skin: Colour) -> None:
    x, y = at
    canvas.shape(lambda pen: _face(pen, x, y, size), skin.lighter(0.04), skin)
    shade = [(x + side * size * 0.2, y - size * 1.1), (x + side * size * 1.2, y - size)]
    shade += [(x + side * size * 1.2, y + size * 1.4), (x + side * size * 0.05, y + size * 1.2)]
    dark = skin.lighter(-0.13).turned(-14)
    canvas.area(
        shade, dark, alpha=0.75, blur=size * 0.16, within=lambda pen: _face(pen, x, y, size)
    )
    blush = Colour(0.65, 0.13, 25).mixed(skin, 0.4)
    for way in (-1, 1):
        cheek = (x + way * size * 0.38, y + size * 0.42)
        canvas.shape(
            partial(_dot, *cheek, size * 0.14, size * 0.09), blush, alpha=0.5, blur=size * 0.07
        )
        steps = [i / 6 - 1 for i in range(13)]
        lid = [
            (x + size * (way * 0.32 + t * 0.14), y + size * (0.1 + 0.07 * (1 - t * t)))
            for t in steps
        ]
        canvas.stroke(lid, size * 0.034, skin.lighter(-0.3))
        brow = [
            (x + size * (way * 0.33 + t * 0.16), y - size * (0.17 + 0.04 * (1 - t * t)))
            for t in steps
        ]
        canvas.stroke(brow, size * 0.028, skin.lighter(-0.24), alpha=0.7)
    nose = [(x + side * size * 0.05, y + size * 0.1), (x + side * size * 0.1, y + size * 0.42)]
    canvas.stroke([*nose, (x - side * size * 0.04, y + size * 0.45)], size * 0.02, dark, alpha=0.9)
    mouth = Colour(0.5, 0.13, 20).mixed(skin, 0.2)
    canvas.shape(partial(_dot, x, y + size * 0.68, size * 0.16, size * 0.04), mouth)


def _dot(x: float, y: float, rx: float, ry: float, pen: Pen) -> None:
    pen.ellipse(x, y, rx, ry)


def _face(pen: Pen, x: float, y: float, size: float) -> None:
    outline = []
    for i in range(64):
        angle = i / 64 * 2 * math.pi
        across, down = math.cos(angle), math.sin(angle)
        narrow = 1 - 0.26 * max(0.0, down) ** 1.5
        outline.append(
            (x + across * size * 0.72 * narrow, y + down * size * (1.04 if down > 0 else 0.95))
        )
    pen.polygon(outline)


def _hair(pen: Pen, x: float, y: float, size: float, locks: float) -> None:
    pen.ellipse(x, y - size * 0.2, size * 0.98, size * 1.02)
    pen.polygon(
        [
            (x - size * 0.97, y - size * 0.2),
            (x + size * 0.97, y - size * 0.2),
            (x + size * 0.9, y + size * locks),
            (x - size * 0.9, y + size * locks),
        ]
    )


def _fringe(pen: Pen, x: float, y: float, size: float, side: int) -> None:
    part = x - side * size * 0.25
    for way in (-1, 1):
        sweep = [(part, y - size * 1.12)]
        sweep += [
            (part + way * size * 0.95 * t, y - size * (1.12 - 1.15 * t**2.2))
            for t in (i / 10 for i in range(11))
        ]
        sweep += [
            (part + way * size * 0.8 * t, y - size * (0.86 - 0.75 * t**1.6))
            for t in (i / 10 for i in range(10, -1, -1))
        ]
        pen.polygon(sweep)


def _shoulders(pen: Pen, x: float, y: float, size: float, h: float) -> None:
    curve = [
        (x + t * size * 2.1, y + size * (1.35 + 0.75 * abs(t) ** 2.2))
        for t in (i / 12 - 1.5 for i in range(37))
    ]
    pen.polygon([(x - size * 3.2, h * 1.1), *curve, (x + size * 3.2, h * 1.1)])


def cat(canvas: Canvas, light: Light, words: str) -> None:
    """A cat on a window sill, looking out."""
    w, h, s = canvas.w, canvas.h, canvas.s
    wall = light.near.mixed(light.accent, 0.25)
    canvas.gradient(wall.lighter(0.1), wall.lighter(0.04), wall)
    left, top = w * 0.5 - s * 0.38, h * 0.5 - s * 0.4
    sill = h * 0.5 + s * 0.24
    _window(canvas, light, left, top, sill)
    furs = [Colour(0.2, 0.03, 50), Colour(0.62, 0.12, 58), Colour(0.5, 0.02, 240)]
    fur = canvas.chance.choice(furs)
    if "black" in words:
        fur = furs[0]
    elif any(word in words for word in ("ginger", "orange", "red")):
        fur = Colour(0.64, 0.14, 55)
    elif "white" in words:
        fur = Colour(0.92, 0.015, 80)
    canvas.shape(
        lambda pen: _cat(pen, w * 0.5 - s * 0.12, sill + s * 0.012, s * 0.36),
        fur.lighter(0.04),
        fur.lighter(-0.05),
    )
    _potted_plant(canvas, left + s * 0.64, sill)


def _window(canvas: Canvas, light: Light, left: float, top: float, sill: float) -> None:
    s, right = canvas.s, left + canvas.s * 0.76
    canvas.shape(lambda pen: pen.box(left, top, right, sill), light.top, light.horizon)
    moon = (left + s * 0.52, top + s * 0.17)
    canvas.glow(*moon, s * 0.3, light.sun, 0.7)
    canvas.shape(lambda pen: pen.ellipse(*moon, s * 0.055, s * 0.055), light.sun)
    crest = [sill - s * (0.08 + 0.03 * math.sin(i / 3.2)) for i in range(25)]
    hills = [(left + i * s * 0.76 / 24, y) for i, y in enumerate(crest)]
    canvas.area([(left, sill), *hills, (right, sill)], light.far, light.at(0.4))
    frame = PAPER.mixed(light.near, 0.45 if light.dark else 0.15)

    def bars(pen: Pen) -> None:
        t = s * 0.014
        for x in (left, (left + right) / 2, right):
            pen.box(x - t, top - t, x + t, sill)
        for y in (top, (top * 1.2 + sill * 0.8) / 2):
            pen.box(left - t, y - t, right + t, y + t)

    canvas.shape(bars, frame, frame.lighter(-0.08))
    canvas.shape(
        lambda pen: pen.box(left - s * 0.06, sill, right + s * 0.06, sill + s * 0.045),
        frame.lighter(0.04),
        frame.lighter(-0.12),
    )


def _potted_plant(canvas: Canvas, x: float, sill: float) -> None:
    s, top = canvas.s, sill - canvas.s * 0.09
    for i in range(9):
        outline = petal((x, top), -math.pi / 2 + (i - 4) * 0.27, s * 0.17, s * 0.02)
        canvas.area(outline, Colour(0.5, 0.09, 145).lighter(0.02 * (i % 3)))
    pot = Colour(0.58, 0.11, 45)
    sides = [(x - s * 0.05, top), (x + s * 0.05, top), (x + s * 0.036, sill), (x - s * 0.036, sill)]
    canvas.area(sides, pot, pot.lighter(-0.1))


def _cat(pen: Pen, x: float, base: float, size: float) -> None:
    body = [
        (
            x + math.sin(a) * size * (0.2 + 0.1 * (a / math.pi)),
            base - size * 0.62 * (1 - a / math.pi),
        )
        for a in (i * math.pi / 20 for i in range(21))
    ]
    pen.polygon(
        [
            (x - size * 0.05, base - size * 0.7),
            *body,
            (x + size * 0.28, base),
            (x - size * 0.28, base),
            *[(2 * x - px, py) for px, py in body[::-1]],
        ]
    )
    pen.ellipse(x, base - size * 0.2, size * 0.28, size * 0.22)
    pen.ellipse(x, base - size * 0.72, size * 0.19, size * 0.165)
    for way in (-1, 1):
        pen.polygon(
            [
                (x + way * size * 0.185, base - size * 0.75),
                (x + way * size * 0.165, base - size * 0.98),
                (x + way * size * 0.04, base - size * 0.85),
            ]
        )
    tail = [
        (x + size * 0.24 + size * 0.3 * math.sin(t * 2.2), base - size * 0.05 + size * 0.42 * t)
        for t in (i / 16 for i in range(17))
    ]
    pen.line(tail, size * 0.075)
    pen.ellipse(*tail[-1], size * 0.037, size * 0.037)
