"""Who is in a space, and as what. Every change holds the space's lock, so that of two owners who
step down at once the second is the last and stays."""

from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import logs, rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid
from genproj.notices.operations import notify
from spaces import queries
from spaces.errors import AlreadyMember, LastOwner, MemberNotFound
from spaces.models import Member, Space
from spaces.operations.entering import Here, entered
from spaces.operations.telling import tell_left, tell_member
from spaces.permissions import Act, Role

#: no column keeps a larger number
LARGEST_ID = 2**63 - 1

log = logs.component("spaces")


@rows.atomically
def add(*, actor: User, space_id: UUID, username: str, role: str) -> Member:
    """Take somebody in at once. With the role they have already: no change.

    Raises:
        Invalid: there is nobody of this name, or no such role.
        AlreadyMember: they have another role.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.MANAGE_MEMBERS)
    person = person_called(username)
    wanted = role_called(role)
    known = Member.objects.filter(space=here.space, user=person).select_related("user").first()
    if known is not None:
        if known.role != wanted:
            raise AlreadyMember
        return known
    member = join(here.space, user=person, role=wanted)
    if person != actor:
        _notify(member, kind="member.added", words=f"You are now {wanted} of {here.space.name}")
    return member


def join(space: Space, *, user: User, role: Role) -> Member:
    """Make somebody a member of a locked space, and tell it."""
    member = Member.objects.create(space=space, user=user, role=role, created_at=now())
    tell_member(member)
    _remember("joined", member)
    return member


@rows.atomically
def set_role(*, actor: User, space_id: UUID, user_id: int, role: str) -> Member:
    """Give a member another role.

    Raises:
        LastOwner: nobody else owns the space.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.MANAGE_MEMBERS)
    member = member_in(here, user_id=user_id)
    wanted = role_called(role)
    if member.role != wanted:
        _require_another_owner(member)
        change_role(member, role=wanted)
        if member.user_id != actor.pk:
            words = f"You are now {wanted} of {here.space.name}"
            _notify(member, kind="member.role_changed", words=words)
    return member


def change_role(member: Member, *, role: Role) -> None:
    """Write a member's new role and tell it; the space is locked."""
    member.role = role
    member.save(update_fields=["role"])
    tell_member(member)
    _remember("role_changed", member)


@rows.atomically
def remove(*, actor: User, space_id: UUID, user_id: int) -> None:
    """Send a member away.

    Raises:
        LastOwner: nobody else owns the space.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.MANAGE_MEMBERS)
    member = member_in(here, user_id=user_id)
    _part(member)
    if user_id != actor.pk:
        _notify(member, kind="member.removed", words=f"You are no longer in {here.space.name}")


@rows.atomically
def leave(*, actor: User, space_id: UUID) -> None:
    """Go away oneself.

    Raises:
        MemberNotFound: staff who look in are not members.
        LastOwner: nobody else owns the space.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.VIEW)
    _part(member_in(here, user_id=actor.pk))


def _part(member: Member) -> None:
    _require_another_owner(member)
    Member.objects.filter(pk=member.pk).delete()
    tell_left(member)
    _remember("left", member)


@rows.atomically
def transfer(*, actor: User, space_id: UUID, user_id: int) -> Member:
    """Make another member the owner in one's own place; one edits from then on.

    Staff who are not members only name the owner.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.MANAGE_MEMBERS)
    heir = member_in(here, user_id=user_id)
    if heir.role != Role.OWNER:
        change_role(heir, role=Role.OWNER)
        _notify(heir, kind="member.role_changed", words=f"{here.space.name} is yours now")
    own = Member.objects.filter(space=here.space, user=actor).select_related("user").first()
    if own is not None and own.pk != heir.pk and own.role == Role.OWNER:
        change_role(own, role=Role.EDITOR)
    return heir


def member_in(here: Here, *, user_id: int) -> Member:
    """A member of this space.

    Raises:
        MemberNotFound: there is none here.
    """
    if user_id > LARGEST_ID:
        raise MemberNotFound
    member = Member.objects.filter(space=here.space, user=user_id).select_related("user").first()
    if member is None:
        raise MemberNotFound
    return member


def person_called(username: str) -> User:
    """An active person by their user name; Invalid when there is none."""
    person = User.objects.filter(username=username.strip(), is_active=True).first()
    if person is None:
        raise Invalid.one("/username", "not_found", "There is nobody of this name.")
    return person


def role_called(role: str) -> Role:
    """The role of this name; Invalid when there is none."""
    if role not in set(Role):
        raise Invalid.one("/role", "choice", f"Must be one of {', '.join(Role)}.")
    return Role(role)


def _require_another_owner(member: Member) -> None:
    if member.role != Role.OWNER:
        return
    others = Member.objects.filter(space=member.space_id, role=Role.OWNER, user__is_active=True)
    if not others.exclude(pk=member.pk).exists():
        raise LastOwner


def _notify(member: Member, *, kind: str, words: str) -> None:
    left = kind == "member.removed"
    url = "/spaces/" if left else f"/spaces/{member.space_id}/"
    notify(owner=member.user, kind=kind, title=words, url=url)


def _remember(event: str, member: Member) -> None:
    facts = {"space": str(member.space_id), "member": member.user_id, "role": str(member.role)}
    rows.after_commit(queries.forget_memberships)
    rows.after_commit(lambda: log.info(event, **facts))
