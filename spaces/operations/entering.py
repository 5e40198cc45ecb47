"""Lets people into a space to change something: its row is locked before anything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.errors import InvalidTransition, VersionConflict
from spaces import queries
from spaces.errors import AssetNotFound, SpaceNotFound, VariantNotFound
from spaces.models import Approval, Asset, Space, Variant
from spaces.operations import acting
from spaces.permissions import Act, Role, require

#: what can still be done in a space that lies in the trash
IN_TRASH = frozenset({Act.VIEW, Act.BE_PRESENT, Act.DELETE_SPACE})


@dataclass(frozen=True)
class Here:
    """Somebody in a space that is locked until the transaction ends."""

    space: Space
    actor: User
    role: Role


def entered(*, actor: User, space_id: UUID, act: Act) -> Here:
    """The space, locked, for `actor` to do `act`. Inside a transaction.

    Every change in a space begins here, so changes in one space happen one after the other, and
    rules over several rows (cycles, the last owner) can be judged without a race.

    Raises:
        SpaceNotFound: there is none, or `actor` is not in it.
        Forbidden: the role does not allow it.
        InvalidTransition: the space lies in the trash.
    """
    space = locked(space_id)
    if space is None:
        raise SpaceNotFound
    role = queries.role_in(viewer=actor, space_id=space_id)
    require(role, act)
    if space.trashed_at and act not in IN_TRASH:
        raise InvalidTransition("The space lies in the trash; restore it first.")
    acting.begin(actor.get_username())
    return Here(space, actor, role)


def locked(space_id: UUID) -> Space | None:
    """The space's row, locked for changes; rows that point at it can still be added."""
    found = Space.objects.filter(pk=space_id)
    if rows.locks_rows():
        found = found.select_for_update(of=("self",), no_key=True)
    return found.first()


def asset_in(here: Here, *, asset_id: UUID) -> Asset:
    """An asset of this space; its changes are guarded by the space's lock.

    Raises:
        AssetNotFound: there is none here.
    """
    asset = Asset.objects.filter(pk=asset_id, space=here.space).select_related("created_by").first()
    if asset is None:
        raise AssetNotFound
    return asset


def variant_in(here: Here, *, variant_id: UUID) -> Variant:
    """A variant of this space, locked: the engine settles variants without the space.

    Raises:
        VariantNotFound: there is none here.
    """
    found = Variant.objects.filter(pk=variant_id, space=here.space).select_related("created_by")
    if rows.locks_rows():
        found = found.select_for_update(of=("self",), no_key=True)
    variant = found.first()
    if variant is None:
        raise VariantNotFound
    return variant


def expect(row: Space | Asset | Variant | Approval, *, version: int | None) -> None:
    """VersionConflict when the caller means another version than this; None means any."""
    if version is not None and row.version != version:
        raise VersionConflict


def change(row: Space | Asset | Variant | Approval, *, facts: Mapping[str, Any]) -> None:
    """Change facts of a locked row; its version rises by one."""
    now_so = {**facts, "updated_at": now(), "version": row.version + 1}
    type(row)._default_manager.filter(pk=row.pk).update(**now_so)
    for name, value in now_so.items():
        setattr(row, name, value)
