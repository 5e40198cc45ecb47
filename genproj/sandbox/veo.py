"""Veo by the classic long-running operation: asked for, polled, and fetched as a file."""

import json
from typing import Any

from genproj.sandbox import google
from genproj.sandbox.cdn import Cdn, NoSuchFile, refused, send, spoil
from genproj.sandbox.faults import (
    GOOGLE_BEFORE,
    VEO_FILE,
    VEO_POLL,
    Rule,
    Rules,
)
from genproj.sandbox.films import TASK_TYPE, Films, new_id
from genproj.sandbox.google import Refused
from genproj.sandbox.shots import Wish, wished
from genproj.sandbox.tasks import Store, Task
from genproj.sandbox.web import Exchange

MODELS = (
    "veo-3.1-generate-preview", "veo-3.1-fast-generate-preview", "veo-3.1-lite-generate-preview",
    "veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001",
)  # fmt: skip
FILES = f"https://{google.SERVICE}/v1beta/files"
RESPONSE = "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
WITHHELD = "The video was withheld by the safety filters. It was not charged."
BROKEN = "Video generation failed because of an internal problem. Please try again."

Answer = dict[str, Any]


class Veo:
    def __init__(self, store: Store, rules: Rules, films: Films, cdn: Cdn) -> None:
        self._store, self._rules, self._films, self._cdn = store, rules, films, cdn

    async def create(self, exchange: Exchange, version: str, model: str) -> None:
        """Accept a film and answer with the name of its operation."""
        google.check_model(model, MODELS, TASK_TYPE, version)
        wish = wished(await google.parsed(exchange), model, self._films.earlier)
        await begin(exchange, self._rules, self._films, wish, model, f"models/{model}")

    async def poll(self, exchange: Exchange, model: str, operation: str) -> None:
        """Answer what has become of an operation."""
        exchange.about.append(operation)
        task = self._films.find(operation, f"models/{model}/operations/{operation}")
        rule = self._rules.take(VEO_POLL, operation, task["prompt"])
        if rule:
            await google.refuse(exchange, rule, model)
            return
        running = {"name": task["name"]}
        done = self._films.done(task)
        await exchange.json(200, {**running, "done": True, **_end(task)} if done else running)

    async def describe(self, exchange: Exchange, file: str) -> None:
        """Answer what a file is."""
        content = await self._content(file)
        await exchange.json(200, {
            "name": f"files/{file}", "mimeType": "video/mp4", "sizeBytes": str(len(content)),
            "uri": f"{FILES}/{file}", "downloadUri": address(file), "state": "ACTIVE",
            "source": "GENERATED",
        })  # fmt: skip

    async def download(self, exchange: Exchange, file: str) -> None:
        """Send a film to who has the key."""
        task = self._task_of(file)
        exchange.about.append(task["key"])
        if exchange.query.get("alt") != "media":
            raise Refused(400, "A file is downloaded with alt=media.")
        row = self._store.file(file) or {}
        rule = self._rules.take(VEO_FILE, task["key"], task["prompt"], row["result"])
        if rule is None:
            await send(exchange, await self._content(file), "video/mp4", file)
        elif not await self._turned_away(exchange, rule, file):
            await spoil(exchange, rule, await self._content(file), "video/mp4")

    async def serve_redirected(self, exchange: Exchange) -> None:
        """Send a film without a key, from where a download is redirected to."""
        file = exchange.path.removeprefix("/cdn/film/").removesuffix(".mp4")
        try:
            exchange.about.append(self._task_of(file)["key"])
            await send(exchange, await self._content(file), "video/mp4", file)
        except Refused:
            await exchange.answer(404, b"Not found", "text/plain")

    def _task_of(self, file: str) -> Task:
        """The operation of a film that has come. Raises Refused."""
        row = self._store.file(file)
        task = self._store.task(row["task"]) if row and "shot" in row else None
        if not row or not task or task["results"][row["result"]]["state"] != "success":
            raise Refused(404, f"The file {file} does not exist or is gone.")
        return task

    async def _content(self, file: str) -> bytes:
        self._task_of(file)
        try:
            return await self._cdn.content(file)
        except NoSuchFile:
            raise Refused(404, f"The file {file} does not exist or is gone.") from None

    async def _turned_away(self, exchange: Exchange, rule: Rule, file: str) -> bool:
        if rule["fault"] == "veo_file_404":
            raise Refused(404, f"The file {file} does not exist or is gone.")
        elsewhere = {
            "veo_file_redirect": exchange.origin,
            "veo_file_redirect_host": _twin(exchange),
        }
        if rule["fault"] not in elsewhere:
            return await refused(exchange, rule, "video/mp4")
        location = f"{elsewhere[rule['fault']]}/cdn/film/{file}.mp4"
        await exchange.answer(302, b"", "text/html; charset=utf-8", {"location": location})
        return True


async def begin(
    exchange: Exchange, rules: Rules, films: Films, wish: Wish, model: str, parent: str
) -> None:
    """Accept a checked wish and answer with its operation's name, unless a rule says otherwise."""
    operation = new_id()
    exchange.about.append(operation)
    rule = rules.take(GOOGLE_BEFORE, operation, wish.prompt)
    if rule:
        await google.refuse(exchange, rule, model)
        return
    name = f"{parent}/operations/{operation}"
    task = films.accept(operation, model, name, wish, exchange.origin)
    text = json.dumps({"name": name}).encode()
    if "veo_reply_lost" in task["faults"]:
        await exchange.hang_up()
    elif "veo_truncated" in task["faults"]:
        await exchange.answer(200, text[: len(text) * 2 // 3], "application/json")
    else:
        await exchange.answer(200, text, "application/json")


def address(file: str) -> str:
    """Where a film is said to be; SDKs take the id out of it and ask their own base URL."""
    return f"{FILES}/{file}:download?alt=media"


def _end(task: Task) -> Answer:
    """The second half of a poll that says done."""
    fails = {result["fails"] for result in task["results"]}
    if "veo_failed" in fails:
        return {"error": {"code": 13, "message": BROKEN}}
    if "veo_no_result" in fails:
        return {}
    made: Answer = {}
    good = [result["uuid"] for result in task["results"] if not result["fails"]]
    uris = [address(file) for file in good]
    if "veo_foreign_uri" in task["faults"]:
        uris = ["http://169.254.169.254/x" for _ in good]
    if uris:
        made["generatedSamples"] = [{"video": {"uri": uri}} for uri in uris]
    if "veo_empty" in fails:
        made["generatedSamples"] = []
    if "veo_no_uri" in fails:
        made["generatedSamples"] = [{"video": {}}]
    if "veo_filtered" in fails:
        count = sum(result["fails"] == "veo_filtered" for result in task["results"])
        made |= {"raiMediaFilteredCount": count, "raiMediaFilteredReasons": [WITHHELD] * count}
    return {"response": {"@type": RESPONSE, "generateVideoResponse": made}}


def _twin(exchange: Exchange) -> str:
    """This server under its other name."""
    if "127.0.0.1" in exchange.origin:
        return exchange.origin.replace("127.0.0.1", "localhost")
    return exchange.origin.replace("localhost", "127.0.0.1")
