"""Pictures made from others: what they take over can be seen, as in a family.

From a picture that is to be changed the composition stays and the light changes; from one that is
only referred to the palette comes over, and a trace of its masses; a style gives colours alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

SOURCE, REFERENCE, STYLE = "source", "reference", "style"
LABEL = re.compile(r"image \d+\b(.*):", re.IGNORECASE)
#: share of the difference that the colours of another picture make: lightness, then hue
LIGHT, HUE = 0.35, 0.85


@dataclass(frozen=True)
class Parent:
    """A picture that another comes from, and as what."""

    picture: Image.Image
    role: str


def role_in(label: str) -> str | None:
    """What a line before a picture says that it is for; None when it is no such line."""
    found = LABEL.fullmatch(label.strip())
    if found is None:
        return None
    words = found[1].lower()
    if "change" in words or "edit" in words or "source" in words:
        return SOURCE
    return STYLE if "style" in words else REFERENCE


def descended(painted: Image.Image, parents: Sequence[Parent]) -> Image.Image:
    """What was painted, as a child of its parents."""
    child = painted
    sources = [one.picture for one in parents if one.role == SOURCE]
    others = [one.picture for one in parents if one.role == REFERENCE]
    styles = [one.picture for one in parents if one.role == STYLE]
    if sources:
        kept = ImageOps.fit(sources[0], painted.size, Image.Resampling.LANCZOS)
        changed = _coloured(kept, painted, light=0.8, hue=0.7)
        child = Image.blend(changed, painted, 0.05)
    elif others:
        child = _echoed(child, others[0])
    for parent in others:
        child = _coloured(child, parent, light=LIGHT, hue=HUE / len(others))
    for parent in styles:
        child = _coloured(child, parent, light=0.2, hue=0.9 / len(styles))
    return child


def _echoed(child: Image.Image, parent: Image.Image) -> Image.Image:
    """The child with the parent's great masses of light and dark behind it."""
    masses = ImageOps.fit(parent, child.size).convert("L")
    soft = masses.filter(ImageFilter.GaussianBlur(max(child.size) / 26))
    echo = ImageChops.soft_light(child, Image.merge("RGB", [ImageOps.autocontrast(soft)] * 3))
    ghost = ImageOps.fit(parent, child.size)
    faded = (
        Image.linear_gradient("L").resize(child.size).point([level // 3 for level in range(256)])
    )
    return Image.composite(ghost, echo, faded)


def _coloured(picture: Image.Image, like: Image.Image, *, light: float, hue: float) -> Image.Image:
    """The picture in the colours of another: middle and spread of each channel brought nearer."""
    ours, theirs = picture.convert("YCbCr"), like.convert("YCbCr")
    have, want = ImageStat.Stat(ours), ImageStat.Stat(theirs)
    bands = []
    for place, band in enumerate(ours.split()):
        share = light if place == 0 else hue
        spread = want.stddev[place] / max(have.stddev[place], 1.0)
        spread = 1 + (min(2.5, max(0.4, spread)) - 1) * share
        middle = have.mean[place] + (want.mean[place] - have.mean[place]) * share
        table = [round((level - have.mean[place]) * spread + middle) for level in range(256)]
        bands.append(band.point([min(255, max(0, value)) for value in table]))
    return Image.merge("YCbCr", bands).convert("RGB")
