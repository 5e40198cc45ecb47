"""Things on a table, and patterns in stone: what is painted when no word names a place."""

import math

from PIL import Image, ImageChops, ImageFilter

from genproj.sandbox.scenes.canvas import Canvas, Pen, Point
from genproj.sandbox.scenes.colour import Colour, Light

# Profiles from the foot upwards: (height, half width) in shares of a thing's height.
THINGS: dict[str, list[Point]] = {
    "bottle": [
        (0, 0.17),
        (0.03, 0.19),
        (0.5, 0.19),
        (0.62, 0.14),
        (0.68, 0.06),
        (0.95, 0.055),
        (0.96, 0.07),
        (1, 0.07),
    ],
    "vase": [
        (0, 0.13),
        (0.1, 0.22),
        (0.35, 0.31),
        (0.6, 0.24),
        (0.78, 0.12),
        (0.92, 0.12),
        (1, 0.19),
    ],
    "jug": [(0, 0.2), (0.12, 0.29), (0.4, 0.31), (0.65, 0.22), (0.85, 0.18), (1, 0.24)],
    "bowl": [(0, 0.2), (0.08, 0.22), (0.12, 0.3), (0.5, 0.62), (1, 0.78)],
    "cup": [(0, 0.3), (0.1, 0.38), (0.6, 0.46), (1, 0.5)],
    "fruit": [(0, 0.2), (0.12, 0.42), (0.45, 0.54), (0.75, 0.47), (0.94, 0.24), (1, 0.04)],
    "box": [(0, 0.36), (1, 0.36)],
}
TALL = {
    "bottle": 0.46,
    "vase": 0.4,
    "jug": 0.3,
    "bowl": 0.15,
    "cup": 0.13,
    "fruit": 0.12,
    "box": 0.2,
}
TONES = {
    "red": 25, "orange": 55, "yellow": 95, "gold": 85, "green": 145, "teal": 190, "blue": 250,
    "purple": 305, "violet": 300, "pink": 355, "brown": 50,
}  # fmt: skip


def still_life(canvas: Canvas, light: Light, words: str) -> None:
    """A few vessels in soft light from the left."""
    chance, w, h, s = canvas.chance, canvas.w, canvas.h, canvas.s
    wall = light.middle.mixed(Colour(0.8, 0.03, 80), 0.5)
    table = light.near.mixed(Colour(0.62, 0.06, 60), 0.6)
    edge = h * 0.66
    canvas.gradient(wall.lighter(-0.07), wall.lighter(0.03), wall.lighter(-0.02))
    canvas.clouds(wall.lighter(-0.1), 0.5, upto=1.0, stretch=1)
    canvas.glow(w * 0.12, h * 0.1, s * 1.1, light.sun, 0.35)
    canvas.shape(lambda pen: pen.box(0, edge, w, h), table.lighter(0.07), table.lighter(-0.1))
    named = [name for name in THINGS if name in words]
    named += ["jug"] if "teapot" in words or "kettle" in words else []
    names = named + chance.choices([*THINGS], k=max(0, 6 - len(named)))
    asked = [hue for word, hue in TONES.items() if word in words.split()]
    base_hue = chance.uniform(0, 360)
    names.sort(key=lambda name: -TALL[name])
    places = [w / 2 + s * (i - (len(names) - 1) / 2) * 0.13 for i in range(len(names))]
    chance.shuffle(places)
    for i, name in enumerate(names):
        hue = (
            asked[0]
            if asked and (name in named or i == 0)
            else base_hue + chance.choice((0, 35, 160, 200))
        )
        chroma = 0.15 if asked and (name in named or i == 0) else chance.uniform(0.02, 0.1)
        tone = Colour(chance.uniform(0.5, 0.85), chroma, hue)
        tall = s * TALL[name] * chance.uniform(0.85, 1.15)
        foot = (places[i], edge + h * (0.03 + 0.11 * i / len(names)) + chance.uniform(0, 0.02) * h)
        _thing(canvas, name, foot, tall, tone.mixed(light.near, 0.25 if light.dark else 0.05))


def _thing(canvas: Canvas, name: str, foot: Point, tall: float, tone: Colour) -> None:
    x, base = foot
    profile = _smooth(THINGS[name])
    right = [(x + half * tall, base - up * tall) for up, half in profile]
    outline = right + [(2 * x - px, py) for px, py in right[::-1]]
    half = profile[0][1] * tall
    widest = max(one[1] for one in profile) * tall
    fall = [
        (x - half, base),
        (x + half, base + tall * 0.03),
        (x + half + tall * 1.1, base + tall * 0.3),
        (x + half * 0.4 + tall, base + tall * 0.36),
    ]
    canvas.area(
        fall,
        tone.mixed(Colour(0.2, 0.03, 280), 0.8),
        alpha=0.42,
        blur=canvas.s * 0.012,
    )

    def body(pen: Pen) -> None:
        pen.polygon(outline)
        pen.ellipse(x, base, half, half * 0.16)

    canvas.shape(body, tone.lighter(0.03), tone.lighter(-0.07))

    top, foot_y = base - tall * 1.1, base + tall * 0.1
    for start, end, shade, alpha in ((0.2, 1.7, -0.2, 0.85), (-0.62, -0.36, 0.16, 0.85)):
        left, right_edge = x + start * widest, x + end * widest
        canvas.area(
            [(left, top), (right_edge, top), (right_edge, foot_y), (left, foot_y)],
            tone.lighter(shade),
            alpha=alpha,
            blur=widest * 0.22,
            within=body,
        )
    if profile[-1][1] > 0.045:
        rim = profile[-1][1] * tall
        canvas.shape(
            lambda pen: pen.ellipse(x, base - tall, rim, rim * 0.2),
            tone.lighter(-0.22),
            tone.lighter(-0.12),
        )


def _smooth(profile: list[Point]) -> list[Point]:
    """The profile with its corners rounded off."""
    for _ in range(3):
        corners = [profile[0]]
        for (u1, v1), (u2, v2) in zip(profile, profile[1:], strict=False):
            corners += [
                (u1 * 0.75 + u2 * 0.25, v1 * 0.75 + v2 * 0.25),
                (u1 * 0.25 + u2 * 0.75, v1 * 0.25 + v2 * 0.75),
            ]
        profile = [*corners, profile[-1]]
    return profile


def agate(canvas: Canvas, light: Light, words: str) -> None:
    """Bands of poured colour, with the light on their edges."""
    chance, w, h = canvas.chance, canvas.w, canvas.h
    # Half the size and scaled up, because the bands of a field of 256 steps have rough edges.
    small = (max(2, w // 2), max(2, h // 2))
    field = Image.blend(canvas.noise(*small, 2, 2, 3), canvas.noise(*small, 4, 4, 2), 0.2)
    field = field.filter(ImageFilter.GaussianBlur(7))
    hue, span = chance.uniform(0, 360), chance.choice((40, 70, 130, 190))
    tones = [
        Colour(chance.uniform(0.3, 0.93), chance.uniform(0.03, 0.14), hue + span * chance.random())
        for _ in range(9)
    ]
    tones[2], tones[5], tones[7] = (
        Colour(0.96, 0.02, hue),
        Colour(0.82, 0.12, 85),
        Colour(0.25, 0.06, hue + span),
    )
    swirl = chance.uniform(1.2, 2.4)
    table = [_band(tones, level / 255 * swirl).rgb for level in range(256)]
    channels = [field.point([tone[i] for tone in table]) for i in range(3)]
    picture = Image.merge("RGB", channels).filter(ImageFilter.GaussianBlur(1))
    picture = picture.resize((w, h), Image.Resampling.BICUBIC)
    grey = picture.convert("L").filter(ImageFilter.GaussianBlur(2))
    relief = ImageChops.subtract(grey, ImageChops.offset(grey, 4, 5), 1.6, 128)
    canvas.image = ImageChops.overlay(picture, Image.merge("RGB", [relief] * 3))
    canvas.glow(w * 0.3, h * 0.25, canvas.s * 0.8, Colour(0.9, 0.05, hue), 0.25)


def _band(tones: list[Colour], place: float) -> Colour:
    at = place * (len(tones) - 1) % (len(tones) - 1)
    index = int(at)
    share = at - index
    # Colours hold for most of a band, then change quickly: poured, not blended.
    share = 0.5 + 0.5 * math.tanh((share - 0.5) * 5)
    return tones[index].mixed(tones[index + 1], share)
