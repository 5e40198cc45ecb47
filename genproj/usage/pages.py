"""The page of money: a month by day and by part, budgets, and the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from genproj import audiences, subjects
from genproj.kernel.errors import Invalid, Malformed, NotFound, Refusal
from genproj.kernel.ids import is_uuid
from genproj.kernel.paging import Cursor
from genproj.usage import bodies
from genproj.usage.operations import budgets
from genproj.usage.operations.budgets import Terms
from genproj.usage.queries import budgets as known
from genproj.usage.queries import reports, totals
from genproj.usage.queries.reports import Month, Report, Whose

LINES = 25
MOST_PEOPLE = 50
BAR, GAP, HEIGHT = 8, 2, 100
#: kind -> words
WHATS = {
    "images": "Pictures",
    "videos": "Films",
    "tokens_in": "Tokens read",
    "tokens_out": "Tokens written",
    "": "Other",
}
#: kind of line -> (word, tone, symbol)
KINDS = {
    "hold": ("Held", "running", "clock"),
    "settle": ("Settled", "done", "check"),
    "release": ("Released", "", "slash"),
    "charge": ("Charged", "done", "check"),
}
#: state of a budget -> (word, tone, symbol)
STATES = {
    "ok": ("Within", "done", "check"),
    "warning": ("Nearly used", "partial", "partial"),
    "exhausted": ("Used up", "failed", "failed"),
}


@dataclass(frozen=True)
class Look:
    """Whose money the page shows. `audience` is empty for everybody's, which staff may see."""

    viewer: User
    audience: str
    name: str
    query: str

    @property
    def of(self) -> Whose:
        return reports.whose(self.audience) if self.audience else reports.everybody()

    @property
    def may_set(self) -> bool:
        """Owners set the budgets of spaces, staff those over people."""
        if self.audience.startswith("space:"):
            return audiences.may(self.viewer, self.audience, "owner")
        return self.viewer.is_staff

    @property
    def budgets(self) -> list[known.BudgetView]:
        if not self.audience:
            return known.people_budgets(viewer=self.viewer)
        return known.budgets_of(self.audience)


@dataclass(frozen=True)
class Bar:
    """One day of the chart, in its own measures."""

    day: Any
    spent: Decimal
    x: int
    y: float
    height: float


def _look(request: HttpRequest) -> Look:
    viewer: Any = request.user
    space = request.GET.get("space", "")
    if space:
        if not is_uuid(space) or audiences.level(viewer, f"space:{space}") is None:
            raise Http404
        name = audiences.names_of([f"space:{space}"]).get(f"space:{space}")
        if name is None:
            raise Http404
        return Look(viewer, f"space:{space}", name, f"space={space}")
    if request.GET.get("all"):
        if not viewer.is_staff:
            raise Http404
        return Look(viewer, "", "Everybody", "all=1")
    return Look(viewer, f"user:{viewer.pk}", "You", "")


def _month(request: HttpRequest) -> Month:
    try:
        return reports.month_named(request.GET.get("month"))
    except Malformed:
        raise Http404 from None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def usage(request: HttpRequest) -> HttpResponse:
    """A month of money; posting sets, previews or takes away a budget."""
    look, month = _look(request), _month(request)
    wrong, preview = "", None
    if request.method == "POST":
        try:
            if request.POST.get("form") == "preview":
                preview = _preview(request, look)
            else:
                messages.success(request, _changed(request, look))
                return redirect(f"{request.path}?{request.GET.urlencode()}")
        except Invalid as refusal:
            wrong = " ".join(row["detail"] for row in refusal.errors)
        except NotFound:
            raise Http404 from None
        except Refusal as refusal:
            wrong = refusal.detail
    context = _context(request, look, month)
    context |= {"wrong": wrong, "preview": preview, "sent": request.POST}
    response = render(request, "usage/usage.html", context)
    response["Cache-Control"] = "private, no-cache"
    return response


@login_required
@require_safe
def sheet(request: HttpRequest) -> HttpResponse:
    """The month's lines as a file."""
    look, month = _look(request), _month(request)
    what = request.GET.get("what") or None
    content = reports.csv_of(look.of, month, what=what if what in reports.WHATS else None)
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="usage-{month.name}.csv"'},
    )


def _context(request: HttpRequest, look: Look, month: Month) -> dict[str, Any]:
    found = reports.report(look.of, month)
    what = request.GET.get("what") or None
    page = reports.line_page(
        look.of,
        month,
        what=what if what in reports.WHATS else None,
        cursor=_cursor(request),
        size=LINES,
    )
    named = subjects.described(
        [row.line.subject for row in page.results] + [subject for subject, _ in found.top]
    )
    limits = look.budgets if month.is_now else []
    return {
        "look": look,
        "tabs": _tabs(look, month),
        "month": month,
        "report": found,
        "before": reports.month_named(f"{month.begin - timedelta(days=1):%Y-%m}"),
        "after": None if month.is_now else reports.month_named(f"{month.end:%Y-%m}"),
        "bars": _bars(found),
        "width": len(found.days) * (BAR + GAP),
        "highest": max((paid for _, paid in found.days), default=Decimal(0)),
        "splits": _splits(look, found),
        "top": [(named[subject], paid) for subject, paid in found.top],
        "budgets": [(view, *STATES[view.state]) for view in limits],
        "tightest": _tightest(look, limits),
        "page": page,
        "lines": [(row, named[row.line.subject], *KINDS[row.line.kind]) for row in page.results],
        "what": what,
        "whats": [(name, WHATS[name]) for name in reports.WHATS],
        "words": WHATS,
    }


def _cursor(request: HttpRequest) -> Cursor | None:
    try:
        text = request.GET.get("cursor")
        return Cursor.read(text) if text else None
    except Malformed:
        return None  # an address that was cut short begins anew


def _tabs(look: Look, month: Month) -> list[tuple[str, str, bool]]:
    """Whose money one may look at: name, address, whether it is shown."""
    spaces = [one for one in audiences.audiences_of(look.viewer) if one.startswith("space:")]
    if look.audience.startswith("space:") and look.audience not in spaces:
        spaces.append(look.audience)
    names = audiences.names_of(spaces)
    whose = [("You", "")]
    whose += [(names[one], f"space={one[6:]}") for one in spaces if one in names]
    if look.viewer.is_staff:
        whose.append(("Everybody", "all=1"))
    when = "" if month.is_now else urlencode({"month": month.name})
    return [
        (name, "?" + "&".join(filter(None, (query, when))), query == look.query)
        for name, query in whose
    ]


def _bars(found: Report) -> list[Bar]:
    highest = max((paid for _, paid in found.days), default=Decimal(0)) or Decimal(1)
    bars = []
    for place, (day, paid) in enumerate(found.days):
        # what cost anything is seen
        height = max(float(paid / highest * HEIGHT), 1.5) if paid else 0.0
        bars.append(
            Bar(day, paid, place * (BAR + GAP) + 1, round(HEIGHT - height, 2), round(height, 2))
        )
    return bars


def _splits(look: Look, found: Report) -> list[dict[str, Any]]:
    """The month by kind, model, and person or space; a split of one is left out where it says
    nothing."""
    kinds = [(WHATS.get(part.key, part.key), part) for part in found.kinds]
    parts: list[tuple[str, Sequence[tuple[str, reports.Part]]]] = [
        ("By kind", kinds),
        ("By model", [(part.name or "Not recorded", part) for part in found.models]),
    ]
    if look.audience.startswith("space:") or not look.audience:
        parts.append(("By person", [(p.name or "Nobody any more", p) for p in found.people]))
    if not look.audience.startswith("space:"):
        own = f"user:{look.viewer.pk}"
        rows = [("Outside of spaces" if p.key == own else p.name, p) for p in found.audiences]
        parts.append(("By space" if look.audience else "By person or space", rows))
    total = found.spent or Decimal(1)
    return [
        {
            "title": title,
            "rows": [(name, part, int(part.spent * 100 / total)) for name, part in rows],
        }
        for title, rows in parts
    ]


def _tightest(look: Look, limits: Sequence[known.BudgetView]) -> known.BudgetView | None:
    """The budget beside the month's total: one that covers all of it."""
    whole = [view for view in limits if not view.model and view.audience == look.audience]
    if look.audience.startswith("space:"):
        whole = [view for view in whole if view.person is None]
    return min(whole, key=lambda view: view.left, default=None)


# --- budgets --------------------------------------------------------------------------------------


def _changed(request: HttpRequest, look: Look) -> str:
    sent = request.POST
    if sent.get("form") == "delete":
        id = sent.get("budget", "")
        if not is_uuid(id):
            raise Http404
        shown = known.find(viewer=look.viewer, budget_id=UUID(id))
        budgets.delete_budget(actor=look.viewer, audience=shown.audience, budget_id=shown.id)
        return "The budget is taken away."
    audience, terms = _wanted(request, look)
    budgets.set_budget(actor=look.viewer, audience=audience, terms=terms)
    return f"The budget is set: {known.amount(terms.limit)} USD a month."


def _wanted(request: HttpRequest, look: Look) -> tuple[str, Terms]:
    """The audience and terms of the form. On the page of everybody the person is the audience."""
    sent = request.POST
    limit = _limit(sent.get("limit", ""))
    name = sent.get("person", "").strip()
    person = bodies.person_named(name) if name else None
    hard = sent.get("hard", "hard") != "soft"
    model = sent.get("model", "").strip()[:120]
    if look.audience.startswith("space:"):
        return look.audience, Terms(limit, hard, person, model)
    if person is None:
        raise Invalid.one("/person", "required", "Name the person that this budget is for.")
    return f"user:{person.pk}", Terms(limit, hard, None, model)


def _limit(text: str) -> Decimal:
    try:
        return Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise Invalid.one("/limit", "format", "The limit is an amount such as 12.50.") from None


def _preview(request: HttpRequest, look: Look) -> list[dict[str, Any]]:
    """Who would be over a limit: all together, or each person, as far as they have spent."""
    limit, sent = _limit(request.POST.get("limit", "")), request.POST
    model, name = sent.get("model", "").strip(), sent.get("person", "").strip()
    rows: list[tuple[str, totals.Scope]] = []
    if look.audience.startswith("space:"):
        person = bodies.person_named(name).pk if name else None
        whose = name or f"All in {look.name}"
        rows.append((whose, totals.Scope(look.audience, person, model)))
    elif name:
        rows.append((name, totals.Scope(f"user:{bodies.person_named(name).pk}", None, model)))
    else:
        month = reports.month_named(None)
        for part in reports.report(look.of, month).people[:MOST_PEOPLE]:
            if part.key:
                rows.append((part.name, totals.Scope(f"user:{part.key}", None, model)))
    found = [(name, totals.used(scope).total) for name, scope in rows]
    return [
        {"name": name, "used": used, "limit": limit, "over": used >= limit,
         "state": STATES[known.state_of(limit, used)]}
        for name, used in found
    ]  # fmt: skip
