"""Reads signs of life."""

from datetime import datetime

from genproj.runtime.models import Heartbeat


def live_workers(*, since: datetime) -> int:
    """How many worker processes have shown themselves since then."""
    return Heartbeat.objects.filter(kind="worker", last_at__gte=since).count()


def newest_beat() -> datetime | None:
    """When any worker process last showed itself."""
    newest = Heartbeat.objects.filter(kind="worker").order_by("-last_at").first()
    return newest.last_at if newest else None
