"""The audit: what was asked for, what the provider did, and what is there, held side by side.

Nothing here calls the product's own functions; it reads its public doors, its tables by SQL of our
own, the listing of its storage, and the record of the provider.
"""

import contextlib
import hashlib
import sqlite3
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from typing import Any

import psycopg

from tests.chaos.books import Books, Entry, Output, hashed, stored
from tests.chaos.faults import SPOILING
from tests.chaos.followers import Follower
from tests.chaos.installation import Installation
from tests.chaos.load import ENDED, Wish, state_of

MILLIONTH = Decimal("0.000001")
COLUMNS = ("lost", "doubled", "stuck", "wrong")
#: objects that no row of ours speaks of: what waits to be collected, and what people export
ON_THEIR_WAY = ("videos/incoming/", "exports/")


@dataclass
class Verdict:
    """What was found, by the column of the report that it counts in."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.stuck or self.wrong)

    def lines(self) -> list[str]:
        """Every finding, a line each."""
        return [f"{name}: {line}" for name in COLUMNS for line in getattr(self, name)]


def await_settled(one: Installation, wishes: Sequence[Wish], patience: float) -> None:
    """Wait until every accepted wish has ended and nothing is undone, or until nothing has moved
    for so long; a machine that others keep busy is given its time."""
    seen, moved = "", time.monotonic()
    while time.monotonic() - moved < patience:
        with contextlib.suppress(OSError, psycopg.OperationalError, sqlite3.OperationalError):
            have_settled, books = _have_settled(one, wishes), Books(one)
            if have_settled and not any(books.undone.values()):
                return
            now = f"{books.undone} {books.moves} {[wish.state for wish in wishes]}"
            if now != seen:
                seen, moved = now, time.monotonic()
        time.sleep(1.0)


def _have_settled(one: Installation, wishes: Sequence[Wish]) -> bool:
    for wish in wishes:
        if wish.accepted and not wish.settled:
            states = state_of(one, wish)
            wish.state = ",".join(states)
            wish.settled = all(state in ENDED or state == "lost" for state in states)
    return all(wish.settled for wish in wishes if wish.accepted)


@dataclass(frozen=True)
class Case:
    """All that is held side by side."""

    one: Installation
    books: Books
    tasks: list[dict[str, Any]]
    wishes: Sequence[Wish]
    followers: Sequence[Follower]
    verdict: Verdict

    @property
    def lost(self) -> list[str]:
        return self.verdict.lost

    @property
    def doubled(self) -> list[str]:
        return self.verdict.doubled

    @property
    def stuck(self) -> list[str]:
        return self.verdict.stuck

    @property
    def wrong(self) -> list[str]:
        return self.verdict.wrong


def audited(one: Installation, wishes: Sequence[Wish], followers: Sequence[Follower]) -> Verdict:
    """Everything that was promised, held against what is there."""
    case = Case(one, Books(one), one.tasks(), wishes, followers, Verdict())
    for check in CHECKS:
        check(case)
    return case.verdict


def _wishes(case: Case) -> None:
    for wish in case.wishes:
        if "lost" in wish.state:
            case.lost.append(f"{wish.mark}: accepted as {wish.ids}, not there")
        elif wish.accepted and not wish.settled:
            case.stuck.append(f"{wish.mark}: {wish.state} {wish.ids}")
        elif wish.refused:
            case.wrong.append(f"{wish.mark}: refused with {wish.refused}")
        elif not wish.accepted:
            case.stuck.append(f"{wish.mark}: never answered")


def _undone(case: Case) -> None:
    found = case.books.undone.items()
    case.stuck.extend(f"{count} {what}" for what, count in found if count)


def _once_each(case: Case) -> None:
    """One entry for a picture, one for each placeholder, however often it was asked for."""
    prompts = [entry.prompt for entry in case.books.entries.values()]
    for wish in case.wishes:
        count = sum(1 for prompt in prompts if wish.mark in prompt)
        most = {"picture": 1, "variant": len(wish.ids) + wish.retried, "proposal": 1}
        if wish.accepted and count > most.get(wish.kind, 3):
            case.doubled.append(f"{wish.mark}: {count} entries")
        if wish.accepted and wish.kind in {"picture", "variant"} and not count:
            case.lost.append(f"{wish.mark}: no entry")


# --- the provider's record ------------------------------------------------------------------------


def _runware(case: Case) -> None:
    """Its tasks have our ids: one task an entry, and each of its results is stored once, or its
    slot says why not."""
    kept: dict[tuple[str, str], list[Output]] = defaultdict(list)
    for output in case.books.outputs:
        kept[output.entry, output.ref].append(output)
    for task in case.tasks:
        entry = case.books.entries.get(task["taskUUID"])
        if entry is None or entry.provider != "runware":
            continue
        for result in task["results"]:
            if result["state"] != "success":
                continue
            found = kept[entry.id, result["uuid"]]
            if not found:
                case.lost.append(f"{_named(entry)}: result {result['uuid']} was never recorded")
            elif not any(output.stored for output in found) and not _is_excused(case, found[0]):
                case.lost.append(f"{_named(entry)}: result not stored: {found[0].error}")
    for task_id, count in Counter(task["taskUUID"] for task in case.tasks).items():
        if count > 1:
            case.doubled.append(f"task {task_id} was run {count} times")


def _google(case: Case) -> None:
    """Its ids are its own: what it painted for a prompt is there as often, or an entry says that
    its call got no answer."""
    entries: dict[str, list[Entry]] = defaultdict(list)
    for entry in case.books.entries.values():
        if entry.provider in {"gemini", "veo"}:
            entries[entry.prompt].append(entry)
    there = Counter(output.entry for output in case.books.outputs if output.stored)
    for prompt, mine in entries.items():
        made = [task for task in case.tasks if prompt in task["prompt"]]
        brought = sum(1 for task in made if any(r["state"] == "success" for r in task["results"]))
        have = sum(1 for entry in mine if there[entry.id])
        told = sum(1 for entry in mine if not there[entry.id] and _says_why(case, entry))
        if brought > have + told:
            case.lost.append(f"{prompt}: {brought} made, {have} stored, {told} explained")
        if len(made) > len(mine):
            case.doubled.append(f"{prompt}: asked for {len(made)} times for {len(mine)} entries")


def _says_why(case: Case, entry: Entry) -> bool:
    ended = any(output.error for output in case.books.outputs if output.entry == entry.id)
    return bool(entry.error or entry.cancelled or ended)


def _is_excused(case: Case, output: Output) -> bool:
    """Whether a result could not be had: its address was gone, or held no picture, by order."""
    code = (output.error or {}).get("code", "")
    return bool(case.one.lies & SPOILING) and code in {"fetch_failed", "validation"}


def _named(entry: Entry) -> str:
    return f"{entry.prompt} ({entry.id})"


def _paintings(case: Case) -> None:
    """What is stored of Runware's is byte for byte what it painted; a few of each run are held
    beside its own copy."""
    theirs = {id for id, entry in case.books.entries.items() if entry.provider == "runware"}
    some = [output for output in case.books.outputs if output.stored and output.entry in theirs]
    for output in some[-12:]:
        with urllib.request.urlopen(f"{case.one.control}/files/{output.ref}", timeout=60) as answer:
            if hashlib.sha256(answer.read()).hexdigest() != output.sha256:
                case.wrong.append(f"artifact {output.id} is not what the provider painted")


# --- money ----------------------------------------------------------------------------------------


def _money(case: Case) -> None:
    """Every hold is closed once, and what was paid is what the stored results cost."""
    holds = [line for line in case.books.lines if line.kind == "hold"]
    closed = Counter(line.closes for line in case.books.lines if line.kind in {"settle", "release"})
    for line in holds:
        if not closed[line.id]:
            case.stuck.append(f"money held for {line.subject} and never closed")
    if sum(closed.values()) != len(holds):
        case.wrong.append(f"{len(holds)} holds, {sum(closed.values())} closed")
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for line in case.books.lines:
        if line.kind in {"settle", "charge"}:
            paid[line.subject] += line.amount
    owed: dict[str, Decimal] = defaultdict(Decimal)
    for output in case.books.outputs:
        entry = case.books.entries[output.entry]
        if entry.hold and (output.stored or _was_purged(output)):
            owed[entry.hold] += _price(case, output, entry)
    for subject in {line.subject for line in holds} | owed.keys():
        if paid[subject] != owed[subject]:
            case.wrong.append(f"{subject}: paid {paid[subject]}, came {owed[subject]}")


def _was_purged(output: Output) -> bool:
    return (output.error or {}).get("code") == "purged"


def _price(case: Case, output: Output, entry: Entry) -> Decimal:
    """The provider's word, else the registry's price."""
    if output.cost is not None:
        return output.cost
    price, unit = case.books.prices[entry.model]
    if unit == "output":
        return price
    seconds = (entry.asked.get("parameters") or {}).get("duration") or output.duration or 0
    return (price * Decimal(str(seconds))).quantize(MILLIONTH, rounding=ROUND_UP)


# --- storage, streams, clients --------------------------------------------------------------------


def _storage(case: Case) -> None:
    """No object without a row and no row without its object, of the size and hash it says."""
    there = stored(case.one)
    spoken_of = {key for output in case.books.outputs if output.stored for key in output.keys}
    for output in case.books.outputs:
        if not output.stored:
            continue
        for key in output.keys:
            if key not in there:
                case.lost.append(f"object {key} is not there")
        key = output.keys[0]
        if key in there and (there[key] != output.size or hashed(case.one, key) != output.sha256):
            case.wrong.append(f"object {key} is not what its row says")
    for key in sorted(there.keys() - spoken_of):
        if not key.startswith(ON_THEIR_WAY):
            case.wrong.append(f"object {key} has no row")


def _streams(case: Case) -> None:
    for name, head, count, first, last in case.books.streams:
        if count and (last != head or last - first + 1 != count):
            case.wrong.append(f"stream {name}: {count} events from {first} to {last} of {head}")


def _followers(case: Case) -> None:
    for follower in case.followers:
        found = _differences(follower)
        lines = [*found[:5], *(f"gap {gap}" for gap in follower.copy.gaps[:5])]
        case.wrong.extend(f"client of {follower.path}: {line}" for line in lines)


def _differences(follower: Follower) -> list[str]:
    """A client is given a moment to hear the last of it, as any state is from a moment ago."""
    end = time.monotonic() + 60
    while True:
        try:
            found = follower.copy.differences(follower.fresh())
        except (OSError, TimeoutError) as error:
            found = [f"no fresh state: {error!r}"]
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.5)


def _twice(case: Case) -> None:
    found = case.books.twice.items()
    case.doubled.extend(f"{count} {what}" for what, count in found if count)


CHECKS: tuple[Callable[[Case], None], ...] = (
    *(_wishes, _undone, _once_each, _runware, _google, _paintings, _money, _storage),
    *(_streams, _followers, _twice),
)
