"""`manage.py qcluster`: a cluster of workers; in place of django-q2's own, to end without delay."""

from typing import Any

from django.core.management.base import BaseCommand

from genproj.kernel import wake


class Command(BaseCommand):
    """Runs workers until SIGTERM or Ctrl-C."""

    help = "Runs a cluster of workers; asked to end, it finishes what it has begun."

    def handle(self, *args: Any, **options: Any) -> None:
        wake.run_cluster()
