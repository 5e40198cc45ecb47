"""Plans: calls that people start, one after the other, each carried out like an approved one.

Every change of a plan holds the space's lock. A step that runs is an approval of its own, so a
worker that dies in the middle of it leaves nothing, and it is done once.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from genproj.kernel import rows
from genproj.kernel.api import bodies
from genproj.kernel.clock import after, now
from genproj.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    InvalidTransition,
    Refusal,
    VersionConflict,
)
from genproj.kernel.ids import uuid7
from spaces.models import Approval, Plan, PlanStep, Variant
from spaces.operations import acting, approvals, calls, references
from spaces.operations.entering import entered
from spaces.operations.telling import tell_approval, tell_plan
from spaces.permissions import Act
from spaces.queries.plans import PlanNotFound
from spaces.states import PLAN, STEP, ApprovalStatus, PlanStatus, StepStatus, VariantStatus
from spaces.tools import Kind

P, S = PlanStatus, StepStatus
FAILED = "A step failed. Retry it, or skip it."
OVER = "The next step would cost more than the plan's ceiling leaves."
NOT_EARLIER = "Names no earlier step that makes something."
BEING_MADE = frozenset({VariantStatus.PENDING, VariantStatus.PROCESSING})


class CeilingReached(Conflict):
    """The next step would cost more than the plan's ceiling leaves."""

    code, title = "ceiling_reached", "Ceiling reached"


class NotThereYet(Conflict):
    """What the step works on is still being made; it begins by itself once that is there."""

    code, title = "not_there_yet", "Still being made"


class StepNotFound(PlanNotFound):
    """There is no such step in this plan."""


@rows.atomically
def draft(*, actor: User, space_id: UUID, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a plan that people may start; nothing of it happens before.

    Raises:
        Invalid: a step does not fit its tool, or names what is not in the space.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHAT)
    at = now()
    said = arguments["steps"]
    steps = [_step(number, said, actor, space_id) for number in range(len(said))]
    plan = Plan.objects.create(
        id=uuid7(),
        space=here.space,
        conversation=here.space.conversation,
        title=arguments["title"],
        status=P.DRAFT,
        spent=Decimal(0),
        ceiling=sum((one.cost or Decimal(0) for one in steps), Decimal(0)),
        requested_by=actor,
        created_at=at,
        updated_at=at,
    )
    for one in steps:
        one.plan = plan
    PlanStep.objects.bulk_create(steps)
    tell_plan(plan, kind="plan:created")
    words = "The plan is shown to people, who start it when they like."
    return {"plan_id": str(plan.pk), "steps": len(steps), "status": words}


def _step(number: int, steps: Sequence[Mapping[str, Any]], actor: User, space_id: UUID) -> PlanStep:
    said = steps[number]
    try:
        tool = calls.tool_of(said["tool"])
        _require_earlier(said["arguments"], [one["tool"] for one in steps[:number]])
        stood_in = references.stood_in(said["arguments"])
        given = references.put_back(bodies.read_body(stood_in, tool.schema))
        if errors := calls.strangers(references.left_out(given), space_id=space_id):
            raise Invalid(errors)
        cost = calls.price_of(tool, actor=actor, space_id=space_id, given=given)
    except Invalid as wrong:
        place = f"/steps/{number}/arguments"
        raise Invalid(
            [{**error, "pointer": place + error["pointer"]} for error in wrong.errors], wrong.detail
        ) from wrong
    return PlanStep(
        id=uuid7(),
        position=number + 1,
        title=said.get("title", ""),
        tool=said["tool"],
        arguments=given,
        cost=cost,
        status=S.WAITING,
    )


def _require_earlier(arguments: Mapping[str, Any], before: Sequence[str]) -> None:
    """Invalid where a step names one that does not come before it, or that makes nothing."""
    errors = [
        {"pointer": pointer, "code": "not_earlier", "detail": NOT_EARLIER}
        for pointer, number in references.steps_in(arguments).items()
        if number > len(before) or before[number - 1] not in references.MAKERS
    ]
    if errors:
        raise Invalid(errors)


@rows.atomically
def start(
    *,
    actor: User,
    space_id: UUID,
    plan_id: UUID,
    ceiling: Decimal | None = None,
    auto_advance: bool | None = None,
    version: int | None = None,
) -> Plan:
    """Begin the next step of a plan, or go on with one that was paused.

    Args:
        ceiling: what all its steps together may cost; else what it was, at first the sum of what
            they were thought to cost.
        auto_advance: whether each next step begins by itself when the one before is done.

    Raises:
        InvalidTransition: it runs already, has ended, or a step of it has failed.
        CeilingReached: the next step would cost too much.
    """
    plan = _opened(actor, space_id, plan_id, version)
    if plan.status not in (P.DRAFT, P.PAUSED):
        raise InvalidTransition(f"It is {plan.status} and cannot be started.")
    if plan.steps.filter(status=S.FAILED).exists():
        raise InvalidTransition(FAILED)
    if ceiling is not None:
        plan.ceiling = ceiling
    if auto_advance is not None:
        plan.auto_advance = auto_advance
    plan.started_by = actor
    if not plan.steps.filter(status=S.RUNNING).exists():
        following = plan.steps.filter(status=S.WAITING).first()
        if following is None:
            return _moved(plan, P.DONE)
        try:
            _begin(plan, following)
        except NotThereYet as early:
            return _moved(plan, P.RUNNING, note=early.detail)
    return _moved(plan, P.RUNNING)


@rows.atomically
def pause(*, actor: User, space_id: UUID, plan_id: UUID, version: int | None = None) -> Plan:
    """Begin no further step. One that runs comes to its end."""
    plan = _opened(actor, space_id, plan_id, version)
    return plan if plan.status == P.PAUSED else _moved(plan, P.PAUSED)


@rows.atomically
def stop(*, actor: User, space_id: UUID, plan_id: UUID, version: int | None = None) -> Plan:
    """End a plan. What waits of it is skipped, and what was not begun yet is not carried out."""
    plan = _opened(actor, space_id, plan_id, version)
    if plan.status == P.STOPPED:
        return plan
    for step in plan.steps.filter(status=S.WAITING):
        STEP.advance(step, S.SKIPPED)
    return _moved(plan, P.STOPPED)


@rows.atomically
def skip(
    *, actor: User, space_id: UUID, plan_id: UUID, step_id: UUID, version: int | None = None
) -> Plan:
    """Leave out a step that waits or has failed. A plan of which nothing is left is done."""
    plan = _opened(actor, space_id, plan_id, version)
    _require_open(plan)
    STEP.advance(_step_in(plan, step_id), S.SKIPPED)
    left = plan.steps.filter(status__in=(S.WAITING, S.RUNNING, S.FAILED)).exists()
    if left and plan.status == P.RUNNING and (following := _waiting_for(plan)):
        _advance(plan, following)  # it had waited for pictures
        return plan
    return _moved(plan, PlanStatus(plan.status) if left else P.DONE)


@rows.atomically
def retry(
    *, actor: User, space_id: UUID, plan_id: UUID, step_id: UUID, version: int | None = None
) -> Plan:
    """Try a step that has failed once more, and go on with the plan.

    Raises:
        InvalidTransition: it has not failed, or the plan has ended.
        CeilingReached: it would cost too much.
    """
    plan = _opened(actor, space_id, plan_id, version)
    _require_open(plan)
    step = _step_in(plan, step_id)
    if step.status != S.FAILED:
        raise InvalidTransition("Only a step that has failed is tried again.")
    plan.started_by = actor
    _begin(plan, step)
    return _moved(plan, P.RUNNING)


def require_going(approval: Approval, /) -> None:
    """Forbidden when the plan, whose step this is, was stopped meanwhile."""
    if PlanStep.objects.filter(pk=approval.step, plan__status=P.STOPPED).exists():
        raise Forbidden("The plan was stopped before this step was carried out.")


def picture_settled(variant: Variant, /) -> None:
    """A picture has come, or will not, or was deleted: what waits for it goes on. Inside the
    transaction of that, which holds the space wherever a plan has made the variant."""
    for plan in Plan.objects.filter(space=variant.space_id, status=P.RUNNING):
        following = _waiting_for(plan)
        if following and str(variant.pk) in _variants_for(plan, following):
            with acting.apart():  # pictures of other people may come in the same transaction
                _advance(plan, following)


def _waiting_for(plan: Plan) -> PlanStep | None:
    """The step whose turn it is, of a plan no step of which runs."""
    if plan.steps.filter(status=S.RUNNING).exists():
        return None
    return plan.steps.filter(status=S.WAITING).first()


def _results_for(plan: Plan, step: PlanStep) -> dict[int, Mapping[str, Any]]:
    wanted = set(references.steps_in(step.arguments).values())
    done = plan.steps.filter(position__in=wanted, status=S.DONE)
    return {one.position: one.result or {} for one in done}


def _variants_for(plan: Plan, step: PlanStep) -> set[str]:
    return {id for made in _results_for(plan, step).values() for id in made.get("variant_ids", ())}


def _given(plan: Plan, step: PlanStep) -> dict[str, Any]:
    """The arguments of a step, with what earlier ones have made.

    Raises:
        NotThereYet: a picture of one is still being made.
        Conflict: one was skipped, or its pictures failed.
    """
    made = {}
    for number in sorted(set(references.steps_in(step.arguments).values())):
        result = _results_for(plan, step).get(number)
        ids = [UUID(id) for id in (result or {}).get("variant_ids", ())]
        found = Variant.objects.filter(space=plan.space_id, pk__in=ids)
        states = dict(found.values_list("pk", "status"))
        if any(states.get(id) in BEING_MADE for id in ids):
            raise NotThereYet(f"Waits for the pictures of step {number}.")
        good = [str(id) for id in ids if states.get(id) == VariantStatus.COMPLETED]
        if result is None or not good:
            raise Conflict(f"Step {number} has made nothing that this step could use.")
        made[number] = {**result, "variant_ids": good}
    return references.filled_in(step.arguments, made=made)


def ended(approval: Approval, /) -> None:
    """A step came to its end; inside the transaction of its end, which holds the space."""
    step = PlanStep.objects.select_related("plan").filter(pk=approval.step).first()
    if step is None or step.approval != approval.pk or step.status != S.RUNNING:
        return
    plan = step.plan
    good = approval.status == ApprovalStatus.EXECUTED
    STEP.advance(step, S.DONE if good else S.FAILED, result=approval.result)
    if not good:
        plan.spent -= approval.cost or Decimal(0)
    if plan.status == P.STOPPED:
        _moved(plan, P.STOPPED)
        return
    if not good:
        _moved(plan, P.PAUSED, note=FAILED)
        return
    following = plan.steps.filter(status=S.WAITING).first()
    if following is None:
        failed = plan.steps.filter(status=S.FAILED).exists()
        _moved(plan, P.PAUSED if failed else P.DONE, note=FAILED if failed else "")
    elif plan.status == P.RUNNING and plan.auto_advance:
        _advance(plan, following)
    else:
        _moved(plan, P.PAUSED)


def _advance(plan: Plan, following: PlanStep) -> None:
    """Begin the next step, or tell why it cannot be."""
    try:
        with rows.atomic():  # a step that cannot begin leaves nothing
            _begin(plan, following)
    except CeilingReached:
        _moved(plan, P.PAUSED, note=OVER)
    except NotThereYet as early:
        _moved(plan, P.RUNNING, note=early.detail)
    except Refusal as refusal:
        _moved(plan, P.PAUSED, note=refusal.detail[:300])
    else:
        _moved(plan, P.RUNNING)


def _begin(plan: Plan, step: PlanStep) -> None:
    """Have a step carried out as a call that whoever started the plan has approved."""
    tool = calls.tool_of(step.tool)
    asker, starter = plan.requested_by, plan.started_by
    if asker is None or starter is None:
        raise Forbidden("Whoever asked for or started this is gone.")
    given, space_id = _given(plan, step), plan.space_id
    try:
        cost = calls.price_of(tool, actor=asker, space_id=space_id, given=given)
    except Invalid:  # it names what is gone: carrying it out will tell
        cost = step.cost
    unknown = tool.kind == Kind.SPENDS and cost is None
    if unknown or plan.spent + (cost or 0) > plan.ceiling:
        raise CeilingReached
    at = now()
    approval = Approval.objects.create(
        id=uuid7(),
        space=plan.space,
        conversation=plan.conversation,
        step=step.pk,
        tool=step.tool,
        arguments=given,
        original_arguments=given,
        cost=cost,
        status=ApprovalStatus.PENDING,
        requested_by=asker,
        created_at=at,
        updated_at=at,
        expires_at=after(settings.APPROVAL_HOURS * 3600),
    )
    STEP.advance(step, S.RUNNING, approval=approval.pk, cost=cost, result=None)
    tell_approval(approval, kind="approval:created")
    approvals.approve_now(approval, actor=starter, reason=f"step {step.position} of a plan")
    plan.spent += cost or Decimal(0)


def _moved(plan: Plan, status: PlanStatus, *, note: str = "") -> Plan:
    """Keep what a plan has become, and tell it."""
    before = PlanStatus(plan.status)
    facts: dict[str, Any] = {
        "note": note,
        "ceiling": plan.ceiling,
        "spent": plan.spent,
        "auto_advance": plan.auto_advance,
        "started_by": plan.started_by,
        "updated_at": now(),
        "version": plan.version + 1,
    }
    if before == status:
        Plan.objects.filter(pk=plan.pk).update(**facts)
        for name, value in facts.items():
            setattr(plan, name, value)
    else:
        PLAN.advance(plan, status, **facts)
    tell_plan(plan, kind="plan:updated")
    return plan


def _opened(actor: User, space_id: UUID, plan_id: UUID, version: int | None) -> Plan:
    here = entered(actor=actor, space_id=space_id, act=Act.DECIDE_APPROVALS)
    plan = Plan.objects.filter(space=here.space, pk=plan_id).select_related("space").first()
    if plan is None:
        raise PlanNotFound
    if version is not None and plan.version != version:
        raise VersionConflict
    return plan


def _require_open(plan: Plan) -> None:
    if PLAN.is_final(PlanStatus(plan.status)):
        raise InvalidTransition(f"It is {plan.status}.")


def _step_in(plan: Plan, step_id: UUID) -> PlanStep:
    step = plan.steps.filter(pk=step_id).first()
    if step is None:
        raise StepNotFound
    return step
