"""`manage.py video_worker`: render films for an installation on another machine."""

import os
import signal
import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from generations.providers import PROVIDERS, client_of
from generations.providers.base import Connection
from videos.remote import journal, worker
from videos.remote.client import Refused, Server
from videos.remote.render import Provider

KEY = "VIDEO_WORKER_KEY"


class Command(BaseCommand):
    help = (
        "Render films for an installation on another machine, with this machine's provider keys. "
        "Needs no database. SIGTERM: finish the film, then end; twice: end at once and go on "
        "with it at the next start."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--server", required=True, help="the installation's address")
        parser.add_argument("--key", help=f"an API key of scope `worker` (or set {KEY})")
        parser.add_argument("--name", default=socket.gethostname(), help="default: this host's")
        parser.add_argument(
            "--once", action="store_true", help="end after one film, or at once if none waits"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key = options["key"] or os.environ.get(KEY, "")
        if not key:
            raise CommandError(f"Name a key with --key or in {KEY}.")
        if not options["server"].startswith(("http://", "https://")):
            raise CommandError("The server's address begins with http:// or https://.")
        name = options["name"].strip()[:120] or "worker"
        try:
            kept = worker.journal_at(settings.DATA_DIR, name)
        except journal.Busy:
            raise CommandError(f"Another process works here as {name!r}; use --name.") from None
        working = worker.RemoteWorker(
            server=Server(options["server"], key),
            journal=kept,
            name=name,
            providers=provider_of,
            folder=settings.DATA_DIR / "worker-films",
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: working.stop())
        try:
            count = working.run(once=options["once"])
        except Refused as refusal:
            raise CommandError(f"The server refuses: {refusal}") from refusal
        finally:
            kept.close()
        self.stdout.write(f"Films done: {count}.")


def provider_of(name: str) -> Provider | None:
    """A provider with this machine's own key and address; None for one that is not known."""
    row = PROVIDERS.get(name)
    if row is None:
        return None
    base_url = getattr(settings, row.base_url_setting)
    if row.version_setting:
        base_url = f"{base_url}/{getattr(settings, row.version_setting)}"
    connection = Connection(
        api_key=getattr(settings, row.key_setting),
        base_url=base_url,
        allowed_hosts=(*row.hosts, *settings.DOWNLOAD_ALLOWED_HOSTS),
    )
    return Provider(client_of(name, connection), connection)
