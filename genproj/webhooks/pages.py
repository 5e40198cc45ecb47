"""The settings' pages of endpoints: they work by forms alone, like those of keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid, NotFound, Refusal
from genproj.kernel.paging import Cursor
from genproj.webhooks import queries
from genproj.webhooks.models import Delivery, Endpoint
from genproj.webhooks.operations import endpoints, replaying
from genproj.webhooks.types import TYPES

PAGE = 25
#: hours back -> words
SPANS = {"720": "everything", "72": "the last 3 days", "24": "the last day", "1": "the last hour"}
NOTHING_OF_IT = "nothing"
#: state -> (word, tone, symbol)
STATES = {
    "pending": ("Waiting", "running", "clock"),
    "delivered": ("Delivered", "done", "check"),
    "held": ("Held", "partial", "slash"),
    "dead": ("Dead", "failed", "failed"),
}

page = require_http_methods(["GET", "HEAD", "POST"])


def listed(viewer: Any) -> dict[str, Any]:
    """What the list of one's endpoints and the form below it show."""
    rows = queries.endpoints_of(viewer, mine=True).order_by("-created_at", "-id")
    return {"endpoints": rows, "types": TYPES}


@login_required
@page
def endpoint_list(request: HttpRequest) -> HttpResponse:
    """One's endpoints; a new one's secret is shown in the answer to its making, once."""
    wrong = ""
    if request.method == "POST":
        try:
            issued = _created(request)
        except Refusal as refusal:
            wrong = _words(refusal)
        else:
            messages.success(request, "The endpoint is made.")
            return _endpoint_shown(request, issued.row, secret=issued.secret)
    context = {**listed(request.user), "wrong": wrong, "sent": request.POST}
    context["chosen"] = request.POST.getlist("types")
    return _rendered(request, "settings/endpoint_list.html", context)


def _created(request: HttpRequest) -> endpoints.Issued:
    person: Any = request.user
    fields = _fields(request)
    endpoints.require_reachable(url=fields["url"])
    return endpoints.create(actor=person, **fields)


def _fields(request: HttpRequest) -> dict[str, Any]:
    sent = request.POST
    fields: dict[str, Any] = {
        "url": sent.get("url", "").strip(),
        "description": sent.get("description", "").strip()[:200],
        "types": sent.getlist("types"),
    }
    if len(fields["url"]) > 2000 or "\x00" in "".join([fields["url"], fields["description"]]):
        raise Invalid.one("/url", "address", "This address cannot be used.")
    return fields


def _words(refusal: Refusal) -> str:
    if isinstance(refusal, Invalid):
        return " ".join(row["detail"] for row in refusal.errors)
    return refusal.detail


@login_required
@page
def endpoint_page(request: HttpRequest, id: UUID) -> HttpResponse:
    """One endpoint: how it stands, what may be done, what was sent."""
    row = _found(request, id)
    wrong = ""
    if request.method == "POST":
        act = ACTS.get(request.POST.get("form", ""))
        try:
            if act is not None:
                return act(request, row)
        except Refusal as refusal:
            wrong = _words(refusal)
    return _endpoint_shown(request, row, wrong=wrong)


def _found(request: HttpRequest, id: UUID) -> Endpoint:
    try:
        return queries.endpoint(viewer=request.user, id=id)
    except NotFound:
        raise Http404 from None


def _save(request: HttpRequest, row: Endpoint) -> HttpResponse:
    person: Any = request.user
    fields = _fields(request)
    if fields["url"] != row.url:
        endpoints.require_reachable(url=fields["url"])
    endpoints.change(actor=person, endpoint_id=row.pk, changes=fields)
    return _back(request, row, "The endpoint is saved.")


def _rotate(request: HttpRequest, row: Endpoint) -> HttpResponse:
    person: Any = request.user
    issued = endpoints.rotate(actor=person, endpoint_id=row.pk)
    return _endpoint_shown(request, issued.row, secret=issued.secret)


def _test(request: HttpRequest, row: Endpoint) -> HttpResponse:
    person: Any = request.user
    sent = endpoints.ping(actor=person, endpoint_id=row.pk)
    messages.success(request, "A ping is on its way; this page shows what comes of it.")
    return redirect("settings_delivery", id=row.pk, delivery=sent.pk)


def _enable(request: HttpRequest, row: Endpoint) -> HttpResponse:
    person: Any = request.user
    hours = request.POST.get("span", "")
    since = now() - timedelta(hours=int(hours)) if hours in SPANS else None
    endpoints.enable(actor=person, endpoint_id=row.pk, replay_since=since)
    return _back(request, row, "The endpoint is enabled.")


def _disable(request: HttpRequest, row: Endpoint) -> HttpResponse:
    person: Any = request.user
    endpoints.change(actor=person, endpoint_id=row.pk, changes={"enabled": False})
    return _back(request, row, "The endpoint is disabled; what happens now is held.")


def _delete(request: HttpRequest, row: Endpoint) -> HttpResponse:
    person: Any = request.user
    endpoints.delete(actor=person, endpoint_id=row.pk)
    messages.success(request, "The endpoint is deleted.")
    return redirect("settings_endpoints")


def _replay(request: HttpRequest, row: Endpoint) -> HttpResponse:
    hours = request.POST.get("span", "")
    since = now() - timedelta(hours=int(hours) if hours in SPANS else 1)
    count = replaying.replay_since(row, since=since)
    return _back(request, row, f"{count} not received will be sent again.")


ACTS: dict[str, Callable[[HttpRequest, Endpoint], HttpResponse]] = {
    "save": _save,
    "rotate": _rotate,
    "test": _test,
    "enable": _enable,
    "disable": _disable,
    "delete": _delete,
    "replay": _replay,
}


def _back(request: HttpRequest, row: Endpoint, words: str) -> HttpResponse:
    messages.success(request, words)
    return redirect("settings_endpoint", id=row.pk)


def _endpoint_shown(
    request: HttpRequest, row: Endpoint, *, secret: str = "", wrong: str = ""
) -> HttpResponse:
    state = request.GET.get("state", "")
    try:
        cursor = Cursor.read(request.GET["cursor"]) if request.GET.get("cursor") else None
    except Refusal:
        cursor = None
    known = state if state in STATES else None
    found = queries.delivery_page(of=row, state=known, cursor=cursor, size=PAGE)
    counts = queries.counts_of(row)
    context = {
        "endpoint": row,
        "secret": secret,
        "wrong": wrong,
        "types": TYPES,
        "chosen": row.types,
        "spans": SPANS.items(),
        "rotating": row.previous_until and row.previous_until > now(),
        "deliveries": [_line(delivery) for delivery in found.results],
        "next": found.next,
        "previous": found.previous,
        "state": known,
        "states": [(name, STATES[name][0], count) for name, count in counts.items()],
        "all": sum(counts.values()),
    }
    return _rendered(request, "settings/endpoint.html", context)


def _line(row: Delivery) -> dict[str, Any]:
    word, tone, symbol = STATES[queries.state_of(row)]
    return {"row": row, "word": word, "tone": tone, "symbol": symbol}


@login_required
@page
def delivery_page(request: HttpRequest, id: UUID, delivery: UUID) -> HttpResponse:
    """One delivery: what was sent, and each answer."""
    endpoint = _found(request, id)
    wrong = ""
    try:
        row = queries.delivery(of=endpoint, id=delivery)
    except NotFound:
        raise Http404 from None
    if request.method == "POST":
        try:
            replaying.replay_delivery(endpoint, delivery_id=row.pk)
        except Refusal as refusal:
            wrong = _words(refusal)
        else:
            messages.success(request, "It is on its way again, under the same id.")
            return redirect("settings_delivery", id=endpoint.pk, delivery=row.pk)
    context = {
        **_line(row),
        "endpoint": endpoint,
        "body": bytes(row.body).decode(),
        "tries": queries.attempts_of(row),
        "wrong": wrong,
    }
    return _rendered(request, "settings/delivery.html", context)


def _rendered(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context)
    response["Cache-Control"] = "no-store"
    return response
