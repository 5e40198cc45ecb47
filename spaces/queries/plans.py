"""What the assistant has planned in a space, as JSON."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from generations.queries import money
from genproj.kernel.clock import zulu
from genproj.kernel.errors import NotFound
from spaces import tools
from spaces.models import Plan, PlanStep
from spaces.queries.frames import name_of
from spaces.queries.membership import role_in

#: plans that a state and a list hold
NEWEST = 50


class PlanNotFound(NotFound):
    """There is no such plan here."""


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan with its steps."""
    return {
        "id": str(plan.pk),
        "title": plan.title,
        "status": str(plan.status),
        "note": plan.note,
        "conversation": str(plan.conversation_id) if plan.conversation_id else None,
        "ceiling": money(plan.ceiling),
        "spent": money(plan.spent),
        "auto_advance": plan.auto_advance,
        "steps": [_step(one) for one in plan.steps.all()],
        "requested_by": name_of(plan.requested_by),
        "started_by": name_of(plan.started_by),
        "created_at": zulu(plan.created_at),
        "updated_at": zulu(plan.updated_at),
        "version": plan.version,
    }


def _step(step: PlanStep) -> dict[str, Any]:
    return {
        "id": str(step.pk),
        "position": step.position,
        "title": step.title,
        "tool": step.tool,
        "kind": str(tools.TABLE[step.tool].kind) if step.tool in tools.TABLE else None,
        "arguments": step.arguments,
        "cost": money(step.cost),
        "status": str(step.status),
        "approval": str(step.approval) if step.approval else None,
        "result": step.result,
    }


def plans_of(space_id: UUID) -> list[dict[str, Any]]:
    """The newest plans of a space, oldest first."""
    rows = _plans().filter(space=space_id).order_by("-created_at", "-id")[:NEWEST]
    return [plan_json(row) for row in reversed(rows)]


def plans_in(*, viewer: User, space_id: UUID) -> list[dict[str, Any]]:
    """The plans of a space, newest first.

    Raises:
        SpaceNotFound: there is none that `viewer` can see.
    """
    role_in(viewer=viewer, space_id=space_id)
    return plans_of(space_id)[::-1]


def plan_view(*, viewer: User, space_id: UUID, plan_id: UUID) -> dict[str, Any]:
    """One plan.

    Raises:
        SpaceNotFound, PlanNotFound: it is not there for `viewer`.
    """
    role_in(viewer=viewer, space_id=space_id)
    row = _plans().filter(space=space_id, pk=plan_id).first()
    if row is None:
        raise PlanNotFound
    return plan_json(row)


def _plans() -> "QuerySet[Plan]":
    return Plan.objects.select_related("requested_by", "started_by").prefetch_related("steps")
