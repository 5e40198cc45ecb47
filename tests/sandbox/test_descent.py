"""Pictures that are made from others look like them, each in the way that was asked for."""

from statistics import correlation

import pytest
from PIL import Image, ImageChops, ImageStat

from genproj.sandbox import paint
from genproj.sandbox.descent import REFERENCE, SOURCE, STYLE, Parent, descended, role_in


def painted(prompt: str, seed: int) -> Image.Image:
    return paint.painted(paint.Brief("m", prompt, "", seed, ()), 192, 192)


@pytest.fixture(scope="module")
def parent() -> Image.Image:
    return painted("a lighthouse on a rock at dusk", 3)


def colours_apart(one: Image.Image, other: Image.Image) -> float:
    """How far the middles of the colours are apart."""
    means = [ImageStat.Stat(image.convert("YCbCr")).mean[1:] for image in (one, other)]
    return sum(abs(a - b) for a, b in zip(*means, strict=True))


def likeness(one: Image.Image, other: Image.Image) -> float:
    """How far light and dark lie in the same places: 1 is alike, 0 has nothing to do with it."""
    return correlation(
        *(list(image.convert("L").resize((16, 16)).tobytes()) for image in (one, other))
    )


@pytest.mark.parametrize("role", [SOURCE, REFERENCE, STYLE])
def test_colours_come_over(parent: Image.Image, role: str) -> None:
    alone = painted("a forest in the morning", 6)
    child = descended(alone, [Parent(parent, role)])
    assert child.size == alone.size
    assert colours_apart(child, parent) < colours_apart(alone, parent)


def test_what_is_changed_keeps_its_composition_and_a_style_gives_none(parent: Image.Image) -> None:
    alone = painted("a cat at night", 6)
    changed, styled = (descended(alone, [Parent(parent, role)]) for role in (SOURCE, STYLE))
    assert likeness(changed, parent) > 0.9 > likeness(alone, parent)
    assert likeness(styled, alone) > 0.9 > likeness(styled, parent)
    assert ImageStat.Stat(ImageChops.difference(changed, parent)).mean != [0, 0, 0]


def test_several_parents_all_leave_a_trace(parent: Image.Image) -> None:
    alone, other = painted("a market in town", 6), painted("a cat asleep", 5)
    one = descended(alone, [Parent(parent, REFERENCE)])
    both = descended(alone, [Parent(parent, REFERENCE), Parent(other, REFERENCE)])
    assert one.tobytes() != both.tobytes()


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("Image 1, the style to follow:", STYLE),
        ("Image 2, the picture to change:", SOURCE),
        ("Image 3, a reference:", REFERENCE),
        ("image 14:", REFERENCE),
        ("a lighthouse at dusk", None),
        ("Image of a lighthouse:", None),
        ("", None),
    ],
)
def test_a_line_before_a_picture_says_what_it_is_for(line: str, role: str | None) -> None:
    assert role_in(line) == role
