"""`manage.py seed_load`: a large gallery for measurements."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from generations.management import attendance
from generations.operations import loading


class Command(BaseCommand):
    help = "Insert many settled generations that share a handful of pictures, for measurements."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--generations", type=int, default=100_000)
        parser.add_argument("--artifacts-per", type=int, default=3, help="on average")
        parser.add_argument("--user", default="alice", help="whose they are (default alice)")
        parser.add_argument("--force", action="store_true", help="also where there is something")

    def handle(self, *args: Any, **options: Any) -> None:
        attendance.require_tables()
        count, per = options["generations"], options["artifacts_per"]
        if count < 1 or not 1 <= per <= 20:
            raise CommandError("At least one generation, with one to twenty artifacts each.")
        if not options["force"] and not loading.is_register_empty():
            raise CommandError("The register is not empty; --force adds to what is there.")
        owner = get_user_model()._default_manager.filter(username=options["user"]).first()
        if owner is None:
            raise CommandError(f"There is nobody called {options['user']}; name one with --user.")
        began = time.monotonic()
        with (
            attendance.quiet(options["verbosity"]),
            tqdm(total=count, unit="generation", file=sys.stderr, leave=False) as progress,
        ):
            made = loading.load(
                owner=owner,
                generations=count,
                artifacts_per=per,
                step=lambda done: _advance(progress, done),
            )
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{made[0]} generations with {made[1]} artifacts for {owner} in {seconds:.0f} s."
        )


def _advance(progress: "tqdm[Any]", done: int) -> None:
    progress.update(done)
