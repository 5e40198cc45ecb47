"""Omni by Interactions, Veo's successor: begun in the background, asked for, inline or by uri."""

import base64
import re
import time
from datetime import UTC, datetime
from typing import Any

from genproj.sandbox import google
from genproj.sandbox.cdn import Cdn
from genproj.sandbox.faults import GOOGLE_BEFORE, VEO_POLL, Rules
from genproj.sandbox.films import Films, new_id
from genproj.sandbox.google import Refused
from genproj.sandbox.runs import Runs
from genproj.sandbox.shots import SHAPES, Wish
from genproj.sandbox.tasks import Task
from genproj.sandbox.veo import BROKEN, WITHHELD, address
from genproj.sandbox.web import Exchange

MODELS = ("gemini-omni-1.1-flash",)
HEIGHTS = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}
SHORTEST, LONGEST, USUAL = 3, 10, 8
# What is larger comes by uri, whatever was asked for.
INLINE_LIMIT = 4 * 1024 * 1024
SYNC_LIMIT = 60.0
CODES = {400: "invalid_request", 403: "permission_denied", 404: "not_found",
         429: "rate_limit_exceeded", 500: "internal", 503: "unavailable"}  # fmt: skip

Answer = dict[str, Any]


class Interactions:
    def __init__(self, rules: Rules, films: Films, runs: Runs, cdn: Cdn) -> None:
        self._rules, self._films, self._runs, self._cdn = rules, films, runs, cdn

    async def serve(self, exchange: Exchange) -> None:
        """One call; its errors have a word for a code where Google's others have a number."""
        try:
            google.check_key(exchange)
            name = exchange.path.partition("/interactions")[2].removeprefix("/")
            if exchange.method == "POST" and not name:
                await self._create(exchange)
            elif exchange.method == "GET" and name:
                await self._poll(exchange, name)
            else:
                raise Refused(404, "No such interaction.")
        except Refused as refused:
            error = {"code": CODES.get(refused.code, "internal"), "message": str(refused)}
            await exchange.json(refused.code, {"error": error})

    async def _create(self, exchange: Exchange) -> None:
        body = await google.parsed(exchange)
        google.check_model(str(body.get("model")), MODELS, "interactions", "v1")
        wish = _wished(body)
        name = f"v1_{new_id()}{new_id()}"
        exchange.about.append(name)
        rule = self._rules.take(GOOGLE_BEFORE, name, wish.prompt)
        if rule:
            refused = google.struck(rule, body["model"])
            if refused:
                raise refused
            await google.refuse(exchange, rule, body["model"])
            return
        task = self._films.accept(name, body["model"], name, wish, exchange.origin)
        if "veo_reply_lost" in task["faults"]:
            await exchange.hang_up()
            return
        if not body.get("background"):
            await self._runs.ended(task, limit=SYNC_LIMIT)
        await exchange.json(200, await self._shown(task))

    async def _poll(self, exchange: Exchange, name: str) -> None:
        exchange.about.append(name)
        task = self._films.find(name, name)
        rule = self._rules.take(VEO_POLL, name, task["prompt"])
        refused = google.struck(rule, task["model"]) if rule else None
        if refused:
            raise refused
        if rule:
            await google.refuse(exchange, rule, task["model"])
            return
        await exchange.json(200, await self._shown(task))

    async def _shown(self, task: Task) -> Answer:
        done = self._films.done(task)
        result = task["results"][0]
        shown: Answer = {
            "id": task["name"], "status": "in_progress", "model": task["model"],
            "created": _zulu(task["at"]), "updated": _zulu(result.get("at", task["at"])),
            "steps": [],
        }  # fmt: skip
        if not done:
            return shown
        if result["fails"] in ("veo_failed", "veo_filtered"):
            message = BROKEN if result["fails"] == "veo_failed" else WITHHELD
            return {**shown, "status": "failed", "errors": [{"code": 13, "message": message}]}
        words = -(-len(task["prompt"]) // 4)
        usage = {"total_input_tokens": words, "total_output_tokens": 1000}
        shown |= {"status": "completed", "usage": {**usage, "total_tokens": words + 1000}}
        if not result["fails"]:
            output = {"type": "model_output", "content": [await self._film(task, result["uuid"])]}
            shown["steps"] = [output]
        return shown

    async def _film(self, task: Task, file: str) -> Answer:
        part = {"type": "video", "mime_type": "video/mp4"}
        content = await self._cdn.content(file)
        if task["request"]["delivery"] == "uri" or len(content) > INLINE_LIMIT:
            return {**part, "uri": address(file)}
        return {**part, "data": base64.b64encode(content).decode()}


def _wished(body: Answer) -> Wish:
    """The shot that an interaction asks for. Raises Refused."""
    form = body.get("responseFormat")
    if isinstance(form, list):
        form = form[0] if len(form) == 1 else None
    if not isinstance(form, dict) or form.get("type") != "video":
        raise Refused(400, "This model answers with response_format of type video.")
    google.check_names(
        form, ("type", "aspectRatio", "resolution", "duration", "delivery"), "response_format"
    )
    prompt = _prompt(body.get("input"))
    shape, height = form.get("aspectRatio", "16:9"), form.get("resolution", "720p")
    delivery = form.get("delivery", "inline")
    for name, value, known in (
        ("aspect_ratio", shape, SHAPES), ("resolution", height, HEIGHTS),
        ("delivery", delivery, ("inline", "uri")),
    ):  # fmt: skip
        if not isinstance(value, str) or value not in known:
            raise Refused(400, f"The requested {name} is not supported.")
    seconds = re.fullmatch(r"(\d{1,2})s?", str(form.get("duration", USUAL)))
    if not seconds or not SHORTEST <= int(seconds[1]) <= LONGEST:
        raise Refused(400, "The requested duration is not supported.")
    across, down = SHAPES[shape]
    side, short = HEIGHTS[height], min(across, down)
    shot = {
        "prompt": prompt, "negative": "", "sound": True, "seconds": int(seconds[1]),
        "width": side * across // short // 2 * 2, "height": side * down // short // 2 * 2,
    }  # fmt: skip
    return Wish(request={"delivery": delivery}, prompt=prompt, shot=shot)


def _prompt(said: Any) -> str:
    """The words of an input: a string, or content with text in it."""
    if isinstance(said, str) and said.strip():
        return said
    parts = said if isinstance(said, list) else [said]
    words = [
        part["text"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    ]
    if not any(word.strip() for word in words):
        raise Refused(400, "The input must have text.")
    return "\n".join(words)


def _zulu(moment: float | None) -> str:
    return datetime.fromtimestamp(moment or time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
