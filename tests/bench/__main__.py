"""`python -m tests.bench [row …] [--quick]`: takes the figures, prints them, keeps them."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import figures, growth, rows_api, rows_door, rows_pipeline, rows_spaces, rows_store
from tests.bench.figures import Figure
from tests.bench.installation import ROOT, NotMeasured, Workshop, bench_provider
from tests.bench.pace import QUICK, USUAL, Pace

ROWS: dict[str, tuple[str, Callable[[Workshop, Pace], list[Figure]]]] = {
    "1": ("webhook acknowledged, idle", rows_door.idle),
    "2": ("webhook acknowledged while storing", rows_door.busy),
    "3": ("webhook to gallery and browser", rows_pipeline.steady),
    "4": ("burst", rows_pipeline.burst),
    "5": ("create", rows_api.create),
    "6": ("status read", rows_api.status),
    "7": ("gallery", rows_store.gallery),
    "8": ("memory", rows_store.memory),
    "9": ("space of 5,000 variants", rows_spaces.large),
    "10": ("500 sockets, 20 events/s", rows_spaces.crowd),
}
#: where an installation at scale keeps rows, rings and bytes
SERVICES = (
    *("DATABASE_URL", "REDIS_URL", "STORAGE_BUCKET", "S3_ENDPOINT_URL", "S3_REGION"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)
#: taken only when named: they last
GROWTH: dict[str, tuple[str, Callable[[Workshop, Pace], list[Figure]]]] = {
    "catalogue": ("pages of 1,000 to 1,000,000 pictures", growth.catalogue),
    "behind": ("1 to 1,000 events behind", growth.behind),
    "sockets": ("1 to 500 sockets", growth.sockets),
    "workers": ("1 to 4 workers", growth.workers),
}


def say(words: str) -> None:
    """One line to the terminal."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def take(shop: Workshop, names: list[str], pace: Pace) -> list[Figure]:
    """The figures of some rows; a row that cannot be taken says why and stops no other."""
    found: list[Figure] = []
    for name in names:
        title, row = (ROWS | GROWTH)[name]
        began = time.monotonic()
        try:
            taken = row(shop, pace)
        except NotMeasured as reason:
            taken = [figures.missing(f"{name} {title}", str(reason))]
        except Exception as error:  # noqa: BLE001 - one broken row must not cost the others
            taken = [figures.missing(f"{name} {title}", repr(error)[:300])]
        say(f"row {name} ({title}): {time.monotonic() - began:.0f} s")
        found += taken
    return found


def main() -> int:
    """Take, print and keep the figures. What is not held is shown and fails nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS, *GROWTH], help="only these rows")
    parser.add_argument("--quick", action="store_true", help="short runs: smoke, not figures")
    parser.add_argument(
        "--scale",
        action="store_true",
        help="on the PostgreSQL of DATABASE_URL, and REDIS_URL and a bucket where they are set",
    )
    given = parser.parse_args()
    services = {name: os.environ[name] for name in SERVICES if name in os.environ}
    if not given.scale:
        services = {}
    elif "DATABASE_URL" not in services:
        parser.error("--scale needs DATABASE_URL, of a user who may create databases.")
    data = Path(os.environ.get("DATA_DIR") or ROOT / "var").resolve()
    pictures = data / "bench" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    kept = "bench-scale.json" if given.scale else "bench.json"
    line = figures.machine()
    say(line)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=data / "bench"))
    try:
        with bench_provider(pictures, folder / "log.txt") as provider:
            shop = Workshop(folder, provider, services)
            try:
                found = take(shop, given.rows or list(ROWS), QUICK if given.quick else USUAL)
            finally:
                shop.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("\n" + line + "\n")
    say(figures.table(found))
    figures.keep(data / kept, found, machine_line=line, quick=given.quick)
    say(f"\nKept in {data / kept}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
