"""Flowers and leaves."""

import math

from genproj.sandbox.scenes.canvas import Canvas, Point
from genproj.sandbox.scenes.colour import Colour, Light

PAPER = Colour(0.94, 0.025, 85)


def botanical(canvas: Canvas, light: Light, words: str) -> None:
    """Stems, leaves and blossoms, laid over one another like gouache on paper."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    deep = light.dark or light.name in ("storm", "ember") or chance.random() < 0.3
    ground = Colour(0.24, 0.04, light.near.h) if deep else PAPER.mixed(light.horizon, 0.35)
    canvas.gradient(ground.lighter(0.03), ground, ground.lighter(-0.05))
    canvas.glow(w * 0.4, h * 0.35, s * 0.8, light.horizon, 0.25)
    canvas.clouds(ground.mixed(light.middle, 0.4), 0.5, upto=1.0, stretch=1)
    hue = chance.choice((15, 40, 75, 350, 300, 260)) + chance.uniform(-12, 12)
    leaf = Colour(0.5 if not deep else 0.55, 0.075, chance.uniform(135, 175))
    plants = sorted((chance.random(), chance.uniform(0.25, 0.85)) for _ in range(9))
    chance.shuffle(plants)
    for i, (x, high) in enumerate(plants):
        depth = i / 8
        tone = ground.mixed(leaf.turned(chance.uniform(-20, 20)), 0.35 + 0.65 * depth)
        root = (w * (0.5 + (x - 0.5) * 0.8), h * 1.04)
        head = (w * (0.08 + 0.84 * x), h * (1 - high))
        stem = _stem(root, head, chance.uniform(-0.12, 0.12) * w)
        canvas.stroke(stem, s * 0.005, tone.lighter(-0.05))
        for at in range(4, 20, 3):
            _leaf(canvas, stem[at], chance.choice((-1, 1)), s * chance.uniform(0.07, 0.15), tone)
        bloom = Colour(
            chance.uniform(0.62, 0.85), chance.uniform(0.1, 0.17), hue + chance.uniform(-25, 35)
        )
        _flower(canvas, head, s * (0.05 + 0.08 * depth), ground.mixed(bloom, 0.45 + 0.55 * depth))


def _stem(root: Point, head: Point, bend: float) -> list[Point]:
    steps = [i / 24 for i in range(25)]
    return [
        (
            root[0] + (head[0] - root[0]) * t + bend * math.sin(math.pi * t),
            root[1] + (head[1] - root[1]) * t,
        )
        for t in steps
    ]


def petal(at: Point, angle: float, length: float, width: float) -> list[Point]:
    """The outline of a petal or a leaf that grows from a point."""
    points = []
    for i in range(21):
        t = i / 20
        out = math.sin(math.pi * t**0.8) * width
        points.append((t * length, out))
    outline = points + [(x, -y) for x, y in points[::-1]]
    cos, sin = math.cos(angle), math.sin(angle)
    return [(at[0] + x * cos - y * sin, at[1] + x * sin + y * cos) for x, y in outline]


def _leaf(canvas: Canvas, at: Point, side: int, length: float, tone: Colour) -> None:
    angle = -math.pi / 2 + side * canvas.chance.uniform(0.5, 1.2)
    outline = petal(at, angle, length, length * 0.2)
    canvas.area(outline, tone.lighter(0.05), tone.lighter(-0.05), alpha=0.9)
    tip = (at[0] + math.cos(angle) * length * 0.92, at[1] + math.sin(angle) * length * 0.92)
    canvas.stroke([at, tip], canvas.s * 0.0016, tone.lighter(0.14), alpha=0.7)


def _flower(canvas: Canvas, at: Point, size: float, tone: Colour) -> None:
    chance = canvas.chance
    count, turn = chance.choice((5, 6, 8, 12)), chance.uniform(0, 6.3)
    for ring, (far, shade) in enumerate(((1.0, -0.05), (0.74, 0.03), (0.5, 0.09))):
        for i in range(count):
            angle = turn + ring * math.pi / count + i * 2 * math.pi / count
            outline = petal(
                at, angle, size * far * chance.uniform(0.9, 1.1), size * far * 2 / count
            )
            shaded = tone.lighter(shade + chance.uniform(-0.02, 0.02))
            canvas.area(outline, shaded, shaded.lighter(-0.04), alpha=0.88)
    heart = Colour(0.8, 0.14, 85)
    canvas.shape(lambda pen: pen.ellipse(*at, size * 0.2, size * 0.2), heart, heart.lighter(-0.15))
