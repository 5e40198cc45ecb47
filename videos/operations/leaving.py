"""Closes the money of films whose videos are gone, because their owners were deleted."""

from decimal import Decimal
from uuid import UUID

from generations import queries as engine
from genproj.kernel import logs, rows
from genproj.usage import operations as ledger
from genproj.usage import queries as money
from videos.models import Video

KIND = "video:"

log = logs.component("video")


def close_money_of_gone() -> int:
    """Sweep: close each hold whose video is gone, at what its film cost, once nothing more is
    awaited of the provider. Returns how many; safe to repeat."""
    ids = {UUID(subject.removeprefix(KIND)) for subject in money.open_subjects(KIND)}
    there = set(Video.objects.filter(pk__in=ids).values_list("pk", flat=True))
    return sum(_close(id) for id in ids - there)


@rows.atomically
def _close(id: UUID) -> bool:
    subject = f"{KIND}{id}"
    hold, films = money.open_hold(subject), engine.films_under(subject)
    if hold is None or films is None:
        return False
    brought = [film for film in films if film.artifact_id]
    cost = sum(
        (film.cost if film.cost is not None else hold.amount for film in brought), Decimal(0)
    )
    log.info("gone", video=str(id), cost=str(cost))
    return ledger.settle(subject=subject, cost=cost, reason="Its owner was deleted.") is not None
