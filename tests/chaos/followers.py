"""Clients that follow a stream over its socket and keep a copy of what it is about."""

import contextlib
import json
import threading
import time
from collections.abc import Collection
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.chaos.installation import Installation

#: noun of a frame -> the list of the full state that it belongs to
NOUNS = {
    "asset": "assets",
    "variant": "variants",
    "lineage": "lineage",
    "approval": "approvals",
    "message": "messages",
    "member": "members",
    "plan": "plans",
    "generation": "generations",
    "video": "videos",
    "notice": "notices",
}
#: what a state shows only the newest of: a client that has followed knows more
WINDOWS = {"messages", "approvals", "plans", "generations", "videos", "notices"}
#: moves without a frame: places in the queue, what a percentage makes of the time left
UNTOLD = {"videos": {"queue", "progress", "etag", "estimate", "told"}}
PING_EVERY = 15.0


class Copy:
    """What a client makes of a state and the frames after it."""

    def __init__(self) -> None:
        self.seq = -1
        self.things: dict[str, dict[Any, dict[str, Any]]] = {}
        self.gaps: list[str] = []

    def take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "sync:state":
            self.seq = frame["seq"]
            self.things = {
                name: {thing["id"]: thing for thing in frame[name]}
                for name in NOUNS.values()
                if name in frame
            }
        elif kind == "sync:delta":
            for missed in frame["events"]:
                self._apply(missed)
            if self.seq != frame["seq"]:
                self.gaps.append(f"a delta up to {frame['seq']} ends at {self.seq}")
        elif "seq" in frame:
            self._apply(frame)

    def _apply(self, frame: dict[str, Any]) -> None:
        if frame["seq"] != self.seq + 1:
            self.gaps.append(f"{frame['seq']} follows {self.seq}")
        self.seq = frame["seq"]
        if frame["type"] == "artifact:updated" and "generations" in self.things:
            self._redraw(frame["artifact"])
        for noun, name in NOUNS.items():
            if noun not in frame or name not in self.things:
                continue
            found = frame[noun] if isinstance(frame[noun], list) else [frame[noun]]
            for thing in found:
                self._put(name, thing, gone=frame["type"] == f"{noun}:deleted")

    def _put(self, name: str, thing: dict[str, Any], *, gone: bool) -> None:
        known = self.things[name]
        if gone or (name == "members" and thing.get("role") is None):
            known.pop(thing["id"], None)
        elif known.get(thing["id"], {}).get("version", 0) <= thing.get("version", 0):
            known[thing["id"]] = thing

    def _redraw(self, artifact: dict[str, Any]) -> None:
        """A picture's small pictures, tags or star have changed: where it hangs, too."""
        known = self.things["generations"].get(artifact["generation"], {})
        for output in known.get("outputs", ()):
            if output["artifact"] == artifact["id"]:
                output |= {name: artifact[name] for name in output.keys() & artifact.keys()}

    def differences(self, fresh: "Copy") -> list[str]:
        """How it differs from a state that was fetched just now."""
        found = [f"seq {self.seq}, the server's {fresh.seq}"] if self.seq != fresh.seq else []
        for name, theirs in fresh.things.items():
            mine = self.things.get(name, {})
            for id, thing in theirs.items():
                if id not in mine:
                    found.append(f"{name} {id} was never told")
                elif words := _difference(mine[id], thing, UNTOLD.get(name, set())):
                    found.append(f"{name} {id}: {words}")
            if name not in WINDOWS:
                found += [f"{name} {id} is gone, but not here" for id in mine.keys() - theirs]
        return found


def _difference(mine: Any, theirs: Any, untold: Collection[str] = ()) -> str:
    """What differs, by the names that lead to it."""
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        mine, theirs = dict(enumerate(mine)), dict(enumerate(theirs))
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return "" if mine == theirs else f"{mine!r} != {theirs!r}"[:200]
    found = (
        f"{name}: {words}"
        for name in sorted(mine.keys() | theirs.keys(), key=str)
        if name not in untold and (words := _difference(mine.get(name), theirs.get(name)))
    )
    return "; ".join(found)


class Follower:
    """One client, which comes back whenever its line breaks, and asks for what it missed."""

    def __init__(self, one: Installation, who: str, path: str) -> None:
        self.one, self.who, self.path = one, who, path
        self.copy = Copy()
        self.visits = 0
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> "Follower":
        """Begin."""
        self._thread.start()
        return self

    def leave(self) -> None:
        """End."""
        self._leaving.set()
        self._thread.join(30)

    def fresh(self) -> Copy:
        """What somebody gets who comes just now."""
        copy = Copy()
        with self._connected() as socket:
            socket.send(json.dumps({"type": "sync:request"}))
            while copy.seq < 0:
                copy.take(json.loads(socket.recv(timeout=30)))
        return copy

    def _connected(self) -> ClientConnection:
        address = self.one.machine().url.replace("http://", "ws://", 1)
        headers = {"Authorization": f"Bearer {self.one.tokens[self.who]}"}
        return connect(
            f"{address}{self.path}",
            additional_headers=headers,
            open_timeout=5,
            close_timeout=1,
            max_size=None,
            proxy=None,
        )

    def _follow(self) -> None:
        while not self._leaving.is_set():
            with contextlib.suppress(OSError, WebSocketException, TimeoutError, EOFError):
                self._visit()
            self._leaving.wait(0.3)

    def _visit(self) -> None:
        since = {"since": self.copy.seq} if self.copy.seq >= 0 else {}
        with self._connected() as socket:
            self.visits += 1
            socket.send(json.dumps({"type": "sync:request", **since}))
            pinged = time.monotonic()
            while not self._leaving.is_set():
                if time.monotonic() - pinged > PING_EVERY:
                    socket.send('{"type": "ping"}')
                    pinged = time.monotonic()
                with contextlib.suppress(TimeoutError):
                    self.copy.take(json.loads(socket.recv(timeout=0.5)))
