"""What spaces are called, and whose they are."""

from collections.abc import Iterable
from uuid import UUID

from spaces.models import Member, Space
from spaces.permissions import Role


def owner_ids_of(*, space_id: UUID) -> list[int]:
    """The people who own the space."""
    found = Member.objects.filter(space=space_id, role=Role.OWNER)
    return list(found.order_by("user").values_list("user_id", flat=True))


def names_of(*, space_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The spaces' names."""
    return dict(Space.objects.filter(pk__in=list(space_ids)).values_list("pk", "name"))
