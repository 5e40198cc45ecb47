"""Owes the outside what becomes of entries: thin events, with links to where the rest is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generations.states import GenerationState
from genproj.kernel.clock import zulu
from genproj.webhooks import outbox

if TYPE_CHECKING:
    from generations.models import Projection, RegisterEntry
    from generations.operations.desk import Opened

#: artifacts that an event names; the rest is read at its address
MOST_NAMED = 50


def announce_settled(item: Opened, *, state: GenerationState) -> None:
    """Owe `generation.completed`, `partial`, `failed` or `cancelled`; in the transaction."""
    entry = item.entry
    stored = [output for output in item.outputs if output.stored_at]
    error = entry.error or next((one.error for one in item.outputs if one.error), None)
    _owe(
        f"generation.{state.value}",
        entry,
        state=state.value,
        model=entry.model,
        expected_count=entry.expected_count,
        artifact_count=len(stored),
        artifacts=[
            {"id": str(one.pk), "url": f"/media/{one.pk}/original"} for one in stored[:MOST_NAMED]
        ],
        error=_shown(error) if len(stored) < entry.expected_count else None,
        completed_at=zulu(entry.completed_at),
    )


def announce_projection_failed(row: Projection, *, entry: RegisterEntry) -> None:
    """Owe `projection.failed`; its cause is for staff and does not leave. In the transaction."""
    _owe("projection.failed", entry, projector=row.projector, stage=row.stage)


def _owe(type: str, entry: RegisterEntry, **facts: Any) -> None:
    address = f"/api/v1/generations/{entry.pk}/"
    outbox.owe(
        type=type,
        audience=entry.audience,
        owner_id=entry.owner_id,
        data={
            "id": str(entry.pk),
            "kind": entry.kind,
            **facts,
            "urls": {"self": address, "timeline": f"{address}timeline/"},
        },
    )


def _shown(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """What of an error its owner may read."""
    if not error:
        return None
    return {name: error.get(name) for name in ("code", "message", "retryable")}
