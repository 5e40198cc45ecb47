"""What stands above most scenes: the sky, its sun or moon, and birds."""

import math

from genproj.sandbox.scenes.canvas import Canvas, Pen
from genproj.sandbox.scenes.colour import Light


def sky(canvas: Canvas, light: Light, sun: tuple[float, float], horizon: float) -> None:
    """Everything down to the horizon; below it the horizon's colour goes on."""
    canvas.gradient(light.top, light.middle, light.horizon, light.horizon.mixed(light.middle, 0.25))
    if light.dark:
        canvas.stars(320, horizon / canvas.h)
        canvas.clouds(light.middle.lighter(0.12), 0.55, upto=horizon / canvas.h)
    else:
        canvas.clouds(light.horizon.lighter(0.03), 0.6, upto=horizon / canvas.h)
        canvas.clouds(light.far.mixed(light.middle, 0.4), 0.35, upto=horizon / canvas.h, stretch=7)
    radius = canvas.s * (0.035 if light.dark else 0.05)
    canvas.glow(*sun, canvas.s * 0.75, light.sun, 0.45)
    canvas.glow(*sun, canvas.s * 0.22, light.sun, 0.6)
    if light.name not in ("fog", "storm"):
        canvas.shape(
            lambda pen: pen.ellipse(*sun, radius, radius), light.sun, blur=canvas.s * 0.0015
        )


def birds(canvas: Canvas, light: Light, height: float) -> None:
    chance = canvas.chance
    middle = (canvas.w * chance.uniform(0.2, 0.8), height * chance.uniform(0.5, 1))

    def flock(pen: Pen) -> None:
        for _ in range(chance.randrange(3, 9)):
            x = middle[0] + chance.gauss(0, 0.09) * canvas.s
            y = middle[1] + chance.gauss(0, 0.045) * canvas.s
            span = canvas.s * chance.uniform(0.006, 0.014)
            lift = chance.uniform(0.2, 0.7)
            wing = [
                (x + span * t, y - span * lift * math.sin(abs(t) * 2.6))
                for t in (-1, -0.6, -0.3, 0, 0.3, 0.6, 1)
            ]
            pen.line(wing, canvas.s * 0.0016)

    canvas.shape(flock, light.at(0.85), alpha=0.85)
