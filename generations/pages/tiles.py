"""What the one tile partial shows: a picture, a place where one is awaited, or a lost one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from generations.pages.waiting import Waiting, waiting_of
from generations.pages.words import REFUSED, Told, told, told_of
from generations.queries import ArtifactView, GenerationView, OutputView
from genproj.templatetags.ui import shortened

FALLBACK = 1024
NARROWEST, WIDEST = 0.35, 3.2
THUMB, PREVIEW = 320, 1280  # the longest sides of the small pictures


@dataclass(frozen=True)
class Tile:
    """One tile. `kind` is ready | waiting | lost."""

    key: str
    kind: str
    ratio: float
    width: int
    height: int
    id: str = ""
    href: str = ""
    thumb: str = ""
    sources: str = ""  # the small pictures with their widths
    colour: str = ""
    alt: str = ""
    prompt: str = ""
    phase: str = ""
    since: datetime | None = None
    starred: bool = False
    pickable: bool = False
    late: bool = False
    length: float | None = None
    told: Told | None = None
    retry: str = ""  # the generation whose missing pictures can be asked for again


@dataclass(frozen=True)
class Group:
    """A generation with its tiles, as lists show it."""

    g: GenerationView
    tiles: list[Tile]
    told: Told | None
    first: OutputView | None  # the first picture that has come
    waiting: Waiting | None

    @property
    def is_blocked(self) -> bool:
        """Whether the same request would be refused again."""
        return bool(self.told and self.told.code in REFUSED and not self.g.artifact_count)


def group_of(generation: GenerationView) -> Group:
    """A generation and its tiles."""
    come = (output for output in generation.outputs if output.type == "success")
    return Group(
        generation,
        tiles_of(generation),
        told_of(generation),
        next(come, None),
        waiting_of(generation),
    )


def tile_of(artifact: ArtifactView, *, query: str = "") -> Tile:
    """A picture of the gallery; its address keeps the gallery's filters in `query`."""
    href = reverse("artifact", args=[artifact.id])
    return Tile(
        key=artifact.id,
        kind="ready",
        id=artifact.id,
        ratio=ratio(artifact.width, artifact.height),
        width=artifact.width,
        height=artifact.height,
        href=f"{href}?{query}" if query else href,
        thumb=artifact.thumb_url,
        sources=sources(artifact),
        colour=artifact.colour,
        alt=shortened(artifact.prompt, 120) or "Untitled picture",
        starred=artifact.starred,
        pickable=True,
        late=artifact.late,
        length=artifact.duration,
    )


def sources(picture: ArtifactView | OutputView, *, largest: bool = False) -> str:
    """A picture's forms and how wide each is, for the browser to choose by its screen.

    `largest`: the original in place of the thumb.
    """
    width, height = picture.width or FALLBACK, picture.height or FALLBACK
    longest = max(width, height)
    small, large = (picture.thumb_url, THUMB), (picture.preview_url, PREVIEW)
    forms = (large, (picture.url, longest)) if largest else (small, large)
    scaled = ((url, round(width * min(1, side / longest))) for url, side in forms if url)
    found = [f"{url} {max(1, across)}w" for url, across in scaled]
    widths = {text.rpartition(" ")[2]: text for text in reversed(found)}
    return ", ".join(reversed(widths.values()))


def tiles_of(generation: GenerationView) -> list[Tile]:
    """Every slot of a generation: what came, what is awaited, what failed."""
    settled = generation.state != "pending"
    tiles = [_slot(generation, output) for output in generation.outputs if output.index is not None]
    if generation.artifact_count == 0 and settled:
        return []
    present = {output.index for output in generation.outputs}
    if settled:
        tiles += [
            _missing(generation, index)
            for index in range(generation.expected_count)
            if index not in present
        ]
    return tiles


def _slot(generation: GenerationView, output: OutputView) -> Tile:
    width, height = _size(generation, output)
    shape: dict[str, Any] = {
        "key": f"{generation.id}-{output.index}",
        "ratio": ratio(width, height),
        "width": width,
        "height": height,
    }
    if output.type == "success" and output.artifact:
        return Tile(
            **shape,
            kind="ready",
            id=output.artifact,
            href=reverse("artifact", args=[output.artifact]),
            thumb=output.thumb_url or output.url or "",
            sources=sources(output),
            colour=output.colour,
            alt=f"{shortened(generation.prompt, 120)}, picture {(output.index or 0) + 1}",
            late=output.late,
        )
    if output.type == "error":
        return Tile(**shape, kind="lost", told=told(output.error), retry=_retry(generation))
    if generation.state != "pending":
        return _missing(generation, output.index or 0)
    phase = "fetching" if output.artifact else generation.phase
    if phase == "fetching" and not output.artifact:
        phase = "rendering"
    return Tile(
        **shape, kind="waiting", prompt=generation.prompt, phase=phase, since=generation.created_at
    )


def _missing(generation: GenerationView, index: int) -> Tile:
    """A slot that nothing came for before the generation was closed."""
    width, height = _size(generation, None)
    reason = told(generation.error)
    if reason is None:
        word = "Cancelled" if generation.state == "cancelled" else "Did not come"
        reason = Told(word, "", "", "", "", "", None)
    return Tile(
        key=f"{generation.id}-{index}",
        kind="lost",
        ratio=ratio(width, height),
        width=width,
        height=height,
        told=reason,
        retry=_retry(generation),
    )


def _retry(generation: GenerationView) -> str:
    return generation.id if generation.acts.get("retry") else ""


def _size(generation: GenerationView, output: OutputView | None) -> tuple[int, int]:
    width = (output and output.width) or generation.input.get("width") or FALLBACK
    height = (output and output.height) or generation.input.get("height") or FALLBACK
    return int(width), int(height)


def ratio(width: int, height: int) -> float:
    """Width by height, kept within what a row can show."""
    return round(min(WIDEST, max(NARROWEST, (width or 1) / (height or 1))), 4)
