"""Standing permissions: what somebody lets the assistant do from now on without asking again.

Every look at one and every change of one holds the space's lock, so that what they spend together
never passes their ceilings.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q

from genproj.kernel import logs, rows
from genproj.kernel.api import bodies
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden, Invalid, NotFound
from genproj.kernel.ids import uuid7
from spaces.models import Approval, StandingPermission
from spaces.operations import calls
from spaces.operations.entering import Here, entered
from spaces.permissions import Act
from spaces.tools import Kind, Tool

REASON = "standing permission"
FINEST = Decimal("0.000001")
#: what comes with an approval that is to hold from now on
ALWAYS: dict[str, Any] = {
    "type": ["object", "null"],
    "default": None,
    "additionalProperties": False,
    "required": ["ceiling"],
    "properties": {
        "ceiling": {
            "type": ["string", "number"],
            "pattern": r"^[0-9]{1,6}(\.[0-9]{1,6})?$",
            "minimum": 0,
            "maximum": 999_999,
            "description": 'US dollars that it may spend in all, as text such as "2.50".',
        },
        "conversation_only": {
            "type": "boolean",
            "default": True,
            "description": "For whoever speaks in this conversation; else for what you ask for, "
            "in the whole space.",
        },
    },
}

log = logs.component("standing")


class PermissionNotFound(NotFound):
    """There is no such standing permission here."""


def give(here: Here, *, approval: Approval, always: Mapping[str, Any]) -> StandingPermission:
    """Let the tool of a call that was just approved be used from now on; inside a transaction.

    It takes the place of one that the same person gave for the same.

    Raises:
        Invalid: no such ceiling; or the tool deletes, which is always asked for.
    """
    tool = calls.tool_of(approval.tool)
    if tool.kind == Kind.DELETES:
        words = "What deletes is asked for each time."
        raise Invalid.one("/always", "not_allowed", words)
    errors = bodies.errors_in(dict(always), {**ALWAYS, "type": "object"}, "/always")
    if errors:
        raise Invalid(errors)
    only_here = always.get("conversation_only", True) and approval.conversation_id
    conversation = approval.conversation_id if only_here else None
    same = StandingPermission.objects.filter(
        space=here.space, given_by=here.actor, tool=approval.tool, conversation=conversation
    )
    same.filter(revoked_at=None).update(revoked_at=now(), revoked_by=here.actor)
    given = StandingPermission.objects.create(
        id=uuid7(),
        space=here.space,
        given_by=here.actor,
        tool=approval.tool,
        conversation_id=conversation,
        ceiling=Decimal(str(always["ceiling"])).quantize(FINEST, ROUND_DOWN),
        created_at=now(),
    )
    log.info("given", permission=str(given.pk), tool=given.tool, user=here.actor.pk)
    return given


def cover(approval: Approval, *, tool: Tool) -> StandingPermission | None:
    """The permission that covers a proposed call, its cost counted; None when people decide.

    Inside a transaction that holds the space. What has no known price is never covered.
    """
    if tool.kind == Kind.DELETES or (tool.kind == Kind.SPENDS and approval.cost is None):
        return None
    whose = Q(conversation=None, given_by=approval.requested_by)
    if approval.conversation_id is not None:
        whose |= Q(conversation=approval.conversation_id)
    found = StandingPermission.objects.filter(
        whose, space=approval.space_id, tool=approval.tool, revoked_at=None
    )
    cost = approval.cost or Decimal(0)
    for one in _locked(found.order_by("created_at", "id")):
        if one.spent + cost > one.ceiling or not _still_may(one, tool):
            continue
        one.spent += cost
        one.save(update_fields=["spent"])
        return one
    return None


def give_back(approval: Approval, /) -> None:
    """What a call was counted with, when nothing came of it; inside a transaction that holds the
    space."""
    if approval.standing is None or not approval.cost:
        return
    for one in _locked(StandingPermission.objects.filter(pk=approval.standing)):
        one.spent = max(one.spent - approval.cost, Decimal(0))
        one.save(update_fields=["spent"])


def require_standing(approval: Approval, /) -> None:
    """Nothing for a call that somebody approved.

    Raises:
        Forbidden: the permission by which it was approved has been revoked.
    """
    if approval.standing is None:
        return
    found = StandingPermission.objects.filter(pk=approval.standing, revoked_at=None)
    if not found.exists():
        raise Forbidden("The standing permission was revoked before this was carried out.")


@rows.atomically
def revoke(*, actor: User, space_id: UUID, permission_id: UUID) -> StandingPermission:
    """Have people asked again; whoever may decide may revoke. One that is revoked stays so.

    Raises:
        PermissionNotFound: there is none here.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.DECIDE_APPROVALS)
    found = StandingPermission.objects.filter(space=here.space, pk=permission_id)
    one = next(iter(_locked(found)), None)
    if one is None:
        raise PermissionNotFound
    if one.revoked_at is None:
        one.revoked_at, one.revoked_by = now(), actor
        one.save(update_fields=["revoked_at", "revoked_by"])
        log.info("revoked", permission=str(one.pk), user=actor.pk)
    return one


def _still_may(one: StandingPermission, tool: Tool) -> bool:
    """Whether whoever gave it could approve the call now."""
    try:
        for act in (Act.DECIDE_APPROVALS, tool.act):
            calls.require_rights(person=one.given_by, space_id=one.space_id, act=act)
    except Forbidden:
        return False
    return True


def _locked(found: Any) -> list[StandingPermission]:
    if rows.locks_rows():
        found = found.select_for_update(of=("self",), no_key=True)
    return list(found.select_related("given_by"))
