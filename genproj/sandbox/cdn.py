"""The file server of the results: paints a file when it is first asked for, then keeps it."""

import asyncio
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from genproj.sandbox import items, paint, tools
from genproj.sandbox.faults import CDN, Rule, Rules
from genproj.sandbox.tasks import Store, Task
from genproj.sandbox.validation import decoded, kind_of, source_of
from genproj.sandbox.web import Exchange

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FILE = re.compile(rf"/cdn/(?:image|video)/ws/\d/\w\w/({UUID.pattern})\.(\w+)")
HERO = re.compile(r"/cdn/hero/([\w.-]+)\.jpg")
STORED_SIDE = 2048
HTML = b"<html><body><h1>It works</h1></body></html>"
HUGE = 4 * 1024**3
NOTHING = bytes(256 * 1024)
PAGE = "text/html; charset=utf-8"


class NoSuchFile(Exception):
    """Nothing was ever kept under this id."""


class Cdn:
    def __init__(self, store: Store, rules: Rules) -> None:
        self._store = store
        self._rules = rules
        self._painters = ThreadPoolExecutor(2, thread_name_prefix="painter")
        self._cameras = ThreadPoolExecutor(2, "camera", _step_back)
        self._ahead: set[asyncio.Task[bytes]] = set()
        self._painting: dict[str, asyncio.Future[bytes]] = {}

    async def serve(self, exchange: Exchange) -> None:
        if exchange.method not in ("GET", "HEAD"):
            await exchange.json(405, {"message": "A file can only be fetched."})
            return
        hero = HERO.fullmatch(exchange.path)
        try:
            if hero:
                content = await self._once(f"hero-{hero[1]}.jpg", tools.hero, hero[1])
                await exchange.answer(200, content, "image/jpeg")
                return
            await self._serve_result(exchange)
        except NoSuchFile:
            await exchange.answer(404, b"Not found", "text/plain")

    async def _serve_result(self, exchange: Exchange) -> None:
        match = FILE.fullmatch(exchange.path)
        row = self._store.file(match[1]) if match else None
        if match is None or row is None or not self._came(row):
            raise NoSuchFile(exchange.path)
        task = self._store.task(row["task"])
        prompt = (task or {}).get("request", {}).get("positivePrompt", "")
        uuid = (task or {}).get("taskUUID", "")
        exchange.about.append(uuid)
        rule = self._rules.take(CDN, uuid, prompt, row.get("result"))
        kind = self.kind(match[1])
        if rule and await refused(exchange, rule, kind):
            return
        content = await self.content(match[1])
        if rule:
            await spoil(exchange, rule, content, kind)
            return
        await send(exchange, content, kind, match[1])

    def kind(self, uuid: str) -> str:
        """The content type of a result or an upload."""
        row = self._store.file(uuid) or {}
        task = self._store.task(row.get("task", ""))
        named: str | None = row.get("type")
        return named or items.CONTENT_TYPES[items.output_format(task) if task else "JPG"]

    def _came(self, row: dict[str, Any]) -> bool:
        if row.get("result") is None:
            return True
        task = self._store.task(row["task"])
        return task is not None and task["results"][row["result"]]["state"] == "success"

    async def content(self, uuid: str) -> bytes:
        """The bytes of a result or an upload. Raises NoSuchFile."""
        row = self._store.file(uuid)
        if row is None:
            raise NoSuchFile(uuid)
        if row.get("result") is None:
            return (self._store.cdn / row["name"]).read_bytes()
        if "shot" in row:
            return await self._film(row["shot"])
        if "picture" in row:
            sources = [self._input(name) for name in row["picture"]["inputs"]]
            return await self._once(f"{uuid}.png", tools.drawn, row["picture"], sources)
        task = self._store.task(row["task"])
        if task is None:
            raise NoSuchFile(uuid)
        name = f"{uuid}.{items.output_format(task).lower()}"
        if (self._store.cdn / name).exists():
            return (self._store.cdn / name).read_bytes()
        request = task["request"]
        sources = [await self.media(value) for value in media_of(request)]
        kind = kind_of(task)
        work = tools.MAKERS[kind]
        asked = tools.Asked(
            task, task["results"][row["result"]]["seed"], items.output_format(task), sources
        )
        return await self._once(name, work, asked)

    async def _film(self, shot: dict[str, Any]) -> bytes:
        """A film for Google's door, which is the same for the same shot."""
        pictures = {
            name: self._input(name)
            for name in (shot.get("first"), shot.get("last"), *shot.get("references", ()))
            if name
        }
        return await self._once(f"film-{tools.mark(shot)}.mp4", tools.shot, shot, pictures)

    async def filled(self, task: Task, body: dict[str, Any]) -> dict[str, Any]:
        """A reply, webhook or poll with pictures inside it, when the task asked for that."""
        if task["request"].get("outputType", "URL") == "URL":
            return body
        if "imageUUID" in body:
            return items.inline(task, body, await self.content(body["imageUUID"]))
        if "data" not in body:
            return body
        return {**body, "data": [await self.filled(task, item) for item in body["data"]]}

    async def media(self, value: str) -> tools.Source:
        """A picture by id, address, data URI or base64; one that cannot be had has its name."""
        known = UUID.search(value) if len(value) < 2000 else None
        content = None if value.startswith("http") else decoded(value)
        if known and self._store.file(known[0]):
            content = await self.content(known[0])
        return tools.Source(value, content)

    def _input(self, name: str) -> bytes:
        return (self._store.cdn / name).read_bytes()

    def begin(self, uuid: str) -> None:
        """Start to make a file before somebody asks for it."""
        work = asyncio.ensure_future(self.content(uuid))
        self._ahead.add(work)
        work.add_done_callback(self._ahead.discard)

    def keep_input(self, name: str, content: bytes) -> None:
        """Keep a picture that a film will be made from."""
        _write(self._store.cdn / name, content)

    def keep(self, uuid: str, content: bytes) -> tuple[str, str]:
        """Store an upload as the provider does: at most 2048 pixels a side. Gives name and type."""
        image = Image.open(BytesIO(content))
        kind = image.format if image.format in ("PNG", "WEBP", "JPEG") else "PNG"
        if max(image.size) > STORED_SIDE or kind != image.format:
            image.thumbnail((STORED_SIDE, STORED_SIDE))
            content = paint.encoded(image, "JPG" if kind == "JPEG" else kind)
        extension = "jpg" if kind == "JPEG" else kind.lower()
        name = f"{uuid}.{extension}"
        _write(self._store.cdn / name, content)
        return name, f"image/{kind.lower()}"

    async def _once(self, name: str, work: Any, *values: Any) -> bytes:
        path = self._store.cdn / name
        if path.exists():
            return path.read_bytes()
        if name not in self._painting:
            loop = asyncio.get_running_loop()
            crew = self._cameras if work in (tools.shot, tools.video) else self._painters
            made = loop.run_in_executor(crew, _made, path, work, values)
            self._painting[name] = made
            made.add_done_callback(lambda _: self._painting.pop(name, None))
        return await asyncio.shield(self._painting[name])


def media_of(request: dict[str, Any]) -> list[str]:
    """Every picture that a request brings, in the forms of both generations."""
    places = (request, request.get("inputs") or {})
    found = [source_of(request), *(place.get("seedImage") for place in places)]
    for name in ("referenceImages", "images"):
        found += [one for place in places for one in _listed(place.get(name))]
    for frame in [one for place in places for one in _listed(place.get("frameImages"))]:
        found.append(
            frame.get("image") or frame.get("inputImage") if isinstance(frame, dict) else frame
        )
    return [value for value in found if isinstance(value, str)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _step_back() -> None:
    """Films take seconds of a core: let the thread that makes one give way to everybody else."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)


def _made(path: Path, work: Any, values: tuple[Any, ...]) -> bytes:
    content: bytes = work(*values)
    _write(path, content)
    return content


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


async def send(exchange: Exchange, content: bytes, kind: str, tag: str) -> None:
    headers = {
        "etag": f'"{tag}"', "cache-control": "public, max-age=31536000, immutable",
        "access-control-allow-origin": "*", "accept-ranges": "bytes",
    }  # fmt: skip
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", exchange.headers.get("range", ""))
    if not asked or int(asked[1]) >= len(content):
        await exchange.answer(200, content, kind, headers)
        return
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    headers["content-range"] = f"bytes {first}-{last}/{len(content)}"
    await exchange.answer(206, content[first : last + 1], kind, headers)


async def refused(exchange: Exchange, rule: Rule, kind: str) -> bool:
    """Answer without the file, for the faults that need no bytes of it."""
    match _short(rule):
        case "404":
            await exchange.answer(404, b"Not found", "text/plain")
        case "500":
            await exchange.answer(500, b"Internal Server Error", "text/plain")
        case "wrong_type":
            await exchange.answer(200, HTML, kind)
        case "redirect_private":
            await exchange.answer(302, b"", PAGE, {"location": f"http://10.0.0.1{exchange.path}"})
        case "redirect_chain":
            await exchange.answer(302, b"", PAGE, {"location": f"{exchange.origin}{exchange.path}"})
        case "huge":
            await exchange.start(200, {"content-type": kind})
            for _ in range(HUGE // len(NOTHING)):
                if exchange.gone:
                    return True
                await exchange.chunk(NOTHING, more=True)
                await asyncio.sleep(0)
            await exchange.chunk(b"")
        case _:
            return False
    return True


async def spoil(exchange: Exchange, rule: Rule, content: bytes, kind: str) -> None:
    """Send the file badly."""
    await exchange.start(200, {"content-type": kind, "content-length": str(len(content))})
    half = len(content) // 2
    match _short(rule):
        case "cut":
            await exchange.chunk(content[:half], more=True)
            await exchange.hang_up()
        case "stall":
            await exchange.chunk(content[: min(half, 1024)], more=True)
            await asyncio.sleep(rule.get("seconds", 60))
            await exchange.hang_up()
        case "slow":
            step = max(1, len(content) // 20)
            for start in range(0, len(content), step):
                await asyncio.sleep(rule.get("seconds", 10) / 21)
                await exchange.chunk(content[start : start + step], more=True)
            await exchange.chunk(b"")


def _short(rule: Rule) -> str:
    """A fault's name without the provider whose files it concerns."""
    return rule["fault"].removeprefix("cdn_").removeprefix("veo_file_")
