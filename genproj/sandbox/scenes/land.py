"""Mountains, dunes, forests and meadows."""

import math

from genproj.sandbox.scenes.canvas import Canvas, Pen, Point
from genproj.sandbox.scenes.colour import Colour, Light
from genproj.sandbox.scenes.sky import birds, sky

SNOW = Colour(0.97, 0.015, 240)


def mountains(canvas: Canvas, light: Light, words: str) -> None:
    """Ridges behind ridges in aerial perspective, sometimes over a lake."""
    chance, w, h = canvas.chance, canvas.w, canvas.h
    lake = "lake" in words or "reflection" in words or chance.random() < 0.35
    horizon = h * (0.68 if lake else 0.9)
    sun = (w * chance.uniform(0.2, 0.8), h * chance.uniform(0.16, 0.36))
    sky(canvas, light, sun, h * 0.8)
    ridges = 5
    for i in range(ridges):
        depth = i / (ridges - 1) * (0.75 if lake else 0.85)
        base = h * (0.46 + 0.24 * i / ridges) + (h * 0.1 if not lake else 0)
        line = canvas.ridge(base, h * (0.34 - 0.035 * i), 0.52, points=256)
        shade = light.at(depth)
        haze = light.horizon.mixed(shade, 0.45 + 0.4 * depth)
        canvas.area(line, shade, haze)
        if i == 1 and (light.name in ("winter", "day", "dawn") or "snow" in words):
            _snow(canvas, line, h * 0.13)
        canvas.mist(base + h * 0.04, h * 0.16, light.horizon, 0.5)
    if lake:
        canvas.reflect(horizon, light.at(0.6), 0.3)
        canvas.glints(sun[0], horizon, light.sun, 150, 0.2)
        canvas.mist(horizon, h * 0.06, light.horizon, 0.7)
    _firs(canvas, light, h * (0.93 if lake else 0.9), h * 0.26)
    birds(canvas, light, h * 0.4)


def _snow(canvas: Canvas, line: list[Point], depth: float) -> None:
    crest = line[1:-1]
    top = min(y for _, y in crest)
    under = [
        (
            x,
            y
            + max(0.0, depth - (y - top))
            * (0.6 + 0.25 * math.sin(i * 0.37) + 0.15 * math.sin(i * 0.9)),
        )
        for i, (x, y) in enumerate(crest)
    ]
    canvas.shape(lambda pen: pen.polygon([*crest, *under[::-1]]), SNOW, alpha=0.75)


def _firs(canvas: Canvas, light: Light, ground: float, tall: float) -> None:
    chance, w = canvas.chance, canvas.w
    for depth, size, count in ((0.85, 0.6, 34), (1.0, 1.0, 22)):
        line = canvas.ridge(ground + tall * 0.35 * depth, tall * 0.3, 0.5, points=64)
        clearing = chance.uniform(0.3, 0.7)
        trees = []
        for _ in range(count):
            x = chance.random()
            near = min(1.0, abs(x - clearing) * 2.4 + 0.12)
            base = line[1 + int(x * (len(line) - 3))][1]
            trees.append(
                (x * w, base + tall * 0.03, tall * size * near * chance.uniform(0.7, 1.15))
            )

        def grove(
            pen: Pen, line: list[Point] = line, trees: list[tuple[float, float, float]] = trees
        ) -> None:
            pen.polygon(line)
            for tree in trees:
                _fir(pen, *tree)

        canvas.shape(grove, light.at(depth), light.at(depth).lighter(-0.03))
        canvas.mist(ground + tall * 0.2, tall * 0.5, light.horizon, 0.28 * (1.2 - depth))


def _fir(pen: Pen, x: float, base: float, tall: float) -> None:
    left, right = [], []
    for i in range(9):
        share = i / 8
        reach = tall * (0.03 + 0.2 * share)
        y = base - tall * (1 - share * 0.94)
        left += [(x - reach * 0.55, y), (x - reach, y + tall * 0.045)]
        right += [(x + reach * 0.55, y), (x + reach, y + tall * 0.045)]
    pen.polygon([(x, base - tall * 1.04), *right, *left[::-1]])
    pen.box(x - tall * 0.015, base - tall * 0.06, x + tall * 0.015, base)


def dunes(canvas: Canvas, light: Light, words: str) -> None:
    """Sand in long curves, one flank lit and one in shade."""
    chance, w, h = canvas.chance, canvas.w, canvas.h
    sun = (w * chance.uniform(0.25, 0.75), h * chance.uniform(0.26, 0.4))
    sky(canvas, light, sun, h * 0.6)
    if "sun" in words or chance.random() < 0.5:
        radius = canvas.s * 0.1
        canvas.shape(
            lambda pen: pen.ellipse(*sun, radius, radius),
            light.sun,
            light.sun.mixed(light.horizon, 0.5),
        )
    sand = Colour(0.75, 0.1, 62).mixed(light.horizon, 0.25)
    dusk = Colour(0.38, 0.085, 25).mixed(light.near, 0.45)
    for i in range(5):
        depth = i / 4
        base, tall = h * (0.5 + 0.12 * i), h * (0.05 + 0.045 * i)
        phase, waves = chance.uniform(0, 6.3), chance.uniform(0.7, 1.5)
        crest = [(x * w / 64, base - tall * _wave(x / 64, phase, waves)) for x in range(65)]
        bright = light.far.mixed(sand, 0.35 + 0.65 * depth).lighter(-0.1 * depth)
        shade = light.far.mixed(dusk, 0.3 + 0.6 * depth)
        canvas.area(
            [(0, h), *crest, (w, h)],
            bright,
            bright.mixed(shade, 0.5),
        )
        peak = max(range(8, 57), key=lambda k: -crest[k][1])
        spine = [(crest[peak][0] + (k / 24) ** 1.3 * w * (0.2 * math.sin(k / 9 + phase) - 0.22),
                  crest[peak][1] + (h - crest[peak][1]) * k / 24) for k in range(25)]  # fmt: skip
        flank = [*crest[peak:], (w, h), *spine[::-1]]
        canvas.area(
            flank,
            shade,
            bright.mixed(shade, 0.6),
            alpha=0.85,
            blur=1.2,
        )
    canvas.mist(h * 0.55, h * 0.12, light.horizon, 0.5)


def _wave(x: float, phase: float, waves: float) -> float:
    return (
        math.sin(x * 3.1 * waves + phase) * 0.7 + math.sin(x * 6.7 * waves + phase * 2) * 0.22 + 0.5
    )


def forest(canvas: Canvas, light: Light, words: str) -> None:
    """Trunks in the haze, and light falling between them."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    glow = light.horizon.mixed(Colour(0.88, 0.1, 110), 0.45 if not light.dark else 0.1)
    canvas.gradient(glow.mixed(light.far, 0.5), glow.lighter(0.03), glow.mixed(light.at(0.5), 0.35))
    sun = (w * chance.uniform(0.3, 0.7), h * chance.uniform(0.22, 0.4))
    canvas.glow(*sun, s * 0.8, light.sun, 0.75)
    green = Colour(light.near.l + 0.02, 0.05, 150 if light.name != "autumn" else 50)
    for i in range(5):
        depth = i / 4
        shade = glow.mixed(light.far, 0.6).mixed(green.mixed(light.near, 0.4), 0.2 + 0.8 * depth)
        trunks = [_trunk(canvas, depth) for _ in range(11 - i * 2)]
        crown = canvas.ridge(h * (0.2 - 0.05 * i), h * 0.2, 0.72)

        def stand(pen: Pen, trunks: list[list[Point]] = trunks, crown: list[Point] = crown) -> None:
            for trunk in trunks:
                pen.polygon(trunk)
            pen.polygon([(0, 0), *[(x, y + h * 0.06) for x, y in crown[1:-1]], (w, 0)])

        canvas.shape(
            stand, shade.lighter(-0.03), shade.lighter(0.03), blur=max(0.0, (1 - depth) * 2)
        )
        floor = canvas.ridge(h * (0.8 + 0.05 * i), h * 0.05, 0.6)
        canvas.area(floor, shade, shade.lighter(-0.05))
        canvas.mist(h * (0.72 + 0.05 * i), h * 0.2, glow, 0.45 * (1 - depth))
        if i == 2:
            _shafts(canvas, sun, light)
    _ferns(canvas, green.mixed(light.near, 0.5))


def _trunk(canvas: Canvas, depth: float) -> list[Point]:
    x = canvas.w * canvas.chance.random()
    wide = canvas.s * (0.006 + 0.03 * depth**1.5) * canvas.chance.uniform(0.7, 1.3)
    lean = canvas.s * canvas.chance.uniform(-0.03, 0.03)
    foot = canvas.h * (0.9 + 0.1 * depth)
    return [(x - wide * 1.5, foot), (x - wide, foot * 0.9), (x + lean - wide * 0.7, 0),
            (x + lean + wide * 0.7, 0), (x + wide, foot * 0.9), (x + wide * 1.6, foot)]  # fmt: skip


def _shafts(canvas: Canvas, sun: Point, light: Light) -> None:
    for _ in range(5):
        lean = canvas.chance.uniform(-0.5, 0.5) * canvas.w
        wide = canvas.w * canvas.chance.uniform(0.02, 0.07)
        points = [
            sun,
            (sun[0] + lean - wide, canvas.h * 0.95),
            (sun[0] + lean + wide, canvas.h * 0.95),
        ]
        canvas.beam(points, light.sun, 0.22, canvas.s * 0.012)


def _ferns(canvas: Canvas, shade: Colour) -> None:
    chance, h, s = canvas.chance, canvas.h, canvas.s

    def fronds(pen: Pen) -> None:
        for _ in range(70):
            x, length = canvas.w * chance.random(), s * chance.uniform(0.03, 0.1)
            bend = chance.uniform(-1, 1)
            stem = [
                (x + bend * length * t * t, h * 1.01 - length * math.sin(t * 1.9))
                for t in (i / 8 for i in range(9))
            ]
            pen.line(stem, s * 0.003)
            for px, py in stem[1:]:
                reach = length * 0.16
                pen.line(
                    [(px - reach, py + reach * 0.4), (px, py), (px + reach, py + reach * 0.4)],
                    s * 0.002,
                )

    canvas.shape(fronds, shade.lighter(-0.05))


def meadow(canvas: Canvas, light: Light, words: str) -> None:
    """Rolling hills with a lone tree, and flowers in the grass."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    sky(canvas, light, (w * chance.uniform(0.2, 0.8), h * chance.uniform(0.2, 0.42)), h * 0.65)
    grass = Colour(0.58, 0.11, 125).mixed(light.near, 0.3)
    for i in range(4):
        depth = i / 3
        phase = chance.uniform(0, 6.3)
        line = [
            (x * w / 48, h * (0.58 + 0.11 * i) - h * 0.07 * math.sin(x / 48 * 4 + phase))
            for x in range(49)
        ]
        shade = light.far.mixed(grass, 0.35 + 0.65 * depth).lighter(-0.1 * depth)
        if i == 2:
            _tree(canvas, light, line[chance.randrange(12, 37)], s * 0.3)
        canvas.area(
            [(0, h), *line, (w, h)],
            shade.lighter(0.04),
            shade.lighter(-0.08),
        )
    for tone in (light.accent, light.sun, light.accent.turned(60)):

        def blossoms(pen: Pen) -> None:
            for _ in range(130):
                near = chance.random() ** 0.6
                y, size = h * (0.8 + 0.21 * near), s * (0.0015 + 0.006 * near)
                pen.ellipse(chance.random() * w, y, size, size * 0.8)

        canvas.shape(blossoms, tone, alpha=0.85)
    birds(canvas, light, h * 0.4)


def _tree(canvas: Canvas, light: Light, foot: Point, tall: float) -> None:
    chance, (x, y) = canvas.chance, foot
    leaf = light.near.mixed(Colour(0.45, 0.11, 55 if light.name == "autumn" else 140), 0.55)
    trunk = [(x - tall * 0.035, y + tall * 0.05), (x - tall * 0.012, y - tall * 0.5),
             (x + tall * 0.012, y - tall * 0.5), (x + tall * 0.04, y + tall * 0.05)]  # fmt: skip
    canvas.area(trunk, light.at(0.95))
    for tone, count, off in ((leaf.lighter(-0.05), 60, 0.0), (leaf.lighter(0.07), 34, -0.05)):

        def crown(pen: Pen, count: int = count, off: float = off) -> None:
            for _ in range(count):
                angle, far = chance.uniform(0, 6.3), chance.random() ** 0.5
                size = tall * chance.uniform(0.04, 0.1)
                at = (
                    x + math.cos(angle) * far * tall * 0.32 + off * tall,
                    y - tall * 0.66 + math.sin(angle) * far * tall * 0.26 + off * tall,
                )
                pen.ellipse(*at, size, size * 0.85)

        canvas.shape(crown, tone, tone.lighter(-0.06))
