"""Prints how many plain inserts per second Django commits: `python -m tests.bench.inserts 2`."""

import sys
import time

import django


def rate(seconds: float) -> float:
    """Register entries committed one after the other, per second."""
    from tests.bench.bare import write_entry
    from tests.bench.lives import WISH

    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        write_entry({**WISH, "count": 4})
        count += 1
    return count / passed


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(f"\n{rate(float(sys.argv[1]))}")
