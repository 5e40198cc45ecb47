"""Flowers, a cat at the window, and faces without features."""

import math

from genproj.sandbox.scenes.canvas import Canvas, Pen, Point
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
        canvas.shape(lambda pen, line=stem: pen.line(line, s * 0.005), tone.lighter(-0.05))
        for at in range(4, 20, 3):
            _leaf(canvas, stem[at], chance.choice((-1, 1)), s * chance.uniform(0.07, 0.15), tone)
        bloom = Colour(
            chance.uniform(0.62, 0.85), chance.uniform(0.1, 0.17), hue + chance.uniform(-25, 35)
        )
        _flower(canvas, head, s * (0.05 + 0.08 * depth), ground.mixed(bloom, 0.45 + 0.55 * depth))


def _stem(root: Point, head: Point, bend: float) -> list[Point]:
    steps = [i / 24 for i in range(25)]
    return [(root[0] + (head[0] - root[0]) * t + bend * math.sin(math.pi * t),
             root[1] + (head[1] - root[1]) * t) for t in steps]  # fmt: skip


def _petal(at: Point, angle: float, length: float, width: float) -> list[Point]:
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
    outline = _petal(at, angle, length, length * 0.2)
    canvas.shape(
        lambda pen: pen.polygon(outline), tone.lighter(0.05), tone.lighter(-0.05), alpha=0.9
    )
    tip = (at[0] + math.cos(angle) * length * 0.92, at[1] + math.sin(angle) * length * 0.92)
    canvas.shape(lambda pen: pen.line([at, tip], canvas.s * 0.0016), tone.lighter(0.14), alpha=0.7)


def _flower(canvas: Canvas, at: Point, size: float, tone: Colour) -> None:
    chance = canvas.chance
    count, turn = chance.choice((5, 6, 8, 12)), chance.uniform(0, 6.3)
    for ring, (far, shade) in enumerate(((1.0, -0.05), (0.74, 0.03), (0.5, 0.09))):
        for i in range(count):
            angle = turn + ring * math.pi / count + i * 2 * math.pi / count
            outline = _petal(
                at, angle, size * far * chance.uniform(0.9, 1.1), size * far * 2 / count
            )
            petal = tone.lighter(shade + chance.uniform(-0.02, 0.02))
            canvas.shape(
                lambda pen, all=outline: pen.polygon(all), petal, petal.lighter(-0.04), alpha=0.88
            )
    heart = Colour(0.8, 0.14, 85)
    canvas.shape(lambda pen: pen.ellipse(*at, size * 0.2, size * 0.2), heart, heart.lighter(-0.15))


def portrait(canvas: Canvas, light: Light, words: str) -> None:
    """A bust in flat shapes, lit from one side."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    back = light.middle.mixed(light.accent, 0.25)
    canvas.gradient(back.lighter(0.06), back, back.mixed(light.near, 0.35))
    x, y, size = w * 0.5, h * 0.46, s * 0.2
    side = chance.choice((-1, 1))
    halo = (x - side * size * 0.5, y - size * 0.2)
    canvas.shape(lambda pen: pen.ellipse(*halo, size * 1.75, size * 1.75), light.sun, light.horizon)
    canvas.glow(*halo, s * 0.6, light.sun, 0.4)
    skin = Colour(chance.choice((0.42, 0.55, 0.68, 0.8)), 0.07, chance.uniform(45, 62))
    hair = Colour(chance.choice((0.2, 0.28, 0.45, 0.7)), 0.06, chance.uniform(30, 75))
    cloth = light.accent.turned(chance.choice((0, 120, 180, 220)))
    locks = chance.uniform(1.1, 2.1)
    canvas.shape(lambda pen: _hair(pen, x, y, size, locks), hair, hair.lighter(-0.06))
    neck = [
        (x - size * 0.34, y),
        (x + size * 0.34, y),
        (x + size * 0.42, y + size * 1.6),
        (x - size * 0.42, y + size * 1.6),
    ]
    canvas.shape(lambda pen: pen.polygon(neck), skin.lighter(-0.09))
    canvas.shape(
        lambda pen: _shoulders(pen, x, y, size, h), cloth.lighter(0.03), cloth.lighter(-0.12)
    )
    canvas.shape(lambda pen: _face(pen, x, y, size), skin.lighter(0.03), skin)
    shade = [(x, y - size * 1.1), (x + side * size * 1.2, y - size), (x + side * size * 1.2, y + size * 1.4),
             (x + side * size * 0.1, y + size * 1.15), (x - side * size * 0.12, y + size * 0.2)]  # fmt: skip

    canvas.shape(
        lambda pen: pen.polygon(shade),
        skin.lighter(-0.14),
        skin.lighter(-0.17),
        blur=size * 0.05,
        within=lambda pen: _face(pen, x, y, size),
    )
    canvas.shape(lambda pen: _fringe(pen, x, y, size, side), hair.lighter(0.03), hair)
    closed = skin.lighter(-0.26)
    for eye in (-1, 1):
        lid = [(x + size * (eye * 0.32 + t * 0.13), y + size * (0.12 + 0.07 * (1 - t * t))) for t in
               (i / 6 - 1 for i in range(13))]  # fmt: skip
        canvas.shape(lambda pen, line=lid: pen.line(line, size * 0.03), closed)
    nose = [
        (x - side * size * 0.02, y + size * 0.08),
        (x - side * size * 0.13, y + size * 0.42),
        (x + side * size * 0.02, y + size * 0.45),
    ]
    canvas.shape(lambda pen: pen.line(nose, size * 0.022), closed, alpha=0.8)
    mouth = Colour(0.52, 0.13, 22).mixed(skin, 0.25)
    canvas.shape(
        lambda pen: pen.ellipse(x, y + size * 0.69, size * 0.17, size * 0.055),
        mouth,
        mouth.lighter(-0.06),
    )


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
    pen.polygon([(x - size * 0.97, y - size * 0.2), (x + size * 0.97, y - size * 0.2),
                 (x + size * 0.9, y + size * locks), (x - size * 0.9, y + size * locks)])  # fmt: skip


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
        for t in (i / 12 - 1 for i in range(25))
    ]
    pen.polygon(
        [
            (x - size * 2.6, h),
            (x - size * 2.5, h * 0.96),
            *curve,
            (x + size * 2.5, h * 0.96),
            (x + size * 2.6, h),
        ]
    )


def cat(canvas: Canvas, light: Light, words: str) -> None:
    """A cat on a window sill, looking out."""
    w, h, s = canvas.w, canvas.h, canvas.s
    wall = light.near.mixed(light.accent, 0.25)
    canvas.gradient(wall.lighter(0.1), wall.lighter(0.04), wall)
    left, top, right, sill = (
        w * 0.5 - s * 0.38,
        h * 0.5 - s * 0.4,
        w * 0.5 + s * 0.38,
        h * 0.5 + s * 0.24,
    )
    canvas.shape(lambda pen: pen.box(left, top, right, sill), light.top, light.horizon)
    moon = (left + s * 0.52, top + s * 0.17)
    canvas.glow(*moon, s * 0.3, light.sun, 0.7)
    canvas.shape(lambda pen: pen.ellipse(*moon, s * 0.055, s * 0.055), light.sun)
    hills = [
        (left, sill),
        *[
            (left + i * s * 0.76 / 24, sill - s * (0.08 + 0.03 * math.sin(i / 3.2)))
            for i in range(25)
        ],
        (right, sill),
    ]
    canvas.shape(lambda pen: pen.polygon(hills), light.far, light.at(0.4))
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
    fur = Colour(0.2, 0.03, 50) if "black" in words else canvas.chance.choice(
        (Colour(0.2, 0.03, 50), Colour(0.62, 0.12, 58), Colour(0.5, 0.02, 240)))  # fmt: skip
    fur = (
        Colour(0.64, 0.14, 55)
        if any(word in words for word in ("ginger", "orange", "red"))
        else fur
    )
    canvas.shape(
        lambda pen: _cat(pen, w * 0.5 - s * 0.12, sill + s * 0.012, s * 0.36),
        fur.lighter(0.04),
        fur.lighter(-0.05),
    )
    plant = (right - s * 0.12, sill - s * 0.09)
    pot = Colour(0.58, 0.11, 45)
    for i in range(9):
        outline = _petal(plant, -math.pi / 2 + (i - 4) * 0.27, s * 0.17, s * 0.02)
        canvas.shape(
            lambda pen, all=outline: pen.polygon(all),
            Colour(0.5, 0.09, 145).lighter(0.02 * (i % 3)),
        )
    body = [
        (plant[0] - s * 0.05, plant[1]),
        (plant[0] + s * 0.05, plant[1]),
        (plant[0] + s * 0.036, sill),
        (plant[0] - s * 0.036, sill),
    ]
    canvas.shape(lambda pen: pen.polygon(body), pot, pot.lighter(-0.1))


def _cat(pen: Pen, x: float, base: float, size: float) -> None:
    body = [
        (
            x + math.sin(a) * size * (0.2 + 0.1 * (a / math.pi)),
            base - size * 0.62 * (1 - a / math.pi),
        )
        for a in (i * math.pi / 20 for i in range(21))
    ]
    pen.polygon([(x - size * 0.05, base - size * 0.7), *body, (x + size * 0.28, base), (x - size * 0.28, base),
                 *[(2 * x - px, py) for px, py in body[::-1]]])  # fmt: skip
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
