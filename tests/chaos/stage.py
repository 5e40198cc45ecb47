"""Plays scenarios on an installation: load and faults, then mending, then the audit."""

import contextlib
import threading
import time
from collections.abc import Callable

from tests.chaos.audit import Verdict, audited, await_settled
from tests.chaos.faults import Chaos, faults_of
from tests.chaos.followers import Follower
from tests.chaos.installation import PEOPLE, Installation
from tests.chaos.load import Load, Wish
from tests.chaos.machines import NotStarted, until
from tests.chaos.report import Row

#: contract: nothing is left undone so long after things are back. Counted from the last that moved,
#: because this machine may have much else to do; the report says how long it took in all
GRACE = 90.0
#: for the last of those who ask again and again to have an answer
ANSWERED = 300.0
#: for everybody to be back; restarts wait up to five seconds, and the machine may be busy
RETURN = 120.0


class Stage:
    """One installation, its clients, and what was asked of it since the start."""

    def __init__(self, one: Installation, say: Callable[[str], None]) -> None:
        self.one, self.say = one, say
        self.wishes: list[Wish] = []
        self.seen: set[str] = set()
        space = f"/ws/spaces/{one.space}/"
        self.followers = [
            Follower(one, PEOPLE[0], space).start(),
            Follower(one, PEOPLE[0], "/ws/me/").start(),
            Follower(one, PEOPLE[1], "/ws/me/").start(),
        ]

    def play(self, name: str, seed: int, seconds: float) -> Row:
        """One scenario to its audit. What an earlier one left is not told again."""
        if not faults_of(name, self.one):
            self.say(f"{name}: left out, this machine or form has nothing to break for it")
            return Row(name, seed, [], Verdict())
        load = Load(self.one, name, seed, seconds)
        chaos = Chaos(self.one, name, seed, seconds)
        began = time.monotonic()
        working = threading.Thread(target=load.run, daemon=True)
        working.start()
        chaos.run()
        working.join()
        worked = time.monotonic() - began
        grace = self._mend(load)
        self.wishes += load.wishes
        began = time.monotonic()
        verdict = self._judge()
        audited_in = time.monotonic() - began
        row = Row(name, seed, load.wishes, verdict, chaos.done, load.odd, grace)
        took = f"faults for {worked:.0f} s, mended in {grace:.0f} s, audited in {audited_in:.0f} s"
        self.say(f"{name}: {took}: {'clean' if row.is_clean else 'NOT clean'}")
        return row

    def close(self) -> None:
        """The clients leave."""
        for follower in self.followers:
            follower.leave()

    def _mend(self, load: Load) -> float:
        """End every fault, wait for all to be back, then for all that is awaited."""
        self.one.board.open_all()
        with contextlib.suppress(NotStarted):
            until(lambda: self.one.order([]) and self.one.is_ready(), RETURN, "readiness")
        began = time.monotonic()
        while time.monotonic() - began < ANSWERED and not _all_answered(load.wishes):
            time.sleep(0.3)
        await_settled(self.one, load.wishes, GRACE)
        load.finish()  # a retry may have been asked for at the very end
        await_settled(self.one, load.wishes, GRACE)
        return time.monotonic() - began

    def _judge(self) -> Verdict:
        verdict = audited(self.one, self.wishes, self.followers)
        for name in ("lost", "doubled", "stuck", "wrong"):
            new = [line for line in getattr(verdict, name) if line not in self.seen]
            self.seen.update(new)
            setattr(verdict, name, new)
        return verdict


def _all_answered(wishes: list[Wish]) -> bool:
    return all(wish.accepted or wish.refused for wish in wishes)
