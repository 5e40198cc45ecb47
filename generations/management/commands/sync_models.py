"""`manage.py sync_models`: fill the registry of models."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from generations.operations import registry


class Command(BaseCommand):
    help = "Add the models this release knows to the registry; edited rows stay as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--overwrite", action="store_true", help="Set known rows back.")

    def handle(self, *args: Any, **options: Any) -> None:
        made, changed = registry.sync_models(overwrite=options["overwrite"])
        self.stdout.write(f"{made} models added, {changed} set back.")
