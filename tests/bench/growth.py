"""How cost grows: with the catalogue, with what was missed, with sockets, and with workers.

Each table is a row of its own (`python -m tests.bench catalogue behind sockets workers`). Its
ceiling is the same figure at the smallest size, taken in the same run.
"""

import asyncio
import json
import time

from tests.bench import lives, rows_pipeline, rows_spaces, rows_store
from tests.bench.figures import Figure, figure
from tests.bench.installation import Installation, NotMeasured, Workshop
from tests.bench.load import percentile
from tests.bench.pace import Pace
from tests.bench.people import NAME

#: sizes by how much time is given
CATALOGUES = {True: (1_000, 10_000), False: (1_000, 10_000, 100_000, 1_000_000)}
BEHIND = (1, 10, 100, 1_000)
SOCKETS = {True: (1, 10, 100), False: (1, 10, 100, 500)}
WORKERS = (1, 2, 4)
ARTIFACTS_EACH = 3


def catalogue(shop: Workshop, pace: Pace) -> list[Figure]:
    """Pages of a catalogue of 1,000 to 1,000,000 pictures."""
    found: list[Figure] = []
    first: dict[str, Figure] = {}
    with shop.installation() as one:
        for size in CATALOGUES[pace.is_quick]:
            _grow(shop, one, size)
            count = lives.artifacts_catalogued(one)
            for row in asyncio.run(rows_store.pages(one, pace, count)):
                if row.unit != "ms" or row.ceiling is not None:
                    continue  # the ratio of two pages
                kind = row.name.removeprefix("7 gallery, ").split(", ")[0].split(" ")[0]
                first.setdefault(kind, row)
                found.append(
                    figure(
                        f"catalogue of {size:,}: {row.name.removeprefix('7 gallery, ')}",
                        "ms",
                        row.values,
                        ceilings=first[kind].values,
                        ceiling_name="ms at the smallest",
                        note=row.note,
                    )
                )
    return found


def _grow(shop: Workshop, one: Installation, size: int) -> None:
    missing = size - lives.artifacts_catalogued(one)
    if missing < ARTIFACTS_EACH:
        return
    generations = str(missing // ARTIFACTS_EACH)
    shop.run(
        ["manage.py", "seed_load", "--generations", generations, "--user", NAME, "--force"], one
    )


def behind(shop: Workshop, pace: Pace) -> list[Figure]:
    """What a socket that missed 1 to 1,000 events is told when it comes back."""
    with shop.installation() as one:
        space = rows_spaces.made(shop, one, 50)
        return asyncio.run(_behind(one, space, pace))


async def _behind(one: Installation, space: str, pace: Pace) -> list[Figure]:
    mine = await rows_spaces.talk(one, space, 0)
    body, _ = await mine.ask({"type": "sync:request"})
    state = json.loads(body)
    seq, id = state["seq"], state["variants"][0]["id"]
    for number in range(max(BEHIND)):
        starred = number % 2 == 0
        await mine.ask({"type": "variant:star", "variant_id": id, "starred": starred})
        await asyncio.sleep(0.021)  # a socket may say fifty things a second
    seq += max(BEHIND)
    other = await rows_spaces.talk(one, space, 1)  # only now: who is silent is let go
    times: dict[int, list[float]] = {missed: [] for missed in BEHIND}
    for turn in range(pace.repetitions + 1):
        for missed in BEHIND:
            frame, late = await other.ask({"type": "sync:request", "since": seq - missed})
            if len(json.loads(frame)["events"]) != missed:
                raise NotMeasured(f"the delta does not hold the {missed} events")
            if turn:  # the first one warms
                times[missed].append(late)
            await asyncio.sleep(0.1)
    return [
        figure(
            f"behind by {missed:,} events: told",
            "ms",
            times[missed],
            ceilings=times[BEHIND[0]],
            ceiling_name="ms behind by 1",
        )
        for missed in BEHIND
    ]


def sockets(shop: Workshop, pace: Pace) -> list[Figure]:
    """1 to 500 sockets in one space, 20 events a second."""
    found: list[Figure] = []
    least: list[float] = []
    for count in SOCKETS[pace.is_quick]:
        with shop.installation() as one:
            space, web = rows_spaces.made(shop, one, 50), one.child("uvicorn")
            seconds = pace.crowd_seconds / 3
            told, took, ends, lost, busy = asyncio.run(
                rows_spaces.follow(one, space, seconds, web, sockets=count)
            )
        if not told.delays:
            raise NotMeasured(f"{count} sockets were told nothing")
        worst = [percentile(told.delays, 0.95)]
        least = least or worst
        frames = max(1, len(told.delays))
        found.append(
            figure(
                f"{count} sockets, 20 events/s: told, p95",
                "ms",
                worst,
                ceilings=least,
                ceiling_name="ms with 1 socket",
                note=f"{took:.0f} s; {told.gaps} gaps; {lost} lost; {len(ends)} different ends; "
                f"web {busy / took:.2f} cores, {busy / frames * 1e6:.0f} us a frame and socket",
            )
        )
    return found


def workers(shop: Workshop, pace: Pace) -> list[Figure]:
    """A burst of pictures with 1, 2 and 4 workers."""
    found: list[Figure] = []
    least: list[float] = []
    for count in WORKERS:
        rates, costs = [], []
        with shop.installation(WORKERS=str(count)) as one:
            for _ in range(max(pace.repetitions - 2, 1)):
                began = time.monotonic()
                rate, cost = asyncio.run(rows_pipeline.one_burst(one, pace))
                rates.append(rate)
                costs.append(cost)
                if time.monotonic() - began > 300:
                    break
        least = least or rates
        found.append(
            figure(
                f"{count} workers, burst",
                "artifacts/s",
                rates,
                ceilings=least,
                ceiling_name="/s with 1 worker",
                note=f"{max(costs):.1f} ms of processor for each, at most",
            )
        )
    return found
