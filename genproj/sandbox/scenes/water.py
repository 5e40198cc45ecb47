"""Coasts, lighthouses and sails."""

import math
from functools import partial

from genproj.sandbox.scenes.canvas import Canvas, Pen, Point
from genproj.sandbox.scenes.colour import Colour, Light
from genproj.sandbox.scenes.sky import birds, sky

WHITE = Colour(0.95, 0.015, 80)
RED = Colour(0.55, 0.17, 28)
LAMP = Colour(0.95, 0.11, 90)


def coast(canvas: Canvas, light: Light, words: str) -> None:
    """The open sea with headlands; a lighthouse or a sail when the words ask for one."""
    chance, w, h = canvas.chance, canvas.w, canvas.h
    horizon = h * chance.uniform(0.56, 0.66)
    side = chance.choice((-1, 1))
    sun = (w * (0.5 - side * chance.uniform(0.08, 0.26)), horizon - h * chance.uniform(0.02, 0.22))
    sky(canvas, light, sun, horizon)
    for depth in (0.15, 0.35):
        points = canvas.ridge(horizon + h * 0.01, h * (0.05 + 0.09 * depth), 0.5)
        points = [(x, min(horizon + 1, y + h * 0.05 * _slope(x / w, side))) for x, y in points]
        canvas.area(points, light.at(depth), light.at(depth * 0.6))
    canvas.reflect(horizon, light.at(0.55), 0.38)
    canvas.glints(sun[0], horizon, light.sun, 260, 0.16)
    canvas.glints(w / 2, horizon, light.horizon, 160, 0.9)
    canvas.mist(horizon, h * 0.09, light.horizon, 0.6)
    if any(word in words for word in ("sail", "boat", "ship", "regatta")):
        _sails(canvas, light, horizon)
    if any(word in words for word in ("lighthouse", "beacon", "tower", "leuchtturm", "phare")):
        _lighthouse(canvas, light, horizon, side)
    else:
        _cliff(canvas, light, horizon, side, h * chance.uniform(0.02, 0.12))
    birds(canvas, light, horizon * 0.7)
    if light.name in ("fog", "storm", "dawn") or "fog" in words or "mist" in words:
        for _ in range(3):
            canvas.mist(h * chance.uniform(0.5, 0.95), h * 0.22, light.horizon, 0.5)


def _slope(x: float, side: int) -> float:
    return 1 - x if side > 0 else x


def _cliff(canvas: Canvas, light: Light, horizon: float, side: int, rise: float) -> float:
    """The near land on one side. Gives the height of its top near that side."""
    w, h = canvas.w, canvas.h
    top = horizon - rise + h * 0.02
    for depth, reach, drop in ((0.7, 0.66, 0.0), (0.86, 0.52, 0.1), (1.0, 0.4, 0.22)):
        steps = 64
        rough = [y for _, y in canvas.ridge(0, 1, 0.62, points=steps)[1 : steps + 2]]
        line: list[Point] = []
        for step, jag in enumerate(rough):
            share = step / steps
            fall = 0.55 * share**3 + 0.45 * max(0.0, (share - 0.45) / 0.55) ** 1.5
            y = top + drop * h + fall * (h * 1.04 - top) + (jag + 0.5) * h * (0.012 + 0.05 * share)
            along = share * reach
            line.append((along * w if side < 0 else w - along * w, y))
        edge = 0.0 if side < 0 else float(w)
        points = [(edge, h * 1.2), *line, (line[-1][0], h * 1.2)]
        shade = light.at(depth)
        canvas.area(points, shade.lighter(0.06), shade.lighter(-0.06))
        canvas.mist(h * (0.8 + 0.2 * drop), h * 0.2, light.horizon, 0.22 * (1.1 - depth))
    return top


def _lighthouse(canvas: Canvas, light: Light, horizon: float, side: int) -> None:
    s, h, w = canvas.s, canvas.h, canvas.w
    ground = _cliff(canvas, light, horizon, side, h * 0.05) + h * 0.03
    x = w * (0.5 + side * canvas.chance.uniform(0.2, 0.27))
    tall = min(s * 0.46, ground * 0.72)
    lamp = ground - tall
    _beams(canvas, light, x, lamp + tall * 0.055, side)
    body = WHITE.mixed(light.near, 0.62 if light.dark else 0.12).mixed(light.horizon, 0.18)
    foot, neck = tall * 0.105, tall * 0.066

    def part(low: float, high: float, pen: Pen) -> None:
        at = [(neck + (foot - neck) * (1 - share)) for share in (low, high)]
        y = [ground + tall * 0.03 - tall * 0.83 * share for share in (low, high)]
        pen.polygon([(x - at[0], y[0]), (x - at[1], y[1]), (x + at[1], y[1]), (x + at[0], y[0])])

    canvas.shape(partial(part, 0, 1), body, body.lighter(-0.06))
    band = RED.mixed(light.near, 0.55 if light.dark else 0.1)
    for low in (0.14, 0.44, 0.74):
        canvas.shape(partial(part, low, low + 0.15), band, band.lighter(-0.04))
    # The side away from the sun lies in shade.
    shade = light.near.mixed(light.at(0.5), 0.3)
    away = [
        (x + side * foot, ground + tall * 0.03),
        (x + side * neck, ground - tall * 0.8),
        (x + side * neck * 0.1, ground - tall * 0.8),
        (x + side * foot * 0.25, ground + tall * 0.03),
    ]
    canvas.area(away, shade, alpha=0.38, blur=s * 0.004)
    dark = light.at(0.95)
    canvas.shape(lambda pen: _gallery(pen, x, lamp, tall, neck), dark, dark)
    canvas.shape(
        lambda pen: pen.box(x - neck * 0.55, lamp, x + neck * 0.55, lamp + tall * 0.1), LAMP
    )
    canvas.shape(lambda pen: _bars(pen, x, lamp, tall, neck), dark)
    canvas.glow(x, lamp + tall * 0.05, s * 0.17, LAMP, 0.95 if light.top.l < 0.5 else 0.55)
    _cottage(canvas, light, x + side * tall * 0.27, ground + tall * 0.03, tall)


def _gallery(pen: Pen, x: float, lamp: float, tall: float, neck: float) -> None:
    pen.box(x - neck * 1.35, lamp + tall * 0.1, x + neck * 1.35, lamp + tall * 0.125)
    pen.polygon([(x - neck * 0.85, lamp), (x, lamp - tall * 0.075), (x + neck * 0.85, lamp)])
    pen.box(x - tall * 0.004, lamp - tall * 0.12, x + tall * 0.004, lamp - tall * 0.06)
    for i in range(7):
        at = x - neck * 1.3 + i * neck * 2.6 / 6
        pen.box(at - tall * 0.002, lamp + tall * 0.07, at + tall * 0.002, lamp + tall * 0.1)
    pen.box(x - neck * 1.35, lamp + tall * 0.066, x + neck * 1.35, lamp + tall * 0.071)


def _bars(pen: Pen, x: float, lamp: float, tall: float, neck: float) -> None:
    for share in (-0.55, -0.18, 0.18, 0.55):
        at = x + neck * share
        pen.box(at - tall * 0.0025, lamp, at + tall * 0.0025, lamp + tall * 0.1)


def _beams(canvas: Canvas, light: Light, x: float, y: float, side: int) -> None:
    tilt = canvas.chance.uniform(-0.08, 0.1)
    strength = 0.5 if light.top.l < 0.5 else 0.28
    for way in (-side, side):
        far = x + way * canvas.w * 1.1
        drop = tilt * way * canvas.w
        points = [(x, y), (far, y + drop - canvas.s * 0.16), (far, y + drop + canvas.s * 0.12)]
        canvas.beam(points, LAMP, strength, canvas.s * 0.02)
        strength *= 0.6


def _cottage(canvas: Canvas, light: Light, x: float, ground: float, tall: float) -> None:
    wide, high = tall * 0.16, tall * 0.085
    wall = WHITE.mixed(light.near, 0.6 if light.dark else 0.3)
    canvas.shape(
        lambda pen: pen.box(x - wide / 2, ground - high, x + wide / 2, ground + high), wall
    )
    roof = [
        (x - wide * 0.6, ground - high),
        (x - wide * 0.36, ground - high * 1.9),
        (x + wide * 0.36, ground - high * 1.9),
        (x + wide * 0.6, ground - high),
    ]
    canvas.area(roof, light.at(0.9))
    canvas.shape(
        lambda pen: pen.box(
            x - wide * 0.1, ground - high * 0.7, x + wide * 0.08, ground - high * 0.25
        ),
        LAMP,
    )


def _sails(canvas: Canvas, light: Light, horizon: float) -> None:
    for depth in sorted(canvas.chance.uniform(0.1, 0.6) for _ in range(3)):
        x, y = (
            canvas.w * canvas.chance.uniform(0.2, 0.8),
            horizon + (canvas.h - horizon) * depth * 0.5,
        )
        size = canvas.s * (0.04 + 0.16 * depth)
        lean = canvas.chance.uniform(-0.1, 0.1) * size
        cloth = WHITE.mixed(light.horizon, 0.3)
        canvas.shape(
            partial(_sail, x, y, size, lean),
            cloth,
            cloth.mixed(light.at(0.6), 0.4),
        )
        hull = [
            (x - size * 0.42, y),
            (x + size * 0.5, y),
            (x + size * 0.34, y + size * 0.13),
            (x - size * 0.3, y + size * 0.13),
        ]
        canvas.area(hull, light.at(0.95))
        canvas.shape(
            partial(_shadow, x, y, size),
            cloth, alpha=0.3, blur=size * 0.06,
        )  # fmt: skip


def _shadow(x: float, y: float, size: float, pen: Pen) -> None:
    pen.ellipse(x, y + size * 0.3, size * 0.3, size * 0.16)


def _sail(x: float, y: float, size: float, lean: float, pen: Pen) -> None:
    curve = [
        (x + lean + size * 0.4 * math.sin(math.pi * t / 2), y - size * 1.25 * (1 - t))
        for t in (i / 12 for i in range(13))
    ]
    pen.polygon(
        [
            (x, y - size * 0.06),
            (x + lean, y - size * 1.25),
            *curve,
            (x + size * 0.42, y - size * 0.06),
        ]
    )
    pen.polygon(
        [
            (x - size * 0.05, y - size * 0.06),
            (x + lean - size * 0.04, y - size),
            (x - size * 0.36, y - size * 0.06),
        ]
    )
