"""Rows 5 and 6: how quickly the API takes a request for pictures and tells how one stands."""

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Iterator

from tests.bench import lives
from tests.bench.figures import Figure, figure
from tests.bench.installation import (
    Installation,
    NotMeasured,
    Workshop,
    answers,
    environment,
    free_port,
    process,
    wait_until,
)
from tests.bench.load import Load, Request, http, press
from tests.bench.pace import Pace

CLIENTS = 64
SLOW = 0.2


@contextlib.contextmanager
def bare_django(shop: Workshop, one: Installation, queries: list[str]) -> Iterator[int]:
    """The port of bare views on the installation's own database."""
    port, place = free_port(), shop.folder / "selects.json"
    place.write_text(json.dumps(queries))
    values = environment(one.folder, shop.provider, port)
    values |= {"DJANGO_SETTINGS_MODULE": "tests.bench.bare_settings", "BENCH_SELECTS": str(place)}
    command = [sys.executable, "-m", "uvicorn", "tests.bench.bare:application"]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    with process([*command, "--lifespan", "off"], shop.log, **values):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), 30, "the bare Django views")
        yield port


def create(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 5."""
    found: list[Figure] = []
    with shop.installation() as one, shop.installation() as other:
        # The ceilings write to a database of their own, where no worker works.
        with other.workers_held(), bare_django(shop, other, []) as bare:
            plain = [
                float(shop.run(["-m", "tests.bench.inserts", str(pace.seconds)], other).split()[-1])
                for _ in range(pace.repetitions)
            ]
            quick, least = asyncio.run(_creations(one, bare, pace))
        one.provider.steer(delay=SLOW)
        slow, _ = asyncio.run(_creations(one, None, pace))
        one.provider.steer(delay=0)
    found += _rows_of_creation("5 create → 202, 64 clients", quick, least, "/s bare view, 1 insert")
    found.append(
        figure(
            "5   … against plain inserts by Django",
            "/s",
            [load.rate for load in quick],
            ceilings=plain,
            ceiling_name="/s one after the other",
        )
    )
    found += _rows_of_creation(
        "5 create, provider takes 200 ms", slow, quick, "/s with a provider that takes none"
    )
    return found


def _rows_of_creation(name: str, ours: list[Load], least: list[Load], ceiling: str) -> list[Figure]:
    failed = sum(load.failures for load in ours)
    note = f"{failed} refused" if failed else "workers submit meanwhile"
    return [
        figure(
            name,
            "/s",
            [load.rate for load in ours],
            ceilings=[load.rate for load in least],
            ceiling_name=ceiling,
            hold_to=">= 200/s",
            holds=lambda value, _: value >= 200 and not failed,
            note=note,
        ),
        figure(
            "5   … p99",
            "ms",
            [load.percentile(0.99) * 1000 for load in ours],
            hold_to="<= 500 ms",
            holds=lambda value, _: value <= 500,
        ),
    ]


async def _creations(
    one: Installation, bare: int | None, pace: Pace
) -> tuple[list[Load], list[Load]]:
    ours: list[Load] = []
    least: list[Load] = []
    wishes = lives.creations(one)
    body = json.dumps(lives.WISH | {"count": 4}).encode()
    plain: Iterator[Request] = itertools.repeat((0, http("POST", "/insert/", body=body)))
    await press(one.port, wishes, clients=CLIENTS, seconds=pace.warm_up)
    for _ in range(pace.repetitions):
        ours.append(await press(one.port, wishes, clients=CLIENTS, seconds=pace.seconds))
        if bare:
            least.append(await press(bare, plain, clients=CLIENTS, seconds=pace.seconds))
    return ours, least


def status(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 6."""
    with shop.installation() as one:
        tasks = asyncio.run(_finished(one))
        path = f"{lives.PATH}{tasks[0]}/"
        token = one.bearer(_owner(one, tasks[0]))[1].removeprefix("Bearer ")
        queries = json.loads(
            shop.run(["-m", "tests.bench.selects", path, token], one).splitlines()[-1]
        )
        with bare_django(shop, one, queries) as bare:
            return asyncio.run(_reads(one, bare, tasks, len(queries), pace))


async def _finished(one: Installation) -> list[str]:
    """Generations that came to their end, one for each of the people."""
    tasks = await lives.open_generations(one, len(one.tokens))
    await press(one.port, iter(lives.deliveries(one, tasks)), clients=8)
    aim = len(tasks) * 4
    await asyncio.to_thread(
        wait_until, lambda: lives.artifacts_catalogued(one) >= aim, 60, "the catalogue"
    )
    previews = "SELECT count(*) FROM generations_preview WHERE due_at IS NOT NULL"
    with contextlib.suppress(NotMeasured):
        await asyncio.to_thread(wait_until, lambda: one.count(previews) == 0, 60, "previews")
    return [task["id"] for task in tasks]


def _owner(one: Installation, task: str) -> int:
    """Whose token opens a generation: the number in its prompt, by which the people took turns."""
    query = f"SELECT prompt FROM generations_generation WHERE id = '{task.replace('-', '')}'"
    return int(str(one.rows(query)[0][0]).rsplit(" ", 1)[-1])


async def _reads(
    one: Installation, bare: int, tasks: list[str], queries: int, pace: Pace
) -> list[Figure]:
    known = [(f"{lives.PATH}{task}/", one.bearer(_owner(one, task))) for task in tasks]
    tags = {path: await _tag(one, path, bearer) for path, bearer in known}
    full = [(path, http("GET", path, headers=[bearer])) for path, bearer in known]
    same = [
        (path, http("GET", path, headers=[bearer, ("If-None-Match", tags[path])]))
        for path, bearer in known
    ]
    plain: list[Request] = [("", http("GET", "/selects/"))]
    found: dict[tuple[str, int], list[Load]] = {}
    kinds = {"full": (one.port, full), "same": (one.port, same), "bare": (bare, plain)}
    for clients in (1, 16):
        for turn in range(pace.repetitions + 1):
            for kind, (port, requests) in kinds.items():
                load = await press(
                    port, itertools.cycle(requests), clients=clients, seconds=pace.seconds / 2
                )
                if turn:  # the first one warms
                    found.setdefault((kind, clients), []).append(load)
    return _rows_of_reading(found, queries)


async def _tag(one: Installation, path: str, bearer: tuple[str, str]) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    writer.write(http("GET", path, headers=[bearer, ("Connection", "close")]))
    head = (await reader.read(2**20)).partition(b"\r\n\r\n")[0].decode()
    writer.close()
    for line in head.split("\r\n"):
        if line.lower().startswith("etag:"):
            return line.partition(":")[2].strip()
    raise NotMeasured(f"{path} carries no ETag: {head[:100]}")


def _rows_of_reading(found: dict[tuple[str, int], list[Load]], queries: int) -> list[Figure]:
    rates = {key: [load.rate for load in loads] for key, loads in found.items()}
    failed = sum(load.failures for loads in found.values() for load in loads)
    note = f"the ceiling sends the same {queries} SELECTs by cursor, without models"
    return [
        figure(
            "6 status read, 16 clients",
            "/s",
            rates["full", 16],
            ceilings=rates["bare", 16],
            ceiling_name="/s bare view, same SELECTs",
            hold_to=">= 0.7 of ceiling",
            holds=lambda _, ratio: ratio >= 0.7 and not failed,
            note=f"{note}; {failed} refused" if failed else note,
        ),
        figure(
            "6   … 304, 16 clients",
            "/s",
            rates["same", 16],
            ceilings=rates["full", 16],
            ceiling_name="/s with a body",
            hold_to="faster",
            holds=lambda _, ratio: ratio > 1,
        ),
        figure(
            "6   … p50, 1 client",
            "ms",
            [load.percentile(0.5) * 1000 for load in found["full", 1]],
            ceilings=[load.percentile(0.5) * 1000 for load in found["bare", 1]],
            ceiling_name="ms bare view",
            hold_to="(aim 3 ms)",
        ),
    ]
