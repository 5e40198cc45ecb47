"""Budgets as doors see them, and what they leave to somebody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from genproj import audiences
from genproj.kernel.clock import now, zulu
from genproj.kernel.memory import remembered
from genproj.usage.errors import BudgetNotFound
from genproj.usage.models import Budget
from genproj.usage.queries import totals
from genproj.usage.queries.totals import Scope, Used

#: of the limit, from which on its people are told
WARNING = Decimal("0.8")


@dataclass(frozen=True)
class BudgetView:
    """A budget and how far it is used this month. `state`: ok, warning or exhausted."""

    id: UUID
    audience: str
    person: str | None
    model: str
    limit: Decimal
    hard: bool
    used: Used
    warned_at: datetime | None
    exhausted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def left(self) -> Decimal:
        return max(self.limit - self.used.total, Decimal(0))

    @property
    def state(self) -> str:
        return state_of(self.limit, self.used.total)

    @property
    def share(self) -> int:
        """Of the limit, in whole per cent."""
        return int(self.used.total * 100 / self.limit) if self.limit else 100


@dataclass(frozen=True)
class Room:
    """What the tightest budget leaves. `stops`: a request that does not fit is refused."""

    left: Decimal
    limit: Decimal
    stops: bool
    state: str


def state_of(limit: Decimal, total: Decimal) -> str:
    """How far a limit is used, in a word."""
    if total >= limit:
        return "exhausted"
    return "warning" if total >= limit * WARNING else "ok"


def scope_of(budget: Budget) -> Scope:
    """What a budget covers."""
    return Scope(budget.audience, budget.person_id, budget.model)


@remembered(1.0)
def audiences_with_budgets() -> frozenset[str]:
    """The audiences that have a budget, looked up at most once a second."""
    return frozenset(Budget.objects.order_by().values_list("audience", flat=True).distinct())


def covering(audience: str, owner_id: int | None) -> set[str]:
    """The audiences whose budgets a cost falls under, as far as they have any."""
    named = {audience} if owner_id is None else {audience, f"user:{owner_id}"}
    return named & audiences_with_budgets()


def budgets_for(named: Iterable[str], owner_id: int | None) -> "QuerySet[Budget]":
    """The budgets of audiences that concern what a person asks for."""
    return Budget.objects.filter(
        Q(person__isnull=True) | Q(person=owner_id), audience__in=list(named)
    ).order_by("id")


def room_for(*, audience: str, owner_id: int | None, models: Sequence[str]) -> dict[str, Room]:
    """What is left to a person there this month, by model; a model without limits is left out."""
    named = covering(audience, owner_id)
    if not named:
        return {}
    known = [(row, totals.used(scope_of(row))) for row in budgets_for(named, owner_id)]
    found: dict[str, Room] = {}
    for model in models:
        rooms = [_room(row, used) for row, used in known if row.model in ("", model)]
        if rooms:
            # one that only tells never hides one that stops
            found[model] = min(rooms, key=lambda room: (not room.stops, room.left))
    return found


def _room(row: Budget, used: Used) -> Room:
    left = max(row.limit - used.total, Decimal(0))
    return Room(left, row.limit, row.hard, state_of(row.limit, used.total))


def budgets_of(audience: str) -> list[BudgetView]:
    """The budgets of one audience, newest first."""
    return [view(row) for row in _rows().filter(audience=audience)]


def find(*, viewer: User, budget_id: UUID, audience: str = "", kind: str = "") -> BudgetView:
    """One budget, of this audience or kind of audience if one is given.

    Raises:
        BudgetNotFound: there is none that `viewer` may see.
    """
    row = _rows().filter(pk=budget_id).first()
    if row is None or audience not in ("", row.audience):
        raise BudgetNotFound
    if kind and not row.audience.startswith(f"{kind}:"):
        raise BudgetNotFound
    if audiences.level(viewer, row.audience) is None:
        raise BudgetNotFound
    return view(row)


def people_budgets(*, viewer: User) -> list[BudgetView]:
    """The budgets over people: staff see all, others those over themselves."""
    found = _rows().filter(audience__startswith="user:")
    if not viewer.is_staff:
        found = found.filter(audience=f"user:{viewer.pk}")
    return [view(row) for row in found]


def _rows() -> "QuerySet[Budget]":
    return Budget.objects.select_related("person").order_by("-created_at", "-id")


def view(row: Budget) -> BudgetView:
    """The view of a budget."""
    person = row.person.get_username() if row.person else None
    if row.audience.startswith("user:"):
        person = audiences.names_of([row.audience]).get(row.audience)
    return BudgetView(
        id=row.pk,
        audience=row.audience,
        person=person,
        model=row.model,
        limit=row.limit,
        hard=row.hard,
        used=totals.used(scope_of(row)),
        warned_at=_this_month(row.warned_at),
        exhausted_at=_this_month(row.exhausted_at),
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _this_month(moment: datetime | None) -> datetime | None:
    return moment if moment and moment >= totals.month_of(now())[0] else None


def budget_json(shown: BudgetView) -> dict[str, Any]:
    """A budget as programs see it."""
    return {
        "id": str(shown.id),
        "audience": shown.audience,
        "person": shown.person,
        "model": shown.model,
        "period": "month",
        "limit": amount(shown.limit),
        "hard": shown.hard,
        "spent": amount(shown.used.spent),
        "held": amount(shown.used.held),
        "left": amount(shown.left),
        "state": shown.state,
        "warned_at": zulu(shown.warned_at),
        "exhausted_at": zulu(shown.exhausted_at),
        "version": shown.version,
        "created_at": zulu(shown.created_at),
        "updated_at": zulu(shown.updated_at),
    }


def amount(value: Decimal) -> str:
    """An amount as the API writes it: no exponent, no idle noughts."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
