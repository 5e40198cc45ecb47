"""Loads an installation for some minutes, prints its memory over time, and says if it stays flat.

`python -m tests.bench.flat MINUTES [--every SECONDS] [--per-second GENERATIONS]`; exit 1: it grows.
"""

import argparse
import contextlib
import itertools
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
from pathlib import Path

import psutil

from tests.bench.installation import Installation, Workshop, ask, bench_provider

#: what the last third may have more than the middle one: what is left to fill, not to grow
MOST_GROWTH = 1.05
#: people who ask and look beside each other
ASKERS = 4


def main() -> int:
    """Measure; 0 when memory stays flat."""
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="flat-") as name:
        folder = Path(name)
        pictures = folder / "pictures"
        pictures.mkdir()
        with (
            bench_provider(pictures, folder / "provider.log") as provider,
            Workshop(folder, provider).installation() as one,
        ):
            return _watch(one, options)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.flat", description=__doc__)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--every", type=float, default=15.0, help="seconds between looks (15)")
    parser.add_argument("--per-second", type=float, default=8.0, help="generations asked for (8)")
    return parser.parse_args()


def _watch(one: Installation, options: argparse.Namespace) -> int:
    ended = threading.Event()
    done: list[int] = []
    pause = ASKERS / options.per_second
    askers = [
        threading.Thread(target=_ask_on, args=(one, number, pause, ended, done), daemon=True)
        for number in range(ASKERS)
    ]
    for asker in askers:
        asker.start()
    began, private = time.monotonic(), []
    sys.stdout.write("PSS in MB  web workers   clock   total  private  generations\n")
    while (passed := time.monotonic() - began) < options.minutes * 60:
        time.sleep(options.every)
        sizes = one.memory()
        private.append(_private(one))
        cells = "".join(f"{size:8.1f}" for size in (*sizes.values(), sum(sizes.values())))
        sys.stdout.write(f"{passed / 60:5.1f} {cells}{private[-1]:9.1f}{len(done):13d}\n")
        sys.stdout.flush()
    ended.set()
    for asker in askers:
        asker.join(60)
    return _judge(private, options.minutes)


def _private(one: Installation) -> float:
    """MB that belong to the installation alone. Of pages shared with others (libraries) more
    counts as its own when those others end, so the sum of shares moves on a busy machine."""
    total = 0
    for process in one.supervisor.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss
    return total / 1e6


def _ask_on(
    one: Installation, number: int, pause: float, ended: threading.Event, done: list[int]
) -> None:
    """Ask for pictures, look at them and at what is not there, until it is over."""
    headers = dict([one.bearer(number)])
    for turn in itertools.count():
        if ended.wait(pause):
            return
        wish = {"model": "runware:100@1", "prompt": f"a lighthouse {number} {turn}", "count": 4}
        key = {"Idempotency-Key": f"{number}-{turn}"}
        with contextlib.suppress(OSError, json.JSONDecodeError, urllib.error.HTTPError):
            made = ask("POST", f"{one.url}/api/v1/generations/", wish, **headers, **key)
            done.append(turn)
            ask("GET", f"{one.url}{made['urls']['self']}", **headers)
            ask("GET", f"{one.url}/api/v1/artifacts/?page_size=50&q={turn}", **headers)
            ask("GET", f"{one.url}/api/v1/nothing/{number}-{turn}/", **headers)


def _judge(private: list[float], minutes: float) -> int:
    third = len(private) // 3
    if not third:
        sys.stdout.write("Too short to tell.\n")
        return 0
    middle = statistics.median(private[third : 2 * third])
    last = statistics.median(private[-third:])
    grown = (last - middle) / (minutes / 3) * 60
    verdict = "flat" if last <= middle * MOST_GROWTH else "GROWING"
    sys.stdout.write(
        f"{verdict}: private memory, middle third {middle:.1f} MB, last third {last:.1f} MB "
        f"({grown:+.1f} MB an hour)\n"
    )
    return 0 if verdict == "flat" else 1


if __name__ == "__main__":
    sys.exit(main())
