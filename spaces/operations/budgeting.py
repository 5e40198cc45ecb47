"""Sets what may be spent in a space; owners do."""

from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import rows
from genproj.usage.models import Budget
from genproj.usage.operations import budgets, lock_budgets
from genproj.usage.operations.budgets import Terms
from spaces.operations.entering import entered
from spaces.permissions import Act


def audience_of(space_id: UUID) -> str:
    """The audience whose money is the space's."""
    return f"space:{space_id}"


@rows.atomically
def set_budget(*, actor: User, space_id: UUID, terms: Terms) -> tuple[Budget, bool]:
    """Set what may be spent in the space, of one person or model if the terms say so.

    Of the same person and model there is one budget, whose terms these become. Returns it, and
    whether it is new.

    Raises:
        SpaceNotFound, Forbidden: as for every change in a space.
        Invalid: no such limit, or a person who is not in the space.
    """
    lock_budgets(audience=audience_of(space_id), owner_id=None)
    entered(actor=actor, space_id=space_id, act=Act.SET_BUDGETS)
    return budgets.set_budget(actor=actor, audience=audience_of(space_id), terms=terms)


@rows.atomically
def change_budget(
    *,
    actor: User,
    space_id: UUID,
    budget_id: UUID,
    limit: Decimal | None = None,
    hard: bool | None = None,
    version: int | None = None,
) -> Budget:
    """Change the terms of a budget of the space.

    Raises:
        SpaceNotFound, Forbidden: as for every change in a space.
        BudgetNotFound, VersionConflict, Invalid: as for every budget.
    """
    lock_budgets(audience=audience_of(space_id), owner_id=None)
    entered(actor=actor, space_id=space_id, act=Act.SET_BUDGETS)
    return budgets.change_budget(
        actor=actor,
        audience=audience_of(space_id),
        budget_id=budget_id,
        limit=limit,
        hard=hard,
        version=version,
    )


@rows.atomically
def delete_budget(*, actor: User, space_id: UUID, budget_id: UUID) -> None:
    """Take a limit of the space away. One that is gone stays so.

    Raises:
        SpaceNotFound, Forbidden: as for every change in a space.
    """
    lock_budgets(audience=audience_of(space_id), owner_id=None)
    entered(actor=actor, space_id=space_id, act=Act.SET_BUDGETS)
    budgets.delete_budget(actor=actor, audience=audience_of(space_id), budget_id=budget_id)
