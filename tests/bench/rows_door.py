"""Rows 1 and 2: how quickly a delivery is acknowledged, idle and while workers store."""

import asyncio
import sys
from collections.abc import Iterator

from tests.bench import lives
from tests.bench.figures import Figure, figure
from tests.bench.installation import (
    Installation,
    Workshop,
    answers,
    free_port,
    process,
    wait_until,
)
from tests.bench.load import Load, Request, press
from tests.bench.pace import Pace

CLIENTS = (1, 16, 32, 64)
HELD = "workers held still, so that only the door works"


def idle(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 1."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.bench.ceilings:door", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning", "--lifespan", "on"]
    place = shop.folder / "door.sqlite3"
    with (
        process(command, shop.log, BENCH_DATABASE=str(place)),
        shop.installation() as one,
    ):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), 20, "the bare door")
        tasks = asyncio.run(lives.open_generations(one, 64))
        with one.workers_held():
            return [
                row
                for clients in CLIENTS
                for row in asyncio.run(_idle(one, port, clients, lives.knocks(tasks), pace))
            ]


async def _idle(
    one: Installation, bare: int, clients: int, knocks: Iterator[Request], pace: Pace
) -> list[Figure]:
    for port in (one.port, bare):
        await press(port, knocks, clients=clients, seconds=pace.warm_up)
    ours: list[Load] = []
    least: list[Load] = []
    for _ in range(pace.repetitions):
        ours.append(await press(one.port, knocks, clients=clients, seconds=pace.seconds))
        least.append(await press(bare, knocks, clients=clients, seconds=pace.seconds))
    failed = sum(load.failures for load in ours)
    note = HELD + (f"; {failed} refused" if failed else "")
    rates = figure(
        f"1 acknowledged, idle, {clients} clients",
        "/s",
        [load.rate for load in ours],
        ceilings=[load.rate for load in least],
        ceiling_name="/s bare ASGI, group commit",
        hold_to=">= 0.6 of ceiling" if clients in (1, 16, 64) else "(aim 8,000/s)",
        holds=(lambda _, ratio: ratio >= 0.6 and not failed) if clients in (1, 16, 64) else None,
        note=note,
    )
    return [rates, _p99(f"1   … p99, {clients} clients", ours, least, 12 if clients == 64 else 0)]


def _p99(name: str, ours: list[Load], least: list[Load], most: float) -> Figure:
    return figure(
        name,
        "ms",
        [load.percentile(0.99) * 1000 for load in ours],
        ceilings=[load.percentile(0.99) * 1000 for load in least],
        ceiling_name="ms bare ASGI" if least else "",
        hold_to=f"<= {most:.0f} ms" if most else "",
        holds=(lambda value, _: value <= most) if most else None,
    )


def busy(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 2."""
    with shop.installation() as one:
        loads: list[Load] = []
        stored: list[float] = []
        for _ in range(pace.repetitions):
            load, rate = asyncio.run(_busy(one, pace))
            loads.append(load)
            stored.append(rate)
    failed = sum(load.failures for load in loads)
    note = f"each delivery brings a picture to fetch; {failed} refused" if failed else ""
    return [
        figure(
            "2 acknowledged while storing, 16 clients",
            "/s",
            [load.rate for load in loads],
            hold_to=">= 400/s",
            holds=lambda value, _: value >= 400 and not failed,
            note=note or "each delivery brings a picture of 200 kB to fetch and store",
        ),
        _p99("2   … p99, 16 clients", loads, [], 60),
        figure("2   … pictures stored meanwhile", "/s", stored),
    ]


async def _busy(one: Installation, pace: Pace) -> tuple[Load, float]:
    """Deliveries by 16 clients, measured once the workers have more to fetch than they can."""
    tasks = await lives.open_generations(one, pace.generations)
    waiting = lives.deliveries(one, tasks)
    before = lives.artifacts_catalogued(one)
    ahead = len(waiting) // 4
    await press(one.port, iter(waiting[:ahead]), clients=16)
    stored = "SELECT count(*) FROM generations_output WHERE stored_at IS NOT NULL"
    began = one.count(stored)
    load = await press(one.port, iter(waiting[ahead:]), clients=16)
    rate = (one.count(stored) - began) / load.seconds
    await asyncio.to_thread(
        wait_until,
        lambda: lives.artifacts_catalogued(one) >= before + len(waiting),
        120,
        "all pictures to be stored",
    )
    return load, rate
