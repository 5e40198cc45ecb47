"""One HTTP exchange over raw ASGI, including the ways in which a bad day breaks it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_LIMIT = 64 * 1024 * 1024


class TooLarge(Exception):
    """The request body is larger than any provider would take."""


class Exchange:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query = {
            key: values[-1] for key, values in parse_qs(scope["query_string"].decode()).items()
        }
        self.headers = {
            key.decode("latin-1").lower(): value.decode("latin-1")
            for key, value in scope["headers"]
        }
        self.status: int | None = None
        self.about: list[str] = []  # the tasks that it concerns, where the body does not say
        self._receive = receive
        self._send = send
        self._body: bytes | None = None

    @property
    def origin(self) -> str:
        return f"http://{self.headers.get('host', '127.0.0.1')}"

    async def body(self) -> bytes:
        if self._body is None:
            parts, size, more = [], 0, True
            while more:
                message = await self._receive()
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                more = message.get("more_body", False)
                if size > BODY_LIMIT:
                    raise TooLarge
            self._body = b"".join(parts)
        return self._body

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        pairs = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def chunk(self, content: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})

    async def answer(
        self,
        status: int,
        content: bytes,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        length = str(len(content))
        await self.start(
            status, {"content-type": content_type, "content-length": length, **(headers or {})}
        )
        await self.chunk(b"" if self.method == "HEAD" else content)

    async def json(self, status: int, value: Any) -> None:
        content = json.dumps(value).encode()
        await self.answer(status, content, "application/json")

    @property
    def gone(self) -> bool:
        """Whether the caller has hung up; uvicorn swallows what is sent to nobody."""
        return bool(getattr(getattr(self._send, "__self__", None), "disconnected", False))

    async def hang_up(self) -> None:
        """Close the connection where it stands; what was written before still goes out."""
        # ASGI has no word for this: uvicorn's cycle, whose method `send` is, holds the transport.
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError("this server cannot hang up: run the sandbox under uvicorn")
        await asyncio.sleep(0.02)
        transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass
