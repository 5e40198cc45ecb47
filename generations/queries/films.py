"""Films as the apps above read them: the models, what one will take, and how each entry stands."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from generations.errors import EntryError
from generations.models import Output, ProviderModel, RegisterEntry
from generations.queries.building import state_of
from generations.queries.costs import estimate
from generations.queries.models import usual_seconds
from generations.states import Kind
from genproj.kernel.clock import now

#: seconds that a film takes where there is no history of our own
USUAL = 90.0
#: a part of a model's id -> what its films take without a history
USUAL_OF = {"fast": 60.0, "@3": 60.0}


@dataclass(frozen=True)
class FilmModel:
    """A model that makes films. `retired`: it is shown, and refused."""

    id: str
    provider: str
    name: str
    description: str
    parameters: dict[str, Any]
    price: Decimal | None
    price_unit: str
    replacement: str | None
    sunset_at: datetime | None
    enabled: bool
    typical_seconds: float

    @property
    def retired(self) -> bool:
        """Whether its provider serves it no more."""
        return self.sunset_at is not None and self.sunset_at <= now()


@dataclass(frozen=True)
class Estimate:
    """What a film is expected to cost, if that can be known, and how long it takes."""

    cost: Decimal | None
    seconds: float


@dataclass(frozen=True)
class FilmFacts:
    """How the entry of a film stands. `percent` only if the provider says so."""

    entry_id: UUID
    state: str
    error: dict[str, Any] | None
    percent: int | None
    created_at: datetime
    submit_started_at: datetime | None
    dispatched_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    deadline_at: datetime
    provider_ref: str
    last_asked_at: datetime | None
    artifact_id: UUID | None
    duration: float | None
    width: int | None
    height: int | None
    size: int | None
    content_type: str
    cost: Decimal | None
    late: bool
    fetching: bool


def film_models() -> list[FilmModel]:
    """The enabled models that make films, in their order; retired ones last."""
    found = ProviderModel.objects.filter(kind=Kind.VIDEO.value, enabled=True)
    return sorted((_model(row) for row in found), key=lambda model: model.retired)


def film_model(id: str) -> FilmModel | None:
    """One model that makes films, enabled or not."""
    row = ProviderModel.objects.filter(pk=id, kind=Kind.VIDEO.value).first()
    return _model(row) if row else None


def _model(row: ProviderModel) -> FilmModel:
    return FilmModel(
        id=row.pk,
        provider=row.provider,
        name=row.name,
        description=row.description,
        parameters=row.parameters,
        price=row.price,
        price_unit=row.price_unit,
        replacement=row.replacement_id,
        sunset_at=row.sunset_at,
        enabled=row.enabled,
        typical_seconds=_typical_seconds(row.pk),
    )


def _typical_seconds(model: str) -> float:
    """The median of our own history of the model, else what the table says."""
    if known := usual_seconds(model):
        return known[0]
    return next((seconds for part, seconds in USUAL_OF.items() if part in model), USUAL)


def estimate_of(model: FilmModel, parameters: Mapping[str, Any]) -> Estimate:
    """What a film with these parameters is expected to cost and to take."""
    row = ProviderModel(price=model.price, price_unit=model.price_unit, parameters=model.parameters)
    cost = estimate(row, {"parameters": dict(parameters)}, count=1)
    return Estimate(cost, model.typical_seconds)


def films_of(entry_ids: Collection[UUID]) -> dict[UUID, FilmFacts]:
    """How these entries stand, by id; those that are not known or purged are left out."""
    entries = RegisterEntry.objects.filter(pk__in=entry_ids, purged_at__isnull=True)
    outputs: dict[UUID, list[Output]] = {}
    found = Output.objects.filter(Q(index__isnull=False), entry__in=entry_ids).defer("raw")
    for output in found.order_by("entry_id", "index"):
        outputs.setdefault(output.entry_id, []).append(output)
    return {entry.pk: _facts(entry, outputs.get(entry.pk, [])) for entry in entries}


def films_under(hold: str) -> list[FilmFacts] | None:
    """The films that a hold is for; None while anything of them is still awaited."""
    entries = RegisterEntry.objects.filter(hold=hold)
    if entries.filter(Q(completed_at__isnull=True) | Q(due_at__isnull=False)).exists():
        return None
    films = list(films_of(entries.values_list("pk", flat=True)).values())
    return None if any(film.fetching for film in films) else films


def _facts(entry: RegisterEntry, outputs: list[Output]) -> FilmFacts:
    stored = [output for output in outputs if output.stored_at]
    film = stored[0] if stored else None
    return FilmFacts(
        entry_id=entry.pk,
        state=state_of(entry, len(stored)).value,
        error=_error(entry, outputs),
        percent=entry.progress,
        created_at=entry.created_at,
        submit_started_at=entry.submit_started_at,
        dispatched_at=entry.dispatched_at,
        completed_at=entry.completed_at,
        cancelled_at=entry.cancelled_at,
        deadline_at=entry.deadline_at,
        provider_ref=entry.provider_ref or (str(entry.pk) if entry.dispatched_at else ""),
        last_asked_at=entry.asked_at,
        artifact_id=film.pk if film else None,
        duration=film.duration if film else None,
        width=film.width if film else None,
        height=film.height if film else None,
        size=film.size if film else None,
        content_type=film.content_type if film else "",
        cost=film.cost if film else None,
        late=film.late if film else False,
        fetching=any(not output.is_terminal for output in outputs),
    )


def _error(entry: RegisterEntry, outputs: list[Output]) -> dict[str, Any] | None:
    """Why there is no film: the entry's error, else that of what came instead."""
    own: dict[str, Any] | None = entry.error
    if own and own.get("code") == EntryError.PROJECTION_FAILED:
        own = own.get("before")
    if own:
        return own
    return next((output.error for output in outputs if output.error), None)
