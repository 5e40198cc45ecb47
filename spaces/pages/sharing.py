"""What is behind a link for whoever has it, and the page on which members make such links."""

import hashlib
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.http import content_disposition_header
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from generations.pages.parts import hides_missing, shown
from genproj.kernel import storage
from genproj.kernel.api.fields import number_in, uuid_in
from genproj.kernel.errors import Invalid, RateLimited, Refusal
from spaces.errors import ShareGone
from spaces.operations import sharing
from spaces.pages.rooms import room_context
from spaces.pages.words import alt
from spaces.permissions import Act, Role, allows
from spaces.queries.board import BoardFilters, asset_cards, variants_by_id
from spaces.queries.shares import link_behind, media_behind, pictures_behind, shares_of, status_of

#: how long a password that was right need not be given again
TRUSTED_SECONDS = 12 * 3600
COOKIE = "shared"
SALT = "genproj.shared"
CHUNK = 2**18
PICTURES = 60
PARTS = {"form": "spaces/share_form.html"}
LIFETIMES = {"1": "1 day", "7": "7 days", "30": "30 days"}
ALONE = {
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}

Page = Callable[..., HttpResponseBase]


def _alone(page: Page) -> Page:
    """No cache keeps it, no search finds it, no log has its address; what is closed says nothing
    but that."""

    @wraps(page)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.logged_path = "/shared/…/"  # type: ignore[attr-defined]
        try:
            response = page(request, *args, **kwargs)
        except (ShareGone, storage.KeyMissing):
            response = render(request, "shared/gone.html", status=410)
        for name, value in ALONE.items():
            response[name] = value
        return response

    return answer


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@_alone
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The pictures behind a link, or the question for its password."""
    link = link_behind(token=token)
    if request.method == "POST":
        return _opened(request, link, token)
    if not _is_trusted(request, link):
        return render(request, "shared/gate.html")
    pictures = pictures_behind(link)
    if request.method == "GET":
        sharing.count_view(link)
    context = {"token": token, "pictures": pictures, "download": link.download}
    return render(request, "shared/page.html", context)


def _opened(request: HttpRequest, link: Any, token: str) -> HttpResponse:
    wrong, status = "That is not the password.", 403
    try:
        if not link.password or sharing.is_password(link, given=request.POST.get("password", "")):
            response = redirect("shared", token=token)
            response.set_cookie(
                COOKIE,
                signing.dumps(_mark(link), salt=SALT),
                max_age=TRUSTED_SECONDS,
                path=f"/shared/{token}/",
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
            return response
    except RateLimited:
        wrong, status = "Too many tries. Wait a minute.", 429
    return render(request, "shared/gate.html", {"wrong": wrong}, status=status)


def _mark(link: Any) -> str:
    """Stands for the link with the password that it has now."""
    return hashlib.sha256(f"{link.pk} {link.password}".encode()).hexdigest()


def _is_trusted(request: HttpRequest, link: Any) -> bool:
    if not link.password:
        return True
    try:
        given = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=TRUSTED_SECONDS)
    except signing.BadSignature:
        return False
    return isinstance(given, str) and constant_time_compare(given, _mark(link))


@require_safe
@_alone
def media(request: HttpRequest, token: str, number: int, form: str) -> HttpResponseBase:
    """The bytes of one of the pictures; permission is looked up at every read."""
    link = link_behind(token=token)
    if not _is_trusted(request, link):
        raise ShareGone
    is_saved = request.GET.get("download") == "1"
    found = media_behind(link, number=number, form=form, is_saved=is_saved)
    name = f"picture-{number + 1}.{found.filename.rpartition('.')[2]}"
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": content_disposition_header(is_saved, name) or "inline",
    }
    response = _bytes(found.key, found.content_type, headers)
    if is_saved and request.method == "GET" and _is_beginning(request):
        sharing.count_download(link)
    return response


def _is_beginning(request: HttpRequest) -> bool:
    """Whether it is the first part of a file that is fetched in parts."""
    asked = request.headers.get("Range", "")
    return not asked or asked.startswith("bytes=0-")


def _bytes(key: str, content_type: str, headers: dict[str, str]) -> HttpResponseBase:
    """From disk by the server in front; from a bucket through here: an address there would outlive
    the link."""
    path = storage.path_of(key)
    if path is not None:
        if not path.is_file():
            raise storage.KeyMissing(key)
        sent = {**headers, "X-Send-File": str(path)}
        return HttpResponse(content_type=content_type, headers=sent)
    source = storage.open_read(key)

    def parts() -> Iterator[bytes]:
        with source:
            while chunk := source.read(CHUNK):
                yield chunk

    sent = {**headers, "X-Stream": "1"}
    return StreamingHttpResponse(parts(), content_type=content_type, headers=sent)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@hides_missing
def shares(request: HttpRequest, id: UUID) -> HttpResponse:
    """The space's links: all of them, a new one, closing one or all.

    `?asset=` or `?v=` (each a variant) is what a new link is to show; `?part=form` the form alone,
    for a dialog.
    """
    here: Any = {"actor": request.user, "space_id": id}
    made, refused, status = None, "", 200
    if request.method == "POST":
        try:
            made = _acted(request, here)
        except Refusal as refusal:
            refused, status = _words(refusal), refusal.status
        if made is None and not refused:
            return redirect("space_shares", id=id)
    context = room_context(request, id, "settings")
    links = (
        shares_of(viewer=request.user, space_id=id) if allows(context["role"], Act.SHARE) else []
    )
    context |= {
        "address": request.build_absolute_uri(f"/shared/{made.token}/") if made else "",
        "refused": refused,
        "links": [(link, status_of(link)) for link in links],
        "may_share": allows(context["role"], Act.SHARE) and not context["space"].trashed_at,
        "may_for_ever": context["role"] == Role.OWNER,
        "lifetimes": LIFETIMES.items(),
        **_offered(request, id),
    }
    response = shown(request, "spaces/sharing.html", context, parts=PARTS)
    response["Cache-Control"] = "no-store"
    response.status_code = status
    return response


def _offered(request: HttpRequest, id: UUID) -> dict[str, Any]:
    """What can be shared, and of it what is chosen already."""
    asked = request.POST if request.method == "POST" else request.GET
    wanted = [text for text in asked.getlist("v") if _is_uuid(text)][: sharing.MOST_VARIANTS]
    found = variants_by_id(space_id=id, ids=[UUID(text) for text in wanted])
    named = [found[UUID(text)] for text in wanted if UUID(text) in found]
    things = [one for one in asset_cards(space_id=id, filters=BoardFilters()) if one.thumb_url]
    chosen = {str(one.pk) for one in named}
    pictures = [
        (str(one.pk), f"/media/{one.artifact}/thumb", alt(one.asset.name, one.recipe), True)
        for one in named
        if one.artifact
    ]
    others = [one for one in things if one.variant not in chosen][: PICTURES - len(pictures)]
    pictures += [(one.variant, one.thumb_url, one.name, False) for one in others]
    return {"things": things, "asset": asked.get("asset", ""), "pictures": pictures}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _acted(request: HttpRequest, here: Any) -> sharing.Shared | None:
    form = request.POST
    if form.get("act") == "revoke_all":
        sharing.revoke_all(**here)
        return None
    if form.get("act") == "revoke":
        sharing.revoke(**here, share_id=uuid_in(form.get("share"), at="share"))
        return None
    days = form.get("custom") or form.get("days", "")
    asset = form.get("asset", "")
    variants = [] if asset else [uuid_in(text, at="v") for text in form.getlist("v")]
    if not asset and not variants:
        raise Invalid.one("/v", "required", "Choose at least one picture.")
    return sharing.share(
        **here,
        asset_id=uuid_in(asset, at="asset") if asset else None,
        variant_ids=variants,
        name=form.get("name", ""),
        expires_in_days=None if days == "never" else number_in(days, at="days"),
        password=form.get("password", ""),
        download=form.get("download", ""),
        show_prompt=form.get("show_prompt") == "on",
    )


def _words(refusal: Refusal) -> str:
    errors = refusal.errors if isinstance(refusal, Invalid) else []
    return " ".join(error["detail"] for error in errors) or refusal.detail
