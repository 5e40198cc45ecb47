"""The audience of one person: what is addressed to `user:5` is theirs alone."""

from django.contrib.auth.models import AbstractBaseUser


def level(user: AbstractBaseUser, key: str) -> str | None:
    """Owner for oneself, nothing for others."""
    return "owner" if str(user.pk) == key else None


def keys_of(user: AbstractBaseUser) -> list[str]:
    """The keys of this kind whose things `user` may see."""
    return [str(user.pk)]
