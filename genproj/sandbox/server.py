"""The door of the sandbox: one small table from path to stand-in, in raw ASGI."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from genproj.sandbox import anthropic, billing, gemini, googleapi, runware, veo, vertex
from genproj.sandbox.cdn import Cdn
from genproj.sandbox.control import Calls, Control
from genproj.sandbox.faults import Rules
from genproj.sandbox.films import Films
from genproj.sandbox.interactions import Interactions
from genproj.sandbox.runs import Runs
from genproj.sandbox.tasks import Store, Taken
from genproj.sandbox.validation import refusal
from genproj.sandbox.web import Exchange, Receive, Scope, Send, TooLarge

log = logging.getLogger("genproj.sandbox")

FORGET_EVERY = 3600.0

Serve = Callable[[Exchange], Awaitable[None]]


class Sandbox:
    """The ASGI application. It starts its unfinished tasks again when the server starts."""

    def __init__(self, folder: Path, *, delay: float, fail: float, keep_days: float = 30) -> None:
        self._store = store = Store(folder)
        self._keep_seconds = keep_days * 86_400
        rules = Rules(store)
        self._cdn = Cdn(store, rules)
        self._runs = Runs(store, self._cdn.filled, delay=delay, fail=fail)
        self._runware = runware.Runware(store, rules, self._runs, self._cdn)
        films = Films(store, rules, self._runs, self._cdn)
        films_of_gemini = veo.Veo(store, rules, films, self._cdn)
        google = googleapi.GoogleApi(
            films_of_gemini,
            vertex.Vertex(rules, films, self._cdn),
            gemini.Gemini(store, rules, self._runs, self._cdn),
        )
        omni = Interactions(rules, films, self._runs, self._cdn)
        self._calls = Calls()
        control = Control(store, rules, self._runs, self._cdn, self._calls)
        # First match wins; a path that ends in a slash stands for all below it.
        self._routes: tuple[tuple[str, Serve], ...] = (
            ("/control", control.serve),
            ("/control/", control.serve),
            ("/cdn/film/", films_of_gemini.serve_redirected),
            ("/cdn/", self._cdn.serve),
            ("/v1", self._runware.serve),
            (billing.PATH, billing.Billing(store, rules).serve),
            ("/v1/messages", anthropic.Anthropic(rules, delay=delay).serve),
            ("/v1beta/interactions", omni.serve),
            ("/v1beta/interactions/", omni.serve),
            ("/v1/interactions", omni.serve),
            ("/v1/interactions/", omni.serve),
            ("/v1beta/", google.serve),
            ("/v1/models/", google.serve),
            ("/v1/files/", google.serve),
            ("/v1beta1/", google.serve),
            ("/v1/publishers/", google.serve),
            ("/v1/projects/", google.serve),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await self._lifespan(receive, send)
            case "http":
                await self._http(Exchange(scope, receive, send))
            case "websocket":
                await self._websocket(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._runs.resume()
        forgetting = asyncio.create_task(self._forget())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        forgetting.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _forget(self) -> None:
        """Forget now and then what was finished long ago."""
        while True:
            self._store.forget_old(self._keep_seconds)
            await asyncio.sleep(FORGET_EVERY)

    async def _http(self, exchange: Exchange) -> None:
        try:
            await self._route(exchange.path)(exchange)
        except TooLarge:
            await exchange.json(
                413, {"errors": [refusal("payloadTooLarge", "The body is too large.")]}
            )
        except Taken as taken:
            error = refusal(
                "conflictTaskUUID", "This taskUUID was already used.", taskUUID=str(taken)
            )
            await exchange.json(400, {"errors": [error]})
        finally:
            if not exchange.path.startswith("/control"):
                await self._record(exchange)

    def _route(self, path: str) -> Serve:
        for prefix, serve in self._routes:
            if path == prefix or (prefix.endswith("/") and path.startswith(prefix)):
                return serve
        return _nothing_here

    async def _record(self, exchange: Exchange) -> None:
        body: Any = None
        if exchange.method == "POST":
            content = await exchange.body()
            try:
                body = json.loads(content)
            except (ValueError, RecursionError):
                body = content[:500].decode(errors="replace")
        self._calls.record(
            method=exchange.method,
            path=exchange.path,
            headers=exchange.headers,
            body=body,
            status=exchange.status,
            about=exchange.about,
        )

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A Runware connection: the key first, then frames of tasks, answered as they end."""
        await receive()
        if scope["path"] != "/v1":
            await send({"type": "websocket.close", "code": 4404})
            return
        await send({"type": "websocket.accept"})
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        origin = f"http://{headers.get('host', '127.0.0.1')}"
        working: set[asyncio.Task[None]] = set()

        async def answer(frame: dict[str, Any]) -> None:
            await send({"type": "websocket.send", "text": json.dumps(frame)})

        known = False
        while (message := await receive())["type"] != "websocket.disconnect":
            text = message.get("text") or (message.get("bytes") or b"").decode(errors="replace")
            if not known:
                known = await self._greet(text, answer)
                continue
            self._calls.record(method="WS", path="/v1", headers={}, body=_parsed(text), status=None)
            work = asyncio.create_task(self._runware.frame(text, origin, answer))
            working.add(work)
            work.add_done_callback(working.discard)
        for work in working:
            work.cancel()

    async def _greet(self, text: str, answer: Callable[[dict[str, Any]], Awaitable[None]]) -> bool:
        frame = _parsed(text)
        hello = frame[0] if isinstance(frame, list) and frame and isinstance(frame[0], dict) else {}
        self._calls.record(method="WS", path="/v1", headers={}, body=frame, status=None)
        if hello.get("taskType") == "authentication" and hello.get("apiKey") == runware.KEY:
            await answer({"data": [runware.greeting(hello)]})
            return True
        code = "invalidApiKey" if hello.get("apiKey") else "missingApiKey"
        about = {"taskType": "authentication"}
        error = refusal(code, "The API key is not valid.", about, parameter="apiKey", type="string")
        await answer({"errors": [error]})
        return False


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text[:500]


async def _nothing_here(exchange: Exchange) -> None:
    message = (
        "The sandbox serves Runware at /v1, Google at /v1beta/, Anthropic at /v1/messages, "
        "files under /cdn/ and a control page at /control/."
    )
    await exchange.json(404, {"message": message})
