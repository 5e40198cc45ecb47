"""`manage.py seed_demo`: the people, the pictures, the space and the film of the demo world."""

import signal
import sys
from itertools import chain
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser

from genproj import demo, demo_space
from genproj.production import DEMO_PASSWORD, DEMO_PEOPLE


class Command(BaseCommand):
    """Fills what is empty; never touches what somebody made."""

    help = "Makes the demo people (--people) or, through the sandbox, pictures, a space and a film."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", action="store_true", help="admin, alice, bob, charlie")
        parser.add_argument("--pictures", action="store_true", help="all outcomes, space, film")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["people"]:
            self._people()
        if options["pictures"]:
            # So that a drill under way is ended and the sandbox's faults are taken back.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            for line in chain(demo.make_pictures(), demo_space.make_space(), demo.make_film()):
                self.stdout.write(line)

    def _people(self) -> None:
        people = get_user_model()._default_manager
        if people.exists():
            return
        for name in DEMO_PEOPLE:
            make = people.create_superuser if name == "admin" else people.create_user
            make(username=name, email=f"{name}@example.com", password=DEMO_PASSWORD)
        self.stdout.write(f"People: {', '.join(DEMO_PEOPLE)}; the password is {DEMO_PASSWORD}.")
