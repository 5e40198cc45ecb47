"""A generation's version: one statement, compiled once, because clients ask for it all day."""

import hashlib
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import OuterRef, Subquery

from generations.errors import GenerationNotFound
from generations.models import RegisterEntry, Trash
from genproj import audiences

#: what the JSON depends on, of what ever changes
FACTS = (
    *("submit_started_at", "dispatched_at", "deadline_at", "completed_at", "cancelled_at"),
    *("progress", "error"),
    *(f"outputs__{name}" for name in ("pk", "index", "announced_at", "stored_at", "late", "error")),
    "outputs__preview__made_at",
)
ANYBODY = UUID(int=7)


def generation_version(*, viewer: User, id: UUID | str) -> str:
    """A mark that changes whenever the JSON of the generation changes for `viewer`.

    Raises:
        GenerationNotFound: there is none, or `viewer` may not see it.
    """
    found = _found(id)
    if not found or audiences.level(viewer, found[0][0]) is None:
        raise GenerationNotFound
    facts = repr((viewer.is_staff, sorted(map(repr, found))))
    return hashlib.sha256(facts.encode()).hexdigest()[:20]


def _found(id: UUID | str) -> list[tuple[Any, ...]]:
    try:
        number = id if isinstance(id, UUID) else UUID(id)
    except ValueError:
        raise GenerationNotFound from None
    statement, parameters, place = _compiled(connection.vendor)
    values = list(parameters)
    values[place] = number.hex if connection.vendor == "sqlite" else number
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


@cache
def _compiled(vendor: str) -> tuple[str, tuple[Any, ...], int]:
    """The statement for this kind of database, and where in its parameters the id stands."""
    trashed = Trash.objects.filter(output__isnull=True, entry=OuterRef("pk"))
    rows = (
        RegisterEntry.objects.filter(pk=ANYBODY, purged_at__isnull=True)
        .annotate(gone=Subquery(trashed.values("trashed_at")[:1]))
        .order_by()
        .values_list("audience", "gone", *FACTS)
    )
    statement, parameters = rows.query.sql_with_params()
    adapted = [str(value).replace("-", "") for value in parameters]
    return statement, tuple(parameters), adapted.index(ANYBODY.hex)
