"""The verbs of money: the ledger, budgets, the language model's tokens, and the billing service."""

from genproj.usage.operations.budgets import lock_budgets
from genproj.usage.operations.costs import Cost
from genproj.usage.operations.ledger import (
    charge,
    close_all,
    close_first,
    hold,
    hold_first,
    release,
    settle,
)
from genproj.usage.operations.tokens import charge_tokens, take_call

__all__ = [
    "Cost",
    "charge",
    "charge_tokens",
    "close_all",
    "close_first",
    "hold",
    "hold_first",
    "lock_budgets",
    "release",
    "settle",
    "take_call",
]
