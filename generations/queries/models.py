"""The registry of models, and how long each has taken here."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Q

from generations.models import Generation, ProviderModel
from generations.queries.views import ModelView
from genproj.kernel.clock import now
from genproj.kernel.memory import remembered

HISTORY = 2000  # the newest settled generations of all models together
HISTORY_SECONDS = 60
NAMES_SECONDS = 30


def model_view(id: str) -> ModelView | None:
    """One model of the registry."""
    row = ProviderModel.objects.filter(pk=id).first()
    return _view(row) if row else None


def model_list(
    *, search: str = "", kind: str | None = None, provider: str | None = None
) -> list[ModelView]:
    """The enabled models of the registry, in their order; retired ones last."""
    rows = ProviderModel.objects.filter(enabled=True)
    if kind:
        rows = rows.filter(kind=kind)
    if provider:
        rows = rows.filter(provider=provider)
    for word in search.split():
        rows = rows.filter(
            Q(id__icontains=word) | Q(name__icontains=word) | Q(description__icontains=word)
        )
    return sorted((_view(row) for row in rows), key=lambda view: view.retired)


def registered(ids: Collection[str]) -> set[str]:
    """Which of these ids the registry has, enabled or not."""
    return set(ProviderModel.objects.filter(pk__in=ids).values_list("pk", flat=True))


def names_of(ids: Collection[str]) -> dict[str, str]:
    """What these models are called."""
    names = _names()
    if not names.keys() >= set(ids):
        _names.forget()  # type: ignore[attr-defined]
        names = _names()
        names.update({id: id for id in ids if id not in names})
    return names


@remembered(NAMES_SECONDS)
def _names() -> dict[str, str]:
    return dict(ProviderModel.objects.values_list("pk", "name"))


def usual_seconds(model: str) -> tuple[float, float] | None:
    """The median and the ninth decile of this model's times here; None without a history."""
    return _times().get(model)


@remembered(HISTORY_SECONDS)
def _times() -> dict[str, tuple[float, float]]:
    seconds: dict[str, list[float]] = defaultdict(list)
    newest = Generation.objects.filter(artifact_count__gt=0).order_by("-created_at", "-id")
    rows: list[tuple[str, datetime, datetime]] = list(
        newest.values_list("model", "created_at", "completed_at")[:HISTORY]
    )
    for model, begun, done in rows:
        seconds[model].append((done - begun).total_seconds())
    return {model: _deciles(sorted(times)) for model, times in seconds.items()}


def _deciles(times: list[float]) -> tuple[float, float]:
    last = len(times) - 1
    return round(times[last // 2], 1), round(times[round(last * 0.9)], 1)


def _view(row: Any) -> ModelView:
    return ModelView(
        id=row.pk,
        provider=row.provider,
        kind=row.kind,
        name=row.name,
        description=row.description,
        parameters=row.parameters,
        sizes=row.sizes,
        max_count=row.max_count,
        max_references=row.max_references,
        price=row.price,
        price_unit=row.price_unit,
        sunset_at=row.sunset_at,
        replacement=row.replacement_id,
        enabled=row.enabled,
        retired=row.sunset_at is not None and row.sunset_at <= now(),
        usual_seconds=usual_seconds(row.pk),
    )
