"""`manage.py run`: the whole installation in the foreground."""

import contextlib
import io
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from genproj import production, roles, supervisor
from genproj.children import Role


class Command(BaseCommand):
    """Migrates, fills an empty database with the demo world, and supervises all processes."""

    help = "Runs web, worker, clock and sandbox under one supervisor until Ctrl-C or SIGTERM."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self._refuse(production.refusals_of_settings())
        try:
            place = supervisor.hold_place(supervisor.ports())
        except supervisor.Taken as taken:
            self.stderr.write(str(taken))
            sys.exit(2)
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        with place, contextlib.suppress(KeyboardInterrupt):
            call_command("migrate", interactive=False, verbosity=0)
            call_command("sync_models", verbosity=0, stdout=io.StringIO())
            if not production.is_exposed():
                call_command("seed_demo", people=True, verbosity=0)
            self._refuse(production.refusals_of_accounts())
            children = supervisor.Supervisor(
                roles.everything(), announce=self._announce, afterwards=self._demo()
            )
            sys.exit(children.run())

    def _refuse(self, reasons: list[str]) -> None:
        for reason in reasons:
            self.stderr.write(reason)
        if reasons:
            sys.exit(1)

    def _demo(self) -> Role | None:
        """The child that makes the demo pictures, where there are demo people to own them."""
        if production.is_exposed() or not roles.uses_sandbox():
            return None
        manage = str(Path(settings.BASE_DIR) / "manage.py")
        command = [sys.executable, manage, "seed_demo", "--pictures"]
        return Role("demo", command, sign=lambda _started_at: True)

    def _announce(self) -> None:
        here = f"http://{roles.own_address(settings.HOST)}:{settings.PORT}"
        url = settings.PUBLIC_URL if production.is_exposed() else here
        lines = ["", f"Genproj is ready: {url}/"]
        people = production.demo_accounts()
        if people:
            lines.append(f"  Sign in as {', '.join(people)}; the password is genproj.")
        elif not get_user_model()._default_manager.exists():
            lines.append("  Nobody can sign in yet: python manage.py start_fresh")
        if roles.uses_sandbox():
            lines.append(f"  Sandbox providers, nothing is spent: {settings.SANDBOX_URL}/control/")
        lines.append("  Ctrl-C stops everything.")
        self.stdout.write("\n".join(lines) + "\n")
        self.stdout.flush()
