"""Forgets rows that nobody will ask for any more: in small transactions, so that nobody waits."""

from typing import Any

from django.db.models import QuerySet

#: rows of one transaction, and of one run of a sweep; the next goes on
BATCH, MOST = 500, 20_000


def forget(old: QuerySet[Any], *, by: str) -> int:
    """Delete rows, in the order of an indexed column. Returns how many; safe to repeat.

    A row that is not `old` any more when its turn comes stays.
    """
    count = 0
    while count < MOST:
        keys = list(old.order_by(by).values_list("pk", flat=True)[:BATCH])
        if not keys:
            break
        count += _deleted(old, keys)
        if len(keys) < BATCH:
            break
    return count


def _deleted(old: QuerySet[Any], keys: list[Any]) -> int:
    _, by_model = old.order_by().filter(pk__in=keys).delete()
    return int(by_model.get(old.model._meta.label, 0))
