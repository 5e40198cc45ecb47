"""Brings a space in that was exported. An address of its own: its bodies may be large."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from genproj.kernel.errors import Invalid, Refusal, TooLarge
from spaces.operations import importing
from spaces.pages import words


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def bring_in(request: HttpRequest) -> HttpResponse:
    """Choose a file; then the new space, or in plain words why there is none. A script gets the
    same as JSON."""
    context = {"most": settings.MAX_IMPORT_BYTES}
    if request.method != "POST":
        return render(request, "spaces/import.html", context)
    is_script = "application/json" in request.headers.get("Accept", "")
    try:
        space = _made(request).space
    except Refusal as refusal:
        why = words.import_failure(refusal)
        if is_script:
            body = {"code": refusal.code, "title": refusal.title, "detail": why}
            return JsonResponse(body, status=refusal.status)
        return render(request, "spaces/import.html", {**context, "why": why}, status=refusal.status)
    messages.success(request, f"{space.name} is imported. It is yours.")
    url = reverse("space", args=[space.pk])
    return JsonResponse({"url": url}, status=201) if is_script else redirect(url)


def _made(request: HttpRequest) -> importing.Imported:
    file: Any = request.FILES.get("file")
    person: Any = request.user
    if file is None:
        raise Invalid.one("/file", "required", "Choose the file of an exported space.")
    if file.size > settings.MAX_IMPORT_BYTES:
        raise TooLarge
    return importing.bring_in(actor=person, file=file.file)
