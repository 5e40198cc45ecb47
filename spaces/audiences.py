"""The audience of a space: `space:ID` is for its members, each as far as their role goes."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from genproj.kernel.ids import is_uuid
from spaces import queries
from spaces.permissions import NEEDS, Act
from spaces.queries import naming

#: the level that throws things away: a picture through the gallery like its variant on the board
DELETES = NEEDS[Act.DELETE_VARIANTS].value


def level(user: AbstractBaseUser, key: str) -> str | None:
    """The person's role in the space; None for who is not in it, or when it is in the trash."""
    try:
        return queries.role_of(user_id=user.pk, space_id=UUID(key))
    except ValueError:
        return None


def keys_of(user: AbstractBaseUser) -> list[str]:
    """The spaces whose things the person may see."""
    return [str(id) for id in queries.space_ids_of(user_id=user.pk)]


def owner_ids(key: str) -> list[int]:
    """The people who own the space."""
    return naming.owner_ids_of(space_id=UUID(key)) if is_uuid(key) else []


def names(keys: Iterable[str]) -> dict[str, str]:
    """What the spaces are called."""
    ids = [UUID(key) for key in keys if is_uuid(key)]
    return {str(id): name for id, name in naming.names_of(space_ids=ids).items()}
