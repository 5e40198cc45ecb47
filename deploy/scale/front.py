"""A small front for several webs on one machine: `python -m deploy.scale.front PORT WEB_PORT …`.

It reads the head of one request, sends it to the next web that is well, and from there on only
pumps bytes, so that sockets and event streams pass. Each connection carries one request
(`Connection: close`), for three reasons: requests are spread instead of connections; nobody can
hide an address of his own in a later head that is not read; and a web that is restarted holds no
kept connection into which a request could be sent and lost.

X-Forwarded-For is replaced by the address that is seen, as `deploy/nginx` does it. A request is
given to another web only when no byte of it has been sent: it might be done twice otherwise.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass

LONGEST_HEAD = 64 * 1024
CHUNK = 64 * 1024
CHECK_EVERY = 0.25
CHECK_TIMEOUT = 2.0
#: slow answers in a row after which a web counts as gone; a refused connection counts at once
MOST_SILENT = 3
CONNECT_TIMEOUT = 2.0
HEAD_TIMEOUT = 60.0
#: how long a request is held while no web takes it
PATIENCE = 5.0
#: what a client may not say to the webs; they believe what stands here
OURS = (b"connection:", b"keep-alive:", b"proxy-connection:", b"forwarded:", b"x-forwarded-")
CHECK = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 2\r\n"
    b"Content-Length: 20\r\nConnection: close\r\n\r\nNo web process now.\n"
)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def closed_after(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close a connection at the end, whoever broke it off before."""
    try:
        with contextlib.suppress(ConnectionError):
            yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@dataclass
class Web:
    """One web process, as it was last seen."""

    port: int
    is_well: bool = True
    silent: int = 0

    async def connect(self) -> Streams:
        """A connection to it; OSError when there is none."""
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await asyncio.open_connection("127.0.0.1", self.port)

    async def check(self) -> None:
        """Look whether it takes requests."""
        status: list[bytes] = []
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                reader, writer = await self.connect()
                async with closed_after(writer):
                    writer.write(CHECK)
                    status = (await reader.readline()).split()
            self.is_well, self.silent = status[1:2] == [b"200"], 0
        except TimeoutError:
            self.silent += 1
            self.is_well = self.is_well and self.silent < MOST_SILENT
        except OSError:
            self.is_well = False


class Front:
    """The webs in turn, those that are well before the others."""

    def __init__(self, ports: list[int]) -> None:
        self.webs = [Web(port) for port in ports]
        self._turn = 0

    async def watch(self, web: Web) -> None:
        """Look after one web for ever."""
        while True:
            await web.check()
            await asyncio.sleep(CHECK_EVERY)

    def order(self) -> list[Web]:
        """Whom to try, in this order."""
        self._turn += 1
        turned = self.webs[self._turn % len(self.webs) :] + self.webs[: self._turn % len(self.webs)]
        return sorted(turned, key=lambda web: not web.is_well)

    async def connection(self) -> Streams | None:
        """A connection to a web that takes one; None when none did for a while."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for web in self.order():
                try:
                    return await web.connect()
                except OSError:  # TimeoutError is one
                    web.is_well = False
            await asyncio.sleep(CHECK_EVERY)
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, which is one request."""
        async with closed_after(writer):
            try:
                async with asyncio.timeout(HEAD_TIMEOUT):
                    head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                return
            web = await self.connection()
            if web is None:
                writer.write(AWAY)
                await writer.drain()
                return
            async with closed_after(web[1]):
                web[1].write(rewritten(head, str(writer.get_extra_info("peername")[0])))
                await both(pump(reader, web[1]), pump(web[0], writer))


def rewritten(head: bytes, address: str) -> bytes:
    """A request's head with what the webs are to believe about who sent it."""
    first, *lines = head[:-4].split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(OURS)]
    upgrade = any(line.lower().startswith(b"upgrade:") for line in kept)
    told = [
        b"Connection: " + (b"Upgrade" if upgrade else b"close"),
        b"X-Forwarded-For: " + address.encode(),
        b"X-Forwarded-Proto: http",
    ]
    return b"\r\n".join([first, *kept, *told, b"", b""])


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Carry bytes until there are no more, no faster than they are taken."""
    while chunk := await source.read(CHUNK):
        target.write(chunk)
        await target.drain()


async def both(*pumps: Coroutine[None, None, None]) -> None:
    """Run both directions until either ends."""
    tasks = [asyncio.ensure_future(one) for one in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run(port: int, webs: list[int]) -> None:
    """Serve on a loopback port until SIGTERM; what runs then is finished."""
    front, stop = Front(webs), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    watching = [asyncio.ensure_future(front.watch(web)) for web in front.webs]
    server = await asyncio.start_server(
        front.serve, "127.0.0.1", port, limit=LONGEST_HEAD, backlog=1024
    )
    async with server:
        await stop.wait()
    for task in watching:
        task.cancel()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
