"""A cost, and which amounts the ledger can write down."""

from dataclasses import dataclass
from decimal import Decimal

from genproj.usage.errors import AmountRefused

PLACES = 6
LARGEST = Decimal(10) ** 8


@dataclass(frozen=True)
class Cost:
    """Money for a subject: whose it is, where it goes, and what for.

    `priced` false: nobody knows what it will cost, and the amount is 0 for want of a better one.
    """

    subject: str
    audience: str
    owner_id: int | None
    amount: Decimal
    provider: str
    model: str
    reason: str
    what: str = ""
    units: int = 0
    priced: bool = True


def exact(amount: Decimal) -> Decimal:
    """The amount, if the ledger can write it down as it is.

    Raises:
        AmountRefused: it is negative, not a number, too large, or finer than a millionth.
    """
    if not isinstance(amount, Decimal):
        raise TypeError(f"Money is a Decimal, not a {type(amount).__name__}.")
    if not amount.is_finite():
        raise AmountRefused.one("/amount", "not_a_number", "An amount is a number.")
    if not 0 <= amount < LARGEST:
        words = f"An amount is at least 0 and less than {LARGEST}."
        raise AmountRefused.one("/amount", "out_of_range", words)
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -PLACES:
        words = f"An amount has at most {PLACES} decimal places."
        raise AmountRefused.one("/amount", "too_fine", words)
    return amount
