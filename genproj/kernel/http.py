"""Outbound HTTP: which addresses may be reached, for how long, and for how many bytes."""

import hashlib
import json as jsonlib
import os
import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from genproj.kernel.addresses import Guard, NotAllowed, Origin, check, is_public, literal
from genproj.kernel.connections import POOLS, Bounds, bind, bound, seconds_left, tls_context
from genproj.kernel.exchanges import (
    BODY_SHOWN,
    Answer,
    Downloaded,
    HttpFailure,
    Incoming,
    Limits,
)

__all__ = [
    "Answer",
    "Downloaded",
    "Guard",
    "HttpFailure",
    "Incoming",
    "Limits",
    "Origin",
    "call",
    "close",
    "download",
    "opened",
    "resolve",
    "retry_after",
]

# Nothing is unpacked on the way, so that a small answer stays a small one.
HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "genproj"}
GONE = frozenset({404, 410})
MOVED = frozenset({301, 302, 303, 307, 308})
CHUNK = 128 * 1024
ORIGINS_PER_THREAD = 32
# Servers commonly close a connection that was idle for 5 s; a request sent into that moment
# is lost without an answer, so an older connection is not used again.
IDLE_SECONDS = 4.0
LONGEST_RETRY_AFTER = 3_600.0


def call(
    method: str,
    url: str,
    *,
    json: Any = None,
    data: bytes | BinaryIO | None = None,
    headers: Mapping[str, str] | None = None,
    guard: Guard,
    limits: Limits,
) -> Answer:
    """One exchange with a service; redirects are not followed, every status is an Answer.

    A file as `data` is sent as it is read, from its present position.

    Raises HttpFailure for what kept the answer away or may not be asked for, and with kind
    "too_large" for a body above `limits.max_bytes`.
    """
    with opened(
        method, url, json=json, data=data, headers=headers, guard=guard, limits=limits
    ) as incoming:
        return Answer(incoming.status, incoming.headers, b"".join(incoming.chunks), url)


@contextmanager
def opened(
    method: str,
    url: str,
    *,
    json: Any = None,
    data: bytes | BinaryIO | None = None,
    headers: Mapping[str, str] | None = None,
    guard: Guard,
    limits: Limits,
) -> Iterator[Incoming]:
    """Like `call`, but the body is read as it comes; other calls may be made in between."""
    sent = dict(headers or {})
    if json is not None:
        data = jsonlib.dumps(json, separators=(",", ":")).encode()
        sent.setdefault("Content-Type", "application/json")
    deadline = time.monotonic() + limits.total
    with _exchange(method, url, sent, data, guard, limits, deadline) as response:
        chunks = _rebound(_chunks(response, url, limits), bound())
        yield Incoming(response.status_code, response.headers, chunks)


def _rebound(chunks: Iterator[bytes], bounds: Bounds) -> Iterator[bytes]:
    while True:
        bind(bounds)
        try:
            chunk = next(chunks)
        except StopIteration:
            return
        yield chunk


def download(
    url: str,
    *,
    guard: Guard,
    limits: Limits,
    into: BinaryIO,
    headers: Mapping[str, str] | None = None,
) -> Downloaded:
    """Stream a file into `into`, from its present position, holding one chunk at a time.

    At most `limits.max_redirects` redirects are followed, each checked like the first address;
    `headers` go to the first origin only. Raises HttpFailure; `into` then holds what had come.
    """
    deadline = time.monotonic() + limits.total
    first = url
    for _ in range(limits.max_redirects + 1):
        sent = headers if headers and _same_origin(first, url) else None
        with _exchange("GET", url, dict(sent or {}), None, guard, limits, deadline) as response:
            if response.status_code not in MOVED:
                return _received(response, url, limits, into)
            target = response.headers.get("Location", "")
        if not target:
            raise HttpFailure("refused", url, "a redirect to nowhere", status=response.status_code)
        url = urljoin(url, target)
    raise HttpFailure("refused", url, "too many redirects", permanent=True)


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, in the order to be tried; OSError when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def close() -> None:
    """Close the connections that this thread keeps open."""
    for adapter in _adapters().values():
        adapter.close()
    _adapters().clear()


# ── what belongs to one thread ────────────────────────────────────────────────────────────────


_threads = threading.local()


def _adapters() -> "OrderedDict[tuple[Origin, bool], _Adapter]":
    try:
        kept: OrderedDict[tuple[Origin, bool], _Adapter] = _threads.adapters
    except AttributeError:
        kept = _threads.adapters = OrderedDict()
    return kept


def _forget_inherited() -> None:
    # Two processes must not speak on one connection.
    _threads.__dict__.pop("adapters", None)


os.register_at_fork(after_in_child=_forget_inherited)


class _Adapter(HTTPAdapter):
    """One origin's kept connection in one thread.

    It is used without a session, which would add proxies and passwords of the environment, and
    cookies.
    """

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self.used_at = time.monotonic()
        self._pool: Any = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=tls_context(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The one origin's pool, which is looked for once."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def close(self) -> None:
        self._pool = None
        super().close()


def _adapter(of: tuple[Origin, bool]) -> _Adapter:
    kept = _adapters()
    adapter = kept.get(of)
    if adapter is None:
        adapter = kept[of] = _Adapter()
        if len(kept) > ORIGINS_PER_THREAD:
            kept.popitem(last=False)[1].close()
    elif time.monotonic() - adapter.used_at > IDLE_SECONDS:
        adapter.close()
    kept.move_to_end(of)
    return adapter


# ── one exchange ──────────────────────────────────────────────────────────────────────────────


@contextmanager
def _exchange(
    method: str,
    url: str,
    headers: dict[str, str],
    data: bytes | BinaryIO | None,
    guard: Guard,
    limits: Limits,
    deadline: float,
) -> Iterator[requests.Response]:
    try:
        origin = check(url, guard)
    except NotAllowed as error:
        raise _refusal(url, str(error)) from None
    private_allowed = origin in guard.excepted

    def addresses(host: str, _port: int) -> list[str]:
        if host.strip("[]").removesuffix(".") != origin.host:
            # Two readers of one address must not see two hosts in it.
            raise _refusal(url, "an ambiguous address")
        return _judged(origin, url, private_allowed=private_allowed)

    bind(Bounds(deadline, addresses))
    adapter = _adapter((origin, private_allowed))
    try:
        prepared = _prepared(method, url, HEADERS | headers, data)
        response = adapter.send(prepared, stream=True, timeout=(limits.connect, limits.read))
    except NotAllowed as error:
        raise _refusal(url, str(error)) from None
    except (requests.RequestException, HTTPError, OSError) as error:
        raise _failure(url, error) from error
    try:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise HttpFailure("cut", url, "an encoded body that was not asked for")
        yield response
    finally:
        # After a fully read body this only confirms; otherwise the connection is dropped.
        response.close()
        adapter.used_at = time.monotonic()


def _prepared(
    method: str, url: str, headers: dict[str, str], data: bytes | BinaryIO | None
) -> requests.PreparedRequest:
    """The request as `requests` writes it, without the cookies that there never are."""
    prepared = requests.PreparedRequest()
    prepared.prepare_method(method)
    prepared.prepare_url(url, None)
    prepared.prepare_headers(headers)
    prepared.prepare_body(data, None)
    return prepared


def _judged(origin: Origin, url: str, *, private_allowed: bool) -> list[str]:
    """The addresses of a host; one that is not public refuses them all."""
    address = literal(origin.host)
    addresses = [address] if address else resolve(origin.host, origin.port)
    if not private_allowed and not all(map(is_public, addresses)):
        raise _refusal(url, "the name leads to an address that is not public")
    return addresses


def _chunks(response: requests.Response, url: str, limits: Limits) -> Iterator[bytes]:
    announced = _announced(response)
    if announced is not None and announced > limits.max_bytes:
        raise HttpFailure("too_large", url, f"{announced} bytes announced", permanent=True)
    size = 0
    while chunk := _read(response, url, CHUNK):
        size += len(chunk)
        if size > limits.max_bytes:
            raise HttpFailure("too_large", url, f"over {limits.max_bytes} bytes", permanent=True)
        yield chunk
    if announced is not None and size != announced and response.request.method != "HEAD":
        raise HttpFailure("cut", url, f"{size} of {announced} bytes came")


def _received(response: requests.Response, url: str, limits: Limits, into: BinaryIO) -> Downloaded:
    if not 200 <= response.status_code < 300:
        raise HttpFailure(
            "status",
            url,
            f"answered {response.status_code}",
            status=response.status_code,
            body=_shown(response, url),
            permanent=response.status_code in GONE,
            retry_after=retry_after(response.headers),
        )
    digest = hashlib.sha256()
    size = 0
    for chunk in _chunks(response, url, limits):
        digest.update(chunk)
        size += len(chunk)
        into.write(chunk)
    content_type = response.headers.get("Content-Type", "")[:200]
    return Downloaded(size, digest.hexdigest(), content_type, url)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a `Retry-After` asks for, at most an hour; None without a readable one."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _read(response: requests.Response, url: str, size: int) -> bytes:
    """What one read of the socket brings, empty at the end.

    A plain read would wait for the whole size, and so for as long as a slow drip likes.
    """
    try:
        seconds_left()
        chunk: bytes = response.raw.read1(size, decode_content=False)
    except (HTTPError, OSError) as error:
        raise _failure(url, error) from error
    return chunk


def _shown(response: requests.Response, url: str) -> str:
    body = b""
    while len(body) < BODY_SHOWN and (chunk := _read(response, url, BODY_SHOWN)):
        body += chunk
    return body.decode("utf-8", "replace")[:BODY_SHOWN]


def _announced(response: requests.Response) -> int | None:
    value = response.headers.get("Content-Length", "")
    return int(value) if value.isascii() and value.isdigit() else None


def _failure(url: str, error: Exception) -> HttpFailure:
    reasons = [error, getattr(error, "reason", None), error.__cause__, error.__context__]
    reasons += [getattr(argument, "reason", argument) for argument in error.args]
    if any(isinstance(one, ConnectTimeoutError | NewConnectionError) for one in reasons):
        return HttpFailure("unreachable", url, "no connection")
    if any(isinstance(one, ReadTimeoutError | TimeoutError) for one in reasons) or isinstance(
        error, requests.Timeout
    ):
        return HttpFailure("timeout", url, "no answer in time")
    if isinstance(error, requests.exceptions.SSLError) or any(
        isinstance(one, ssl.SSLCertVerificationError) for one in reasons
    ):
        return HttpFailure("unreachable", url, "no trustworthy connection")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader):
        return _refusal(url, "not a usable address")
    return HttpFailure("cut", url, "the connection ended early")


def _refusal(url: str, reason: str) -> HttpFailure:
    return HttpFailure("refused", url, reason, permanent=True)


def _same_origin(one: str, other: str) -> bool:
    try:
        return Origin.of(one) == Origin.of(other)
    except ValueError:
        return False
