"""Rows 7 and 8: pages of a large gallery, and the memory of all processes."""

import asyncio
import contextlib
import itertools
import json
import threading
import time
from collections.abc import Iterator

from tests.bench import lives
from tests.bench.figures import Figure, figure
from tests.bench.installation import Installation, NotMeasured, Workshop, ask, wait_until
from tests.bench.load import Load, http, press
from tests.bench.pace import Pace
from tests.bench.people import NAME

LIST = "/api/v1/artifacts/"
SIZE = 50


def gallery(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 7."""
    with shop.installation() as one:
        command = ["manage.py", "seed_load", "--generations", str(pace.gallery), "--user", NAME]
        try:
            shop.run([*command, "--force"], one)
        except NotMeasured as reason:
            raise NotMeasured(f"no large gallery could be made: {reason}") from reason
        count = lives.artifacts_catalogued(one)
        return asyncio.run(pages(one, pace, count))


async def pages(one: Installation, pace: Pace, count: int) -> list[Figure]:
    """How long the first, a filtered and a deep page take."""
    first = f"{LIST}?page_size={SIZE}"
    deep, pages = await asyncio.to_thread(_deep_page, one, first)
    places = {
        "first page": first,
        "filtered page": f"{first}&orientation=landscape&has_artifacts=true",
        f"page {pages}": deep,
    }
    loads: dict[str, list[Load]] = {name: [] for name in places}
    for turn in range(pace.repetitions + 1):
        for name, path in places.items():
            requests = itertools.repeat((0, http("GET", path, headers=[one.bearer(0)])), 40)
            load = await press(one.port, requests, clients=1)
            if turn:  # the first one warms
                loads[name].append(load)
    return _rows_of_pages(loads, f"{count:,} artifacts", f"page {pages}")


def _deep_page(one: Installation, first: str) -> tuple[str, int]:
    """The address of page 1,000, or of the last one before it, found by following `next`."""
    path, page = first, 1
    headers = dict([one.bearer(0)])
    while page < 1000:
        for _ in range(20):
            try:
                answer = ask("GET", f"{one.url}{path}", **headers)
                break
            except OSError:
                time.sleep(3)  # the reading limit of one person
        else:
            raise NotMeasured(f"page {page} does not come")
        if not answer["next"]:
            break
        path, page = "/" + answer["next"].split("/", 3)[3], page + 1
    return path, page


def _rows_of_pages(loads: dict[str, list[Load]], size: str, deep: str) -> list[Figure]:
    rows = []
    firsts = [load.percentile(0.5) * 1000 for load in loads["first page"]]
    for name, found in loads.items():
        failed = sum(load.failures for load in found)
        rows.append(
            figure(
                f"7 gallery, {name}, p95",
                "ms",
                [load.percentile(0.95) * 1000 for load in found],
                hold_to="<= 40 ms",
                holds=lambda value, _, failed=failed: value <= 40 and not failed,  # type: ignore[misc]
                note=f"{size}, {SIZE} a page, 1 client" + (f"; {failed} refused" if failed else ""),
            )
        )
    rows.append(
        figure(
            f"7 … {deep} against page 1, p50",
            "ms",
            [load.percentile(0.5) * 1000 for load in loads[deep]],
            ceilings=firsts,
            ceiling_name="ms page 1",
            hold_to="<= 1.2 x",
            holds=lambda _, ratio: ratio <= 1.2,
        )
    )
    return rows


def memory(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 8."""
    with shop.installation() as one:
        time.sleep(pace.warm_up + 5)
        rest = one.memory()
        peaks: list[float] = []
        with _watched(one, peaks):
            for _ in range(max(pace.repetitions - 2, 1)):
                asyncio.run(_work(one, pace))
        words = json.dumps({name: round(size) for name, size in rest.items()})
        calm = figure(
            "8 memory at rest (PSS)",
            "MB",
            [sum(rest.values())],
            hold_to="<= 450 MB",
            holds=lambda value, _: value <= 450,
            note=words.strip("{}").replace('"', ""),
        )
        return [
            calm,
            figure(
                "8 memory under load, peak (PSS)",
                "MB",
                [max(peaks)],
                hold_to="<= 700 MB",
                holds=lambda value, _: value <= 700,
                note=f"bursts of {pace.generations} generations, {len(peaks)} looks",
            ),
        ]


@contextlib.contextmanager
def _watched(one: Installation, peaks: list[float]) -> Iterator[None]:
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(1):
            peaks.append(sum(one.memory().values()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    if not peaks:
        peaks.append(sum(one.memory().values()))


async def _work(one: Installation, pace: Pace) -> None:
    tasks = await lives.open_generations(one, pace.generations)
    aim = lives.artifacts_catalogued(one) + len(tasks) * 4
    await press(one.port, iter(lives.deliveries(one, tasks)), clients=16)
    await asyncio.to_thread(
        wait_until, lambda: lives.artifacts_catalogued(one) >= aim, 180, "all pictures"
    )
