"""Signs that staff look at: who has fallen silent, and which switches are on."""

from datetime import datetime

from genproj.runtime.models import Heartbeat, Switch


def silent_workers(*, since: datetime) -> int:
    """How many worker processes that once worked have not shown themselves since then."""
    return Heartbeat.objects.filter(kind="worker", last_at__lt=since).count()


def switches_on() -> list[str]:
    """The names of the switches that are on."""
    return list(Switch.objects.filter(on=True).values_list("name", flat=True))
