"""What the schema says about the doors of money."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema

from genproj.kernel.api import describing as say
from genproj.usage import bodies
from genproj.usage.queries.reports import WHATS

TAGS = ["usage"]
MONTH = say.query("month", "A calendar month in UTC, such as 2026-11; by default the present one.")
WHAT = say.query("what", "Only what was spent for this.", enum=list(WHATS))
BUDGET_ANSWER = say.json_of(say.ref("Budget"), "The budget, and how far it is used.")
SHEET = {(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="A table.")}
LOST = say.problems(s404=say.LOST)


def report(name: str) -> Callable[[Any], Any]:
    """A door that tells of a month."""
    return extend_schema(
        operation_id=f"{name}_read",
        tags=TAGS,
        parameters=[MONTH],
        responses={
            200: say.json_of(say.ref("Usage"), "The month."),
            **say.problems(s400=say.WRONG_QUERY, s404=say.LOST),
        },
    )


def lines(name: str) -> Callable[[Any], Any]:
    """A door that lists lines."""
    return extend_schema(
        operation_id=f"{name}_lines",
        tags=TAGS,
        parameters=[*say.PAGES, MONTH, WHAT],
        responses={
            200: say.page_of("LedgerLine"),
            **say.problems(s400=say.WRONG_QUERY, s404=say.LOST),
        },
    )


def sheet(name: str) -> Callable[[Any], Any]:
    """A door that gives lines as a file."""
    return extend_schema(
        operation_id=f"{name}_csv",
        tags=TAGS,
        parameters=[MONTH, WHAT],
        responses={**SHEET, **say.problems(s400=say.WRONG_QUERY, s404=say.LOST)},
    )


def listed(name: str) -> Callable[[Any], Any]:
    """A door that lists budgets."""
    return extend_schema(
        operation_id=f"{name}_list",
        tags=TAGS,
        parameters=say.PAGES,
        responses={200: say.page_of("Budget"), **say.problems(s400=say.WRONG_QUERY)},
    )


def put(name: str, body: Any) -> Callable[[Any], Any]:
    """A door that sets a budget."""
    return extend_schema(
        operation_id=f"{name}_set",
        tags=TAGS,
        parameters=[say.ONCE, say.LOCATION],
        request={"application/json": body},
        responses={
            201: BUDGET_ANSWER,
            200: BUDGET_ANSWER,
            **say.problems(s403="One may not set it.", s404=say.LOST, s422=say.WRONG),
        },
    )


def one(name: str) -> Callable[[Any], Any]:
    """A door that shows a budget."""
    return extend_schema(
        operation_id=f"{name}_read",
        tags=TAGS,
        parameters=[say.IF_NONE_MATCH, say.ETAG],
        responses={200: BUDGET_ANSWER, 304: say.UNCHANGED, **LOST},
    )


def changes(name: str) -> Callable[[Any], Any]:
    """A door that changes a budget."""
    return extend_schema(
        operation_id=f"{name}_change",
        tags=TAGS,
        parameters=[say.IF_MATCH, say.ETAG],
        request={"application/json": bodies.CHANGE},
        responses={
            200: BUDGET_ANSWER,
            **say.problems(
                s403="One may not set it.",
                s404=say.LOST,
                s412="It has changed.",
                s422=say.WRONG,
            ),
        },
    )


def removal(name: str) -> Callable[[Any], Any]:
    """A door that takes a budget away."""
    return extend_schema(
        operation_id=f"{name}_delete",
        tags=TAGS,
        parameters=[say.IF_MATCH],
        responses={
            204: say.EMPTY,
            **say.problems(s403="One may not take it away.", s404=say.LOST, s412="It has changed."),
        },
    )


REPORT, LINES, CSV = report("usage"), lines("usage"), sheet("usage")
BUDGETS, SET = listed("budgets"), put("budgets", bodies.OVER_A_PERSON)
BUDGET, CHANGE, DELETE = one("budgets"), changes("budgets"), removal("budgets")
