"""Forgets events that no reader will ask for any more."""

from datetime import timedelta

from genproj.events import log
from genproj.kernel.clock import now


def forget_old_events() -> int:
    """Delete events older than KEPT_HOURS. Safe to repeat. Returns how many."""
    return log.forget_before(now() - timedelta(hours=log.KEPT_HOURS))
