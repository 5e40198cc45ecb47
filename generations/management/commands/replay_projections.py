"""`manage.py replay_projections`: run failed projections again."""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from generations.management import attendance
from generations.operations import replay
from genproj.kernel.clock import now

SPAN = re.compile(r"(\d+)\s*([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: from how many on a bar is drawn
MANY = 20


def moment(text: str) -> datetime:
    """A moment: an ISO time, a day, or how long ago (`2h`, `3d`)."""
    if span := SPAN.fullmatch(text.strip().lower()):
        try:
            return now() - timedelta(**{UNITS[span[2]]: int(span[1])})
        except OverflowError:
            raise ArgumentTypeError(f"{text!r} is too long ago.") from None
    try:
        found = parse_datetime(text) or datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is neither a time (2026-11-20T08:00) nor a span (2h, 3d)."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Run failed projections again; what succeeds twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", type=moment, help="only those that failed since: a time, or 2h, 3d"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        attendance.require_tables()
        since, dry_run = options["since"], options["dry_run"]
        if isinstance(since, str):
            since = moment(since)
        counts: Counter[str] = Counter()
        with attendance.quiet(options["verbosity"]):
            waiting = list(replay.failed_projections(since=since))
            for row in tqdm(waiting, disable=len(waiting) < MANY, unit="row", file=sys.stderr):
                for done in replay.replay(actor=None, projections=[row], dry_run=dry_run):
                    counts[done.outcome] += 1
                    with tqdm.external_write_mode():
                        self.stdout.write(_line(done))
        self.stdout.write(_summary(counts, dry_run=dry_run))


def _line(done: replay.Replayed) -> str:
    made = f"{done.generations} generations, {done.artifacts} artifacts"
    return f"{done.entry}  {done.projector}/{done.stage}  {done.outcome}  {done.error or made}"


def _summary(counts: "Counter[str]", *, dry_run: bool) -> str:
    if not counts:
        return "No projection has failed."
    words = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    return f"Tried without changing anything: {words}." if dry_run else f"Replayed: {words}."
