"""A short film of one painted picture: a camera that moves, light that wanders, dust in the air."""

import math
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageChops

from genproj.sandbox.scenes.canvas import Canvas
from genproj.sandbox.sound import Humming

FRAMES_PER_SECOND = 24
# Frames are composed small and enlarged by the encoder's scaler, which is many times quicker.
COMPOSED_SIDE = 640
# The picture is larger than what the camera sees of it.
PICTURE_SIDE = 768
CONTAINERS = {
    "MP4": ("mp4", "libx264", "aac"), "MOV": ("mov", "libx264", "aac"),
    "WEBM": ("webm", "libvpx", "libopus"),
}  # fmt: skip
QUICK = {"preset": "ultrafast", "crf": "27", "g": "48"}
QUICK_WEBM = {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "2M"}
MOTES = 26


@dataclass(frozen=True)
class Take:
    """How a film is to be taken."""

    width: int
    height: int
    seconds: int
    seed: int
    sound: bool = True


def filmed(
    picture: Image.Image, container: str, take: Take, last: Image.Image | None = None
) -> bytes:
    """The film of a picture; with `last` it turns into that. Equal for equal values."""
    name, codec, voice = CONTAINERS[container]
    scene = Scene(picture, take, last)
    with tempfile.TemporaryDirectory() as folder:
        # The index can come first in the file only if the file can be read again while written.
        path = Path(folder) / f"film.{name}"
        options = {} if name == "webm" else {"movflags": "+faststart"}
        with av.open(str(path), "w", format=name, options=options) as output:
            stream: Any = output.add_stream(codec, rate=FRAMES_PER_SECOND)
            stream.width, stream.height, stream.pix_fmt = take.width, take.height, "yuv420p"
            stream.options = QUICK_WEBM if name == "webm" else QUICK
            # One thread makes the same bytes on every machine, and leaves the other cores alone.
            stream.codec_context.thread_count = 1
            humming = Humming(output, voice, take.seed) if take.sound else None
            for index in range(take.seconds * FRAMES_PER_SECOND):
                if humming and index % FRAMES_PER_SECOND == 0:
                    humming.second(index // FRAMES_PER_SECOND, take.seconds)
                frame = scene.at(index / FRAMES_PER_SECOND)
                larger = frame.reformat(take.width, take.height, interpolation="BICUBIC")
                larger.pts = index
                output.mux(stream.encode(larger))
            output.mux(stream.encode(None))
            if humming:
                humming.end()
        return path.read_bytes()


class Scene:
    """What the camera sees at every moment, in the planes that the encoder works on."""

    def __init__(self, picture: Image.Image, take: Take, last: Image.Image | None) -> None:
        scale = min(1.0, COMPOSED_SIDE / max(take.width, take.height))
        # Rows whose length the encoder's buffers take as they are.
        self._width = max(128, round(take.width * scale / 128) * 128)
        self._height = max(16, round(take.height * scale / 2) * 2)
        self._seconds = take.seconds
        chance = random.Random(take.seed)
        self._first, self._last = _planes(picture), _planes(last) if last else None
        self._way = chance.choice((1, -1))
        self._push = chance.choice((0.2, 0.16, -0.16, 0.05))
        self._pan = chance.uniform(0.03, 0.07) if abs(self._push) > 0.1 else 0.09
        self._rise = chance.uniform(-0.05, 0.05)
        self._clouds = self._drifting(chance)
        self._glow = self._shining()
        self._tone = chance.choice(((116, 140), (136, 122), (120, 138)))
        self._motes = [
            (chance.random(), chance.random(), chance.uniform(0.4, 1), chance.uniform(0, 6.3))
            for _ in range(MOTES)
        ]
        self._falls = chance.choice((1, -1))
        self._dots = [_dot(radius) for radius in (2, 3, 5)]

    def at(self, second: float) -> av.VideoFrame:
        moment = second / max(self._seconds, 1)
        eased = 0.5 * moment + 0.5 * moment * moment * (3 - 2 * moment)
        corners = self._corners(eased, second)
        planes = self._seen(self._first, corners)
        if self._last:
            share = min(1.0, max(0.0, (moment - 0.25) / 0.7))
            pairs = zip(planes, self._seen(self._last, corners), strict=True)
            planes = [Image.blend(one, other, share) for one, other in pairs]
        light = planes[0]
        across = round(self._way * second * self._width / 14) % (self._clouds.width // 2)
        shade = self._clouds.crop((across, 0, across + self._width, self._height))
        planes[0] = light = ImageChops.multiply(light, shade)
        self._shine(planes, second)
        self._dust(light, second)
        frame = av.VideoFrame(self._width, self._height, "yuv420p")
        for plane, image in zip(frame.planes, planes, strict=True):
            if plane.line_size != image.width:
                image = image.crop((0, 0, plane.line_size, image.height))
            plane.update(image.tobytes())
        return frame

    def _corners(self, eased: float, second: float) -> tuple[float, ...]:
        """The part in view, in shares: what is near, below, moves more than what is far."""
        push = self._push * eased + max(0.0, -self._push)
        sway = 0.004 * math.sin(second * 1.9)
        pan = self._way * self._pan * (eased - 0.5)
        rise = self._rise * (eased - 0.5)
        far, near = 0.44 * (1 - 0.45 * push), 0.44 * (1 - 1.15 * push)
        at_far, at_near = 0.5 + pan * 0.75 + sway, 0.5 + pan * 1.1 + sway
        middle = (far + near) / 2
        top, bottom = 0.5 - middle + rise, 0.5 + middle + rise
        return (
            at_far - far, top, at_near - near, bottom, at_near + near, bottom, at_far + far, top
        )  # fmt: skip

    def _seen(self, planes: list[Image.Image], corners: tuple[float, ...]) -> list[Image.Image]:
        seen = []
        for plane, part in zip(planes, (1, 2, 2), strict=True):
            place = tuple(
                share * (plane.height if odd else plane.width)
                for share, odd in zip(corners, (0, 1) * 4, strict=True)
            )
            size = (self._width // part, self._height // part)
            seen.append(
                plane.transform(size, Image.Transform.QUAD, place, Image.Resampling.BILINEAR)
            )
        return seen

    def _drifting(self, chance: random.Random) -> Image.Image:
        """Shadows of clouds, four times as wide as the frame and without a seam."""
        noise = Canvas(64, 64, chance).noise(self._width, self._height, 2, 2, 3)
        noise = noise.point([176 + level * 79 // 255 for level in range(256)])
        tile = Image.new("L", (self._width * 4, self._height))
        mirrored = noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for place in range(4):
            tile.paste(noise if place % 2 == 0 else mirrored, (place * self._width, 0))
        return tile

    def _shining(self) -> Image.Image:
        side = round(max(self._width, self._height) * 0.45) * 2
        glow = Image.radial_gradient("L").resize((side, side), Image.Resampling.BILINEAR)
        # Pillow's gradient grows outwards, and reaches 181 in the middle of the sides.
        return glow.point([max(0, 178 - level) * 88 // 178 for level in range(256)])

    def _shine(self, planes: list[Image.Image], second: float) -> None:
        """A glow that wanders across the upper half, and tints what it falls on."""
        turn = second * 0.55 * self._way
        side = self._glow.width
        x = round(self._width * (0.25 + 0.21 * math.sin(turn)) - side / 4) * 2
        y = round(self._height * (0.13 + 0.06 * math.cos(turn)) - side / 4) * 2
        left, top = max(0, x), max(0, y)
        right, bottom = min(self._width, x + side), min(self._height, y + side)
        light = self._glow.crop((left - x, top - y, right - x, bottom - y))
        planes[0].paste(235, (left, top), light)
        tint = light.reduce(2)
        for plane, tone in zip(planes[1:], self._tone, strict=True):
            plane.paste(tone, (left // 2, top // 2), tint)

    def _dust(self, light: Image.Image, second: float) -> None:
        for x, y, nearness, phase in self._motes:
            dot = self._dots[min(2, int(nearness * 3))]
            sway = 0.02 * math.sin(second * 1.3 + phase)
            left = ((x + sway + self._way * second * 0.02 * nearness) % 1.1 - 0.05) * self._width
            top = ((y + self._falls * second * 0.035 * nearness) % 1.1 - 0.05) * self._height
            if math.sin(second * 2.2 + phase) > -0.6:
                light.paste(235, (round(left), round(top)), dot)


def _planes(picture: Image.Image) -> list[Image.Image]:
    """Brightness and colour of a picture, within the bounds that video has for them."""
    light, *colours = picture.convert("YCbCr").split()
    bounded = light.point([16 + level * 219 // 255 for level in range(256)])
    narrowed = [128 + round((level - 128) * 224 / 255) for level in range(256)]
    return [bounded, *(colour.point(narrowed).reduce(2) for colour in colours)]


def _dot(radius: int) -> Image.Image:
    dot = Image.radial_gradient("L").resize((radius * 2 + 1, radius * 2 + 1))
    return dot.point([max(0, 178 - level) * 150 // 178 for level in range(256)])
