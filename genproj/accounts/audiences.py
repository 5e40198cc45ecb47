"""The audience of one person: what is addressed to `user:5` is theirs alone."""

from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser, User

#: the level that throws things away
DELETES = "owner"


def level(user: AbstractBaseUser, key: str) -> str | None:
    """Owner for oneself, nothing for others."""
    return "owner" if str(user.pk) == key else None


def keys_of(user: AbstractBaseUser) -> list[str]:
    """The keys of this kind whose things `user` may see."""
    return [str(user.pk)]


def owner_ids(key: str) -> list[int]:
    """The one person."""
    return [int(key)] if key.isdecimal() else []


def names(keys: Iterable[str]) -> dict[str, str]:
    """The user names behind these keys."""
    ids = [int(key) for key in keys if key.isdecimal()]
    found = User.objects.filter(pk__in=ids).values_list("pk", "username")
    return {str(id): name for id, name in found}
