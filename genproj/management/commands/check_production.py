"""`manage.py check_production`: what keeps this installation from being shown to strangers."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from genproj import production


class Command(BaseCommand):
    """Exit 1 with a line per refusal; advice alone is exit 0."""

    help = "Says what must, and what should, be done before others reach this installation."

    def handle(self, *args: Any, **options: Any) -> None:
        refusals = [
            *production.refusals_of_settings(),
            *production.refusals_of_care(),
            *production.refusals_of_accounts(),
        ]
        for line in refusals:
            self.stderr.write(line)
        for line in production.missing():
            self.stdout.write(f"advice: {line}")
        if refusals:
            sys.exit(1)
        reach = "Others reach it" if production.is_exposed() else "Only this machine reaches it"
        self.stdout.write(f"{reach}; nothing stands against starting it.")
