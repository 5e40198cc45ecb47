"""`manage.py generate`: a wish from the command line, and its files in a folder."""

import os
import re
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from generations import queries
from generations.management import attendance
from generations.operations import asking, register, registry, tending
from generations.queries import demo
from genproj.kernel import storage
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid, Refusal

#: seconds between two questions to a provider whose callbacks nobody hears
ASK_EVERY = 0.7
#: seconds that the catalogue may take after the pictures are there
CATALOGUING = 15.0
BAR = "{desc} |{bar}| {n_fmt} of {total_fmt}, {elapsed}"
PHASES = {
    "queued": "Queued",
    "sending": "Sending",
    "rendering": "Rendering",
    "fetching": "Fetching",
    "ready": "Ready",
}


class Command(BaseCommand):
    help = "Ask for pictures, wait for them, and write them to files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt", help="what the pictures show")
        parser.add_argument("--model", help="id of a model; by default the registry's first")
        parser.add_argument("--count", type=int, default=1, help="how many (default 1)")
        parser.add_argument("--out", type=Path, default=Path(), help="folder (default: here)")
        parser.add_argument("--user", help="whose they are (default: the first administrator)")
        parser.add_argument("--width", type=int)
        parser.add_argument("--height", type=int)
        parser.add_argument("--seed", type=int)
        parser.add_argument("--format", help="PNG (default), JPG or WEBP")
        parser.add_argument(
            "--timeout", type=int, default=300, help="seconds the provider may take (default 300)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        attendance.require_tables()
        registry.sync_models()
        owner = _owner(options["user"])
        # where there is nobody yet, the command line asks and looks with the rights of staff
        asker = owner or User(username="nobody", is_staff=True)
        folder = _folder(options["out"])
        with (
            attendance.quiet(options["verbosity"]),
            attendance.providers_reachable("runware"),
            attendance.at_work(),
        ):
            request = _request(asker, options)
            entry = register.open_entry(
                actor=owner,
                audience=f"user:{owner.pk if owner else 0}",
                model=request.model,
                input=request.input,
                expected_count=request.count,
                deadline_seconds=request.deadline_seconds,
                tags=request.tags,
            )
            try:
                seen = self._wait(entry)
            except KeyboardInterrupt:
                self.stderr.write(f"It goes on without you: generation {entry.pk}.")
                sys.exit(130)
        self._write(seen, folder, asker)

    def _wait(self, entry: Any) -> dict[str, Any]:
        """Show how far it is until it has settled and stands in the catalogue."""
        heard = attendance.is_callback_heard()
        asked = settled = time.monotonic()
        seen: dict[str, Any] = {}
        with tqdm(total=entry.expected_count, bar_format=BAR, leave=False) as progress:
            while True:
                entry.refresh_from_db()
                [seen] = queries.frames_of([entry])
                _show(progress, seen)
                moment = time.monotonic()
                if seen["state"] == "pending":
                    settled = moment
                elif entry.catalogued_at or entry.error or moment - settled > CATALOGUING:
                    return seen
                if not heard and entry.dispatched_at and moment - asked > ASK_EVERY:
                    asked = moment
                    if entry.due_at and entry.due_at > now():
                        tending.ask_now(actor=None, entry_ids=[entry.pk])
                time.sleep(0.1)

    def _write(self, seen: dict[str, Any], folder: Path, asker: User) -> None:
        for output in seen["outputs"]:
            if output["type"] == "success":
                file = queries.media_file(viewer=asker, id=output["artifact"], variant="original")
                path = _save(file, folder, slug_of(seen["prompt"]))
                self.stdout.write(str(path))
        reasons = _reasons(seen)
        if not seen["artifact_count"]:
            raise CommandError("; ".join(reasons) or f"Nothing came: it is {seen['state']}.")
        for reason in reasons:
            self.stderr.write(reason)


def _show(progress: "tqdm[Any]", seen: dict[str, Any]) -> None:
    """Draw the bar when it says something new, and each second for the clock in it."""
    words = PHASES.get(seen["phase"], seen["phase"]).ljust(9)
    before, progress.desc = progress.desc, words
    done = seen["progress"]["done"] - progress.n
    progress.n += done
    if done or before != words or time.time() - progress.last_print_t > 1:
        progress.last_print_t = time.time()
        progress.refresh()


def _owner(name: str | None) -> User | None:
    """The named person, or the first administrator; None where there is nobody yet."""
    people = get_user_model()._default_manager.filter(is_active=True)
    if name:
        found = people.filter(username=name).first()
        if found is None:
            raise CommandError(f"There is nobody called {name}.")
        return found
    return people.filter(is_staff=True).order_by("-is_superuser", "pk").first()


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CommandError(f"{path}: {problem.strerror}") from problem
    if not os.access(path, os.W_OK):
        raise CommandError(f"{path} cannot be written to.")
    return path


def _request(asker: User, options: dict[str, Any]) -> asking.Request:
    body: dict[str, Any] = {
        "model": options["model"] or demo.model().pk,
        "prompt": options["prompt"],
        "count": options["count"],
        "deadline_seconds": options["timeout"],
    }
    for name in ("width", "height", "seed"):
        if options[name] is not None:
            body[name] = options[name]
    if options["format"]:
        body["output_format"] = options["format"].upper()
    try:
        return asking.checked(actor=asker, body=body)
    except Invalid as refusal:
        words = [f"{row['pointer'].strip('/')}: {row['detail']}" for row in refusal.errors]
        raise CommandError("\n".join(words)) from refusal
    except Refusal as refusal:
        instead = refusal.extra.get("replacement")
        advice = f" Use {instead} instead." if instead else ""
        raise CommandError(f"{refusal.detail}{advice}") from refusal


def slug_of(prompt: str) -> str:
    """A prompt as the beginning of a file's name."""
    words = re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")
    return words[:48].strip("-") or "picture"


def _save(stored: queries.MediaFile, folder: Path, slug: str) -> Path:
    """Write one output under the first free name; what is there is never overwritten."""
    extension = stored.key.rpartition(".")[2]
    number = 0
    while True:
        number += 1
        path = folder / f"{slug}-{number}.{extension}"
        try:
            file = path.open("xb")
        except FileExistsError:
            continue
        with file, storage.open_read(stored.key) as source:
            while chunk := source.read(2**20):
                file.write(chunk)
        return path


def _reasons(seen: dict[str, Any]) -> list[str]:
    """What went wrong, each reason once."""
    errors = [seen["error"], *(output["error"] for output in seen["outputs"])]
    return list(dict.fromkeys(error["message"] for error in errors if error))
