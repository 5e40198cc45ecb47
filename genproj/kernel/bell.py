"""Doorbells between processes: a ring carries names, may be lost, and costs microseconds.

Unix datagram sockets in RUN_DIR on one host, NOTIFY on PostgreSQL, PUBLISH when there is a Redis.
"""

import atexit
import contextlib
import hashlib
import itertools
import os
import socket
import tempfile
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError, connection

LONGEST_MESSAGE = 4000
#: NOTIFY carries less than 8,000 bytes.
LONGEST_TEXT = 7900
LONGEST_SOCKET_PATH = 90
#: A socket's queue may hold as few as ten; whoever says something waits so long for its turn.
PATIENCE = 0.01
MOST_AT_ONCE = 500
SUBSCRIBED_WITHIN = 2.0


class Listener(Protocol):
    """Hears the rings of one channel from when it was made until it is closed."""

    def wait(self, timeout: float) -> set[str]:
        """The names rung since the last call; waits up to `timeout` seconds for the first."""

    def texts(self, timeout: float) -> list[str]:
        """What was said since the last call, in order; waits like `wait`."""

    def close(self) -> None:
        """Stop listening."""


def ring(channel: str, names: Collection[str]) -> int | None:
    """Ring for `names`. How many listeners heard it; None when that cannot be known.

    Best effort: a ring that cannot be delivered is dropped, because rows are looked at anyway.
    """
    return _send(channel, "\n".join(sorted(names))[:LONGEST_MESSAGE], patience=0)


def say(channel: str, text: str) -> int | None:
    """Have the listeners of a channel hear a text of at most LONGEST_TEXT bytes, or lose it."""
    return _send(channel, text, patience=PATIENCE)


def _send(channel: str, message: str, *, patience: float) -> int | None:
    if settings.REDIS_URL:
        return _ring_redis(channel, message)
    if connection.vendor == "postgresql":
        _ring_postgres(channel, message)
        return None
    return _ring_sockets(channel, message, patience)


def listen(channel: str) -> Listener:
    """Begin to hear `channel`."""
    if settings.REDIS_URL:
        return _RedisListener(channel)
    if connection.vendor == "postgresql":
        return _PostgresListener(channel)
    return _SocketListener(channel)


def _folder(channel: str) -> Path:
    """Where this installation's sockets for `channel` live; short enough for a socket's name."""
    folder = Path(settings.RUN_DIR) / "bell" / channel
    if len(str(folder)) > LONGEST_SOCKET_PATH:
        mark = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"genproj-{os.getuid()}-{mark}"
    return folder


_numbers = itertools.count(1)
_sender_lock = threading.Lock()
_sender: socket.socket | None = None


def _ring_sockets(channel: str, message: str, patience: float) -> int:
    global _sender
    heard = 0
    with _sender_lock:
        if _sender is None:
            _sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            atexit.register(_sender.close)
        _sender.settimeout(patience)
        try:
            sockets = list(os.scandir(_folder(channel)))
        except FileNotFoundError:
            return 0
        for entry in sockets:
            try:
                _sender.sendto(message.encode(), entry.path)
                heard += 1
            except (BlockingIOError, TimeoutError):
                heard += 1  # its buffer is full of rings: it will look
            except ConnectionRefusedError:
                with contextlib.suppress(FileNotFoundError):
                    Path(entry.path).unlink()  # its process died
            except OSError:
                continue
    return heard


def _names(texts: list[str]) -> set[str]:
    return {name for text in texts for name in text.split("\n")}


class _SocketListener:
    def __init__(self, channel: str) -> None:
        folder = _folder(channel)
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}-{next(_numbers)}"
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))

    def wait(self, timeout: float) -> set[str]:
        return _names(self.texts(timeout))

    def texts(self, timeout: float) -> list[str]:
        heard: list[str] = []
        self._socket.settimeout(max(timeout, 0.001))
        try:
            heard.append(self._socket.recv(LONGEST_TEXT + 1).decode())
            self._socket.settimeout(0)
            while len(heard) < MOST_AT_ONCE:
                heard.append(self._socket.recv(LONGEST_TEXT + 1).decode())
        except (TimeoutError, BlockingIOError):
            return heard
        except OSError:
            return heard  # closed while waiting
        return heard

    def close(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        self._socket.close()


_redis_client: Any = None


def _redis() -> Any:
    global _redis_client
    if _redis_client is None:
        import redis

        _redis_client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2
        )
    return _redis_client


def _redis_name(channel: str) -> str:
    """A channel of this installation: PUBLISH reaches every database of a server, and a neighbour
    who hears a ring would let it pass for heard."""
    from redis.connection import parse_url

    where = parse_url(settings.REDIS_URL)  # type: ignore[no-untyped-call]
    return f"genproj:{where.get('db', 0)}:{channel}"


def _ring_redis(channel: str, message: str) -> int:
    import redis

    try:
        return int(_redis().publish(_redis_name(channel), message))
    except redis.RedisError:
        return 0


class _RedisListener:
    def __init__(self, channel: str) -> None:
        import redis

        self._broken: tuple[type[Exception], ...] = (redis.RedisError, OSError, ValueError)
        self._channel = _redis_name(channel)
        self._pubsub: Any = None
        self._open()

    def _open(self) -> None:
        import redis

        # Held, because a client that is collected closes the connections of its subscriptions.
        self._client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=None)
        self._pubsub = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        with contextlib.suppress(*self._broken):
            self._pubsub.subscribe(self._channel)
            # The first to come is the word that it is so; what is said from now on is heard.
            self._pubsub.get_message(timeout=SUBSCRIBED_WITHIN)

    def wait(self, timeout: float) -> set[str]:
        return _names(self.texts(timeout))

    def texts(self, timeout: float) -> list[str]:
        heard: list[str] = []
        try:
            message = self._pubsub.get_message(timeout=timeout)
            while message:
                heard.append(message["data"].decode())
                if len(heard) >= MOST_AT_ONCE:
                    break
                message = self._pubsub.get_message(timeout=0)
        except self._broken:
            threading.Event().wait(min(timeout, 0.5))
            self._open()
        return heard

    def close(self) -> None:
        with contextlib.suppress(*self._broken):
            self._pubsub.close()


def _ring_postgres(channel: str, message: str) -> None:
    with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [f"genproj_{channel}", message])


class _PostgresListener:
    """Holds a connection of its own: LISTEN ends with the session that asked for it."""

    def __init__(self, channel: str) -> None:
        import psycopg

        self._channel = f"genproj_{channel}"
        self._connection: Any = None
        with contextlib.suppress(psycopg.Error):  # it is tried again by whoever waits
            self._connection = self._open()

    def _open(self) -> Any:
        import psycopg
        from psycopg import sql

        parameters = connection.get_connection_params()
        for ours in ("cursor_factory", "context", "prepare_threshold"):
            parameters.pop(ours, None)
        opened = psycopg.connect(**parameters, autocommit=True)
        opened.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        return opened

    def wait(self, timeout: float) -> set[str]:
        return _names(self.texts(timeout))

    def texts(self, timeout: float) -> list[str]:
        import psycopg

        heard: list[str] = []
        try:
            if self._connection is None:
                self._connection = self._open()
            for notice in self._connection.notifies(timeout=timeout, stop_after=1):
                heard.append(notice.payload)
            for notice in self._connection.notifies(timeout=0):
                heard.append(notice.payload)
        except psycopg.Error:
            self.close()
            threading.Event().wait(min(timeout, 0.5))
        return heard

    def close(self) -> None:
        import psycopg

        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
