"""Reads signs of life."""

from datetime import datetime

from genproj.runtime.models import Heartbeat


def live_workers(*, since: datetime) -> int:
    """How many worker processes have shown themselves since then."""
    return Heartbeat.objects.filter(kind="worker", last_at__gte=since).count()
