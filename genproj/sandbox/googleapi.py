"""The Gemini API by path: which door of Google's a call has come to."""

import re
from collections.abc import Awaitable, Callable

from genproj.sandbox import google
from genproj.sandbox.gemini import Gemini
from genproj.sandbox.google import Refused
from genproj.sandbox.veo import Veo
from genproj.sandbox.vertex import Vertex
from genproj.sandbox.web import Exchange, TooLarge

Serve = Callable[..., Awaitable[None]]

VERSION = r"/v1(?:beta)?"
NAMED = r"/(?P<version>v1(?:beta)?)"
VERTEX = r"/v1(?:beta1)?/(?P<parent>(?:projects/[^/]+/locations/[^/]+/)?)publishers/google"
MODEL = r"models/(?P<model>[^/:]+)"


class GoogleApi:
    def __init__(self, veo: Veo, vertex: Vertex, gemini: Gemini) -> None:
        doors: tuple[tuple[str, str, Serve], ...] = (
            ("POST", rf"{NAMED}/{MODEL}:predictLongRunning", veo.create),
            ("POST", rf"{NAMED}/{MODEL}:generateContent", gemini.generate),
            ("POST", rf"{VERTEX}/{MODEL}:predictLongRunning", vertex.create),
            ("POST", rf"{VERTEX}/{MODEL}:fetchPredictOperation", vertex.poll),
            ("GET", rf"{VERSION}/{MODEL}/operations/(?P<operation>[^/]+)", veo.poll),
            ("GET", rf"{VERSION}/files/(?P<file>[^/:]+):download", veo.download),
            ("GET", rf"{VERSION}/files/(?P<file>[^/:]+)", veo.describe),
        )
        self._doors = [(method, re.compile(path), serve) for method, path, serve in doors]

    async def serve(self, exchange: Exchange) -> None:
        try:
            google.check_key(exchange)
            await self._find(exchange)
        except Refused as refused:
            await exchange.json(refused.code, refused.body)
        except TooLarge:
            refused = Refused(400, "Request payload size exceeds the limit: 67108864 bytes.")
            await exchange.json(refused.code, refused.body)

    async def _find(self, exchange: Exchange) -> None:
        for method, path, serve in self._doors:
            match = path.fullmatch(exchange.path)
            if match and method == ("GET" if exchange.method == "HEAD" else exchange.method):
                await serve(exchange, **match.groupdict())
                return
        raise Refused(404, f"The requested URL {exchange.path} was not found on this server.")
