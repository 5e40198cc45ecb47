"""A provider and its files in one process: takes tasks, says so, and delivers when told.

`python -m tests.bench.provider PORT FOLDER`; steered by `PUT /control` and read by
`GET /control/…`. It paints nothing: its pictures are prepared files, served from memory.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from tests.bench.load import Answer, Crowd, http
from tests.bench.pictures import prepare

SENDERS = 32


def delivery_body(task: str, number: int, address: str) -> bytes:
    """A delivery of one picture, as Runware words it."""
    item = {
        "taskType": "imageInference",
        "taskUUID": task,
        "imageUUID": f"{number:08x}-{task[9:]}",
        "imageURL": address,
        "seed": number + 1,
        "cost": 0.0013,
    }
    return json.dumps({"data": [item]}).encode()


def delivery(callback: str, body: bytes) -> bytes:
    """The request that posts a body to a callback address."""
    parts = urlsplit(callback)
    return http("POST", f"{parts.path}?{parts.query}", body=body)


@dataclass
class Provider:
    """What it was asked for, and how it is to behave."""

    port: int
    pictures: list[bytes]
    #: seconds it takes to accept a task
    delay: float = 0.0
    #: seconds from acceptance to its deliveries; None: it never delivers by itself
    deliver_after: float | None = None
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: rows of task, number, when it was sent (wall clock), seconds to the answer, status
    sent: list[tuple[str, int, float, float, int]] = field(default_factory=list)
    crowds: dict[int, Crowd] = field(default_factory=dict)

    def address(self, task: str, number: int) -> str:
        """Where a task's picture lies."""
        place = (int(task.replace("-", "")[-8:], 16) + number) % len(self.pictures)
        return f"http://127.0.0.1:{self.port}/cdn/{place}.jpg?of={task}-{number}"

    def take(self, tasks: list[dict[str, Any]]) -> dict[str, Any]:
        """The answer to an array of tasks."""
        data: list[dict[str, Any]] = []
        for task in tasks:
            kind, number = task.get("taskType"), task.get("taskUUID", "")
            item = {"taskType": kind, "taskUUID": number}
            if kind == "imageInference" and number not in self.tasks:
                self.tasks[number] = {
                    "id": number,
                    "count": task.get("numberResults", 1),
                    "callback": task.get("webhookURL"),
                }
                if self.deliver_after is not None:
                    loop = asyncio.get_running_loop()
                    loop.call_later(self.deliver_after, self._deliver, number)
            elif kind == "getResponse":
                item |= {"taskType": "imageInference", "status": "processing"}
            elif kind == "modelSearch":
                item |= {"results": [], "totalResults": 0}
            data.append(item)
        return {"data": data}

    def _deliver(self, task: str) -> None:
        row = self.tasks[task]
        crowd = self.crowds.get(urlsplit(row["callback"]).port or 0)
        if crowd is None:
            return
        crowd.put(
            ((task, n), delivery(row["callback"], delivery_body(task, n, self.address(task, n))))
            for n in range(row["count"])
        )

    def note(self, answer: Answer) -> None:
        """Write down when a delivery was sent."""
        task, number = answer.tag  # type: ignore[misc]
        at = time.time() - (time.perf_counter() - answer.sent_at)
        self.sent.append((task, number, at, answer.seconds, answer.status))

    async def steer(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Change how it behaves; `deliver_to` opens the connections to an application."""
        self.delay = wish.get("delay", self.delay)
        self.deliver_after = wish.get("deliver_after", self.deliver_after)
        if wish.get("forget"):
            self.tasks.clear()
            self.sent.clear()
        for crowd in self.crowds.values():
            crowd.close()
        self.crowds.clear()
        if port := wish.get("deliver_to"):
            self.crowds[port] = Crowd(port, SENDERS, self.note)
            await self.crowds[port].open()
        return {"delay": self.delay, "deliver_after": self.deliver_after}


class Door(asyncio.Protocol):
    """One kept connection of whoever asks."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            first = self._buffer[:end].split(b"\r\n", 1)[0].decode().split(" ")
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(first[0], first[1], body)

    def _answer(self, method: str, path: str, body: bytes) -> None:
        us = self._provider
        if path.startswith("/cdn/"):
            place = int(path[5:].split(".", 1)[0])
            self._write(us.pictures[place], kind=b"image/jpeg")
        elif path == "/control" and method == "PUT":
            task = asyncio.ensure_future(us.steer(json.loads(body)))
            task.add_done_callback(lambda done: self._json(done.result()))
        elif path == "/control/count":
            self._json({"tasks": len(us.tasks), "sent": len(us.sent)})
        elif path == "/control/tasks":
            self._json(list(us.tasks.values()))
        elif path == "/control/sent":
            self._json(us.sent)
        elif us.delay:
            asyncio.get_running_loop().call_later(us.delay, self._take, body)
        else:
            self._take(body)

    def _take(self, body: bytes) -> None:
        self._json(self._provider.take(json.loads(body)))

    def _json(self, value: Any) -> None:
        self._write(json.dumps(value).encode(), kind=b"application/json")

    def _write(self, body: bytes, *, kind: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
        self._transport.writelines([head % (kind, len(body)), body])


async def serve(port: int, folder: Path) -> None:
    """Serve until killed."""
    provider = Provider(port, prepare(folder))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Door(provider), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
