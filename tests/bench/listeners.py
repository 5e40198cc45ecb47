"""WebSocket clients that cost next to nothing, so that what is measured is the server."""

import asyncio
import base64
import json
import os
import struct
import time
from collections.abc import Callable
from typing import Any

Told = Callable[["Listener", bytes, float], None]


class Listener(asyncio.Protocol):
    """One socket: takes the server's frames apart and hands each on, with the moment it came."""

    def __init__(self, path: str, header: tuple[str, str], told: Told) -> None:
        self.path, self.header, self.told = path, header, told
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.seq = 0
        self.closed = False
        self._bytes = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        name, value = self.header
        transport.write(
            (
                f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                f"Sec-WebSocket-Version: 13\r\n{name}: {value}\r\n\r\n"
            ).encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed while opening"))

    def data_received(self, data: bytes) -> None:
        at = time.time()
        self._bytes += data
        if not self.opened.done():
            head, mark, rest = self._bytes.partition(b"\r\n\r\n")
            if not mark:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.opened.set_exception(ConnectionError(head[:100].decode()))
                return
            self._bytes = bytearray(rest)
            self.opened.set_result(None)
        place = 0
        while (frame := self._frame(place)) is not None:
            kind, body, place = frame
            if kind == 1:
                self.told(self, body, at)
            elif kind == 9:
                self._write(10, body)
            elif kind == 8:
                self.closed = True
        if place:
            del self._bytes[:place]

    def _frame(self, place: int) -> tuple[int, bytes, int] | None:
        """Opcode, payload and end of the frame at `place`, if all of it is here."""
        held = self._bytes
        if len(held) < place + 2:
            return None
        size, start = held[place + 1] & 127, place + 2
        if size == 126:
            if len(held) < start + 2:
                return None
            (size,), start = struct.unpack_from("!H", held, start), start + 2
        elif size == 127:
            if len(held) < start + 8:
                return None
            (size,), start = struct.unpack_from("!Q", held, start), start + 8
        if len(held) < start + size:
            return None
        return held[place] & 15, bytes(held[start : start + size]), start + size

    def say(self, frame: dict[str, Any]) -> None:
        """Send a frame."""
        self._write(1, json.dumps(frame).encode())

    def _write(self, opcode: int, body: bytes) -> None:
        size = len(body)
        head = bytes([128 | opcode, 128 | size]) if size < 126 else None
        if head is None:
            head = bytes([128 | opcode, 254]) + struct.pack("!H", size)
        self._transport.write(head + b"\0\0\0\0" + body)  # a mask of zeros changes nothing

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


async def listener(port: int, path: str, header: tuple[str, str], told: Told) -> Listener:
    """An open socket."""
    loop = asyncio.get_running_loop()
    _, found = await loop.create_connection(lambda: Listener(path, header, told), "127.0.0.1", port)
    await asyncio.wait_for(found.opened, 30)
    return found
