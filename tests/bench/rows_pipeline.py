"""Rows 3 and 4: the way of a picture from its delivery to the gallery, steadily and in a heap."""

import asyncio
import contextlib
import itertools
import json
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import websockets

from tests.bench import ceilings, lives
from tests.bench.figures import Figure, figure
from tests.bench.installation import Installation, NotMeasured, Workshop, wait_until
from tests.bench.load import Crowd, percentile, press
from tests.bench.pace import Pace

PER_SECOND = 24
EACH = 4
#: seconds the provider "paints"
PAINTING = 0.3
DONE = {"completed", "partial", "failed"}


@dataclass
class Watch:
    """What the browsers of some people were told, and when (wall clock)."""

    #: generation -> the moments at which 1, 2, … pictures were shown as stored
    shown: dict[str, dict[int, float]] = field(default_factory=dict)
    settled: dict[str, float] = field(default_factory=dict)

    def hear(self, text: str, at: float) -> None:
        """Take one frame."""
        frame = json.loads(text)
        thing = frame.get("generation")
        if not isinstance(thing, dict) or "artifact_count" not in thing:
            return
        moments = self.shown.setdefault(thing["id"], {})
        for number in range(1, thing["artifact_count"] + 1):
            moments.setdefault(number, at)
        if thing["state"] in DONE:
            self.settled.setdefault(thing["id"], at)


@contextlib.asynccontextmanager
async def watching(one: Installation, people: int) -> Any:
    """A socket on /ws/me/ for each of the first people, followed live."""
    watch = Watch()
    async with contextlib.AsyncExitStack() as stack:
        tasks = []
        for number in range(people):
            name, value = one.bearer(number)
            socket = await stack.enter_async_context(
                websockets.connect(
                    f"ws://127.0.0.1:{one.port}/ws/me/",
                    additional_headers={name: value},
                    max_size=None,
                )
            )
            await socket.send(json.dumps({"type": "sync:request"}))
            first = json.loads(await asyncio.wait_for(socket.recv(), 10))
            if first.get("type") != "sync:state":
                raise NotMeasured(f"/ws/me/ answered {first.get('type')} to sync:request")
            tasks.append(asyncio.create_task(_follow(socket, watch)))
            tasks.append(asyncio.create_task(_ping(socket)))
        yield watch
        for task in tasks:
            task.cancel()


async def _follow(socket: Any, watch: Watch) -> None:
    async for text in socket:
        watch.hear(text, time.time())


async def _ping(socket: Any) -> None:
    """What a page does, so that it is not taken for gone."""
    while True:
        await asyncio.sleep(20)
        await socket.send('{"type": "ping"}')


def steady(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 3."""
    with shop.installation() as one:
        one.provider.steer(deliver_after=PAINTING, deliver_to=one.port)
        watch, sent = asyncio.run(_steady(one, pace))
        catalogued = _catalogued(one)
        one.provider.steer(deliver_to=None, deliver_after=0)
    return _ways(watch, sent, catalogued)


async def _steady(one: Installation, pace: Pace) -> tuple[Watch, list[Any]]:
    people, total = 8, int(PER_SECOND * pace.steady_seconds)
    async with watching(one, people) as watch:
        crowd = Crowd(one.port, 8, lambda answer: None)
        await crowd.open()
        numbers = itertools.count()
        for _ in range(PER_SECOND * 2):  # warm: connections, workers, caches
            crowd.put([(0, lives.creation(one, next(numbers) % people))])
            await asyncio.sleep(1 / PER_SECOND)
        warm = {task["id"] for task in one.provider.tasks()}
        began = time.perf_counter()
        for place in range(total):
            await asyncio.sleep(max(0.0, began + place / PER_SECOND - time.perf_counter()))
            crowd.put([(0, lives.creation(one, next(numbers) % people))])
        until = time.monotonic() + 60
        while time.monotonic() < until and len(watch.settled) < total + PER_SECOND * 2:
            await asyncio.sleep(0.1)
        open_rows = "SELECT count(*) FROM generations_registerentry WHERE catalogued_at IS NULL"
        await asyncio.to_thread(wait_until, lambda: one.count(open_rows) == 0, 30, "the catalogue")
        crowd.close()
        return watch, [row for row in one.provider.sent() if row[0] not in warm]


def _catalogued(one: Installation) -> dict[str, float]:
    """Generation -> when the transaction of its catalogue rows ended, as nearly as rows tell."""
    found = one.rows("SELECT id, catalogued_at FROM generations_registerentry")
    return {
        _dashed(number): datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
        for number, at in found
        if at
    }


def _dashed(number: str) -> str:
    text = number.replace("-", "")
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _ways(watch: Watch, sent: list[Any], catalogued: dict[str, float]) -> list[Figure]:
    by_task: dict[str, list[float]] = {}
    for task, _, at, _, _ in sent:
        by_task.setdefault(task, []).append(at)
    pictures, told, all_done = [], [], []
    for task, moments in by_task.items():
        for number, at in enumerate(sorted(moments), start=1):
            if number in watch.shown.get(task, {}):
                pictures.append((watch.shown[task][number] - at) * 1000)
        if task in watch.settled and task in catalogued:
            last = max(moments)
            told.append((watch.settled[task] - last) * 1000)
            all_done.append((max(watch.settled[task], catalogued[task]) - last) * 1000)
    if not all_done:
        raise NotMeasured("no generation came to its end")
    lost = len(by_task) - len(all_done)
    spread = f"{PER_SECOND} generations/s of {EACH}, each one's four pictures delivered at once"
    note = f"{spread}; {len(all_done)} generations" + (f", {lost} not ended" if lost else "")
    return [
        _way("3 webhook → picture stored and browser told", pictures, note=spread),
        _way("3 last webhook → settled and browser told", told),
        _way("3 … and the catalogue's rows visible", all_done, hold=True, lost=lost, note=note),
    ]


def _way(
    name: str, values: list[float], *, hold: bool = False, lost: int = 0, note: str = ""
) -> Figure:
    middle, worst = percentile(values, 0.5), percentile(values, 0.99)
    words = f"p50 {middle:.1f}, p95 {percentile(values, 0.95):.1f}, p99 {worst:.1f} ms"
    return figure(
        name,
        "ms",
        values,
        hold_to="p50 <= 50, p99 <= 250 ms" if hold else "",
        holds=(lambda _, __: middle <= 50 and worst <= 250 and not lost) if hold else None,
        note=f"{words}; {note}" if note else words,
    )


def burst(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 4."""
    ours: list[float] = []
    least: list[float] = []
    work: list[float] = []
    with shop.installation() as one:
        for _ in range(max(pace.repetitions - 2, 1)):
            rate, cost = asyncio.run(one_burst(one, pace))
            ours.append(rate)
            work.append(cost)
            place = shop.folder / "copied"
            count = pace.generations * EACH
            least.append(ceilings.copied_files(place, one.provider.port, count=count))
            shutil.rmtree(place)
    return [
        figure(
            f"4 burst of {pace.generations} generations of {EACH}",
            "artifacts/s",
            ours,
            ceilings=least,
            ceiling_name="files/s loopback copy, fsync",
            hold_to=">= 325/s",
            holds=lambda value, _: value >= 325,
            note="from the first webhook to the last catalogue row; previews may follow",
        ),
        figure(
            "4 … processor time of web and workers",
            "ms/artifact",
            work,
            note="hardly depends on what else the machine does; two cores have 2,000 ms a second",
        ),
    ]


async def one_burst(one: Installation, pace: Pace) -> tuple[float, float]:
    """Artifacts per second and processor milliseconds for each; all webhooks are sent at once."""
    tasks = await lives.open_generations(one, pace.generations)
    heap = lives.deliveries(one, tasks)
    aim = lives.artifacts_catalogued(one) + len(heap)
    began, before = time.perf_counter(), one.work_done()
    sending = asyncio.create_task(press(one.port, iter(heap), clients=64))
    await asyncio.to_thread(
        wait_until, lambda: lives.artifacts_catalogued(one) >= aim, 180, "all catalogue rows"
    )
    passed, cost = time.perf_counter() - began, one.work_done() - before
    load = await sending
    if load.failures:
        raise NotMeasured(f"{load.failures} deliveries were refused")
    await asyncio.to_thread(_rest, one)
    return len(heap) / passed, 1000 * cost / len(heap)


def _rest(one: Installation) -> None:
    """Let the previews be made, so that they do not cost the next repetition."""
    left = "SELECT count(*) FROM generations_preview WHERE due_at IS NOT NULL"
    with contextlib.suppress(NotMeasured):
        wait_until(lambda: one.count(left) == 0, 60, "previews")
