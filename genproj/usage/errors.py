"""Refusals about money."""

from genproj.kernel.errors import Invalid, NotFound, Refusal


class BudgetExhausted(Refusal):
    """The budget does not cover this; ask for less, or have it raised."""

    code, status, title = "budget_exhausted", 402, "Budget exhausted"


class AmountRefused(Invalid):
    """This is not an amount that the ledger can write down exactly."""

    code, title = "amount_refused", "Not an amount"


class PriceUnknown(Refusal):
    """This model has no price, so it cannot be used under a budget until staff enter one."""

    code, status, title = "price_unknown", 402, "No price for this model"


class BudgetNotFound(NotFound):
    """There is no such budget that you can see."""
