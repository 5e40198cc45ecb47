"""Sockets that follow a stream: accept, check, then a state or what was missed, then live."""

import asyncio
import contextlib
import json
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pkgutil import resolve_name
from typing import Any, ClassVar

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error

from genproj.events import log
from genproj.events.identity import person_behind
from genproj.events.relay import TooOld, relay
from genproj.events.whispers import Reader, whispers
from genproj.kernel.api.problems import HEADERS, DatabaseUnavailable, InternalError, refusal_of
from genproj.kernel.errors import Invalid, Refusal
from genproj.kernel.figures import SOCKETS
from genproj.kernel.logs import component
from genproj.kernel.steps import Step
from genproj.kernel.threads import aside
from genproj.streams import FULL_STATE

UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, SILENT, TOO_SLOW = 4401, 4403, 4404, 4408, 4429
SILENCE = 45.0
SLOWNESS = 10.0
LARGEST_FRAME = 256 * 1024
DEEPEST_FRAME = 16
FRAMES_A_SECOND = 50
#: sockets of one person that a process holds; whoever loses them again and again opens no more
MOST_PER_PERSON = 1000
#: A client that missed more than this is better off with a state.
LONGEST_DELTA = 1000

journal = component("socket")

_open: Counter[int] = Counter()

Frame = dict[str, Any]


class BadFrame(Exception):
    """The client's frame cannot be carried out; `code` is stable."""

    def __init__(self, code: str, detail: str, frame: Frame | None = None) -> None:
        self.code, self.detail, self.frame = code, detail, frame
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
    _counted = 0
    _entered = False

    async def __call__(self, *connection: Any) -> None:
        """Serve one connection. Of one that breaks, or goes while it is answered, nobody tells."""
        try:
            await super().__call__(*connection)
        finally:
            if self._entered:
                await self.disconnect(1006)

    async def connect(self) -> None:
        # Browsers see the close code only of a socket that was open.
        await self.accept()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._may_send = float(FRAMES_A_SECOND)
        self.heard_at = self._judged_at = time.monotonic()
        SOCKETS.inc()
        self._entered = True
        self.user = await person_behind(self.scope, tickets=True)
        if self.user is None:
            await self.let_go(UNAUTHENTICATED)
            return
        if _open[self.user.pk] >= MOST_PER_PERSON:
            await self.let_go(TOO_SLOW)
            return
        self._counted = self.user.pk
        _open[self._counted] += 1
        refused = await self.admit()
        if refused is not None:
            await self.let_go(refused)
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
        self._entered = False
        if self._counted:
            _open[self._counted] -= 1
            if not _open[self._counted]:
                del _open[self._counted]
        self._closed = True
        for task in self._tasks:
            task.cancel()

    async def let_go(self, code: int) -> None:
        """Close with this code; nothing more is read or told."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(OSError):  # it went first
                await self.close(code=code)

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
            await self.let_go(1011)

    async def _watch(self) -> None:
        """Close when the client is silent, or the person may not be here any more."""
        checked = time.monotonic()
        while (left := self.heard_at + SILENCE - time.monotonic()) > 0:
            pause = left if self.CHECK_EVERY is None else min(left, self.CHECK_EVERY)
            await asyncio.sleep(pause)
            if self.CHECK_EVERY is None or time.monotonic() - checked < self.CHECK_EVERY:
                continue
            checked = time.monotonic()
            refused = await self._readmit()
            if refused is not None:
                await self.let_go(refused)
                return
        await self.let_go(SILENT)

    async def _readmit(self) -> int | None:
        """Ask again who it is: sessions end, keys are revoked, people are sent away."""
        with contextlib.suppress(Error):  # a database that is away throws nobody out
            if b"ticket=" in self.scope["query_string"]:
                await aside(_refresh, self.user)
            else:
                self.user = await person_behind(self.scope)
        return UNAUTHENTICATED if self.user is None else await self.admit()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.user is None or self._closed:
            return
        self.heard_at = time.monotonic()
        if self._sends_too_fast(self.heard_at):
            await self.let_go(TOO_SLOW)
            return
        await self._take(text_data)
        self._judged_at = time.monotonic()
        # What waited for us while we were busy came no faster for that.
        spent = (self._judged_at - self.heard_at) * FRAMES_A_SECOND
        self._may_send = min(self._may_send + spent, 5.0 * FRAMES_A_SECOND)

    def _sends_too_fast(self, at: float) -> bool:
        gained = (at - self._judged_at) * FRAMES_A_SECOND
        self._may_send = max(self._may_send, min(self._may_send + gained, FRAMES_A_SECOND)) - 1
        return self._may_send < 0

    async def _take(self, text_data: str | None) -> None:
        frame: Frame = {}
        try:
            frame = _read(text_data)
            name = self.TAKES.get(frame["type"])
            if name is None:
                raise BadFrame("unknown_type", "There is no frame of this type.")
            act: Callable[[Frame], Awaitable[None]] = getattr(self, name)
            await act(frame)
        except BadFrame as error:
            await self.tell_error(error.frame or frame, error.code, error.detail)
        except StopConsumer:
            return  # it is closed; what is to be ended ends with its disconnect
        except Exception as error:  # noqa: BLE001 - every request has one answer
            await self._refuse(frame, refusal_of(error))

    async def _refuse(self, frame: Frame, refusal: Refusal) -> None:
        if isinstance(refusal, InternalError | DatabaseUnavailable):
            journal.exception("frame_failed", kind=frame.get("type"))
        more = {name: value for name, value in refusal.extra.items() if name not in HEADERS}
        if isinstance(refusal, Invalid):
            more["errors"] = refusal.errors
        await self.tell_error(frame, refusal.code, refusal.detail, **more)

    async def pong(self, frame: Frame) -> None:
        """Answer a ping."""
        await self.tell({"type": "pong", **echo(frame)})

    async def tell_error(self, frame: Frame, code: str, detail: str, **more: Any) -> None:
        """Tell the client what was wrong with its frame."""
        await self.tell({"type": "error", "code": code, "detail": detail, **more, **echo(frame)})

    async def tell(self, frame: Frame) -> None:
        """Send one frame."""
        await self.tell_text(json.dumps(frame))

    async def tell_text(self, text: str) -> None:
        """Send one frame that is text already; a client that does not read is let go."""
        if self._closed:
            raise StopConsumer
        try:
            # Nearly always it is done at once, and a timer would cost as much as the sending.
            step = Step(self.base_send({"type": "websocket.send", "text": text}))
            if step.done:
                return
            async with asyncio.timeout(SLOWNESS):
                await step
        except TimeoutError:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.let_go(TOO_SLOW)
            raise StopConsumer from None
        except OSError:  # it has gone; its disconnect is on the way
            raise StopConsumer from None


class StreamConsumer(Consumer, ABC):
    """Follows one stream: `sync:request {since?}`, then every frame once and in order of seq."""

    TAKES: ClassVar[dict[str, str]] = {**Consumer.TAKES, "sync:request": "sync"}
    _pump: asyncio.Task[None] | None = None
    _whispers: asyncio.Task[None] | None = None

    @property
    @abstractmethod
    def stream(self) -> str:
        """The name of the stream that this socket follows."""

    @abstractmethod
    async def state_text(self, frame: Frame) -> tuple[int, str]:
        """The frame with everything that the stream is about, as JSON; and its seq."""

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
        if self._whispers is None:
            self._whispers = self.spawn(self._whispered())

    async def _send_delta(self, since: int, frame: Frame) -> int | None:
        missed = await aside(_missed, self.stream, since)
        if missed is None:
            return None
        cursor = missed[-1].seq if missed else since
        events = log.wires(missed)
        await self.tell({"type": "sync:delta", "seq": cursor, "events": events, **echo(frame)})
        return cursor

    async def _send_state(self, frame: Frame) -> int:
        seq, text = await self.state_text(frame)
        await self.tell_text(text)
        return seq

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

    async def _whispered(self) -> None:
        with contextlib.suppress(StopConsumer):
            async with whispers.follow(self.stream) as reader:
                await self.repeat(reader)

    async def repeat(self, reader: Reader) -> None:
        """Pass on what is whispered."""
        async for text in reader:
            await self.tell_text(text)


class MeConsumer(StreamConsumer):
    """What happens to one person's things."""

    @property
    def stream(self) -> str:
        return f"user:{self.user.pk}"

    async def state_text(self, frame: Frame) -> tuple[int, str]:
        return await aside(self._state_text, frame)

    def _state_text(self, frame: Frame) -> tuple[int, str]:
        # The seq first: what happens in between is told twice, and never missed.
        seq = log.head_of(self.stream)
        state: Frame = {"type": "sync:state", "seq": seq}
        for part in FULL_STATE["user"]:
            state |= resolve_name(part)(self.user.pk)
        return seq, json.dumps({**state, **echo(frame)})


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


def _read(text: str | None) -> Frame:
    """The frame that a text is; BadFrame with what is wrong with it."""
    if text is None:
        raise BadFrame("malformed", "Frames are JSON objects, sent as text.")
    if len(text) > LARGEST_FRAME:
        raise BadFrame("payload_too_large", f"A frame has at most {LARGEST_FRAME} characters.")
    try:
        frame = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadFrame("malformed", "Frames are JSON objects, sent as text.") from None
    known = frame if isinstance(frame, dict) else {}
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise BadFrame("malformed", "Frames are JSON objects with a type.", known)
    if _is_deep(frame, DEEPEST_FRAME):
        raise BadFrame("malformed", "The frame is nested too deeply.", known)
    return frame


def _refuse_constant(word: str) -> None:
    raise ValueError(word)


def _is_deep(value: Any, levels: int) -> bool:
    parts = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    return levels == 0 or any(_is_deep(part, levels - 1) for part in parts)


def echo(frame: Frame) -> Frame:
    """The client's own id of its frame, for the answer."""
    number = frame.get("request_id")
    return {"request_id": number} if isinstance(number, str | int) else {}


def _missed(stream: str, since: int) -> list[log.Frame] | None:
    """The frames after `since`, or None when they are too many or too old."""
    frames = log.since(stream, since, limit=LONGEST_DELTA + 1)
    return None if frames is None or len(frames) > LONGEST_DELTA else frames
