"""One's spaces, the invitations that wait, and what is behind an invitation's link."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from generations.pages.parts import hides_missing, shown
from genproj.kernel.api.fields import uuid_in
from genproj.kernel.errors import Invalid, Refusal
from spaces.errors import InvitationNotFound
from spaces.operations import access, invitations
from spaces.operations import spaces as verbs
from spaces.queries.board import invitations_open, space_cards


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@hides_missing
def spaces(request: HttpRequest) -> HttpResponse:
    """The person's spaces; posting makes one, answers an invitation or asks to be let in."""
    if request.method == "POST":
        return _acted(request)
    person: Any = request.user
    if token := request.GET.get("invitation"):
        # looking uses nothing up: link previews look too
        return render(request, "spaces/join.html", {"token": token})
    trashed = request.GET.get("trashed") == "1"
    context = {
        "cards": space_cards(viewer=person, trashed=trashed),
        "trashed": trashed,
        "has_trash": bool(space_cards(viewer=person, trashed=True)),
        "invitations": invitations_open(viewer=person),
        "asked": request.GET.get("ask", ""),
    }
    return shown(request, "spaces/list.html", context, parts={"cards": "spaces/cards.html"})


def _acted(request: HttpRequest) -> HttpResponse:
    person: Any = request.user
    form, verb = request.POST, request.POST.get("act", "")
    try:
        if verb == "create":
            made = verbs.create(actor=person, name=form.get("name", ""))
            return redirect("space", made.pk)
        if verb == "accept":
            member = invitations.accept(
                actor=person, invitation_id=uuid_in(form.get("invitation"), at="invitation")
            )
            return redirect("space", member.space_id)
        if verb == "join":
            return redirect(
                "space", invitations.accept_link(actor=person, token=form.get("token", "")).space_id
            )
        if verb == "decline":
            invitations.decline(
                actor=person, invitation_id=uuid_in(form.get("invitation"), at="invitation")
            )
            messages.success(request, "Declined.")
        elif verb == "ask":
            access.request(actor=person, space_id=_space_in(form.get("space", "")))
            said = "If there is such a space, its owners are asked. You are told when they decide."
            messages.success(request, said)
    except InvitationNotFound:
        return render(request, "spaces/join.html", {"is_gone": True}, status=404)
    except Invalid as problem:
        messages.error(request, " ".join(row["detail"] for row in problem.errors))
    except (Refusal, ValueError, KeyError) as problem:
        messages.error(request, getattr(problem, "detail", "That address is not one of a space."))
    return redirect("spaces")


def _space_in(text: str) -> UUID:
    """The space that an address or an id names; ValueError when it is neither."""
    parts = [part for part in text.strip().split("/") if part]
    for part in reversed(parts):
        if len(part) == 36:
            return UUID(part)
    raise ValueError(text)
