"""Veo at Google's enterprise platform: polled with POST, and the film comes inside the answer."""

import base64
from typing import Any

from genproj.sandbox import google
from genproj.sandbox.cdn import Cdn
from genproj.sandbox.faults import VEO_POLL, Rules
from genproj.sandbox.films import TASK_TYPE, Films
from genproj.sandbox.shots import wished
from genproj.sandbox.tasks import Task
from genproj.sandbox.veo import BROKEN, WITHHELD, begin
from genproj.sandbox.web import Exchange

MODELS = ("veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001")
RESPONSE = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"


class Vertex:
    def __init__(self, rules: Rules, films: Films, cdn: Cdn) -> None:
        self._rules, self._films, self._cdn = rules, films, cdn

    async def create(self, exchange: Exchange, parent: str, model: str) -> None:
        """Accept a film and answer with the name of its operation."""
        google.check_model(model, MODELS, TASK_TYPE, "v1beta1")
        body = await google.parsed(exchange)
        wish = wished(body, model, self._films.earlier, enterprise=True)
        name = f"{parent}publishers/google/models/{model}"
        await begin(exchange, self._rules, self._films, wish, model, name)

    async def poll(self, exchange: Exchange, parent: str, model: str) -> None:
        """Answer what has become of an operation, with its films once there are any."""
        name = (await google.parsed(exchange)).get("operationName")
        if not isinstance(name, str):
            raise google.bad_field("operation_name", "The operation's name is required.")
        operation = name.rpartition("/")[2]
        exchange.about.append(operation)
        task = self._films.find(operation, name)
        rule = self._rules.take(VEO_POLL, operation, task["prompt"])
        if rule:
            await google.refuse(exchange, rule, model)
            return
        if not self._films.done(task):
            await exchange.json(200, {"name": name})
            return
        await exchange.json(200, {"name": name, "done": True, **await self._end(task)})

    async def _end(self, task: Task) -> dict[str, Any]:
        fails = [result["fails"] for result in task["results"]]
        if "veo_failed" in fails:
            return {"error": {"code": 13, "message": BROKEN}}
        if "veo_no_result" in fails:
            return {}
        withheld = fails.count("veo_filtered")
        made: dict[str, Any] = {"@type": RESPONSE, "raiMediaFilteredCount": withheld}
        if withheld:
            made["raiMediaFilteredReasons"] = [WITHHELD] * withheld
        good = [result for result in task["results"] if not result["fails"]]
        bucket = task["request"]["parameters"].get("storageUri")
        if good:
            made["videos"] = [
                {"mimeType": "video/mp4", **await self._film(result, task, bucket)}
                for result in good
            ]
        return {"response": made}

    async def _film(self, result: dict[str, Any], task: Task, bucket: Any) -> dict[str, str]:
        if bucket:
            return {"gcsUri": f"{bucket.rstrip('/')}/{task['key']}/sample_{result['index']}.mp4"}
        content = await self._cdn.content(result["uuid"])
        return {"bytesBase64Encoded": base64.b64encode(content).decode()}
