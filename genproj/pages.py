"""The pages of no single app: home, queue, notices, settings; and what stands around each."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.core.cache import cache
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from generations import queries
from generations.operations import replay
from generations.pages.lists import jobs, last_jobs
from generations.pages.parts import shown
from generations.pages.tiles import group_of, tile_of
from generations.queries.counts import open_counts
from genproj import production
from genproj.accounts import operations as accounts
from genproj.kernel.clock import now
from genproj.kernel.errors import Malformed, Refusal
from genproj.kernel.paging import USUAL_PAGE, Cursor
from genproj.notices import operations as telling
from genproj.notices import queries as told
from genproj.webhooks import pages as endpoint_pages
from spaces.queries.proposals import waiting_count
from videos.pages import lists as films
from videos.queries.mine import open_counts as open_films

LATEST, NEEDY = 24, 5
DEMO_SECONDS = 30
MOST_UNSEEN = 10
#: how an event's name ends -> (symbol, tone) of its notice
SIGNS = {
    "completed": ("check", "done"),
    "failed": ("failed", "failed"),
    "partial": ("partial", "partial"),
    "cancelled": ("slash", ""),
    "clarification_requested": ("chat", "running"),
    "confirmation_requested": ("chat", "running"),
}
SCOPES = {"read": ["read"], "write": ["read", "write"], "staff": ["read", "write", "staff"]}
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year", "": "No end"}


def shell(request: HttpRequest) -> dict[str, Any]:
    """What stands around a page. Read only by templates that ask for it."""
    return {"shell": SimpleLazyObject(lambda: _shell(request))}


def _shell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    counts = [open_counts(user), open_films(user)] if signed_in else [(0, 0)]
    return {
        "rail": "folded" if request.COOKIES.get("rail") == "folded" else "",
        "mine": sum(mine for mine, _ in counts),
        "all": sum(everybody for _, everybody in counts),
        "unread": told.unread_count(owner_id=user.pk) if signed_in else 0,
        "approvals": waiting_count(user) if signed_in else 0,
        "sandbox": settings.RUNWARE_BASE_URL.startswith(settings.SANDBOX_URL),
        "demo": [] if signed_in else _demo_people(),
    }


def _demo_people() -> list[str]:
    """The demo accounts with the known password; kept a while, since checking is slow by design."""
    found: list[str] | None = cache.get("demo:people")
    if found is None:
        found = production.demo_accounts()
        cache.set("demo:people", found, DEMO_SECONDS)
    return found


@require_safe
def badge(request: HttpRequest, count: int) -> HttpResponse:
    """The icon of a page with the number of what was finished while nobody looked."""
    words = str(count) if count < MOST_UNSEEN else f"{MOST_UNSEEN - 1}+"
    response = render(request, "badge.svg", {"words": words}, content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=604800"
    return response


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What needs me, what runs, what came."""
    viewer: Any = request.user
    mine: dict[str, Any] = {"owner_id": viewer.pk}
    needy = []
    for state in ("failed", "partial"):
        filters = queries.GenerationFilters(state=state, kind="image", **mine)
        page = queries.generation_page(viewer=viewer, filters=filters, cursor=None, size=NEEDY)
        needy += page.results
    needy += _unlisted(viewer)
    needy.sort(key=lambda view: view.created_at, reverse=True)
    latest = queries.artifact_page(
        viewer=viewer, filters=queries.ArtifactFilters(**mine), cursor=None, size=LATEST
    )
    context = {
        "running": [
            group_of(view) for view in queries.open_generations(viewer) if view.kind == "image"
        ],
        "running_films": films.running_films(viewer),
        "needy_films": films.needy_films(viewer, limit=NEEDY),
        "needy": [group_of(view) for view in needy[:NEEDY]],
        "latest": [tile_of(view) for view in latest.results],
    }
    return shown(request, "home.html", context, parts={"body": "home_body.html"})


def _unlisted(viewer: Any) -> list[queries.GenerationView]:
    """What staff are to replay: generations whose listing failed."""
    if not viewer.is_staff:
        return []
    failed = dict.fromkeys(row.entry_id for row in replay.failed_projections()[:NEEDY])
    return [queries.generation_view(viewer=viewer, id=id) for id in failed]


@login_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """What was asked for: films by their places, then pictures, newest first."""
    viewer: Any = request.user
    context = jobs(request)
    part = request.GET.get("part")
    if part != "rows":
        context["films"] = films.film_queue(viewer) if context["tab"] == "active" else None
        context["own_films"] = films.own_films(viewer, context["tab"])
    parts = {"rows": "generations/queue_rows.html", "films": "videos/queue.html"}
    return shown(request, "generations/queue.html", context, parts=parts)


@login_required
@require_safe
def tray(request: HttpRequest) -> HttpResponse:
    """The person's own last jobs, for the tray that opens from the pill; and the pill."""
    parts = {"list": "partials/tray.html", "pill": "partials/pill.html"}
    context: dict[str, Any] = {}
    if request.GET.get("part") != "pill":
        context = {"groups": last_jobs(request), "films": films.running_films(request.user)}
    return shown(request, "partials/tray.html", context, parts=parts)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """What one should come to know; posting says that one knows all of it."""
    person: Any = request.user
    if request.method == "POST":
        telling.mark_read(actor=person)
        return redirect("notices")
    size = told.IN_STATE if request.GET.get("part") == "list" else USUAL_PAGE
    page = told.notice_page(owner=person, cursor=_cursor(request), size=size)
    usual = ("info", "")
    items = [
        {"n": view, "symbol": symbol, "tone": tone}
        for view in page.results
        for symbol, tone in [SIGNS.get(view.kind.rpartition(".")[2], usual)]
    ]
    parts = {
        "bell": "partials/bell.html",
        "list": "partials/bells.html",
        "rows": "notices_rows.html",
    }
    return shown(request, "notices.html", {"page": page, "items": items}, parts=parts)


def _cursor(request: HttpRequest) -> Cursor | None:
    try:
        text = request.GET.get("cursor")
        return Cursor.read(text) if text else None
    except Malformed:
        return None  # an address that was cut short begins anew


@login_required
@require_safe
def notice(request: HttpRequest, id: UUID) -> HttpResponse:
    """Go to what a notice is about, and know of it from then on."""
    person: Any = request.user
    url = told.url_of(owner=person, id=id)
    if url is None:
        raise Http404
    if request.method == "GET":
        telling.mark_read(actor=person, ids=[id])
    return redirect(url)


class Profile(ModelForm):
    """Name and address of a person."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email"]


@sensitive_post_parameters()
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    """Profile, password and API keys; a new key is shown in the answer to its making, once."""
    person: Any = request.user
    sent = request.POST if request.method == "POST" else None
    which = sent.get("form", "") if sent else ""
    profile = Profile(sent if which == "profile" else None, instance=person)
    password = PasswordChangeForm(person, sent if which == "password" else None)
    password.fields["old_password"].widget.attrs.pop("autofocus", None)
    if which == "profile" and profile.is_valid():
        profile.save()
        messages.success(request, "Your profile is saved.")
        return redirect("settings")
    if which == "password" and password.is_valid():
        password.save()
        update_session_auth_hash(request, password.user)
        messages.success(request, "Your password is changed.")
        return redirect("settings")
    secret, wrong = "", ""
    try:
        if which == "key":
            secret = _new_key(request)
        elif which == "revoke":
            accounts.revoke_key(actor=person, key_id=int(sent.get("key", "0") or 0))
            messages.success(request, "The key is revoked.")
            return redirect("settings")
    except (Refusal, ValueError) as problem:
        wrong = str(problem)
    keys = person.access_keys.filter(kind="key", revoked_at__isnull=True)
    context = {
        "profile": profile,
        "password": password,
        "keys": keys,
        "secret": secret,
        "wrong": wrong,
        "lifetimes": LIFETIMES.items(),
        **endpoint_pages.listed(person),
    }
    response = render(request, "settings/settings.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _new_key(request: HttpRequest) -> str:
    person: Any = request.user
    days = request.POST.get("days", "")
    issued = accounts.issue_key(
        actor=person,
        name=request.POST.get("name", "").strip()[:80] or "Unnamed",
        scopes=SCOPES.get(request.POST.get("scope", ""), []),
        expires_at=now() + timedelta(days=int(days)) if days in LIFETIMES and days else None,
    )
    return issued.secret
