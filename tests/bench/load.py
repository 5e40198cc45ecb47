"""A load client: prepared requests over kept connections, as fast as one process can send them."""

import asyncio
import collections
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

#: what a request was for, its bytes
Request = tuple[object, bytes]


@dataclass
class Answer:
    """One answer: when its request was written (monotonic), how long it took, what it said."""

    tag: object
    sent_at: float
    seconds: float
    status: int
    body: bytes


@dataclass
class Load:
    """What a run of requests came to."""

    seconds: float
    latencies: list[float]
    statuses: collections.Counter[int]

    @property
    def rate(self) -> float:
        """Good answers per second."""
        good = sum(count for status, count in self.statuses.items() if 200 <= status < 400)
        return good / self.seconds if self.seconds else 0.0

    @property
    def failures(self) -> int:
        """Answers that were no good, and connections that broke (status 0)."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 400)

    def percentile(self, share: float) -> float:
        """The latency in seconds that `share` of the requests stayed below."""
        return percentile(self.latencies, share)


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values stay below; NaN without values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def median(values: Iterable[float]) -> float:
    """The median; NaN without values."""
    found = list(values)
    return statistics.median(found) if found else float("nan")


class Connection(asyncio.Protocol):
    """One kept connection: asks for the next request whenever an answer is whole."""

    def __init__(self, next_request: Callable[[], Request | None], told: Callable[[Answer], None]):
        self._next = next_request
        self._told = told
        self._transport: asyncio.Transport | None = None
        self._tag: object = None
        self._sent_at = 0.0
        self._buffer = b""
        self._whole = 0
        self._head = 0
        self.idle = True
        self.is_lost = False
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]
        self.go_on()

    def go_on(self) -> None:
        """Send the next request, or rest until asked to look again."""
        request = self._next()
        if request is None:
            self.idle = True
            return
        self.idle = False
        self._tag, data = request
        self._buffer, self._whole = b"", 0
        self._sent_at = time.perf_counter()
        assert self._transport is not None
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._whole:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = end + 4
            self._whole = self._head + _length(self._buffer[: self._head])
        if len(self._buffer) >= self._whole:
            self._told(
                Answer(
                    self._tag,
                    self._sent_at,
                    time.perf_counter() - self._sent_at,
                    int(self._buffer[9:12]),
                    self._buffer[self._head : self._whole],
                )
            )
            self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if not self.idle:
            passed = time.perf_counter() - self._sent_at
            self._told(Answer(self._tag, self._sent_at, passed, 0, b""))
        if not self.closed.done():
            self.closed.set_result(None)

    def close(self) -> None:
        """End it; what is under way counts as broken."""
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at < 0:
        if b" 304 " in head[:16] or b" 204 " in head[:16]:
            return 0
        raise ValueError("an answer without a length")
    return int(lower[at + 15 : lower.find(b"\r\n", at)])


@dataclass
class Crowd:
    """Some connections that share one line of requests; it may grow while they work."""

    port: int
    clients: int
    told: Callable[[Answer], None]
    waiting: collections.deque[Request] = field(default_factory=collections.deque)
    _connections: list[Connection] = field(default_factory=list)
    _opening: set[asyncio.Future[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Connect."""
        for _ in range(self.clients):
            await self._connect()

    async def _connect(self) -> None:
        _, one = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._take, self.told), "127.0.0.1", self.port
        )
        self._connections.append(one)

    def _take(self) -> Request | None:
        return self.waiting.popleft() if self.waiting else None

    def put(self, requests: Iterable[Request]) -> None:
        """Add requests; connections that rest take them at once, and those that a server closed
        because they rested too long are opened anew."""
        self.waiting.extend(requests)
        self._connections = [one for one in self._connections if not one.is_lost]
        for one in self._connections:
            if self.waiting and one.idle:
                one.go_on()
        missing = min(self.clients - len(self._connections), len(self.waiting))
        for _ in range(missing):
            task = asyncio.ensure_future(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def close(self) -> None:
        """Close all connections."""
        for one in self._connections:
            one.close()


async def press(
    port: int,
    requests: Iterator[Request],
    *,
    clients: int,
    seconds: float | None = None,
    told: Callable[[Answer], None] | None = None,
) -> Load:
    """Send requests from `clients` connections at once until they end or `seconds` have passed.

    Each client sends its next request when it has the last answer.
    """
    latencies: list[float] = []
    statuses: collections.Counter[int] = collections.Counter()
    until = time.perf_counter() + seconds if seconds else float("inf")
    last = time.perf_counter()
    resting = 0
    finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take() -> Request | None:
        nonlocal resting
        request = next(requests, None) if time.perf_counter() < until else None
        if request is None:
            resting += 1
            if resting == clients and not finished.done():
                finished.set_result(None)
        return request

    def tell(answer: Answer) -> None:
        nonlocal last, resting
        last = time.perf_counter()
        latencies.append(answer.seconds)
        statuses[answer.status] += 1
        if told is not None:
            told(answer)
        if answer.status == 0:
            resting += 1
            if resting == clients and not finished.done():
                finished.set_result(None)

    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    opened = [
        (await loop.create_connection(lambda: Connection(take, tell), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    await finished
    for one in opened:
        one.idle = True
        one.close()
    return Load(max(last - began, 1e-9), latencies, statuses)


def http(
    method: str, path: str, *, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method not in {"GET", "HEAD"}:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
