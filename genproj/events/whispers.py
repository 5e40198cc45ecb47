"""Small frames to who follows a stream just now, in every process: never kept, and may be lost."""

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from genproj.kernel import bell
from genproj.kernel.logs import component

CHANNEL = "whispers"
#: What a slow reader may leave unread; the oldest give way.
WAITING = 128
HEARD_WITHIN = 0.25

journal = component("whispers")


def whisper(*, stream: str, frame: Mapping[str, Any]) -> None:
    """Have the followers of `stream` hear `frame`, wherever they are connected. Best effort.

    It comes in no order with the stream's events. Outside a transaction it goes at once.
    """
    text = json.dumps(frame)
    if len(stream) + 1 + len(text) > bell.LONGEST_TEXT:
        journal.warning("too_long", stream=stream, kind=frame.get("type"), size=len(text))
        return
    bell.say(CHANNEL, f"{stream}\n{text}")


class Reader:
    """Who listens to the whispers of one stream. It keeps a few; unread, the oldest are lost."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.loop = asyncio.get_running_loop()
        self._ready: deque[str] = deque(maxlen=WAITING)
        self._woken = asyncio.Event()

    def offer(self, texts: Iterable[str]) -> None:
        """Take frames as text."""
        self._ready.extend(texts)
        self._woken.set()

    def __aiter__(self) -> "Reader":
        return self

    async def __anext__(self) -> str:
        while not self._ready:
            self._woken.clear()
            await self._woken.wait()
        return self._ready.popleft()


class Whispers:
    """Hears what is whispered and hands it to this process's readers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: dict[str, set[Reader]] = {}
        self._thread: threading.Thread | None = None
        self._listening = threading.Event()
        self._stopping = threading.Event()

    @asynccontextmanager
    async def follow(self, stream: str) -> AsyncIterator[Reader]:
        """The whispers of `stream` from now on, as text."""
        self.start()
        reader = Reader(stream)
        with self._lock:
            self._readers.setdefault(stream, set()).add(reader)
        try:
            yield reader
        finally:
            with self._lock:
                readers = self._readers[stream]
                readers.discard(reader)
                if not readers:
                    del self._readers[stream]

    def start(self) -> None:
        """Begin to listen, unless it already does; what is whispered after this is heard."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._stopping.clear()
            self._listening.clear()
            self._thread = threading.Thread(target=self._run, name="whispers", daemon=True)
            self._thread.start()
        self._listening.wait(1)

    def stop(self) -> None:
        """Stop listening."""
        thread = self._thread
        if thread is not None:
            self._stopping.set()
            thread.join(5)

    def _run(self) -> None:
        listener = bell.listen(CHANNEL)
        self._listening.set()
        try:
            while not self._stopping.is_set():
                by_stream: dict[str, list[str]] = {}
                for message in listener.texts(HEARD_WITHIN):
                    stream, _, text = message.partition("\n")
                    by_stream.setdefault(stream, []).append(text)
                for stream, texts in by_stream.items():
                    self._hand(stream, texts)
        finally:
            listener.close()

    def _hand(self, stream: str, texts: list[str]) -> None:
        """One crossing into each loop."""
        with self._lock:
            readers = list(self._readers.get(stream, ()))
        for loop in {reader.loop for reader in readers}:
            theirs = [reader for reader in readers if reader.loop is loop]
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_offer, theirs, texts)


def _offer(readers: Iterable[Reader], texts: list[str]) -> None:
    for reader in readers:
        reader.offer(texts)


#: This process's own.
whispers = Whispers()
