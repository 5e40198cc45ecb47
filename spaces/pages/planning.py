"""The assistant's plans as cards of a space's chat: their steps, and what can be done with them."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from generations.pages.parts import hides_missing
from genproj.kernel.errors import Invalid, Malformed, Refusal
from spaces.operations import plans, references, standing
from spaces.queries.plans import plans_in

OPEN = frozenset({"draft", "running", "paused"})
#: plans that a chat shows, those that have ended among them
MOST_SHOWN = 5
#: status -> (word, tone, symbol)
STATES = {
    "draft": ("Not started", "", "clock"),
    "waiting": ("Waits", "", "clock"),
    "running": ("Running", "running", "running"),
    "paused": ("Paused", "partial", "clock"),
    "done": ("Done", "done", "check"),
    "failed": ("Failed", "failed", "failed"),
    "skipped": ("Skipped", "", "slash"),
    "stopped": ("Stopped", "", "slash"),
}
CEILING = standing.ALWAYS["properties"]["ceiling"]["maximum"]


def cards_in(viewer: Any, space_id: UUID) -> list[dict[str, Any]]:
    """The plans of a space as their cards show them: those that are open, and the newest."""
    found = plans_in(viewer=viewer, space_id=space_id)
    return [
        {
            **plan,
            "state": STATES[plan["status"]],
            "is_open": plan["status"] in OPEN,
            "has_failed": any(step["status"] == "failed" for step in plan["steps"]),
            "costs": Decimal(plan["ceiling"]) > 0,
            "steps": [
                {
                    **step,
                    "state": STATES[step["status"]],
                    "words": step["title"] or _words(step),
                    "works_on": sorted(set(references.steps_in(step["arguments"]).values())),
                    "cost": Decimal(step["cost"]) if step["cost"] else None,
                    "error": (step["result"] or {}).get("error"),
                }
                for step in plan["steps"]
            ],
        }
        for place, plan in enumerate(found)
        if place < MOST_SHOWN or plan["status"] in OPEN
    ]


def _words(step: dict[str, Any]) -> str:
    given = step["arguments"]
    verb = str(step["tool"]).replace("_", " ").capitalize()
    thing = given.get("name") or given.get("prompt") or ", ".join(given.get("add", ()))
    return f"{verb}: {thing}" if thing else verb


def _start(request: HttpRequest, here: dict[str, Any]) -> str:
    form, ceiling = request.POST, None
    if text := form.get("ceiling", "").strip():
        try:
            ceiling = Decimal(text).quantize(standing.FINEST)
        except InvalidOperation:
            raise Invalid.one("/ceiling", "format", "The ceiling must be a number.") from None
        if not 0 <= ceiling <= CEILING:
            raise Invalid.one("/ceiling", "max", f"The ceiling must be from 0 to {CEILING}.")
    plans.start(**here, ceiling=ceiling, auto_advance="auto_advance" in form)
    return "Started."


def _pause(request: HttpRequest, here: dict[str, Any]) -> str:
    plans.pause(**here)
    return "Paused. A step that runs comes to its end."


def _stop(request: HttpRequest, here: dict[str, Any]) -> str:
    plans.stop(**here)
    return "Stopped."


def _skip(request: HttpRequest, here: dict[str, Any]) -> str:
    plans.skip(**here, step_id=_step(request))
    return "Skipped."


def _retry(request: HttpRequest, here: dict[str, Any]) -> str:
    plans.retry(**here, step_id=_step(request))
    return "Trying again."


def _step(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("step", ""))
    except ValueError:
        raise Malformed("There is no such step.") from None


ACTS: dict[str, Callable[[HttpRequest, dict[str, Any]], str]] = {
    "start": _start,
    "pause": _pause,
    "stop": _stop,
    "skip": _skip,
    "retry": _retry,
}


@login_required
@require_POST
@hides_missing
def plan(request: HttpRequest, id: UUID, plan_id: UUID) -> HttpResponse:
    """One verb on a plan or a step of it; then back to the chat."""
    here = {"actor": request.user, "space_id": id, "plan_id": plan_id}
    try:
        act = ACTS.get(request.POST.get("act", ""))
        if act is None:
            raise Malformed("There is no such verb.")
        messages.success(request, act(request, here))
    except Refusal as refusal:
        errors = refusal.errors if isinstance(refusal, Invalid) else []
        for words in [row["detail"] for row in errors] or [refusal.detail]:
            messages.error(request, words)
    return redirect(f"{reverse('space', args=[id])}?tab=chat")
