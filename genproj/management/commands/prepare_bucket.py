"""`manage.py prepare_bucket`: makes the bucket and tries what Genproj does with it."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from genproj.kernel import storage


class Command(BaseCommand):
    """A line for each thing tried; exit 1 when one is missing that is needed. Safe to repeat."""

    help = "Makes the bucket where it is missing and says what its server can do, a line each."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = False
        for finding in storage.prepare():
            failed |= finding.is_needed and not finding.ok
            word = "ok" if finding.ok else "FAILED" if finding.is_needed else "not here"
            more = f" ({finding.why})" if finding.why else ""
            self.stdout.write(f"{word:<9} {finding.what}{more}")
        if failed:
            sys.exit(1)
