"""Doors of a space's money: what was spent in it, and what may be."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, require_match, versioned, whole_list_answer
from genproj.runtime.answers import answered
from genproj.usage import api as money
from genproj.usage import bodies, docs
from genproj.usage.operations.budgets import Terms
from genproj.usage.queries import budgets as known
from genproj.usage.queries import reports
from genproj.usage.queries.reports import Whose
from spaces import queries
from spaces.api.doors import SpaceDoor
from spaces.operations import budgeting
from spaces.operations.budgeting import audience_of
from spaces.permissions import Act


def _of(request: Request, space_id: UUID) -> Whose:
    """The space's money, for who may see the space; SpaceNotFound for others."""
    queries.role_in(viewer=request.user, space_id=space_id)
    return reports.whose(audience_of(space_id))


class SpaceUsage(SpaceDoor):
    """A space's money in a month."""

    query = money.MONTH

    @docs.report("space_usage")
    def get(self, request: Request, id: UUID) -> Response:
        """By day, person, model and kind."""
        return money.report_answer(request, _of(request, id))


class SpaceUsageLines(SpaceDoor):
    """A space's lines of the ledger."""

    query = PAGING | money.LINES

    @docs.lines("space_usage")
    def get(self, request: Request, id: UUID) -> Response:
        """A page, newest first."""
        return money.lines_answer(request, _of(request, id))


class SpaceUsageCsv(SpaceDoor):
    """A space's lines for spreadsheets."""

    query = money.LINES

    @docs.sheet("space_usage")
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """All of a month, oldest first."""
        return money.csv_answer(request, _of(request, id))


class SpaceBudgetList(SpaceDoor):
    """Budgets of a space."""

    needs = {"POST": Act.SET_BUDGETS}
    query = PAGING

    @docs.listed("space_budgets")
    def get(self, request: Request, id: UUID) -> Response:
        """All of them; every member sees them."""
        _of(request, id)
        found = known.budgets_of(audience_of(id))
        return whole_list_answer(request, found, known.budget_json)

    @docs.put("space_budgets", bodies.IN_A_SPACE)
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Set one, for all or for one member or model."""

        def prepare() -> Terms:
            _of(request, id)
            return bodies.terms_in(request.data)

        def act(terms: Terms) -> Response:
            actor: Any = request.user
            row, new = budgeting.set_budget(actor=actor, space_id=id, terms=terms)
            answer = money.budget_answer(known.view(row), status=201 if new else 200)
            answer["Location"] = f"/api/v1/spaces/{id}/budgets/{row.pk}/"
            return answer

        return answered(request, prepare=prepare, act=act)


class SpaceBudgetDetail(SpaceDoor):
    """One budget of a space."""

    needs = {"PATCH": Act.SET_BUDGETS, "DELETE": Act.SET_BUDGETS}

    def _found(self, request: Request, id: UUID, budget_id: UUID) -> known.BudgetView:
        _of(request, id)
        return known.find(viewer=request.user, budget_id=budget_id, audience=audience_of(id))

    @docs.one("space_budgets")
    def get(self, request: Request, id: UUID, budget_id: UUID) -> HttpResponse:
        """Its terms, and how far it is used."""
        shown = self._found(request, id, budget_id)
        return versioned(request, money.tag_of(shown), lambda: known.budget_json(shown))

    @docs.changes("space_budgets")
    def patch(self, request: Request, id: UUID, budget_id: UUID) -> HttpResponse:
        """Change its terms."""
        shown = self._found(request, id, budget_id)
        body = bodies.changes_in(request.data)
        require_match(request, money.tag_of(shown))
        row = budgeting.change_budget(
            actor=request.user, space_id=id, budget_id=budget_id, version=shown.version, **body
        )
        return money.budget_answer(known.view(row))

    @docs.removal("space_budgets")
    def delete(self, request: Request, id: UUID, budget_id: UUID) -> HttpResponse:
        """Take the limit away."""
        shown = self._found(request, id, budget_id)
        require_match(request, money.tag_of(shown))
        budgeting.delete_budget(actor=request.user, space_id=id, budget_id=budget_id)
        return HttpResponse(status=204)
