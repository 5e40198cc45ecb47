"""What a million tokens costs."""

from decimal import Decimal

from django.conf import settings

#: how a model's name begins -> US dollars per million tokens read and written; first match wins
TOKEN_PRICES: tuple[tuple[str, str, str], ...] = (
    ("claude-opus", "5", "25"),
    ("claude-haiku", "1", "5"),
    ("claude-sonnet", "3", "15"),
    ("", "3", "15"),
)


def token_prices(model: str) -> tuple[Decimal, Decimal]:
    """For reading and for writing: by the settings, else by the table."""
    read, written = next(
        (read, written) for name, read, written in TOKEN_PRICES if model.startswith(name)
    )
    return (
        Decimal(settings.ANTHROPIC_PRICE_IN or read),
        Decimal(settings.ANTHROPIC_PRICE_OUT or written),
    )
