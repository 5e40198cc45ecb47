"""Generations of a bench installation: asked for by the API, delivered in a provider's words."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.bench.installation import Installation, NotMeasured, wait_until
from tests.bench.load import Answer, Load, Request, http, press
from tests.bench.provider import delivery, delivery_body

PATH = "/api/v1/generations/"
WISH = {
    "model": "runware:100@1",
    "prompt": "a lighthouse in fog",
    "width": 1024,
    "height": 1024,
    "output_format": "JPEG",
}


def creation(one: Installation, number: int, *, count: int = 4) -> bytes:
    """The request that asks for a generation of `count`, as one of the people."""
    wish = WISH | {"count": count, "prompt": f"{WISH['prompt']} {number}"}
    return http("POST", PATH, body=json.dumps(wish).encode(), headers=[one.bearer(number)])


def creations(one: Installation) -> Iterator[Request]:
    """Such requests without end; the people take turns."""
    return ((number, creation(one, number)) for number in itertools.count(1))


async def create(one: Installation, count: int) -> Load:
    """Ask for `count` generations of four, quickly."""
    refused: list[Answer] = []

    def told(answer: Answer) -> None:
        if answer.status != 202:
            refused.append(answer)

    load = await press(one.port, itertools.islice(creations(one), count), clients=16, told=told)
    if refused:
        words = refused[0].body[:200].decode(errors="replace")
        raise NotMeasured(f"a generation was not accepted: {refused[0].status} {words}")
    return load


async def open_generations(one: Installation, count: int) -> list[dict[str, Any]]:
    """`count` generations of four that the provider has accepted and not answered; its tasks."""
    before = {task["id"] for task in one.provider.tasks()}
    await create(one, count)
    waiting = "SELECT count(*) FROM generations_registerentry WHERE dispatched_at IS NULL"
    await asyncio.to_thread(
        wait_until, lambda: one.count(waiting) == 0, 30 + count / 10, "all entries to be accepted"
    )
    return [task for task in one.provider.tasks() if task["id"] not in before]


def deliveries(one: Installation, tasks: Sequence[dict[str, Any]]) -> list[Request]:
    """One delivery for each picture of the tasks: all first ones come first."""
    found: list[Request] = []
    for number in range(max((task["count"] for task in tasks), default=0)):
        for task in tasks:
            if number < task["count"]:
                place = (hash(task["id"]) + number) % 300
                address = f"{one.provider.url}/cdn/{place}.jpg?of={task['id']}-{number}"
                body = delivery_body(task["id"], number, address)
                found.append(((task["id"], number), delivery(task["callback"], body)))
    return found


def knocks(tasks: Sequence[dict[str, Any]]) -> Iterator[Request]:
    """Deliveries without end, no two alike, each authentic for an open entry."""
    doors = []
    for task in tasks:
        parts = urlsplit(task["callback"])
        size = len(delivery_body(task["id"], 0, "http://127.0.0.1/cdn/0000000000.jpg"))
        empty = http("POST", f"{parts.path}?{parts.query}", body=b"#" * size)
        doors.append((task["id"], empty[: -size or None]))
    for number in itertools.count():
        task, head = doors[number % len(doors)]
        yield number, head + delivery_body(task, 0, f"http://127.0.0.1/cdn/{number:010}.jpg")


def artifacts_catalogued(one: Installation) -> int:
    """How many pictures the catalogue holds."""
    return one.count("SELECT count(*) FROM generations_artifact")
