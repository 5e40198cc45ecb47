"""Forgets events that no reader will ask for any more."""

from django.conf import settings

from genproj.events import log
from genproj.kernel.clock import after


def forget_old_events() -> int:
    """Sweep: delete events older than KEEP_EVENTS_DAYS. Returns how many."""
    return log.forget_before(after(-settings.KEEP_EVENTS_DAYS * 86_400))
