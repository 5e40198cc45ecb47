"""`manage.py clock`: looks for due rows each second until killed."""

import contextlib
import signal
from typing import Any

from django.core.management.base import BaseCommand

from genproj import clock


class Command(BaseCommand):
    """Rings for rows that have come due."""

    help = "Looks each second for rows that have come due and wakes a worker; runs the sweeps."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        # The default action ends it even inside a blocking call; transactions make that safe.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with contextlib.suppress(KeyboardInterrupt):
            clock.run()
