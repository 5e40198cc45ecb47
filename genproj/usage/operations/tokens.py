"""Pays for what the language model reads and writes, and keeps count of its calls."""

from decimal import ROUND_UP, Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F

from genproj.kernel import rows
from genproj.kernel.clock import after, now
from genproj.usage.models import DayOfCalls, LedgerLine
from genproj.usage.operations.ledger import charge
from genproj.usage.queries import budgets as known
from genproj.usage.queries.prices import token_prices

What = LedgerLine.What

MILLION = Decimal(1_000_000)
MILLIONTH = Decimal("0.000001")
KEPT_DAYS = 7


@rows.atomically
def take_call(*, owner: User | None, audience: str) -> bool:
    """Whether the language model may be asked once more today for a person; counts the call.

    No, when the day's calls are used, or a hard budget has nothing left.
    """
    if owner is None:
        return True
    rooms = known.room_for(audience=audience, owner_id=owner.pk, models=[settings.ANTHROPIC_MODEL])
    if any(room.stops and not room.left for room in rooms.values()):
        return False
    day = now().date()
    DayOfCalls.objects.bulk_create([DayOfCalls(owner=owner, day=day)], ignore_conflicts=True)
    found = DayOfCalls.objects.filter(
        owner=owner, day=day, count__lt=settings.ASSISTANT_CALLS_PER_DAY
    )
    return bool(found.update(count=F("count") + 1))


@rows.atomically
def charge_tokens(
    *,
    audience: str,
    owner: User | None,
    model: str,
    tokens_in: int,
    tokens_out: int,
    key: str,
    subject: str = "",
) -> list[LedgerLine]:
    """Write down what a reply of the language model cost: a line for what it read and one for
    what it wrote. Repeated with the same key: the first lines.

    Args:
        subject: what it was for (`turn:ID`); by default the key.
    """
    price_in, price_out = token_prices(model)
    counted = ((What.TOKENS_IN, tokens_in, price_in), (What.TOKENS_OUT, tokens_out, price_out))
    return [
        charge(
            subject=(subject or key)[:80],
            key=f"{key}:{what}",
            amount=(price * units / MILLION).quantize(MILLIONTH, rounding=ROUND_UP),
            audience=audience,
            owner=owner,
            provider="anthropic",
            model=model,
            reason="The assistant's reply.",
            what=what,
            units=units,
        )
        for what, units, price in counted
        if units > 0
    ]


def forget_old_calls() -> int:
    """Sweep: delete the counts of days gone by. Returns how many."""
    return DayOfCalls.objects.filter(day__lt=after(-KEPT_DAYS * 86_400).date()).delete()[0]
