"""Runs a WSGI application in fixed threads behind an event loop."""

import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import IO, Any

from genproj.kernel.asgi import IN_MEMORY, INTERNAL, STREAM, Answer, Headers, Scope, problem
from genproj.kernel.threads import Busy, Threads

#: asked by whoever restarts a web process that does not answer; a busy one is well
ALWAYS = frozenset({"/healthz"})

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WsgiInThreads:
    """Answers requests whose body has already arrived; gives back answers that are whole.

    So a thread waits for no client, neither reading nor writing. What streams without end does
    not belong here; of a long answer that says so (`X-Stream`) the parts are made elsewhere.
    """

    def __init__(self, app: WsgiApplication, *, threads: int, most: int | None = None) -> None:
        self._app = app
        self._threads = Threads("web", threads, most=most)

    async def answer(self, scope: Scope, body: IO[bytes]) -> Answer:
        """What the application answers; 503 when `most` requests wait for a thread already."""
        try:
            always = scope["path"] in ALWAYS
            return await self._threads.run(self._call, environ(scope, body), always=always)
        except Busy:
            words = "More is asked just now than can be answered; come again in a moment."
            return problem(scope, 503, code="overloaded", detail=words)

    def stop(self) -> None:
        """End the threads and their database connections."""
        self._threads.stop()

    def _call(self, request: dict[str, Any]) -> Answer:
        begun: list[tuple[int, Headers]] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], None]:
            begun[:] = [
                (
                    int(status[:3]),
                    [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers],
                )
            ]
            return written.append

        chunks = self._app(request, start_response)
        if begun and any(name == STREAM for name, _ in begun[0][1]):
            return Answer(*begun[0], parts=chunks)
        try:
            body = _gather(written, chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        status, headers = begun[0]
        return Answer(status, headers, body)


def _gather(written: list[bytes], chunks: Iterable[bytes]) -> bytes | IO[bytes]:
    """All of a body: in memory, or on disk from one MiB on."""
    parts, size = list(written), sum(len(part) for part in written)
    rest = iter(chunks)
    for part in rest:
        parts.append(part)
        size += len(part)
        if size > IN_MEMORY:
            break
    else:
        return parts[0] if len(parts) == 1 else b"".join(parts)
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who sends it
    spool.writelines(parts)
    for part in rest:
        spool.write(part)
    spool.seek(0)
    return spool


def environ(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """The request as PEP 3333 has it."""
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    found: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        # "x_follow" would arrive under the same name as "x-follow".
        if b"_" in name or name in INTERNAL or name == b"transfer-encoding":
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in {"CONTENT_LENGTH", "CONTENT_TYPE"}:
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        joint = "; " if key == "HTTP_COOKIE" else ","
        found[key] = f"{found[key]}{joint}{text}" if key in found else text
    if "CONTENT_LENGTH" not in found:
        found["CONTENT_LENGTH"] = str(body.seek(0, 2))
        body.seek(0)
    return found
