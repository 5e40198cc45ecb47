"""Writes the people themselves, where no page of Django's own does."""

from collections.abc import Collection

from django.contrib.auth.models import User

from genproj.kernel import rows


@rows.atomically
def save_administrator(person: User) -> None:
    """Keep a new administrator."""
    person.save()


@rows.atomically
def remove(ids: Collection[int]) -> int:
    """Delete people with their keys and sessions' rights. Returns how many."""
    found = User.objects.filter(pk__in=ids)
    count = found.count()
    found.delete()
    return count
