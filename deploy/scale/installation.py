"""Two webs behind a front, two clusters, a clock and the sandbox under one supervisor."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from deploy.scale import services
from genproj import production, roles, supervisor
from genproj.children import Role
from genproj.kernel import storage

#: long enough for the front to find out that a web is about to end
DRAIN_SECONDS = 1


def run(found: Sequence[services.Service], database: services.Service) -> int:
    """Run until asked to stop; the exit code."""
    own = [service.role for service in found if service.role]
    try:
        place = supervisor.hold_place(_ports())
    except supervisor.Taken as taken:
        sys.stderr.write(f"{taken}\n")
        return 2

    def prepare() -> None:
        try:
            _prepare(database)
        except services.Missing as missing:
            sys.exit(str(missing))

    with place:
        return supervisor.Supervisor(
            wanted(),
            services=own,
            prepare=prepare,
            announce=lambda: _announce(found),
            afterwards=_demo(),
        ).run()


def wanted() -> list[Role]:
    """TABLE: what runs, in the order of a rolling restart; the ports count on from PORT."""
    webs = {f"web-{number}": settings.PORT + 1 + number for number in (1, 2)}
    table = [
        *(
            roles.web(name, host="127.0.0.1", port=port, drain_seconds=DRAIN_SECONDS)
            for name, port in webs.items()
        ),
        *(roles.worker(f"worker-{number}") for number in (1, 2)),
    ]
    front = [sys.executable, "-m", "deploy.scale.front", str(settings.PORT)]
    return [
        *(replace(role, rolls=True) for role in table),
        roles.ticking("clock"),
        *([roles.pretending("sandbox")] if roles.uses_sandbox() else []),
        Role("front", [*front, *map(str, webs.values())], services.listens(settings.PORT)),
    ]


def _ports() -> list[supervisor.Port]:
    return [("PORT", "127.0.0.1", settings.PORT + number) for number in range(7)]


def _prepare(database: services.Service) -> None:
    if database.is_ours:
        services.make_database(database)
    call_command("migrate", interactive=False, verbosity=0)
    for finding in storage.prepare():
        if finding.is_needed and not finding.ok:
            raise services.Missing(f"S3: {finding.what}: {finding.why}")
    call_command("sync_models", verbosity=0, stdout=StringIO())
    call_command("seed_demo", people=True, verbosity=0)


def _demo() -> Role | None:
    if not roles.uses_sandbox():
        return None
    manage = str(Path(settings.BASE_DIR) / "manage.py")
    command = [sys.executable, manage, "seed_demo", "--pictures"]
    return Role("demo", command, sign=lambda _started_at: True)


def _announce(found: Sequence[services.Service]) -> None:
    here = f"http://127.0.0.1:{settings.PORT}"
    people = production.demo_accounts()
    lines = ["", f"Genproj is ready: {here}/"]
    if people:
        lines.append(f"  Sign in as {', '.join(people)}; the password is genproj.")
    lines += [f"  {service.words}" for service in found]
    lines.append(f"  Behind the front: {here}/ -> ports {settings.PORT + 2}, {settings.PORT + 3}")
    if roles.uses_sandbox():
        lines.append(f"  Sandbox providers, nothing is spent: {settings.SANDBOX_URL}/control/")
    lines.append(f"  kill -USR1 {os.getpid()} restarts webs and workers, one after the other.")
    lines.append("  Ctrl-C stops everything.")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
