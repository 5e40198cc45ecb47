"""Tells the owner's stream what changed, as the API would show it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from generations import queries
from generations.errors import ArtifactNotFound
from genproj.events import log

if TYPE_CHECKING:
    from generations.models import Output, RegisterEntry
    from generations.operations.desk import Opened


def stream_of(entry: RegisterEntry) -> str | None:
    """The stream that hears of an entry: its owner's."""
    return f"user:{entry.owner_id}" if entry.owner_id else None


def tell(desk: Iterable[Opened]) -> None:
    """Append `generation:updated` for each entry with a notable change."""
    changed = [item for item in desk if item.notable and stream_of(item.entry)]
    outputs = {item.entry.pk: item.outputs for item in changed}
    read = queries.frames_of([item.entry for item in changed], outputs=outputs)
    for item, frame in zip(changed, read, strict=True):
        log.append(stream_of(item.entry) or "", "generation:updated", generation=frame)


def frame_of_new(entry: RegisterEntry, *, tags: Sequence[str]) -> dict[str, Any]:
    """The frame of an entry that is about to be written; of it everything is known."""
    return queries.frame_of_new(entry, tags)


def tell_created(entry: RegisterEntry, *, frame: Mapping[str, Any]) -> None:
    """Append `generation:created`."""
    if stream := stream_of(entry):
        log.append(stream, "generation:created", generation=frame)


def tell_one(entry: RegisterEntry, *, kind: str) -> None:
    """Append one frame of `kind` about an entry."""
    if stream := stream_of(entry):
        [frame] = queries.frames_of([entry])
        log.append(stream, kind, generation=frame)


def tell_deleted(entry: RegisterEntry) -> None:
    """Append `generation:deleted`."""
    if stream := stream_of(entry):
        log.append(stream, "generation:deleted", generation={"id": str(entry.pk)})


def tell_artifact(output: Output) -> None:
    """Append `artifact:updated` about one stored output; not for who has left the space of it."""
    stream = stream_of(output.entry)
    if stream and output.entry.owner:
        owner = output.entry.owner
        with contextlib.suppress(ArtifactNotFound):
            frame = queries.artifact_json(queries.artifact_view(viewer=owner, id=output.pk))
            log.append(stream, "artifact:updated", artifact=frame)
