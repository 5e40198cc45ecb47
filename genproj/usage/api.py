"""Doors of money: one's own usage, and budgets over people."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import (
    PAGING,
    Door,
    cursor_of,
    page_answer,
    require_match,
    size_of,
    versioned,
    whole_list_answer,
)
from genproj.kernel.api import bodies as reading
from genproj.runtime.answers import answered
from genproj.usage import bodies, docs
from genproj.usage.operations import budgets
from genproj.usage.queries import budgets as known
from genproj.usage.queries import reports
from genproj.usage.queries.budgets import BudgetView
from genproj.usage.queries.reports import Whose

MONTH = frozenset({"month"})
LINES = MONTH | {"what"}


def own(request: Request) -> str:
    """The audience of the one who asks."""
    return f"user:{request.user.pk}"


# --- what every audience's doors answer -----------------------------------------------------------


def report_answer(request: Request, of: Whose) -> Response:
    """A month of somebody's money."""
    month = reports.month_named(request.query_params.get("month"))
    return Response(reports.report_json(reports.report(of, month)))


def lines_answer(request: Request, of: Whose) -> Response:
    """A page of the month's lines."""
    page = reports.line_page(
        of,
        reports.month_named(request.query_params.get("month")),
        what=reading.choice(request.query_params, "what", reports.WHATS),
        cursor=cursor_of(request),
        size=size_of(request),
    )
    return page_answer(request, page, reports.line_json)


def csv_answer(request: Request, of: Whose) -> HttpResponse:
    """The month's lines as a file."""
    month = reports.month_named(request.query_params.get("month"))
    what = reading.choice(request.query_params, "what", reports.WHATS)
    name = f'attachment; filename="usage-{month.name}.csv"'
    return HttpResponse(
        reports.csv_of(of, month, what=what),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": name},
    )


def budget_answer(shown: BudgetView, *, status: int = 200) -> Response:
    """A budget with its ETag."""
    tag = f'"{tag_of(shown)}"'
    return Response(known.budget_json(shown), status=status, headers={"ETag": tag})


def tag_of(shown: BudgetView) -> str:
    """The version of a budget: its terms, and what is used of it."""
    used = f"{known.amount(shown.used.spent)}-{known.amount(shown.used.held)}"
    return f"{shown.id.hex}-{shown.version}-{used}"


def changed(request: Request, shown: BudgetView) -> HttpResponse:
    """Change what is named of a budget that the caller has found."""
    body = bodies.changes_in(request.data)
    require_match(request, tag_of(shown))
    actor: Any = request.user
    row = budgets.change_budget(
        actor=actor, audience=shown.audience, budget_id=shown.id, version=shown.version, **body
    )
    return budget_answer(known.view(row))


# --- one's own ------------------------------------------------------------------------------------


class UsageReport(Door):
    """One's own money in a month."""

    query = MONTH

    @docs.REPORT
    def get(self, request: Request) -> Response:
        """By day, person, audience, model and kind; in spaces too."""
        return report_answer(request, reports.whose(own(request)))


class UsageLines(Door):
    """One's own lines of the ledger."""

    query = PAGING | LINES

    @docs.LINES
    def get(self, request: Request) -> Response:
        """A page, newest first."""
        return lines_answer(request, reports.whose(own(request)))


class UsageCsv(Door):
    """One's own lines for spreadsheets."""

    query = LINES

    @docs.CSV
    def get(self, request: Request) -> HttpResponse:
        """All of a month, oldest first."""
        return csv_answer(request, reports.whose(own(request)))


# --- budgets over people --------------------------------------------------------------------------


class BudgetList(Door):
    """Budgets over people."""

    query = PAGING

    @docs.BUDGETS
    def get(self, request: Request) -> Response:
        """Staff see all of them, others those over themselves."""
        found = known.people_budgets(viewer=request.user)
        return whole_list_answer(request, found, known.budget_json)

    @docs.SET
    def post(self, request: Request) -> HttpResponse:
        """Set one; of the same person and model there is one, whose terms these become."""

        def act(wanted: tuple[User, budgets.Terms]) -> Response:
            person, terms = wanted
            actor: Any = request.user
            row, new = budgets.set_budget(actor=actor, audience=f"user:{person.pk}", terms=terms)
            answer = budget_answer(known.view(row), status=201 if new else 200)
            answer["Location"] = f"/api/v1/budgets/{row.pk}/"
            return answer

        def prepare() -> tuple[User, budgets.Terms]:
            budgets.require_staff(actor=request.user)
            return bodies.person_and_terms_in(request.data)

        return answered(request, prepare=prepare, act=act)


class BudgetDetail(Door):
    """One budget over a person."""

    @docs.BUDGET
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Its terms, and how far it is used."""
        shown = known.find(viewer=request.user, budget_id=id, kind="user")
        return versioned(request, tag_of(shown), lambda: known.budget_json(shown))

    @docs.CHANGE
    def patch(self, request: Request, id: UUID) -> HttpResponse:
        """Change its terms."""
        return changed(request, known.find(viewer=request.user, budget_id=id, kind="user"))

    @docs.DELETE
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Take the limit away."""
        shown = known.find(viewer=request.user, budget_id=id, kind="user")
        require_match(request, tag_of(shown))
        budgets.delete_budget(actor=request.user, audience=shown.audience, budget_id=id)
        return HttpResponse(status=204)
