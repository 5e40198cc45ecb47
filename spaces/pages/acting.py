"""Verbs on a space by plain forms: its settings. Scripts get JSON; forms go back to the tab."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from generations.pages.parts import hides_missing
from genproj.kernel.api.fields import number_in, uuid_in
from genproj.kernel.errors import Invalid, Malformed, Refusal
from spaces.operations import access, assets, invitations, members, spaces, style
from spaces.pages.rooms import settings_page

Form = Any


def _uuid(form: Form, name: str) -> UUID:
    return uuid_in(form.get(name), at=name)


def _number(form: Form, name: str) -> int:
    return number_in(form.get(name), at=name)


def _rename(here: dict[str, Any], form: Form) -> None:
    spaces.rename(**here, name=form.get("name", ""))


def _trash(here: dict[str, Any], form: Form) -> None:
    spaces.trash(**here)


def _restore(here: dict[str, Any], form: Form) -> None:
    spaces.restore(**here)


def _revoke(here: dict[str, Any], form: Form) -> None:
    invitations.revoke(**here, invitation_id=_uuid(form, "invitation"))


def _set_role(here: dict[str, Any], form: Form) -> None:
    members.set_role(**here, user_id=_number(form, "member"), role=form.get("role", ""))


def _remove(here: dict[str, Any], form: Form) -> None:
    members.remove(**here, user_id=_number(form, "member"))


def _leave(here: dict[str, Any], form: Form) -> None:
    members.leave(**here)


def _transfer(here: dict[str, Any], form: Form) -> None:
    members.transfer(**here, user_id=_number(form, "member"))


def _decide(here: dict[str, Any], form: Form) -> None:
    access.decide(**here, request_id=_uuid(form, "request"), role=form.get("role") or None)


def _style(here: dict[str, Any], form: Form) -> None:
    style.set_style(
        **here,
        description=form.get("description", ""),
        artifacts=[uuid_in(id, at="artifact") for id in form.getlist("artifact")],
        enabled=form.get("enabled") == "on",
    )


def _drop_style(here: dict[str, Any], form: Form) -> None:
    style.delete(**here)


def _add_snippet(here: dict[str, Any], form: Form) -> None:
    style.add_snippet(**here, name=form.get("name", ""), text=form.get("text", ""))


def _change_snippet(here: dict[str, Any], form: Form) -> None:
    id = _uuid(form, "snippet")
    style.change_snippet(
        **here, snippet_id=id, name=form.get("name", ""), text=form.get("text", "")
    )


def _delete_snippet(here: dict[str, Any], form: Form) -> None:
    style.delete_snippet(**here, snippet_id=_uuid(form, "snippet"))


def _create_asset(here: dict[str, Any], form: Form) -> None:
    parent = form.get("parent_asset_id")
    assets.create(
        **here,
        name=form.get("name", ""),
        asset_type=form.get("asset_type", ""),
        tags=[tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()],
        parent_asset_id=uuid_in(parent, at="parent_asset_id") if parent else None,
    )


#: verb -> (what it does, what is said afterwards, the tab to go back to)
ACTS: Mapping[str, tuple[Callable[[dict[str, Any], Form], None], str, str]] = {
    "rename": (_rename, "Renamed.", "settings"),
    "trash": (_trash, "The space lies in the trash. You may bring it back.", "settings"),
    "restore": (_restore, "Restored.", "settings"),
    "revoke": (_revoke, "The invitation is revoked.", "settings"),
    "set_role": (_set_role, "The role is changed.", "settings"),
    "remove": (_remove, "Removed.", "settings"),
    "leave": (_leave, "You have left the space.", ""),
    "transfer": (_transfer, "The space has another owner now; you edit.", "settings"),
    "decide": (_decide, "Decided.", "settings"),
    "style": (_style, "The style is saved.", "settings"),
    "drop_style": (_drop_style, "The space has no style.", "settings"),
    "add_snippet": (_add_snippet, "The snippet is kept.", "settings"),
    "change_snippet": (_change_snippet, "The snippet is saved.", "settings"),
    "delete_snippet": (_delete_snippet, "The snippet is gone.", "settings"),
    "create_asset": (_create_asset, "The asset is made.", "board"),
}


@login_required
@require_POST
@hides_missing
def act(request: HttpRequest, id: UUID) -> HttpResponse:
    """One verb on one space. An invitation is answered with the page that shows its link, once."""
    verb, person = request.POST.get("act", ""), request.user
    here = {"actor": person, "space_id": id}
    try:
        if verb == "invite":
            return _invite(request, here)
        if verb not in ACTS:
            raise Malformed("There is no such verb.")
        operation, said, tab = ACTS[verb]
        operation(here, request.POST)
    except Refusal as refusal:
        return _refused(request, id, refusal)
    target = f"{reverse('space', args=[id])}?tab={tab}" if tab else reverse("spaces")
    if verb == "trash":
        target = reverse("spaces")
    if _wants_json(request):
        return JsonResponse({"said": said, "url": target})
    messages.success(request, said)
    return redirect(target)


def _invite(request: HttpRequest, here: dict[str, Any]) -> HttpResponse:
    form = request.POST
    days = _number(form, "days")
    username = form.get("username", "").strip()
    if form.get("by") == "name" and not username:
        raise Invalid.one("/username", "too_short", "Say whom you invite.")
    made = invitations.invite(
        **here,
        role=form.get("role", ""),
        username=username if form.get("by") == "name" else "",
        days=days,
    )
    if made.token:
        link = request.build_absolute_uri(f"{reverse('spaces')}?invitation={made.token}")
        return settings_page(request, here["space_id"], link=link)
    messages.success(request, f"{username} is invited.")
    return redirect(f"{reverse('space', args=[here['space_id']])}?tab=settings")


def _refused(request: HttpRequest, id: UUID, refusal: Refusal) -> HttpResponse:
    errors = refusal.errors if isinstance(refusal, Invalid) else []
    if _wants_json(request):
        problem = {"code": refusal.code, "title": refusal.title, "detail": refusal.detail}
        return JsonResponse({**problem, "errors": errors}, status=refusal.status)
    for row in errors:
        name = row["pointer"].rpartition("/")[2].replace("_", " ").capitalize()
        messages.error(request, f"{name}: {row['detail']}")
    if not errors:
        messages.error(request, refusal.detail)
    tab = "board" if request.POST.get("act") == "create_asset" else "settings"
    return redirect(f"{reverse('space', args=[id])}?tab={tab}")


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
