"""Rows 9 and 10: what a large space costs whoever opens it, and a crowd that follows one."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.bench.figures import Figure, figure
from tests.bench.installation import Installation, NotMeasured, Workshop
from tests.bench.listeners import Listener, listener
from tests.bench.load import percentile
from tests.bench.pace import Pace

VARIANTS = 5000
MISSED = 10
SOCKETS, PER_SECOND = 500, 20
SEQ = re.compile(rb'"seq": (\d+)')
SENT = re.compile(rb'"name": "at (\d+\.\d+)"')


def made(shop: Workshop, one: Installation, variants: int) -> str:
    return shop.run(["-m", "tests.bench.crowded", str(variants)], one).splitlines()[-1]


@dataclass
class Talk:
    """A socket that asks and waits for the answer."""

    line: Any = None
    answers: "asyncio.Queue[tuple[bytes, float]]" = field(default_factory=asyncio.Queue)

    def hear(self, _: Listener, body: bytes, at: float) -> None:
        """Keep answers, not what is told to all."""
        if body.startswith((b'{"type": "ack"', b'{"type": "error"', b'{"type": "sync:')):
            self.answers.put_nowait((body, at))

    async def ask(self, frame: dict[str, Any]) -> tuple[bytes, float]:
        """The answer and how long it took, in milliseconds."""
        began = time.time()
        self.line.say(frame)
        body, at = await asyncio.wait_for(self.answers.get(), 30)
        if body.startswith(b'{"type": "error"'):
            raise NotMeasured(f"{frame['type']} was refused: {body[:200].decode()}")
        return body, (at - began) * 1000


async def talk(one: Installation, space: str, number: int) -> Talk:
    talk = Talk()
    talk.line = await listener(one.port, f"/ws/spaces/{space}/", one.bearer(number), talk.hear)
    return talk


def large(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 9."""
    with shop.installation() as one:
        space = made(shop, one, VARIANTS)
        return asyncio.run(_large(one, space, pace))


async def _large(one: Installation, space: str, pace: Pace) -> list[Figure]:
    mine, other = await talk(one, space, 0), await talk(one, space, 1)
    body, _ = await mine.ask({"type": "sync:request"})
    state = json.loads(body)
    if len(state["variants"]) != VARIANTS:
        raise NotMeasured(f"the state has {len(state['variants'])} variants")
    fresh, shared, delta = [], [], []
    for turn in range(pace.repetitions * 2 + 1):
        for place in range(MISSED):
            id = state["variants"][place]["id"]
            wish = {"type": "variant:star", "variant_id": id, "starred": turn % 2 == 0}
            await mine.ask(wish)
            await asyncio.sleep(0.03)
        await asyncio.sleep(3)  # until a state that was dear to build is no longer given away
        body, first = await other.ask({"type": "sync:request"})
        seq = int(SEQ.search(body[:60])[1])  # type: ignore[index]
        _, again = await mine.ask({"type": "sync:request"})
        missed, late = await other.ask({"type": "sync:request", "since": seq - MISSED})
        if len(json.loads(missed)["events"]) != MISSED:
            raise NotMeasured("the delta does not hold the ten events")
        if turn:  # the first one warms
            fresh.append(first)
            shared.append(again)
            delta.append(late)
    note = (
        f"{VARIANTS} variants, {len(body) / 1e6:.1f} MB; from the request to the frame's last byte"
    )
    return [
        figure(
            "9 space of 5,000 variants, full sync after a change",
            "ms",
            fresh,
            hold_to="<= 400 ms",
            holds=lambda value, _: value <= 400,
            note=note,
        ),
        figure("9   … for the next who asks", "ms", shared),
        figure(
            "9   … delta of 10 events",
            "ms",
            delta,
            hold_to="<= 15 ms",
            holds=lambda value, _: value <= 15,
        ),
    ]


@dataclass
class Crowd:
    """What all sockets were told, and how late."""

    delays: list[float] = field(default_factory=list)
    gaps: int = 0

    def hear(self, line: Listener, body: bytes, at: float) -> None:
        """Take one frame."""
        if not body.startswith(b'{"type": "asset:') and not body.startswith(b'{"type": "sync:'):
            return
        seq = int(SEQ.search(body[:80])[1])  # type: ignore[index]
        if body.startswith(b'{"type": "sync:'):
            line.seq = seq
            return
        self.gaps += seq != line.seq + 1
        line.seq = seq
        if sent := SENT.search(body):
            self.delays.append((at - float(sent[1])) * 1000)


def crowd(shop: Workshop, pace: Pace) -> list[Figure]:
    """Row 10."""
    with shop.installation() as one:
        space = made(shop, one, 50)
        web = one.child("uvicorn")
        told, seconds, ends, lost, busy = asyncio.run(follow(one, space, pace.crowd_seconds, web))
        memory = one.memory()["web"]
    events = PER_SECOND * seconds
    note = (
        f"{seconds:.0f} s; {len(told.delays):,} frames; {told.gaps} gaps; {lost} sockets lost; "
        f"ends {sorted(ends)[:3]}; web {memory:.0f} MB, {busy / seconds:.2f} "
        f"cores, {busy / max(1, len(told.delays)) * 1e6:.0f} us of it for each frame"
    )
    whole = len(ends) == 1 and not told.gaps and not lost
    return [
        figure(
            "10 500 sockets, 20 events/s, p95",
            "ms",
            [percentile(told.delays, 0.95)],
            hold_to="<= 300 ms, all at the same seq",
            holds=lambda value, _: value <= 300 and whole,
            note=note,
        ),
        figure("10   … p50", "ms", [percentile(told.delays, 0.5)]),
        figure("10   … frames delivered", "/s", [len(told.delays) / seconds]),
        figure("10   … of those expected", "%", [100 * len(told.delays) / (events * SOCKETS)]),
    ]


async def follow(
    one: Installation, space: str, seconds: float, web: psutil.Process, *, sockets: int = SOCKETS
) -> tuple[Crowd, float, set[int], int, float]:
    told, path = Crowd(), f"/ws/spaces/{space}/"
    lines: list[Listener] = []
    for start in range(0, sockets, 20):
        lines += await asyncio.gather(
            *(
                listener(one.port, path, one.bearer(number), told.hear)
                for number in range(start, min(start + 20, sockets))
            )
        )
    for line in lines:
        line.say({"type": "sync:request"})
    writer = await talk(one, space, 0)
    body, _ = await writer.ask({"type": "sync:request"})
    assets = [asset["id"] for asset in json.loads(body)["assets"]]
    await asyncio.sleep(3)
    before = sum(web.cpu_times()[:2])
    began, count = time.time(), int(PER_SECOND * seconds)
    pinged = began
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.time()))
        writer.line.say(
            {
                "type": "asset:update",
                "asset_id": assets[number % len(assets)],
                "changes": {"name": f"at {time.time():.6f}"},
            }
        )
        if time.time() - pinged > 15:
            pinged = time.time()
            for line in lines:
                line.say({"type": "ping"})
    took = time.time() - began
    until = time.time() + 15
    while time.time() < until and len({line.seq for line in lines}) > 1:
        await asyncio.sleep(0.2)
    await asyncio.sleep(1)
    busy = sum(web.cpu_times()[:2]) - before
    lost = sum(line.closed for line in lines)
    ends = {line.seq for line in lines}
    for line in [*lines, writer.line]:
        line.close()
    return told, took, ends, lost, busy
