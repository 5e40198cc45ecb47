"""Decisions on what the assistant proposes, by plain forms; and the page of all that waits."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from generations.pages.parts import hides_missing, shown
from genproj.kernel.api.fields import number_in
from genproj.kernel.errors import Invalid, Malformed, Refusal, VersionConflict
from spaces.operations import approvals, standing
from spaces.pages.forms import arguments_in, label_of
from spaces.pages.proposals import Group, cards_of
from spaces.queries import proposals, role_in
from spaces.queries.proposals import Proposal
from spaces.queries.standing import permissions_for

DECIDED, DAYS = 20, 7
PARTS = {"list": "approvals/list.html", "badge": "approvals/badge.html"}
CHANGED = "Somebody has changed it meanwhile. Look at it again, then decide."


@login_required
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """What waits for a decision in all of one's spaces, and what was decided lately."""
    person: Any = request.user
    if request.GET.get("part") == "badge":
        return shown(request, "", {}, parts=PARTS)
    cards = cards_of(proposals.waiting_for(person), person)
    by_space: dict[UUID, list[Any]] = {}
    for card in cards:
        by_space.setdefault(card.row.space_id, []).append(card)
    decided = proposals.decided_for(person, limit=DECIDED, days=DAYS)
    context = {
        "groups": [Group(found) for found in by_space.values()],
        "decided": cards_of(decided, person),
        "count": len(cards),
        "standing": permissions_for(viewer=person),
        "back": reverse("approvals"),
    }
    return shown(request, "approvals/page.html", context, parts=PARTS)


@login_required
@require_POST
@hides_missing
def decide(request: HttpRequest, id: UUID, approval_id: UUID) -> HttpResponse:
    """One verb on one proposal. A script gets JSON, a form goes back to where it was."""
    role_in(viewer=request.user, space_id=id)  # before anything tells that there is a proposal
    row = proposals.proposal(space_id=id, approval_id=approval_id)
    if row is None:
        raise Http404
    try:
        said = _decided(request, row, {"actor": request.user, "space_id": id})
    except Refusal as refusal:
        return _refused(request, id, refusal)
    return _answered(request, id, said)


def _decided(request: HttpRequest, row: Proposal, here: dict[str, Any]) -> str:
    form, verb = request.POST, request.POST.get("act", "")
    version = number_in(form["version"], at="version") if form.get("version") else None
    here |= {"approval_id": row.pk}
    if verb == "approve":
        approvals.approve(**here, version=version)
        return "Approved."
    if verb == "always":
        only_here = form.get("for") != "me"
        always = {"ceiling": form.get("ceiling", "").strip(), "conversation_only": only_here}
        approvals.approve(**here, version=version, always=always)
        return "Approved, and always allowed from now on."
    if verb == "reject":
        approvals.reject(**here, reason=form.get("reason", "").replace("\0", ""), version=version)
        return "Rejected."
    if verb not in {"edit", "edit_approve"}:
        raise Malformed("There is no such verb.")
    arguments = arguments_in(form, row.tool, row.arguments)
    edited = approvals.edit(**here, arguments=arguments, version=version)
    if verb == "edit":
        return "Changed. It still waits for a decision."
    approvals.approve(**here, version=edited.version)
    return "Approved as you edited it."


@login_required
@require_POST
@hides_missing
def decide_all(request: HttpRequest, id: UUID) -> HttpResponse:
    """Approve the proposals that a form names."""
    try:
        ids = [UUID(text) for text in request.POST.getlist("approval")]
    except ValueError:
        raise Http404 from None
    try:
        done = approvals.approve_all(actor=request.user, space_id=id, approval_ids=ids)
    except Refusal as refusal:
        return _refused(request, id, refusal)
    words = [f"{len(done['approved'])} approved."]
    words += dict.fromkeys(refused["detail"] for refused in done["refused"])
    return _answered(request, id, " ".join(words))


@login_required
@require_POST
@hides_missing
def revoke(request: HttpRequest, id: UUID, permission_id: UUID) -> HttpResponse:
    """Have people asked again for what was always allowed."""
    try:
        standing.revoke(actor=request.user, space_id=id, permission_id=permission_id)
    except Refusal as refusal:
        return _refused(request, id, refusal)
    return _answered(request, id, "Revoked. You are asked again.")


def _answered(request: HttpRequest, id: UUID, said: str) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"said": said})
    messages.success(request, said)
    return redirect(_back(request, id))


def _refused(request: HttpRequest, id: UUID, refusal: Refusal) -> HttpResponse:
    errors = refusal.errors if isinstance(refusal, Invalid) else []
    detail = CHANGED if isinstance(refusal, VersionConflict) else refusal.detail
    if _wants_json(request):
        problem = {"code": refusal.code, "title": refusal.title, "detail": detail}
        body = {**problem, "errors": errors, **refusal.extra}
        return JsonResponse(body, status=refusal.status)
    for row in errors:
        key = row["pointer"].split("/")[1] if "/" in row["pointer"] else ""
        messages.error(request, f"{label_of(key)}: {row['detail']}")
    if not errors:
        messages.error(request, detail)
    return redirect(_back(request, id))


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _back(request: HttpRequest, id: UUID) -> str:
    """Where the form stood, if that is a page of ours."""
    back = request.POST.get("back", "")
    ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if ours and back.startswith("/") else f"{reverse('space', args=[id])}?tab=chat"
