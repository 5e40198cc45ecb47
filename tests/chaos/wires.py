"""TCP wires between two parties that can be cut, gone silent or swallow what is said."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

CHUNK = 65_536
#: open: all goes through; cut: connections break and none is made; silent: nothing arrives, nobody
#: is told; mute: what is asked arrives, what is answered does not, and then the line breaks
MODES = ("open", "cut", "silent", "mute")


class Wire:
    """Listens on a port of its own and passes everything on to another."""

    def __init__(self, name: str, target: int, host: str = "127.0.0.1") -> None:
        self.name, self.host, self.target = name, host, target
        self.mode = "open"
        self.port = 0
        self._lines: set[_Line] = set()
        self._moved = asyncio.Event()

    async def listen(self) -> None:
        """Open the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=256)
        self.port = server.sockets[0].getsockname()[1]

    async def turn(self, mode: str) -> None:
        """Behave like this from now on."""
        assert mode in MODES
        left, self.mode = self.mode, mode
        self._moved.set()
        self._moved = asyncio.Event()
        if mode == "cut" or left == "mute":
            for line in list(self._lines):
                line.abort()

    async def sever(self) -> None:
        """Break what is connected just now; new connections are made."""
        for line in list(self._lines):
            line.abort()

    async def passable(self, *, back: bool) -> bool:
        """Wait until something may pass; false when it never arrives."""
        while self.mode == "silent":
            await self._moved.wait()
        return not (back and self.mode == "mute")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "cut":
            writer.transport.abort()
            return
        line = _Line([writer])
        self._lines.add(line)
        try:
            await self.passable(back=False)
            there = await asyncio.open_connection(self.host, self.target)
            line.writers.append(there[1])
            await asyncio.gather(
                self._pump(reader, there[1], back=False), self._pump(there[0], writer, back=True)
            )
        except OSError:
            pass
        finally:
            self._lines.discard(line)
            line.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool
    ) -> None:
        while data := await reader.read(CHUNK):
            if await self.passable(back=back):
                writer.write(data)
                await writer.drain()
        await self.passable(back=back)
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()


class _Line:
    """One connection, both halves."""

    def __init__(self, writers: list[asyncio.StreamWriter]) -> None:
        self.writers = writers

    def abort(self) -> None:
        for writer in self.writers:
            with contextlib.suppress(OSError, RuntimeError):
                writer.transport.abort()


class Switchboard:
    """All wires of an installation, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: None)  # broken lines are the point
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.wires: dict[str, Wire] = {}

    def add(self, name: str, target: int) -> Wire:
        """A new wire to a port of this machine."""
        wire = Wire(name, target)
        self._run(wire.listen())
        self.wires[name] = wire
        return wire

    def turn(self, name: str, mode: str) -> None:
        """Have a wire behave like this."""
        self._run(self.wires[name].turn(mode))

    def sever(self, name: str) -> None:
        """Break a wire's present connections."""
        self._run(self.wires[name].sever())

    def open_all(self) -> None:
        """All wires work."""
        for name in self.wires:
            self.turn(name, "open")

    def close(self) -> None:
        """End the thread; every line breaks."""
        for name in self.wires:
            self.turn(name, "cut")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)
