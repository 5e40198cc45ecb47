"""`manage.py verify_storage`: whether all files are there, whole and wanted."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from generations.management import attendance
from generations.operations import previews, verification
from genproj.kernel.storage import StorageFailure


class Command(BaseCommand):
    help = (
        "Find missing, orphaned, wrong-size and wrong-hash files. --repair fetches originals "
        "again, makes small pictures again, and moves orphans under orphans/ (deletes nothing)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="mend what can be mended")

    def handle(self, *args: Any, **options: Any) -> None:
        attendance.require_tables()
        with attendance.quiet(options["verbosity"]):
            try:
                found = self._look()
                if options["repair"]:
                    found = self._repair(found)
            except StorageFailure as problem:
                raise CommandError(f"Storage cannot be read: {problem}") from problem
        for fault in found:
            self.stdout.write(_line(fault))
        left = sum(1 for fault in found if not fault.mended)
        if not found:
            self.stdout.write("Every file is there, whole and wanted.")
        elif options["repair"]:
            self.stdout.write(f"{len(found) - left} repaired, {left} left.")
        if left:
            hint = "" if options["repair"] else " --repair mends what can be mended."
            raise CommandError(f"{left} {'fault' if left == 1 else 'faults'}.{hint}")

    def _look(self) -> list[verification.Fault]:
        total = verification.objects_to_verify()
        with tqdm(total=total, unit="object", file=sys.stderr, leave=False) as progress:
            return list(verification.verify(step=lambda: _count(progress)))

    def _repair(self, found: list[verification.Fault]) -> list[verification.Fault]:
        # originals first: small pictures are made of them
        by_need = sorted(found, key=lambda fault: fault.form != "original")
        bar = tqdm(by_need, unit="fault", desc="Repairing", file=sys.stderr, leave=False)
        done = [verification.repair(fault, actor=None) for fault in bar]
        while previews.make_previews():
            pass
        return [verification.confirmed(fault) for fault in done]


def _count(progress: "tqdm[Any]") -> None:
    progress.update(1)


def _line(fault: verification.Fault) -> str:
    line = f"{fault.kind:<10}  {fault.key}  {fault.detail}"
    return f"{line}  -> {fault.repaired}" if fault.repaired else line
