"""Doors of the assistant's plans: look, start, pause, stop, skip a step, try one again."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, whole_list_answer
from genproj.runtime.answers import idempotent
from spaces.api import docs
from spaces.api.acting import VERSION, Verb
from spaces.api.answers import shown
from spaces.api.doors import SpaceDoor
from spaces.operations import plans, standing
from spaces.permissions import Act
from spaces.queries.plans import plan_json, plan_view, plans_in

VERB = docs.body(version=VERSION)
STEP = docs.body("step_id", step_id=docs.ID, version=VERSION)
START = docs.body(
    ceiling={
        **standing.ALWAYS["properties"]["ceiling"],
        "type": ["string", "number", "null"],
        "default": None,
        "description": "US dollars that all its steps together may cost.",
    },
    auto_advance={"type": ["boolean", "null"], "default": None},
    version=VERSION,
)
PLAN = docs.one_of("Plan", "The plan.")
MOVED = {
    "s409": "`invalid_transition`, or `ceiling_reached`: the next step would cost too much.",
    "s412": "It is not at this version any more.",
}


class PlanList(SpaceDoor):
    """What the assistant has planned."""

    query = PAGING

    @docs.pages("plans", "What its assistant has planned, newest first.", "Plan")
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        found = plans_in(viewer=request.user, space_id=id)
        return whole_list_answer(request, found, lambda row: row)


class PlanDetail(SpaceDoor):
    """One plan."""

    @docs.look("plans_read", "One plan with its steps.", PLAN)
    def get(self, request: Request, id: UUID, plan_id: UUID) -> HttpResponse:
        """Look at it."""
        return shown(request, plan_view(viewer=request.user, space_id=id, plan_id=plan_id))


def _start(*, ceiling: str | float | None, **said: Any) -> Any:
    exact = None if ceiling is None else Decimal(str(ceiling)).quantize(standing.FINEST)
    return plans.start(ceiling=exact, **said)


class _Verb(Verb):
    """A verb on one plan."""

    needs = {"POST": Act.DECIDE_APPROVALS}
    takes, shows = VERB, staticmethod(plan_json)


class PlanStart(_Verb):
    """The word to begin, or to go on."""

    verb, takes = staticmethod(_start), START

    @docs.act(
        "plans_start", "Begin its next step, or go on after a pause.", PLAN, takes=START, **MOVED
    )
    @idempotent
    def post(self, request: Request, id: UUID, plan_id: UUID) -> HttpResponse:
        """Start it."""
        return self.act(request, id, plan_id=plan_id)


class PlanPause(_Verb):
    """The word to begin no further step."""

    verb = staticmethod(plans.pause)

    @docs.act(
        "plans_pause",
        "Begin no further step; one that runs comes to its end.",
        PLAN,
        takes=VERB,
        **MOVED,
    )
    @idempotent
    def post(self, request: Request, id: UUID, plan_id: UUID) -> HttpResponse:
        """Pause it."""
        return self.act(request, id, plan_id=plan_id)


class PlanStop(_Verb):
    """The word to end it."""

    verb = staticmethod(plans.stop)

    @docs.act("plans_stop", "End it; what waits is skipped.", PLAN, takes=VERB, **MOVED)
    @idempotent
    def post(self, request: Request, id: UUID, plan_id: UUID) -> HttpResponse:
        """Stop it."""
        return self.act(request, id, plan_id=plan_id)


class PlanSkip(_Verb):
    """The word to leave a step out."""

    verb, takes = staticmethod(plans.skip), STEP

    @docs.act(
        "plans_skip",
        "Leave out a step that waits or has failed.",
        PLAN,
        takes=STEP,
        **MOVED,
    )
    @idempotent
    def post(self, request: Request, id: UUID, plan_id: UUID) -> HttpResponse:
        """Skip it."""
        return self.act(request, id, plan_id=plan_id)


class PlanRetry(_Verb):
    """The word to try a step again."""

    verb, takes = staticmethod(plans.retry), STEP

    @docs.act("plans_retry", "Try a step that has failed once more.", PLAN, takes=STEP, **MOVED)
    @idempotent
    def post(self, request: Request, id: UUID, plan_id: UUID) -> HttpResponse:
        """Retry it."""
        return self.act(request, id, plan_id=plan_id)
