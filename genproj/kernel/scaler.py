"""Has small pictures made in a process of its own, which gets the least of the processor.

A thread of least priority would be worse than a slow one: put off while it holds the interpreter,
it holds up every other thread of the worker. And what breaks a decoder breaks no worker.
"""

import atexit
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any, BinaryIO

from genproj.kernel import media

ROOT = Path(__file__).resolve().parent.parent.parent
LEAST = 19
#: without work for so long, the process ends and gives its memory back
IDLE_SECONDS = 20.0
#: for one picture or film
LONGEST = 60.0
IN_MEMORY = 8 * 2**20
CHUNK = 2**18
NAMES = ("thumb", "preview", "poster")


class Broken(Exception):  # noqa: N818 - a finding about the bytes
    """The process died over these bytes, or took too long for them."""


_lock = threading.Lock()
_children: dict[int, subprocess.Popen[bytes]] = {}


def renditions(file: BinaryIO, content_type: str) -> media.Renditions:
    """What `media.renditions` makes of a file, made elsewhere; one at a time.

    Raises media.NotMedia, Broken.
    """
    with _lock:
        for last in (False, True):
            try:
                return _made(_child(), file, content_type)
            except (OSError, EOFError) as error:
                _drop()
                if last:  # the first time it may have ended because it was idle
                    raise Broken("Scaling it ended without a result.") from error
        raise AssertionError("unreachable")


def stop() -> None:
    """End the process, if it runs."""
    with _lock:
        _drop()


atexit.register(stop)


def _child() -> subprocess.Popen[bytes]:
    """This process's own; one that was inherited belongs to another."""
    child = _children.get(os.getpid())
    if child is None:
        _children.clear()
        child = _children[os.getpid()] = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    return child


def _drop() -> None:
    child = _children.pop(os.getpid(), None)
    if child is None:
        return
    child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was to be written has no reader any more
                pipe.close()
    child.wait()


def _made(child: subprocess.Popen[bytes], file: BinaryIO, content_type: str) -> media.Renditions:
    into, out = child.stdin, child.stdout
    assert into is not None
    assert out is not None
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    killer = threading.Timer(LONGEST, child.kill)
    killer.start()
    try:
        into.write(json.dumps({"type": content_type, "size": size}).encode() + b"\n")
        shutil.copyfileobj(file, into, CHUNK)
        into.flush()
        told = json.loads(_line(out))
        if "issues" in told:
            raise media.NotMedia(*told["issues"])
        made = {name: _read(out, told[name]) for name in NAMES}
    finally:
        killer.cancel()
    thumb, preview = made["thumb"], made["preview"]
    assert thumb is not None
    assert preview is not None
    return media.Renditions(thumb, preview, told["colour"], made["poster"])


def _line(out: IO[bytes]) -> bytes:
    line = out.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line


def _read(out: IO[bytes], told: Any) -> media.Rendition | None:
    if told is None:
        return None
    size, content_type, width, height = told
    data = out.read(size)
    if len(data) < size:
        raise EOFError
    return media.Rendition(data, content_type, width, height)


# ── the process itself ────────────────────────────────────────────────────────────────────────


def serve(source: IO[bytes], out: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    while select.select([source], [], [], IDLE_SECONDS)[0]:
        line = source.readline()
        if not line:
            return
        asked = json.loads(line)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            left = asked["size"]
            while left and (chunk := source.read(min(left, CHUNK))):
                file.write(chunk)
                left -= len(chunk)
            _answer(out, file, asked["type"])
        out.flush()


def _answer(out: IO[bytes], file: Any, content_type: str) -> None:
    try:
        made = media.renditions(file, content_type)
    except media.NotMedia as problem:
        out.write(json.dumps({"issues": problem.issues}).encode() + b"\n")
        return
    parts: dict[str, media.Rendition | None] = {name: getattr(made, name) for name in NAMES}
    told: dict[str, Any] = {
        name: part and (len(part.bytes), part.content_type, part.width, part.height)
        for name, part in parts.items()
    }
    out.write(json.dumps({**told, "colour": made.colour}).encode() + b"\n")
    for part in filter(None, parts.values()):
        out.write(part.bytes)


if __name__ == "__main__":
    os.nice(LEAST)
    serve(sys.stdin.buffer, sys.stdout.buffer)
