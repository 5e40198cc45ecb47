"""Sockets that follow a stream: accept, check, then a state or what was missed, then live."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from pkgutil import resolve_name
from typing import Any, ClassVar

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error

from genproj.events import log
from genproj.events.identity import person_behind
from genproj.events.relay import TooOld, relay
from genproj.kernel.figures import SOCKETS
from genproj.kernel.logs import component
from genproj.kernel.threads import aside
from genproj.streams import FULL_STATE

UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, SILENT, TOO_SLOW = 4401, 4403, 4404, 4408, 4429
SILENCE = 45.0
SLOWNESS = 10.0
#: A client that missed more than this is better off with a state.
LONGEST_DELTA = 1000

journal = component("socket")

Frame = dict[str, Any]


class BadFrame(Exception):
    """The client's frame cannot be carried out; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(detail)


class Consumer(AsyncWebsocketConsumer):
    """A socket of a signed-in person. Frames are JSON objects with a `type`."""

    #: frame type -> name of the method that takes it
    TAKES: ClassVar[dict[str, str]] = {"ping": "pong"}
    #: seconds between two looks whether the person may still be here; None: never
    CHECK_EVERY: ClassVar[float | None] = 30.0
    # Frames come from the relay: a channel layer would cost a waiting read for each socket.
    channel_layer_alias = "none"

    user: Any = None

    async def connect(self) -> None:
        # Browsers see the close code only of a socket that was open.
        await self.accept()
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard = time.monotonic()
        SOCKETS.inc()
        self.user = await person_behind(self.scope, tickets=True)
        if self.user is None:
            await self.close(code=UNAUTHENTICATED)
            return
        refused = await self.admit()
        if refused is not None:
            await self.close(code=refused)
            return
        self.spawn(self._watch())
        await self.begin()

    async def admit(self) -> int | None:
        """The code to close with when this person may not be here (any more)."""
        if self.user.is_active:
            return None
        return UNAUTHENTICATED

    async def begin(self) -> None:
        """What happens once the person is let in."""

    async def disconnect(self, code: int) -> None:
        SOCKETS.dec()
        for task in self._tasks:
            task.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the socket until it closes."""
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - else the socket would stay open and say nothing
            journal.exception("socket_task_failed")
            await self.close(code=1011)

    async def _watch(self) -> None:
        """Close when the client is silent, or the person may not be here any more."""
        checked = time.monotonic()
        while (left := self._heard + SILENCE - time.monotonic()) > 0:
            pause = left if self.CHECK_EVERY is None else min(left, self.CHECK_EVERY)
            await asyncio.sleep(pause)
            if self.CHECK_EVERY is None or time.monotonic() - checked < self.CHECK_EVERY:
                continue
            checked = time.monotonic()
            refused = await self._readmit()
            if refused is not None:
                await self.close(code=refused)
                return
        await self.close(code=SILENT)

    async def _readmit(self) -> int | None:
        """Ask again who it is: sessions end, keys are revoked, people are sent away."""
        with contextlib.suppress(Error):  # a database that is away throws nobody out
            if b"ticket=" in self.scope["query_string"]:
                await aside(_refresh, self.user)
            else:
                self.user = await person_behind(self.scope)
        return UNAUTHENTICATED if self.user is None else await self.admit()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.user is None:
            return
        self._heard = time.monotonic()
        frame: Any = None
        try:
            frame = json.loads(text_data or "")
        except (ValueError, RecursionError):
            await self.tell_error({}, "malformed", "Frames are JSON objects, sent as text.")
            return
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            known = frame if isinstance(frame, dict) else {}
            await self.tell_error(known, "malformed", "Frames are JSON objects with a type.")
            return
        name = self.TAKES.get(frame["type"])
        if name is None:
            await self.tell_error(frame, "unknown_type", "There is no frame of this type.")
            return
        act: Callable[[Frame], Awaitable[None]] = getattr(self, name)
        try:
            await act(frame)
        except BadFrame as error:
            await self.tell_error(frame, error.code, error.detail)

    async def pong(self, frame: Frame) -> None:
        """Answer a ping."""
        await self.tell({"type": "pong", **_echo(frame)})

    async def tell_error(self, frame: Frame, code: str, detail: str) -> None:
        """Tell the client what was wrong with its frame."""
        await self.tell({"type": "error", "code": code, "detail": detail, **_echo(frame)})

    async def tell(self, frame: Frame) -> None:
        """Send one frame."""
        await self.tell_text(json.dumps(frame))

    async def tell_text(self, text: str) -> None:
        """Send one frame that is text already; a client that does not read is let go."""
        try:
            async with asyncio.timeout(SLOWNESS):
                await self.send(text_data=text)
        except TimeoutError:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.close(code=TOO_SLOW)
            raise StopConsumer from None


class StreamConsumer(Consumer):
    """Follows one stream: `sync:request {since?}`, then every frame once and in order of seq."""

    TAKES: ClassVar[dict[str, str]] = {**Consumer.TAKES, "sync:request": "sync"}
    _pump: asyncio.Task[None] | None = None

    @property
    def stream(self) -> str:
        """The name of the stream that this socket follows."""
        raise NotImplementedError

    def full_state(self) -> Frame:
        """Everything that the stream is about, as JSON; called in a thread."""
        raise NotImplementedError

    async def sync(self, frame: Frame) -> None:
        """Answer with exactly what was missed, or with all; then go on live."""
        since = frame.get("since")
        if since is not None and (isinstance(since, bool) or not isinstance(since, int)):
            raise BadFrame("validation_failed", "`since` is a seq: a whole number.")
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        cursor = await self._send_delta(since, frame) if since is not None and since >= 0 else None
        if cursor is None:
            cursor = await self._send_state(frame)
        self._pump = self.spawn(self._live(cursor))

    async def _send_delta(self, since: int, frame: Frame) -> int | None:
        missed = await aside(_missed, self.stream, since)
        if missed is None:
            return None
        cursor = missed[-1].seq if missed else since
        events = log.wires(missed)
        await self.tell({"type": "sync:delta", "seq": cursor, "events": events, **_echo(frame)})
        return cursor

    async def _send_state(self, frame: Frame) -> int:
        seq, text = await aside(self._state_text, frame)
        await self.tell_text(text)
        return seq

    def _state_text(self, frame: Frame) -> tuple[int, str]:
        # The seq first: what happens in between is told twice, and never missed.
        seq = log.head_of(self.stream)
        state = {"type": "sync:state", "seq": seq, **self.full_state(), **_echo(frame)}
        return seq, json.dumps(state)

    async def _live(self, cursor: int) -> None:
        while True:
            try:
                async with relay.follow(self.stream, after=cursor) as frames:
                    async for frame in frames:
                        await self.tell_text(frame.text)
            except TooOld:
                cursor = await self._send_state({})
            except StopConsumer:
                return


class MeConsumer(StreamConsumer):
    """What happens to one person's things."""

    @property
    def stream(self) -> str:
        return f"user:{self.user.pk}"

    def full_state(self) -> Frame:
        state: Frame = resolve_name(FULL_STATE["user"])(self.user.pk)
        return state


class StaffConsumer(Consumer):
    """Type and id of whatever happens anywhere: pages of staff read again. No stream, no seq."""

    async def admit(self) -> int | None:
        refused = await super().admit()
        return FORBIDDEN if refused is None and not self.user.is_staff else refused

    async def begin(self) -> None:
        self.spawn(self._repeat())

    async def _repeat(self) -> None:
        with contextlib.suppress(StopConsumer):
            async with relay.everything() as news:
                async for kind, number in news:
                    await self.tell({"type": kind, "id": number})


def _refresh(user: Any) -> None:
    """What may have been taken from the person since; nothing is ever added."""
    known = type(user).objects.filter(pk=user.pk).values_list("is_active", "is_staff").first()
    active, staff = known or (False, False)
    user.is_active, user.is_staff = active and user.is_active, staff and user.is_staff


def _echo(frame: Frame) -> Frame:
    """The client's own id of its frame, for the answer."""
    number = frame.get("request_id")
    return {"request_id": number} if isinstance(number, str | int) else {}


def _missed(stream: str, since: int) -> list[log.Frame] | None:
    """The frames after `since`, or None when they are too many or too old."""
    frames = log.since(stream, since, limit=LONGEST_DELTA + 1)
    return None if frames is None or len(frames) > LONGEST_DELTA else frames
