"""One's spaces, the invitations that wait, what is behind an invitation's link; bringing one in."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from generations.pages.parts import hides_missing, shown
from genproj.kernel.api.fields import uuid_in
from genproj.kernel.errors import Invalid, Refusal, TooLarge
from spaces.errors import InvitationNotFound
from spaces.operations import access, importing, invitations
from spaces.operations import spaces as verbs
from spaces.pages import words
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
    if request.GET.get("import") == "1":
        return render(request, "spaces/import.html", {"most": settings.MAX_IMPORT_BYTES})
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
    if verb == "import":
        return _imported(request)
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


def _imported(request: HttpRequest) -> HttpResponse:
    """The new space's page, or in plain words why there is none. A script gets the same as JSON."""
    is_script = "application/json" in request.headers.get("Accept", "")
    file: Any = request.FILES.get("file")
    try:
        if file is None:
            raise Invalid.one("/file", "required", "Choose the file of an exported space.")
        if file.size > settings.MAX_IMPORT_BYTES:
            raise TooLarge
        person: Any = request.user
        made = importing.bring_in(actor=person, file=file.file)
    except Refusal as refusal:
        why = words.import_failure(refusal)
        if is_script:
            body = {"code": refusal.code, "title": refusal.title, "detail": why}
            return JsonResponse(body, status=refusal.status)
        context = {"most": settings.MAX_IMPORT_BYTES, "why": why}
        return render(request, "spaces/import.html", context, status=refusal.status)
    messages.success(request, f"{made.space.name} is imported. It is yours.")
    url = reverse("space", args=[made.space.pk])
    return JsonResponse({"url": url}, status=201) if is_script else redirect(url)


def _space_in(text: str) -> UUID:
    """The space that an address or an id names; ValueError when it is neither."""
    parts = [part for part in text.strip().split("/") if part]
    for part in reversed(parts):
        if len(part) == 36:
            return UUID(part)
    raise ValueError(text)
