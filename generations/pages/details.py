"""One generation, one picture, and the verbs that work without a script."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from generations import queries
from generations.operations import keeping, register, replay
from generations.pages.lists import filters_of
from generations.pages.parts import hides_missing, shown
from generations.pages.tiles import group_of, sources
from genproj.kernel.errors import Malformed, Refusal
from genproj.kernel.paging import Cursor


@login_required
@require_safe
@hides_missing
def generation(request: HttpRequest, id: UUID) -> HttpResponse:
    """One generation, live: what came, what is awaited, what went wrong, step by step."""
    view = queries.generation_view(viewer=request.user, id=id)
    group = group_of(view)
    context = {
        "g": view,
        "tiles": group.tiles,
        "told": group.told,
        "waiting": group.waiting,
        "blocked": group.is_blocked,
        "retry_kind": "plain" if group.is_blocked else "primary",
        "steps": queries.timeline(viewer=request.user, id=id),
        "facts": facts_of(view.input),
    }
    return shown(
        request,
        "generations/generation.html",
        context,
        parts={"body": "generations/generation_body.html"},
    )


@login_required
@require_safe
@hides_missing
def artifact(request: HttpRequest, id: UUID) -> HttpResponse:
    """One picture with all that is known about it; its neighbours are the gallery's."""
    view = queries.artifact_view(viewer=request.user, id=id)
    made = queries.generation_view(viewer=request.user, id=view.generation)
    before, after = neighbours(request, view)
    context = {
        "a": view,
        "g": made,
        "sources": sources(view, largest=True),
        "facts": facts_of(made.input),
        "before": before,
        "after": after,
        "back": f"{reverse('gallery')}?{request.GET.urlencode()}",
    }
    return shown(
        request,
        "generations/artifact.html",
        context,
        parts={"viewer": "generations/viewer.html"},
    )


def neighbours(request: HttpRequest, view: queries.ArtifactView) -> tuple[str, str]:
    """The ids of the next newer and the next older picture under the gallery's filters."""
    found = []
    for back in (True, False):
        cursor = Cursor(view.created_at, UUID(view.id), back=back)
        page = queries.artifact_page(
            viewer=request.user, filters=filters_of(request.GET), cursor=cursor, size=1
        )
        found.append(page.results[0].id if page.results else "")
    return found[0], found[1]


def facts_of(asked: dict[str, Any]) -> list[tuple[str, Any]]:
    """What was asked for beside the prompt, as names and values."""
    plain = [
        ("Negative prompt", asked.get("negative_prompt")),
        ("Seed asked for", asked.get("seed")),
        ("Format", asked.get("output_format")),
    ]
    more = asked.get("parameters")
    named = more.items() if isinstance(more, dict) else ()
    return [(name, value) for name, value in (*plain, *named) if value not in (None, "", [], {})]


def _replay(*, actor: Any, entry_id: UUID) -> None:
    replay.replay(
        actor=actor, projections=replay.failed_projections(entry_id=entry_id), dry_run=False
    )


#: verb -> (operation, what is said afterwards)
ACTS: dict[str, tuple[Callable[..., Any], str]] = {
    "cancel": (register.cancel_entry, "Cancelled."),
    "retry": (register.retry_entry, "Queued again for what is missing."),
    "delete": (keeping.trash_entry, "Moved to the trash."),
    "restore": (keeping.restore_entry, "Restored."),
    "replay": (_replay, "Replayed."),
}


@login_required
@require_POST
@hides_missing
def act(request: HttpRequest, id: UUID) -> HttpResponse:
    """One verb on one generation. A script gets JSON, a form goes back to where it was."""
    verb = request.POST.get("act", "")
    plain = "application/json" not in request.headers.get("Accept", "")
    try:
        if verb not in ACTS:
            raise Malformed("There is no such verb.")
        operation, said = ACTS[verb]
        result = operation(actor=request.user, entry_id=id)
    except Refusal as refusal:
        if plain:
            messages.error(request, refusal.detail)
            return redirect("generation", id)
        return JsonResponse(
            {"code": refusal.code, "title": refusal.title, "detail": refusal.detail},
            status=refusal.status,
        )
    target = reverse("generation", args=[result.pk if verb == "retry" else id])
    if plain:
        messages.success(request, said)
        return redirect(reverse("queue") if verb == "delete" else target)
    return JsonResponse({"said": said, "url": target})
