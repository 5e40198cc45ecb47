"""Who is in which space, and as what."""

from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel.memory import remembered
from spaces.errors import SpaceNotFound
from spaces.models import Member, Space
from spaces.permissions import Role


def role_of(*, user_id: int, space_id: UUID) -> str | None:
    """The person's role; None for who is not in the space. In a trashed one only owners remain."""
    found = Member.objects.filter(user=user_id, space=space_id)
    row = found.values_list("role", "space__trashed_at").first()
    if row is None:
        return None
    role, trashed_at = row
    return role if trashed_at is None or role == Role.OWNER else None


def role_in(*, viewer: User, space_id: UUID) -> Role:
    """As what somebody sees a space; staff own every one.

    Raises:
        SpaceNotFound: there is none, or `viewer` is not in it.
    """
    if not viewer.is_active:
        raise SpaceNotFound
    if viewer.is_staff:
        if not Space.objects.filter(pk=space_id).exists():
            raise SpaceNotFound
        return Role.OWNER
    role = role_of(user_id=viewer.pk, space_id=space_id)
    if role is None:
        raise SpaceNotFound
    return Role(role)


@remembered(1.0)
def _ids_of(user_id: int) -> tuple[UUID, ...]:
    found = Member.objects.filter(user=user_id, space__trashed_at__isnull=True)
    return tuple(found.values_list("space_id", flat=True))


def space_ids_of(*, user_id: int) -> list[UUID]:
    """The spaces that the person is in; at most a second old."""
    return list(_ids_of(user_id))


def forget_memberships() -> None:
    """Forget what is remembered of them in this process, for who changed them just now."""
    _ids_of.forget()  # type: ignore[attr-defined]
