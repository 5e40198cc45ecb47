"""Turns rows of the register into views; a page of them costs a constant number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F, QuerySet

from generations.errors import EntryError
from generations.models import EntryTag, Output, Preview, Projection, RegisterEntry, Trash
from generations.queries.models import names_of, usual_seconds
from generations.queries.views import ErrorView, GenerationView, OutputView, Progress
from generations.states import Facts, GenerationState, Phase, derive_state
from genproj import audiences

ERROR_WORDS = "Something went wrong."
SETTLED_SHORT = {GenerationState.PARTIAL, GenerationState.FAILED, GenerationState.CANCELLED}


@dataclass
class Surroundings:
    """What stands around some entries in other tables, by entry."""

    outputs: dict[UUID, list[Output]] = field(default_factory=lambda: defaultdict(list))
    colours: dict[UUID, str] = field(default_factory=dict)  # of outputs that have a preview
    tags: dict[UUID, list[str]] = field(default_factory=lambda: defaultdict(list))
    trashed: dict[UUID, datetime] = field(default_factory=dict)
    failed: set[UUID] = field(default_factory=set)  # with a failed projection


def surroundings_of(ids: Collection[UUID], *, brief: bool = False) -> Surroundings:
    """Read what stands around entries; `brief` leaves out what only acts depend on."""
    found = Surroundings()
    outputs = Output.objects.filter(entry_id__in=ids).annotate(colour=F("preview__colour"))
    for output in outputs.defer("raw").order_by("entry_id", "index", "id"):
        found.outputs[output.entry_id].append(output)
        found.colours[output.pk] = output.colour or ""
    _read_tags(found, ids)
    if not brief:
        found.trashed = dict(
            Trash.objects.filter(entry_id__in=ids, output__isnull=True).values_list(
                "entry_id", "trashed_at"
            )
        )
        failed = stuck_projections().filter(entry_id__in=ids)
        found.failed = set(failed.values_list("entry_id", flat=True))
    return found


def surroundings_with(outputs: Mapping[UUID, Sequence[Output]]) -> Surroundings:
    """The same, brief, of entries whose outputs have been read already."""
    found = Surroundings()
    found.outputs.update((entry, list(rows)) for entry, rows in outputs.items())
    stored = [output.pk for rows in outputs.values() for output in rows if output.stored_at]
    if stored:
        previews = Preview.objects.filter(output_id__in=stored, made_at__isnull=False)
        found.colours.update(previews.values_list("output_id", "colour"))
    _read_tags(found, outputs.keys())
    return found


def _read_tags(found: Surroundings, ids: Collection[UUID]) -> None:
    tags = EntryTag.objects.filter(entry_id__in=ids).order_by("name")
    for entry, name in tags.values_list("entry_id", "name"):
        found.tags[entry].append(name)


def stuck_projections() -> "QuerySet[Projection]":
    """Projections that failed, and that nobody has replayed or resolved."""
    return Projection.objects.filter(
        failed_at__isnull=False, done_at__isnull=True, resolved_at__isnull=True
    ).order_by()


def generation_views(
    entries: Sequence[RegisterEntry],
    viewer: User | None,
    *,
    brief: bool = False,
    around: Surroundings | None = None,
    version: str = "",
) -> list[GenerationView]:
    """The views of some entries, in their order. Without a viewer: as their owner sees them."""
    if around is None:
        around = surroundings_of([entry.pk for entry in entries], brief=brief)
    names = names_of({entry.model for entry in entries})
    return [_generation(entry, around, names, viewer, version) for entry in entries]


def error_view(error: dict[str, Any] | None, viewer: User | None) -> ErrorView | None:
    """An error as its reader may see it: details only for staff."""
    if not error:
        return None
    staff = viewer is not None and viewer.is_staff
    return ErrorView(
        code=error.get("code", "unknown"),
        message=error.get("message") or ERROR_WORDS,
        retryable=bool(error.get("retryable")),
        at=datetime.fromisoformat(error["at"]),
        detail=(error.get("detail") or {}) if staff else None,
    )


def media_url(output: UUID | str, variant: str) -> str:
    """The address of one form of an output's bytes."""
    return f"/media/{output}/{variant}"


def preview_of(output: Output) -> Preview | None:
    """The output's preview row, if it has one (read by select_related)."""
    return getattr(output, "preview", None)


def state_of(entry: RegisterEntry, stored: int) -> GenerationState:
    """The state of an entry of which `stored` outputs are stored."""
    return derive_state(Facts(entry.completed_at, entry.cancelled_at, stored, entry.expected_count))


def _phase(entry: RegisterEntry, outputs: Collection[Output]) -> Phase:
    if entry.completed_at:
        return Phase.READY
    if any(not output.is_terminal for output in outputs):
        return Phase.FETCHING
    if entry.dispatched_at:
        return Phase.RENDERING
    return Phase.SENDING if entry.submit_started_at else Phase.QUEUED


def _output(output: Output, colour: str, viewer: User | None) -> OutputView:
    stored = output.stored_at is not None
    kind = "success" if stored else "error" if output.error else "pending"
    return OutputView(
        index=output.index,
        type=kind,
        artifact=str(output.pk) if kind != "error" else None,
        url=media_url(output.pk, "original") if stored else None,
        content_type=output.content_type or None,
        width=output.width,
        height=output.height,
        size=output.size,
        sha256=output.sha256 or None,
        seed=int(output.seed) if output.seed is not None else None,
        cost=output.cost,
        late=output.late,
        colour=colour,
        thumb_url=media_url(output.pk, "thumb") if stored else None,
        preview_url=media_url(output.pk, "preview") if stored else None,
        error=error_view(output.error, viewer),
    )


def _empty(index: int) -> OutputView:
    """A slot that nothing has come for yet."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("artifact", "url", "content_type", "width", "height", "size", "sha256", "seed", "cost")
    )
    return OutputView(
        index=index,
        type="pending",
        **nothing,
        late=False,
        colour="",
        thumb_url=None,
        preview_url=None,
        error=None,
    )


def _slots(
    entry: RegisterEntry, around: Surroundings, viewer: User | None
) -> tuple[OutputView, ...]:
    """What has come, by slot; while the entry is open also the slots that wait; remarks last."""
    views = [
        _output(output, around.colours.get(output.pk, ""), viewer)
        for output in around.outputs[entry.pk]
    ]
    if not entry.completed_at:
        taken = {view.index for view in views}
        views += [_empty(index) for index in range(entry.expected_count) if index not in taken]
    return tuple(sorted(views, key=lambda view: (view.index is None, view.index or 0)))


def _acts(
    entry: RegisterEntry, state: GenerationState, around: Surroundings, viewer: User | None
) -> dict[str, bool]:
    level = audiences.level(viewer, entry.audience) if viewer is not None else None
    mine = audiences.reaches(level, "editor")
    deletes = audiences.reaches(level, audiences.level_to_delete(entry.audience))
    trashed = entry.pk in around.trashed
    failed_projection = entry.pk in around.failed or (
        (entry.error or {}).get("code") == EntryError.PROJECTION_FAILED
    )
    return {
        "cancel": mine and state is GenerationState.PENDING and not trashed,
        "retry": mine
        and state in SETTLED_SHORT
        and entry.provider != "upload"
        and not entry.annotations.get("video")  # its video is retried
        and not trashed,
        "delete": deletes and not trashed,
        "restore": deletes and trashed,
        "replay": viewer is not None and viewer.is_staff and failed_projection,
    }


def total(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None when nothing is."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None


def _generation(
    entry: RegisterEntry,
    around: Surroundings,
    names: dict[str, str],
    viewer: User | None,
    version: str,
) -> GenerationView:
    outputs = around.outputs[entry.pk]
    stored = sum(1 for output in outputs if output.stored_at)
    done = sum(1 for output in outputs if output.index is not None and output.is_terminal)
    state = state_of(entry, stored)
    history = [error_view(error, viewer) for error in entry.error_history]
    return GenerationView(
        id=str(entry.pk),
        kind=entry.kind,
        audience=entry.audience,
        provider=entry.provider,
        model=entry.model,
        model_name=names.get(entry.model, entry.model),
        state=state.value,
        phase=_phase(entry, outputs).value,
        prompt=entry.input.get("prompt", ""),
        input=entry.input,
        expected_count=entry.expected_count,
        artifact_count=stored,
        outputs=_slots(entry, around, viewer),
        error=error_view(entry.error, viewer),
        errors=tuple(error for error in history if error),
        progress=Progress(done=done, expected=entry.expected_count, percent=entry.progress),
        tags=tuple(around.tags[entry.pk]),
        cost=total(output.cost for output in outputs),
        owner=entry.owner.get_username() if viewer and entry.owner else None,
        owner_id=entry.owner_id,
        retry_of=str(entry.retry_of_id) if entry.retry_of_id else None,
        trashed_at=around.trashed.get(entry.pk),
        created_at=entry.created_at,
        dispatched_at=entry.dispatched_at,
        deadline_at=entry.deadline_at,
        completed_at=entry.completed_at,
        next_attempt_at=entry.due_at,
        usual_seconds=usual_seconds(entry.model) if viewer else None,  # no frame has it
        version=version,
        acts=_acts(entry, state, around, viewer),
    )
