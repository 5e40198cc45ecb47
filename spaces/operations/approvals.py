"""What the assistant proposes and people decide on: each decided once, and carried out once.

Every change of a proposal holds the space's lock, so that of two decisions the first wins, and
the last of a round's calls to end has its turn gone on with.
"""

import contextlib
from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet

from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import messages, rounds, turns
from genproj.kernel import leases, logs, rows
from genproj.kernel.clock import after, now
from genproj.kernel.errors import Conflict, Refusal
from genproj.kernel.ids import uuid7
from genproj.kernel.wake import wake
from spaces.errors import AlreadyDecided, ApprovalNotFound
from spaces.models import Approval, Space
from spaces.operations import calls, standing
from spaces.operations.entering import Here, change, entered, expect, locked
from spaces.operations.telling import tell_approval
from spaces.permissions import Act, require
from spaces.states import APPROVAL, ApprovalStatus

JOB = "spaces.jobs.run_approved"
#: told when a step of a plan has ended, and asked whether one may still be carried out
ENDED = "spaces.operations.plans.ended"
GOES_ON = "spaces.operations.plans.require_going"
MOST_FAILURES = 3
LONGEST_REASON = 300
S = ApprovalStatus

log = logs.component("approvals")


class Changed(Conflict):
    """What was approved is not what would be carried out."""

    code, title = "arguments_changed", "Changed after approval"


class Lost(Exception):
    """Somebody else has carried it out meanwhile; nothing of this attempt may stay."""


def propose(
    turn: Turn,
    *,
    message: Message,
    space: Space,
    call_id: str,
    name: str,
    arguments: Mapping[str, Any],
) -> Approval:
    """Keep a call of the model for people to decide on; inside a transaction that holds the space.

    One that a standing permission covers is approved by it at once. Whoever asked the model is
    who asks for it, whatever its arguments say.

    Raises:
        Invalid, Forbidden: the call is refused; nothing is kept.
    """
    tool = calls.tool_of(name)
    asker = calls.require_rights(person=turn.asked.author, space_id=space.pk, act=tool.act)
    given = calls.checked(tool, arguments=arguments, space_id=space.pk)
    at = now()
    approval = Approval.objects.create(
        id=uuid7(),
        space=space,
        conversation_id=turn.conversation_id,
        turn=turn.pk,
        message=message.pk,
        call_id=call_id,
        tool=name,
        arguments=given,
        original_arguments=given,
        cost=calls.price_of(tool, actor=asker, space_id=space.pk, given=given),
        status=S.PENDING,
        requested_by=asker,
        created_at=at,
        updated_at=at,
        expires_at=after(settings.APPROVAL_HOURS * 3600),
    )
    tell_approval(approval, kind="approval:created", webhook="approval.requested")
    covered = standing.cover(approval, tool=tool)
    if covered is not None:
        approve_now(approval, actor=covered.given_by, reason=standing.REASON, standing=covered.pk)
    return approval


@rows.atomically
def edit(
    *,
    actor: User,
    space_id: UUID,
    approval_id: UUID,
    arguments: Mapping[str, Any],
    version: int | None = None,
) -> Approval:
    """Propose other arguments instead; it stays pending, and what the model said is kept.

    Raises:
        AlreadyDecided: it is no longer pending.
        VersionConflict: it is not at `version` any more.
        Invalid: they do not fit the tool, or name what is not in the space.
    """
    here, approval = _opened(actor, space_id, approval_id)
    _require_pending(approval)
    expect(approval, version=version)
    tool = calls.tool_of(approval.tool)
    require(here.role, tool.act)
    given = calls.checked(tool, arguments=arguments, space_id=space_id)
    if given != approval.arguments:
        cost = calls.price_of(tool, actor=actor, space_id=space_id, given=given)
        change(approval, facts={"arguments": given, "cost": cost})
        tell_approval(approval, kind="approval:updated")
    return approval


@rows.atomically
def approve(
    *,
    actor: User,
    space_id: UUID,
    approval_id: UUID,
    version: int | None = None,
    always: Mapping[str, Any] | None = None,
) -> Approval:
    """Have it carried out, exactly as it stands. The first decision wins; one's own, repeated,
    stands.

    Args:
        always: `ceiling` and `conversation_only` of a standing permission for its tool.

    Raises:
        Invalid: the tool cannot be always allowed.
        AlreadyDecided: somebody was first, or it was decided otherwise.
        VersionConflict: it is not at `version` any more, so not what the person has seen.
        Forbidden: the person may not do what the tool does.
    """
    here, approval = _opened(actor, space_id, approval_id)
    if _stands(approval, actor, {S.APPROVED, S.EXECUTED, S.FAILED}):
        return approval
    expect(approval, version=version)
    require(here.role, calls.tool_of(approval.tool).act)
    if always is not None:
        standing.give(here, approval=approval, always=always)
    approve_now(approval, actor=actor)
    return approval


@rows.atomically
def reject(
    *,
    actor: User,
    space_id: UUID,
    approval_id: UUID,
    reason: str = "",
    version: int | None = None,
) -> Approval:
    """Have it not carried out, and the model told so. The first decision wins.

    Raises:
        AlreadyDecided: somebody was first, or it was decided otherwise.
        VersionConflict: it is not at `version` any more.
    """
    _, approval = _opened(actor, space_id, approval_id)
    if _stands(approval, actor, {S.REJECTED}):
        return approval
    expect(approval, version=version)
    _decide(approval, S.REJECTED, actor=actor, reason=" ".join(reason.split())[:LONGEST_REASON])
    _conclude(approval)
    return approval


@rows.atomically
def approve_all(
    *, actor: User, space_id: UUID, approval_ids: Sequence[UUID] | None = None
) -> dict[str, list[Any]]:
    """Approve these, or all that are pending; what cannot be is told of, and stops no other."""
    here = entered(actor=actor, space_id=space_id, act=Act.DECIDE_APPROVALS)
    if approval_ids is None:
        found = Approval.objects.filter(space=here.space, status=S.PENDING, expires_at__gt=now())
        approval_ids = list(found.order_by("created_at", "id").values_list("pk", flat=True))
    approved: list[Approval] = []
    refused: list[dict[str, str]] = []
    for id in approval_ids:
        try:
            approved.append(approve(actor=actor, space_id=space_id, approval_id=id))
        except Refusal as refusal:
            refused.append({"id": str(id), "code": refusal.code, "detail": refusal.detail})
    return {"approved": approved, "refused": refused}


def reject_open(here: Here, *, conversation_id: UUID, reason: str) -> None:
    """Reject what is pending of a conversation that ends; inside a transaction."""
    found = _rows().filter(space=here.space, conversation=conversation_id, status=S.PENDING)
    for approval in found.order_by("created_at", "id"):
        _decide(approval, S.REJECTED, actor=here.actor, reason=reason)
        _conclude(approval)


def expire() -> int:
    """Sweep: what nobody decided on in time. Returns how many."""
    found = Approval.objects.filter(status=S.PENDING, expires_at__lte=now())
    keys = list(found.values_list("pk", "space_id")[:100])
    return sum(_expired(approval_id=key, space_id=space) for key, space in keys)


@rows.atomically
def _expired(*, approval_id: UUID, space_id: UUID) -> bool:
    if locked(space_id) is None:
        return False
    approval = _rows().filter(pk=approval_id, status=S.PENDING, expires_at__lte=now()).first()
    if approval is None:
        return False
    _decide(approval, S.EXPIRED, actor=None)
    _conclude(approval)
    return True


def approved_to_run() -> "QuerySet[Approval]":
    """What is approved and waits to be carried out."""
    return Approval.objects.filter(status=S.APPROVED, due_at__isnull=False)


def run_approved() -> int:
    """Carry out one approved call. Safe to ring twice or never."""
    taken = leases.claim(approved_to_run(), limit=1)
    for approval in taken:
        leases.attempt(lambda one=approval: _run(one), failed=_failed(approval))
    return len(taken)


@rows.atomically
def _run(taken: Approval) -> None:
    """What it does and that it is done are one transaction: a worker that dies leaves neither."""
    approval = _rows().get(pk=taken.pk)
    try:
        with rows.atomic():  # a refused call undoes itself, not its record
            result = {**_carried_out(approval), "error": None}
    except Refusal as refusal:
        result = {"error": calls.told_of(refusal)}
    _finish(taken, result=result)


def _carried_out(approval: Approval) -> Mapping[str, Any]:
    tool = calls.tool_of(approval.tool)
    if calls.hash_of(approval.tool, arguments=approval.arguments) != approval.approved_hash:
        raise Changed
    standing.require_standing(approval)
    if approval.step:
        resolve_name(GOES_ON)(approval)
    space_id = approval.space_id
    calls.require_rights(person=approval.decided_by, space_id=space_id, act=tool.act)
    asker = calls.require_rights(person=approval.requested_by, space_id=space_id, act=tool.act)
    given = calls.checked(tool, arguments=approval.arguments, space_id=space_id)
    return calls.run(tool, actor=asker, space_id=space_id, arguments=given)


def _finish(taken: Approval, *, result: Mapping[str, Any]) -> None:
    """Record what came of it. Raises Lost when another attempt did; the transaction is undone."""
    locked(taken.space_id)
    approval = _rows().get(pk=taken.pk)
    if approval.status != S.APPROVED or not leases.finish(taken):
        raise Lost
    status = S.FAILED if result["error"] else S.EXECUTED
    facts = {"result": dict(result), "updated_at": now(), "version": approval.version + 1}
    APPROVAL.advance(approval, status, **facts)
    if status == S.FAILED:
        standing.give_back(approval)
    tell_approval(approval, kind="approval:updated")
    log.info(str(status), approval=str(approval.pk), tool=approval.tool)
    if approval.step:
        resolve_name(ENDED)(approval)
    _conclude(approval)


def _failed(taken: Approval) -> Any:
    def failed(error: BaseException) -> None:
        if isinstance(error, Lost):
            return
        log.exception("failed", approval=str(taken.pk), error=repr(error))
        if taken.failures + 1 < MOST_FAILURES:
            leases.put_off(taken, seconds=leases.backoff(taken.failures), error=repr(error))
            return
        detail = "Something went wrong on our side; nothing was done."
        with contextlib.suppress(Lost), rows.atomic():
            _finish(taken, result={"error": {"code": "internal_error", "detail": detail}})

    return failed


def _conclude(approval: Approval) -> None:
    """Give the model the one result of this call, and the turn back to it once all have theirs."""
    if approval.message is None or approval.conversation_id is None:
        return
    messages.locked(approval.conversation_id)
    message = Message.objects.select_related("conversation").filter(pk=approval.message).first()
    if message is None:
        return
    messages.answer_calls(message, results={approval.call_id: _told(approval)})
    if approval.turn is not None and not rounds.unanswered(message):
        turns.resume(turn_id=approval.turn)


def _told(approval: Approval) -> dict[str, Any]:
    """What the model is told of a call that has ended."""
    by = approval.decided_by.get_username() if approval.decided_by else None
    told: dict[str, Any] = {"status": str(approval.status), "decided_by": by}
    if approval.arguments != approval.original_arguments:
        told["edited_arguments"] = approval.arguments
    if approval.reason:
        told["reason"] = approval.reason
    told |= {name: value for name, value in (approval.result or {}).items() if value is not None}
    result = calls.good(told)
    return result if approval.status == S.EXECUTED else {**result, "is_error": True}


def approve_now(
    approval: Approval, *, actor: User | None, reason: str = "", standing: UUID | None = None
) -> None:
    """Have a pending call carried out; inside a transaction that holds the space, and after it
    was judged."""
    mark = calls.hash_of(approval.tool, arguments=approval.arguments)
    _decide(
        approval,
        S.APPROVED,
        actor=actor,
        approved_hash=mark,
        due_at=now(),
        reason=reason,
        standing=standing,
    )
    wake(JOB)


def _decide(
    approval: Approval, status: ApprovalStatus, *, actor: User | None, **facts: Any
) -> None:
    at = now()
    decided = {"decided_by": actor, "decided_at": at, "updated_at": at}
    APPROVAL.advance(approval, status, **decided, **facts, version=approval.version + 1)
    tell_approval(approval, kind="approval:updated", webhook="approval.decided")
    user = actor.pk if actor else None
    log.info("decided", approval=str(approval.pk), status=str(status), user=user)


def _opened(actor: User, space_id: UUID, approval_id: UUID) -> tuple[Here, Approval]:
    here = entered(actor=actor, space_id=space_id, act=Act.DECIDE_APPROVALS)
    approval = _rows().filter(pk=approval_id, space=here.space).first()
    if approval is None:
        raise ApprovalNotFound
    return here, approval


def _rows() -> "QuerySet[Approval]":
    return Approval.objects.select_related("requested_by", "decided_by", "space")


def _stands(approval: Approval, actor: User, statuses: set[ApprovalStatus]) -> bool:
    """Whether this very person has decided so already; AlreadyDecided when it was otherwise."""
    if approval.status in statuses and approval.decided_by_id == actor.pk:
        return True
    _require_pending(approval)
    return False


def _require_pending(approval: Approval) -> None:
    if approval.status == S.PENDING and approval.expires_at > now():
        return
    by = approval.decided_by.get_username() if approval.decided_by else None
    if approval.status in (S.PENDING, S.EXPIRED):
        words = "Nobody decided in time; it has expired."
    else:
        verb = "rejected" if approval.status == S.REJECTED else "approved"
        words = f"Already {verb} by {by or 'somebody who is gone'}."
    raise AlreadyDecided(words, decided_by=by, decision=str(approval.status))
