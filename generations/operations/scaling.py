"""Stores the small pictures of an output, which pages show."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from genproj.kernel import media, storage


@dataclass(frozen=True)
class Small:
    """The small pictures of one output: their keys by name, and the colour shown before them."""

    colour: str
    keys: Mapping[str, str]

    @property
    def columns(self) -> dict[str, str]:
        """As a Preview's columns hold them."""
        names = ("thumb", "preview", "poster")
        return {"colour": self.colour} | {f"{name}_key": self.keys.get(name, "") for name in names}


def store_small(output_id: UUID, *, made: media.Renditions) -> Small:
    """Store thumb, preview and, for a film, poster.

    Raises storage.StorageFailure.
    """
    keys = {
        name: _put(f"thumbnails/{output_id}/{name}.webp", rendition)
        for name, rendition in (
            ("thumb", made.thumb),
            ("preview", made.preview),
            ("poster", made.poster),
        )
        if rendition is not None
    }
    return Small(made.colour, keys)


def _put(key: str, rendition: media.Rendition) -> str:
    storage.put(
        key,
        io.BytesIO(rendition.bytes),
        sha256=sha256(rendition.bytes).hexdigest(),
        size=len(rendition.bytes),
        content_type=rendition.content_type,
    )
    return key
