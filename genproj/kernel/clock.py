"""The one place that asks what time it is."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def after(seconds: float) -> datetime:
    """The moment that lies `seconds` from now (negative: before now)."""
    return now() + timedelta(seconds=seconds)


def zulu(moment: datetime | None) -> str | None:
    """A moment as the API writes it: UTC, milliseconds, `Z`; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
