"""`manage.py start_fresh`: from the demo world to an installation of one's own."""

import getpass
import secrets
import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    NumericPasswordValidator,
    UserAttributeSimilarityValidator,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from generations.operations import clearing
from genproj import production
from genproj.accounts import people
from genproj.assistant.operations import conversations
from genproj.usage.operations import forgetting
from spaces.operations import purging as spaces

#: Stricter than for others: this account may do everything.
STRENGTH: Any = [
    MinimumLengthValidator(10),
    CommonPasswordValidator(),
    NumericPasswordValidator(),
    UserAttributeSimilarityValidator(),
]


class Command(BaseCommand):
    """Safe to repeat: what is gone stays gone, an administrator who is there stays."""

    help = "Removes the demo world, makes the first administrator, says what is still missing."

    #: the password that was made here, if any
    _told = ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username")
        parser.add_argument("--email")
        parser.add_argument("--password", help="asked for, or made where nobody can type")
        parser.add_argument("--yes", action="store_true", help="do not ask before removing")

    def handle(self, *args: Any, **options: Any) -> None:
        demo = production.demo_accounts()
        others = get_user_model()._default_manager.exclude(username__in=demo)
        wanted = bool(options["username"]) or not others.filter(is_superuser=True).exists()
        person = self._administrator(options, demo) if wanted else None
        if demo and not self._may_remove(demo, options):
            raise CommandError("Nothing was changed.")
        self._remove(demo)
        if person is not None:
            people.save_administrator(person)
            self.stdout.write(f"Administrator: {person.get_username()}")
            if self._told:
                self.stdout.write(f"Password, shown this once: {self._told}")
        for line in production.missing():
            self.stdout.write(f"Still missing for production: {line}")

    def _may_remove(self, demo: list[str], options: dict[str, Any]) -> bool:
        if options["yes"] or not sys.stdin.isatty():
            return True
        self.stdout.write(f"{', '.join(demo)} and all their pictures will be removed for good.")
        return input("Type yes to go on: ").strip().lower() == "yes"

    def _remove(self, demo: list[str]) -> None:
        found = get_user_model()._default_manager.filter(username__in=demo)
        ids = list(found.values_list("pk", flat=True))
        spaces.forget_everything_of(owner_ids=ids)
        conversations.forget_everything_of(owner_ids=ids)
        entries = clearing.forget_everything_of(owner_ids=ids)
        forgetting.forget_everything_of(owner_ids=ids)
        gone = people.remove(ids)
        self.stdout.write(f"Removed: {gone} demo people, {entries} generations.")

    def _administrator(self, options: dict[str, Any], demo: list[str]) -> User:
        """The new administrator, not yet saved. Raises CommandError for what is weak or taken."""
        username = options["username"] or self._ask("Username: ", otherwise="admin")
        email = options["email"] or ("" if options["username"] else self._ask("Email: "))
        password = options["password"] or self._new_password()
        person = User(username=username, email=email)
        person.is_staff = person.is_superuser = True
        taken = User.objects.filter(username=username).exclude(username__in=demo)
        if taken.exists():
            raise CommandError(f"There is already somebody called {username!r}.")
        try:
            person.clean_fields(exclude=["password"])
            if email:
                validate_email(email)
            validate_password(password, person)
            validate_password(password, person, STRENGTH)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        person.set_password(password)
        return person

    def _ask(self, question: str, *, otherwise: str = "") -> str:
        return input(question).strip() if sys.stdin.isatty() else otherwise

    def _new_password(self) -> str:
        """What is typed twice; where nobody can type, a random one that is told this once."""
        if not sys.stdin.isatty():
            self._told = secrets.token_urlsafe(15)
            return self._told
        first = getpass.getpass("Password: ")
        if first != getpass.getpass("Password again: "):
            raise CommandError("The two passwords differ.")
        return first
