"""Makes spaces, names them, and throws them away."""

from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import logs, rows
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces import queries
from spaces.models import Member, Space
from spaces.operations import words
from spaces.operations.entering import change, entered, expect
from spaces.operations.telling import tell_member, tell_space
from spaces.permissions import Act, Role

log = logs.component("spaces")


@rows.atomically
def create(*, actor: User, name: str) -> Space:
    """Make a space; whoever makes it owns it."""
    at, name = now(), words.name(name)
    space = Space(id=uuid7(), name=name, created_by=actor, created_at=at, updated_at=at)
    space.save(force_insert=True)
    member = Member.objects.create(space=space, user=actor, role=Role.OWNER, created_at=at)
    tell_space(space)
    tell_member(member)
    rows.after_commit(queries.forget_memberships)
    rows.after_commit(lambda: log.info("created", space=str(space.pk), user=actor.pk))
    return space


@rows.atomically
def rename(*, actor: User, space_id: UUID, name: str, version: int | None = None) -> Space:
    """Give a space another name.

    Raises:
        VersionConflict: it is not at `version` any more.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHANGE_SPACE)
    expect(here.space, version=version)
    name = words.name(name)
    if here.space.name != name:
        change(here.space, facts={"name": name})
        tell_space(here.space)
    return here.space


@rows.atomically
def trash(*, actor: User, space_id: UUID, version: int | None = None) -> Space:
    """Move a space to the trash, where only its owners see it; repeated it changes nothing."""
    here = entered(actor=actor, space_id=space_id, act=Act.DELETE_SPACE)
    expect(here.space, version=version)
    if here.space.trashed_at is None:
        _set_trashed(here.space, news="trashed", actor=actor)
    return here.space


@rows.atomically
def restore(*, actor: User, space_id: UUID) -> Space:
    """Bring a space back from the trash; repeated it changes nothing."""
    here = entered(actor=actor, space_id=space_id, act=Act.DELETE_SPACE)
    if here.space.trashed_at is not None:
        _set_trashed(here.space, news="restored", actor=actor)
    return here.space


def _set_trashed(space: Space, *, news: str, actor: User) -> None:
    change(space, facts={"trashed_at": now() if news == "trashed" else None})
    tell_space(space)
    rows.after_commit(queries.forget_memberships)
    rows.after_commit(lambda: log.info(news, space=str(space.pk), user=actor.pk))
