"""What entries are expected to cost, and whose money is held though nothing is awaited."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_UP, Decimal
from typing import Any
from uuid import UUID

from generations.models import Output, ProviderModel, RegisterEntry
from genproj.kernel.ids import is_uuid
from genproj.usage import queries as lines

PREFIX = "entry:"
MILLIONTH = Decimal("0.000001")


def subject_of(entry_id: UUID) -> str:
    """The ledger's name for the money of an entry that no app has held any for."""
    return f"{PREFIX}{entry_id}"


def price_of_one(
    model: ProviderModel, input: Mapping[str, Any], *, seconds: float | None = None
) -> Decimal | None:
    """What one output costs by the registry; None when that has no price.

    A price by the second is taken for the seconds asked for, else for those the film has; a part
    of a millionth counts as a whole one.
    """
    if model.price is None or model.price_unit == "output":
        return model.price
    asked = _seconds_asked(model, input)
    length = asked if asked is not None else seconds
    if length is None:
        return None
    return (model.price * Decimal(str(length))).quantize(MILLIONTH, rounding=ROUND_UP)


def estimate(model: ProviderModel, input: Mapping[str, Any], *, count: int) -> Decimal | None:
    """What a request is expected to cost; None when that cannot be known."""
    one = price_of_one(model, input)
    return None if one is None else one * count


def _seconds_asked(model: ProviderModel, input: Mapping[str, Any]) -> int | float | None:
    asked = (input.get("parameters") or {}).get("duration")
    if asked is None:
        known = model.parameters.get("properties", {}).get("duration", {})
        asked = known.get("default")
    if isinstance(asked, bool) or not isinstance(asked, int | float) or asked <= 0:
        return None
    return asked


def unbalanced() -> list[str]:
    """Subjects whose hold is open though nothing is awaited for their entry; none, if all is well.

    An entry that does not exist (any more) awaits nothing.
    """
    ids = {
        subject: UUID(name)
        for subject in lines.open_subjects(PREFIX)
        if is_uuid(name := subject.removeprefix(PREFIX))
    }
    waiting = set(
        RegisterEntry.objects.filter(pk__in=ids.values(), purged_at__isnull=True)
        .exclude(completed_at__isnull=False, due_at__isnull=True)
        .values_list("pk", flat=True)
    )
    waiting.update(
        Output.objects.filter(
            entry__in=ids.values(), index__isnull=False, stored_at__isnull=True, error__isnull=True
        ).values_list("entry_id", flat=True)
    )
    return sorted(subject for subject, id in ids.items() if id not in waiting)


def titles_of(keys: Iterable[str]) -> dict[str, str]:
    """The prompts of entries that still have their content."""
    ids = [UUID(key) for key in keys if is_uuid(key)]
    found = RegisterEntry.objects.filter(pk__in=ids, purged_at__isnull=True)
    return {str(id): input.get("prompt", "") for id, input in found.values_list("pk", "input")}
