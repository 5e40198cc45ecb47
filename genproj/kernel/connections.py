"""Connections that go only to judged addresses and whose reads end at a deadline."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context


@dataclass
class Bounds:
    """What the exchange that a thread is in may do.

    `deadline` is a moment of the monotonic clock. `addresses` gives the judged addresses of a
    host and port; it raises OSError when there are none, or its own refusal, which passes through.
    """

    deadline: float
    addresses: Callable[[str, int], list[str]]


_threads = threading.local()


def bind(bounds: Bounds) -> None:
    """Set the bounds of this thread's exchange; they hold until the next call."""
    _threads.bounds = bounds


def bound() -> Bounds:
    """The bounds of this thread's exchange, to be bound again after another one."""
    bounds: Bounds = _threads.bounds
    return bounds


def seconds_left() -> float:
    """Seconds to this thread's deadline; TimeoutError when it has passed."""
    left: float = _threads.bounds.deadline - monotonic()
    if left <= 0:
        raise TimeoutError("the total time is used up")
    return left


def tls_context() -> ssl.SSLContext:
    """A context whose sockets know the deadline."""
    context = create_urllib3_context()
    context.sslsocket_class = _TimedTlsSocket
    return context


class _TimedSocket(socket.socket):
    """A socket whose reads end at the deadline, however steadily single bytes arrive."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        left = seconds_left()
        limit = self.gettimeout()
        if limit is None or limit > left:
            self.settimeout(left)
        return super().recv_into(*args, **kwargs)


class _TimedTlsSocket(ssl.SSLSocket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        left = seconds_left()
        limit = self.gettimeout()
        if limit is None or limit > left:
            self.settimeout(left)
        return super().recv_into(*args, **kwargs)


def _connected(connection: HTTPConnection) -> socket.socket:
    """Connect to the first of the judged addresses that answers.

    The connection keeps its name for Host, SNI and the certificate; only the socket's target is
    the address, so a name that changes its mind in between changes nothing.
    """
    port = connection.port or connection.default_port
    try:
        addresses = _threads.bounds.addresses(connection.host, port)
    except OSError as error:
        raise NewConnectionError(connection, f"no address: {error}") from error
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            return _opened(connection, address, port)
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, "no connection in time") from failure
    raise NewConnectionError(connection, str(failure)) from failure


def _opened(connection: HTTPConnection, address: str, port: int) -> socket.socket:
    with ExitStack() as undo:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = undo.enter_context(_TimedSocket(family))
        for option in connection.socket_options or ():
            sock.setsockopt(*option)
        timeout, left = connection.timeout, seconds_left()
        sock.settimeout(min(timeout, left) if isinstance(timeout, int | float) else left)
        sock.connect((address, port))
        undo.pop_all()
    return sock


class _PinnedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _PinnedTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _PinnedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _PinnedTlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
