"""Gemini's pictures by generateContent: answered at once, and every refusal of content is a 200."""

import asyncio
import base64
import random
import secrets
import time
from typing import Any

from genproj.sandbox import google
from genproj.sandbox.asks import SEED_LIMIT, Ask, asked
from genproj.sandbox.cdn import Cdn
from genproj.sandbox.faults import GEMINI, GOOGLE_BEFORE, Rule, Rules, by_words
from genproj.sandbox.runs import Runs, stable_uuid
from genproj.sandbox.tasks import Store, Task
from genproj.sandbox.web import Exchange

TASK_TYPE = "generateContent"
MODELS = ("gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-3.1-flash-lite-image")
WITHOUT_PARTS = {
    "gemini_safety": "IMAGE_SAFETY",
    "gemini_no_image": "NO_IMAGE",
    "gemini_unknown_finish": "IMAGE_SOMETHING_NEW",
}
FILTERED = "The generated image was filtered. Try another prompt."
IMAGE_TOKENS = {"512": 747, "1K": 1120, "2K": 1120, "4K": 2000}
INPUT_TOKENS = 258
THOUGHT_TOKENS = 96
HTML = base64.b64encode(b"<script>alert(1)</script>").decode()

Part = dict[str, Any]
Answer = dict[str, Any]


class Gemini:
    def __init__(self, store: Store, rules: Rules, runs: Runs, cdn: Cdn) -> None:
        self._store, self._rules, self._runs, self._cdn = store, rules, runs, cdn

    async def generate(self, exchange: Exchange, version: str, model: str) -> None:
        """Answer with a picture, or with what came instead."""
        google.check_model(model, MODELS, TASK_TYPE, version)
        ask = asked(await google.parsed(exchange), model)
        uuid = stable_uuid(secrets.token_hex(16))
        exchange.about.append(uuid)
        rule = self._rules.take(GOOGLE_BEFORE, uuid, ask.prompt)
        if rule:
            await google.refuse(exchange, rule, model)
            return
        rule = self._rules.take(GEMINI, uuid, ask.prompt) or by_words(GEMINI, ask.prompt)
        fault = rule["fault"] if rule else ""
        await asyncio.sleep(self._runs.patience(TASK_TYPE) + _longer(rule))
        pictures = await self._paint(uuid, model, ask, fault, exchange.origin)
        if fault == "gemini_lost":
            await exchange.hang_up()
            return
        answer = {} if fault == "gemini_empty" else _answer(model, ask, fault, pictures)
        await exchange.json(200, answer)

    async def _paint(self, uuid: str, model: str, ask: Ask, fault: str, origin: str) -> list[bytes]:
        """Keep the task, and paint what it brings."""
        count = _count(ask, fault)
        seed = ask.seed if ask.seed is not None else random.randrange(SEED_LIMIT)
        task: Task = {
            "key": uuid, "taskUUID": uuid, "taskType": TASK_TYPE, "model": model,
            "prompt": ask.prompt, "request": {"width": ask.width, "height": ask.height},
            "origin": origin, "at": time.time(), "unfinished": False, "spent": 0.0,
            "faults": {fault: {"fault": fault}} if fault else {}, "deliveries": [], "results": [],
        }  # fmt: skip
        files = {}
        for index in range(count):
            file = stable_uuid(uuid, index)
            task["results"].append({
                "index": index, "uuid": file, "seed": seed + index, "state": "success",
                "due_at": None,
            })  # fmt: skip
            files[file] = {"task": uuid, "result": index, "picture": {
                "model": model, "prompt": ask.prompt, "seed": seed + index, "width": ask.width,
                "height": ask.height, "inputs": list(ask.inputs),
            }}  # fmt: skip
        for name, content in ask.inputs.items():
            self._cdn.keep_input(name, content)
        self._store.add(task, files)
        return [await self._cdn.content(file) for file in files]


def _roles(ask: Ask) -> list[str]:
    """What each picture is for; nothing unless all have been told."""
    told = [ask.roles.get(name, "") for name in ask.inputs]
    return told if all(told) else []


def _longer(rule: Rule | None) -> float:
    return float(rule.get("seconds", 5)) if rule and rule["fault"] == "gemini_slow" else 0.0


def _count(ask: Ask, fault: str) -> int:
    """How many pictures are painted."""
    if fault in ("gemini_two", "gemini_thought"):
        return 2
    nothing = fault in WITHOUT_PARTS or fault in (
        "gemini_blocked", "gemini_text_only", "gemini_cut", "gemini_empty", "gemini_bad_data",
        "gemini_wrong_type",
    )  # fmt: skip
    return 0 if nothing or "IMAGE" not in ask.modalities else 1


def _answer(model: str, ask: Ask, fault: str, pictures: list[bytes]) -> Answer:
    about = {"modelVersion": model, "responseId": secrets.token_urlsafe(12)}
    if fault == "gemini_blocked":
        feedback = {"blockReason": "PROHIBITED_CONTENT"}
        return {"promptFeedback": feedback, "usageMetadata": _usage(ask, [], fault), **about}
    parts = _parts(ask, fault, pictures)
    candidate: dict[str, Any] = {
        "content": {"parts": parts, "role": "model"} if parts else {},
        "finishReason": WITHOUT_PARTS.get(fault, "MAX_TOKENS" if fault == "gemini_cut" else "STOP"),
        "index": 0,
    }
    if fault == "gemini_safety":
        candidate["finishMessage"] = FILTERED
    return {"candidates": [candidate], "usageMetadata": _usage(ask, parts, fault), **about}


def _parts(ask: Ask, fault: str, pictures: list[bytes]) -> list[Part]:
    if fault in WITHOUT_PARTS:
        return []
    if fault == "gemini_cut":
        return [{"text": "Let me think about"}]
    if fault == "gemini_bad_data":
        return [{"inlineData": {"mimeType": "image/png", "data": "!!!"}}]
    if fault == "gemini_wrong_type":
        return [{"inlineData": {"mimeType": "text/html", "data": HTML}}]
    images = [_inline(content) for content in pictures]
    if fault == "gemini_two":
        return [images[0], {"text": "and a variant"}, images[1]]
    if fault == "gemini_thought":
        signature = base64.b64encode(b"signature").decode()
        return [{**images[0], "thought": True}, {**images[1], "thoughtSignature": signature}]
    if not images:
        return [{"text": "I can describe the scene, which style would you like?"}]
    words = [{"text": "Here is your picture."}] if "TEXT" in ask.modalities else []
    return [*words, *images]


def _inline(content: bytes) -> Part:
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(content).decode()}}


def _usage(ask: Ask, parts: list[Part], fault: str) -> dict[str, Any]:
    """What was counted; the total is the sum of its parts, by count and by modality."""
    asked_for = [("TEXT", _tokens(ask.prompt)), ("IMAGE", INPUT_TOKENS * len(ask.inputs))]
    brought = [
        ("TEXT", sum(_tokens(part.get("text", "")) for part in parts)),
        ("IMAGE", sum(IMAGE_TOKENS[ask.size] for part in parts if "inlineData" in part)),
    ]
    thought = THOUGHT_TOKENS if fault == "gemini_thought" else 0
    before, after = (sum(count for _, count in side) for side in (asked_for, brought))
    usage: dict[str, Any] = {
        "promptTokenCount": before,
        "totalTokenCount": before + after + thought,
    }
    usage["promptTokensDetails"] = _details(asked_for)
    if after:
        usage |= {"candidatesTokenCount": after, "candidatesTokensDetails": _details(brought)}
    if thought:
        usage["thoughtsTokenCount"] = thought
    return usage


def _details(counted: list[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"modality": name, "tokenCount": count} for name, count in counted if count]


def _tokens(text: str) -> int:
    return -(-len(text) // 4)
