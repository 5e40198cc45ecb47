"""Kills the process groups that a killed supervisor leaves: a qcluster asked to stop can hang.

Reads `+GROUP` and `-GROUP` lines; the end of its input means that the supervisor is gone.
Imports next to nothing, because it sits idle beside every installation.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 8.0


def exists(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main() -> None:
    """Wait for the end of the supervisor, then for its groups, then kill what is left of them."""
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    deadline = time.monotonic() + GRACE_SECONDS
    while any(exists(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
