"""Brushes: soft gradients, glows, clouds of noise and smooth-edged shapes, quick on one core."""

import math
import random
from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from genproj.sandbox.scenes.colour import Colour

Point = tuple[float, float]
# The level of Pillow's radial gradient in the middle of its sides.
RIM = 181
Box = tuple[int, int, int, int]
Drawing = Callable[["Pen"], None]


class Pen:
    """Notes strokes, then lays them down at twice the size, so that edges come out smooth."""

    def __init__(self) -> None:
        self._strokes: list[tuple[str, list[Point], int, float]] = []

    def polygon(self, points: Sequence[Point], ink: int = 255) -> None:
        self._strokes.append(("polygon", list(points), ink, 0))

    def ellipse(self, x: float, y: float, rx: float, ry: float, ink: int = 255) -> None:
        self._strokes.append(("ellipse", [(x - rx, y - ry), (x + rx, y + ry)], ink, 0))

    def box(self, left: float, top: float, right: float, bottom: float, ink: int = 255) -> None:
        self._strokes.append(("rectangle", [(left, top), (right, bottom)], ink, 0))

    def line(self, points: Sequence[Point], width: float, ink: int = 255) -> None:
        self._strokes.append(("line", list(points), ink, width))

    def bounds(self, width: int, height: int, margin: float) -> Box | None:
        """The part of a canvas that the strokes and a margin touch."""
        xs = [x for _, points, _, _ in self._strokes for x, _ in points]
        ys = [y for _, points, _, _ in self._strokes for _, y in points]
        if not xs:
            return None
        margin += max(wide for *_, wide in self._strokes) + 2
        left, top = max(0, int(min(xs) - margin)), max(0, int(min(ys) - margin))
        right = min(width, int(max(xs) + margin) + 1)
        bottom = min(height, int(max(ys) + margin) + 1)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def mask(self, box: Box) -> Image.Image:
        left, top, right, bottom = box
        mask = Image.new("L", ((right - left) * 2, (bottom - top) * 2))
        draw = ImageDraw.Draw(mask)
        for kind, points, ink, width in self._strokes:
            at = [((x - left) * 2, (y - top) * 2) for x, y in points]
            if kind == "line":
                draw.line(at, fill=ink, width=max(1, round(width * 2)), joint="curve")
            elif kind == "polygon":
                draw.polygon(at, fill=ink)
            else:
                (x0, y0), (x1, y1) = at
                corners = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
                (draw.ellipse if kind == "ellipse" else draw.rectangle)(corners, fill=ink)
        return mask.reduce(2)


class Canvas:
    def __init__(self, width: int, height: int, chance: random.Random) -> None:
        self.w, self.h = width, height
        self.s = min(width, height)
        self.chance = chance
        self.image = Image.new("RGB", (width, height))

    def gradient(self, *colours: Colour) -> None:
        """Fill everything from top to bottom."""
        self.image = self._gradient(self.w, self.h, colours)

    def shape(
        self,
        drawing: Drawing,
        top: Colour,
        bottom: Colour | None = None,
        *,
        alpha: float = 1.0,
        blur: float = 0.0,
        within: Drawing | None = None,
    ) -> None:
        """Lay one shape over the picture, shaded from its top to its bottom."""
        found = self._mask(drawing, blur)
        if found is None:
            return
        box, mask = found
        if within:
            inside = Pen()
            within(inside)
            mask = ImageChops.multiply(mask, inside.mask(box))
        if alpha < 1:
            mask = mask.point([round(level * alpha) for level in range(256)])
        fill = self._gradient(mask.width, mask.height, (top, bottom or top))
        self.image.paste(fill, box[:2], mask)

    def area(
        self,
        points: Sequence[Point],
        top: Colour,
        bottom: Colour | None = None,
        *,
        alpha: float = 1.0,
        blur: float = 0.0,
        within: Drawing | None = None,
    ) -> None:
        """Lay one polygon over the picture."""

        def drawing(pen: Pen) -> None:
            pen.polygon(points)

        self.shape(drawing, top, bottom, alpha=alpha, blur=blur, within=within)

    def stroke(
        self, points: Sequence[Point], width: float, colour: Colour, *, alpha: float = 1.0
    ) -> None:
        """Draw one line over the picture."""

        def drawing(pen: Pen) -> None:
            pen.line(points, width)

        self.shape(drawing, colour, alpha=alpha)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Add light around a point."""
        side = max(2, round(radius * 2))
        falloff = [round(255 * strength * max(0.0, 1 - level / RIM) ** 2.2) for level in range(256)]
        mask = (
            Image.radial_gradient("L")
            .point(falloff)
            .resize((side, side), Image.Resampling.BILINEAR)
        )
        left, top = round(x - radius), round(y - radius)
        box = (max(0, left), max(0, top), min(self.w, left + side), min(self.h, top + side))
        if box[0] >= box[2] or box[1] >= box[3]:
            return
        mask = mask.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
        self._screen(box, mask, colour)

    def beam(self, points: Sequence[Point], colour: Colour, strength: float, blur: float) -> None:
        """Add light in the form of a polygon."""

        def drawing(pen: Pen) -> None:
            pen.polygon(points)

        found = self._mask(drawing, blur)
        if found:
            box, mask = found
            self._screen(box, mask.point([round(level * strength) for level in range(256)]), colour)

    def mist(self, y: float, height: float, colour: Colour, alpha: float) -> None:
        """A drifting band of fog around a height, denser in the middle."""
        high = max(4, round(height))
        top = round(y - high / 2)
        wisps = self.noise(self.w, high, 3, 2, octaves=3)
        steps = bytes(round(255 * math.sin(math.pi * (i + 0.5) / 64) ** 1.5) for i in range(64))
        band = Image.frombytes("L", (1, 64), steps).resize((self.w, high), Image.Resampling.BICUBIC)
        mask = ImageChops.multiply(
            band, wisps.point([120 + level * 135 // 255 for level in range(256)])
        )
        mask = mask.point([round(level * alpha) for level in range(256)])
        self.image.paste(Image.new("RGB", (self.w, high), colour.rgb), (0, top), mask)

    def clouds(
        self, colour: Colour, alpha: float, *, upto: float = 0.6, stretch: float = 4
    ) -> None:
        """Soft clouds that thin out towards a height."""
        high = max(4, round(self.h * upto))
        mask = self.noise(self.w, high, 3, max(2, round(3 * stretch / 2)), octaves=4)
        mask = mask.point([max(0, min(255, (level - 110) * 2)) for level in range(256)])
        fade = ImageOps.flip(Image.linear_gradient("L").resize((self.w, high)))
        mask = ImageChops.multiply(mask, fade).point([round(level * alpha) for level in range(256)])
        self.image.paste(Image.new("RGB", (self.w, high), colour.rgb), (0, 0), mask)

    def stars(self, count: int, upto: float) -> None:
        draw = ImageDraw.Draw(self.image)
        for _ in range(count):
            x, y = self.chance.random() * self.w, self.chance.random() ** 1.3 * self.h * upto
            level = round(90 + 165 * self.chance.random() ** 3)
            size = self.s / 1024 * (0.5 + 1.1 * self.chance.random() ** 5)
            tint = (level, level, min(255, level + 15))
            draw.ellipse((x - size, y - size, x + size, y + size), fill=tint)

    def noise(
        self, width: int, height: int, across: int, down: int, octaves: int = 4
    ) -> Image.Image:
        """Smooth random hills of grey, the same for the same chance."""
        small = (max(2, width // 4), max(2, height // 4))
        total = Image.new("L", small, 128)
        for octave in range(octaves):
            cells = (across * 2**octave + 1, down * 2**octave + 1)
            grid = Image.frombytes("L", cells, self.chance.randbytes(cells[0] * cells[1]))
            total = Image.blend(
                total, grid.resize(small, Image.Resampling.BICUBIC), 0.6**octave * 0.7
            )
        return ImageOps.autocontrast(total.resize((width, height), Image.Resampling.BICUBIC))

    def ridge(self, base: float, height: float, roughness: float, points: int = 128) -> list[Point]:
        """A skyline by midpoint displacement, closed at the bottom of the picture."""
        heights = [self.chance.random() for _ in range(5)]
        spread = 0.5
        while len(heights) < points:
            spread *= roughness
            between = [
                (one + two) / 2 + self.chance.uniform(-spread, spread)
                for one, two in zip(heights, heights[1:], strict=False)
            ]
            last = heights[-1]
            heights = [value for pair in zip(heights, between, strict=False) for value in pair]
            heights.append(last)
        step = self.w / (len(heights) - 1)
        line = [(i * step, base - value * height) for i, value in enumerate(heights)]
        return [(0, self.h), *line, (self.w, self.h)]

    def reflect(self, horizon: float, colour: Colour, share: float) -> None:
        """Mirror what is above a height into the water below it."""
        line = round(horizon)
        depth = self.h - line
        source = self.image.crop((0, max(0, line - depth), self.w, line))
        mirrored = ImageOps.flip(source).resize((max(2, self.w // 3), max(2, depth // 12)))
        mirrored = mirrored.resize((self.w, depth), Image.Resampling.BICUBIC)
        tone = Image.new("RGB", mirrored.size, colour.rgb)
        self.image.paste(Image.blend(mirrored, tone, share), (0, line))

    def glints(self, x: float, horizon: float, colour: Colour, count: int, spread: float) -> None:
        """Short bright strokes on water, a path towards the light."""

        def strokes(pen: Pen) -> None:
            for _ in range(count):
                depth = self.chance.random() ** 1.4
                y = horizon + depth * (self.h - horizon)
                reach = spread * self.w * (0.15 + depth)
                length = self.s * (0.006 + 0.03 * depth) * (0.4 + self.chance.random())
                at = x + self.chance.gauss(0, 0.4) * reach
                pen.ellipse(
                    at,
                    y,
                    length,
                    max(0.6, self.s * 0.0016 * (0.4 + depth * 1.6)),
                    ink=self.chance.randrange(90, 255),
                )

        self.shape(strokes, colour, alpha=0.75)

    def _mask(self, drawing: Drawing, blur: float) -> tuple[Box, Image.Image] | None:
        pen = Pen()
        drawing(pen)
        box = pen.bounds(self.w, self.h, blur * 3)
        if box is None:
            return None
        mask = pen.mask(box)
        return box, self._blurred(mask, blur) if blur else mask

    def add(self, mask: Image.Image, colour: Colour) -> None:
        """Add light over the whole picture."""
        self._screen((0, 0, self.w, self.h), mask, colour)

    def _screen(self, box: tuple[int, int, int, int], mask: Image.Image, colour: Colour) -> None:
        size = (box[2] - box[0], box[3] - box[1])
        light = Image.composite(Image.new("RGB", size, colour.rgb), Image.new("RGB", size), mask)
        self.image.paste(ImageChops.screen(self.image.crop(box), light), box[:2])

    @staticmethod
    def _blurred(mask: Image.Image, radius: float) -> Image.Image:
        # Blurring a small copy looks the same and costs a sixteenth.
        factor = 4 if radius > 6 else 1
        small = mask.reduce(factor) if factor > 1 else mask
        soft = small.filter(ImageFilter.GaussianBlur(radius / factor))
        return soft.resize(mask.size, Image.Resampling.BILINEAR) if factor > 1 else soft

    @staticmethod
    def _gradient(width: int, height: int, colours: Sequence[Colour]) -> Image.Image:
        column = Image.new("RGB", (1, 128))
        last = len(colours) - 1
        for i in range(128):
            place = i / 127 * last
            index = min(int(place), max(0, last - 1))
            nearer = colours[min(index + 1, last)]
            column.putpixel((0, i), colours[index].mixed(nearer, place - index).rgb)
        return column.resize((width, height), Image.Resampling.BICUBIC)
