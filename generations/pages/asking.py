"""The page where pictures are asked for."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from generations import queries
from generations.operations import asking
from generations.pages.composing import body_of, composer
from generations.pages.parts import shown
from generations.pages.tiles import group_of
from generations.queries import GenerationFilters
from genproj.kernel.errors import Refusal

RECENT = 6
PARTS = {"results": "generations/results.html", "settings": "generations/settings_part.html"}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The composer and the latest results; without a script its form is carried out here."""
    if request.method == "POST":
        return _ask(request)
    context: dict[str, Any] = {}
    if request.GET.get("part") != "results":
        context |= composer(request)
    if request.GET.get("part") != "settings":
        context["groups"] = recent(request)
    return shown(request, "generations/create.html", context, parts=PARTS)


def recent(request: HttpRequest) -> list[Any]:
    """The person's own latest generations."""
    viewer: Any = request.user
    filters = GenerationFilters(owner_id=viewer.pk)
    page = queries.generation_page(viewer=viewer, filters=filters, cursor=None, size=RECENT)
    return [group_of(view) for view in page.results if view.provider != "upload"]


def _ask(request: HttpRequest) -> HttpResponse:
    model = queries.model_view(request.POST.get("model", ""))
    try:
        wish = asking.checked(actor=request.user, body=body_of(request.POST, model))
        entry = asking.ask(actor=request.user, request=wish)
    except Refusal as refusal:
        context = {**composer(request), "groups": recent(request), "refusal": refusal}
        response = shown(request, "generations/create.html", context, parts={})
        response.status_code = refusal.status
        return response
    return redirect("generation", entry.pk)
