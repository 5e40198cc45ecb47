"""`python -m tests.chaos`: breaks an installation while people work, and says what is left.

Exit status 0: nothing was lost, doubled, stuck or wrong. 1: something was. 2: it could not be run.
"""

import argparse
import os
import random
import sys

from tests.chaos.faults import SCENARIOS
from tests.chaos.installation import installation
from tests.chaos.machines import NotStarted
from tests.chaos.report import Row, findings, table
from tests.chaos.stage import Stage

USUAL = ("kills", "freezes", "wires", "lies", "disk", "everything")
LARGE = ("kills", "services", "everything")
#: seconds of faults in each scenario, unless said otherwise
SHORT = 15.0


def say(words: str) -> None:
    """One line to the terminal."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the scenarios one after the other on one installation, and audit after each."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=0, help="of faults, over all scenarios")
    parser.add_argument("--seed", type=int, default=0, help="what happens when; default: by chance")
    parser.add_argument("--scale", action="store_true", help="on PostgreSQL, Redis and S3")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="only this")
    parser.add_argument("--keep", action="store_true", help="leave the data for a look at it")
    given = parser.parse_args()
    seed = given.seed or random.SystemRandom().randrange(1, 10**6)
    names = given.scenario or list(LARGE if given.scale else USUAL)
    seconds = given.seconds / len(names) if given.seconds else SHORT
    form = "PostgreSQL, Redis, S3, two machines" if given.scale else "SQLite, one machine"
    say(f"chaos: seed {seed}, {', '.join(names)}, {seconds:.0f} s each, on {form}")
    say("left out: a moved clock, which needs a library that is not part of this installation")
    if os.geteuid() != 0 and not given.scale:
        say("left out: a full disk, which only root can mount")
    rows: list[Row] = []
    try:
        with installation(seed, large=given.scale, keep=given.keep) as one:
            stage = Stage(one, say)
            for name in names:
                rows.append(stage.play(name, seed, seconds))
                for line in findings(rows[-1]):
                    say(f"  {line}")
            stage.close()
    except NotStarted as reason:
        say(f"chaos: not run: {reason}")
        return 2
    say("\n" + table(rows))
    clean = all(row.is_clean for row in rows)
    say(f"\nseed {seed}: " + ("clean." if clean else "NOT clean."))
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
