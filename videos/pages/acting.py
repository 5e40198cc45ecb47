"""The verbs of a video on its card; each works without a script and by one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from generations import queries as engine
from generations.pages.parts import hides_missing
from genproj.kernel.errors import Invalid, Malformed, Refusal
from videos import queries
from videos.operations import gates, wishes
from videos.pages.fields import answers_of, fitted
from videos.queries import VideoView

Form = Any


def _clarify(view: VideoView, actor: Any, form: Form) -> Any:
    return wishes.clarify(actor=actor, video_id=view.row.pk, responses=answers_of(form, view))


def _defaults(view: VideoView, actor: Any, form: Form) -> Any:
    return wishes.clarify(actor=actor, video_id=view.row.pk, responses={})


def _confirm(view: VideoView, actor: Any, form: Form) -> Any:
    return gates.confirm(actor=actor, video_id=view.row.pk)


def _cancel(view: VideoView, actor: Any, form: Form) -> Any:
    return gates.cancel(actor=actor, video_id=view.row.pk)


def _retry(view: VideoView, actor: Any, form: Form) -> Any:
    return gates.retry(actor=actor, video_id=view.row.pk)


def _edit(view: VideoView, actor: Any, form: Form) -> Any:
    return gates.retry(actor=actor, video_id=view.row.pk, edits=answers_of(form, view))


def _model(view: VideoView, actor: Any, form: Form) -> Any:
    model = engine.film_model(form.get("model", ""))
    if model is None:
        raise Invalid.one("/responses/model", "unknown", "There is no such model here.")
    return gates.retry(actor=actor, video_id=view.row.pk, edits=fitted(view, model))


def _again(view: VideoView, actor: Any, form: Form) -> Any:
    video = view.row
    return wishes.open_video(
        actor=actor,
        prompt=video.prompt,
        model=video.model,
        choices={**video.clarification_responses, **video.parameters},
        conversation_id=video.conversation_id,
    )


def _front(view: VideoView, actor: Any, form: Form) -> Any:
    return gates.move_to_front(actor=actor, video_id=view.row.pk)


def _delete(view: VideoView, actor: Any, form: Form) -> None:
    gates.trash(actor=actor, video_id=view.row.pk)


def _restore(view: VideoView, actor: Any, form: Form) -> Any:
    return gates.restore(actor=actor, video_id=view.row.pk)


#: verb -> (what it does, what is said afterwards; nothing where the card says it)
ACTS: dict[str, tuple[Callable[[VideoView, Any, Form], Any], str]] = {
    "clarify": (_clarify, ""),
    "defaults": (_defaults, ""),
    "confirm": (_confirm, "Confirmed. The film is in the queue."),
    "cancel": (_cancel, "Cancelled."),
    "retry": (_retry, "In the queue again."),
    "edit": (_edit, ""),
    "model": (_model, ""),
    "again": (_again, "Written down again. Nothing is spent until you confirm."),
    "front": (_front, "Moved to the front."),
    "delete": (_delete, "Moved to the trash."),
    "restore": (_restore, "Restored."),
}


@login_required
@require_POST
@hides_missing
def act(request: HttpRequest, id: UUID) -> HttpResponse:
    """One verb on one video. A script gets JSON, a form goes back to where it was."""
    verb, actor = request.POST.get("act", ""), request.user
    view = queries.video_of(viewer=actor, id=id)
    try:
        if verb not in ACTS:
            raise Malformed("There is no such verb.")
        operation, said = ACTS[verb]
        result = operation(view, actor, request.POST)
    except Refusal as refusal:
        return _refused(request, id, refusal)
    other = result is not None and result.pk != id
    target = reverse("video", args=[result.pk if result and other else id])
    if _wants_json(request):
        return JsonResponse({"said": said, "url": target, "is_new": other})
    if said:
        messages.success(request, said)
    back = _back(request, target)
    return redirect(target if other and back == reverse("video", args=[id]) else back)


def _refused(request: HttpRequest, id: UUID, refusal: Refusal) -> HttpResponse:
    errors = refusal.errors if isinstance(refusal, Invalid) else []
    if _wants_json(request):
        problem = {
            "code": refusal.code,
            "title": refusal.title,
            "detail": refusal.detail,
            "retryable": refusal.retryable,
            "errors": errors,
            **refusal.extra,
        }
        return JsonResponse(problem, status=refusal.status)
    for row in errors:
        name = row["pointer"].rpartition("/")[2].replace("_", " ").capitalize()
        messages.error(request, f"{name}: {row['detail']}")
    if not errors:
        messages.error(request, refusal.detail)
    return redirect(_back(request, reverse("video", args=[id])))


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _back(request: HttpRequest, otherwise: str) -> str:
    """Where the form stood, if that is a page of ours."""
    back = request.POST.get("back", "")
    ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if ours and back.startswith("/") else otherwise
