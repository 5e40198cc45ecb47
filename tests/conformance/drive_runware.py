"""Drives the sandbox with the official Runware SDK; run by the SDK's own Python, prints one JSON.

Usage: drive_runware.py ROOT ROW [WEBHOOK]
"""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any
from uuid import uuid4

from runware import RunOptions, Runware, RunwareError
from runware.types import task_map
from runware_schema import params_of, problems, result_of

ROOT = sys.argv[1]
FLUX = "runware:100@1"
IMAGE = {
    "taskType": "imageInference",
    "model": FLUX,
    "positivePrompt": "a lighthouse at dusk",
    "width": 512,
    "height": 384,
}


def client(transport: str = "rest", key: str = "sandbox") -> Runware:
    return Runware(
        api_key=key,
        transport=transport,
        http_base_url=f"{ROOT}/v1",
        ws_base_url=f"{ROOT.replace('http', 'ws', 1)}/v1",
        max_retries=0,
        timeout=20_000,
        poll_timeout=20_000,
    )


def wire(body: Any) -> dict[str, Any]:
    """The same server without the SDK."""
    headers = {"authorization": "Bearer sandbox", "content-type": "application/json"}
    request = urllib.request.Request(f"{ROOT}/v1", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply)


def sent(uuid: str) -> list[dict[str, Any]]:
    """The task objects of that id which the SDK sent."""
    with urllib.request.urlopen(f"{ROOT}/control/calls?task={uuid}", timeout=20) as reply:
        calls = json.load(reply)["calls"]
    bodies = [item for call in calls for item in (call["body"] or [])]
    return [item for item in bodies if item["taskUUID"] == uuid]


def fetched(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=20) as reply:
        return {"type": reply.headers["content-type"], "head": reply.read(32).hex()}


def judged(uuid: str, items: list[dict[str, Any]], air: str = FLUX) -> list[str]:
    """What does not fit the SDK's schemas, in both directions."""
    found = [
        problem
        for item in sent(uuid)
        if item["taskType"] != "getResponse"
        for problem in problems(item, params_of(air))
    ]
    polled = wire([{"taskType": "getResponse", "taskUUID": uuid}])["data"]
    for item in items:
        found += problems(item, result_of(air), also=task_map.GetResponseResult)
    for item in polled:
        found += problems(item, result_of(air), also=task_map.GetResponseResult)
        found += problems(item, task_map.GetResponseResult, also=result_of(air))
    return found


def told(error: RunwareError) -> dict[str, Any]:
    return {
        "code": error.code,
        "parameter": error.parameter,
        "status": error.status_code,
        "task": error.task_uuid,
    }


async def generate(transport: str, **fields: Any) -> dict[str, Any]:
    uuid, begun, seen = str(uuid4()), time.monotonic(), []
    async with client(transport) as sdk:
        items = await sdk.run(
            {**IMAGE, "taskUUID": uuid, **fields}, RunOptions(on_result=seen.append)
        )
    seconds = time.monotonic() - begun
    return {
        "uuid": uuid,
        "items": items,
        "seen": len(seen),
        "seconds": seconds,
        "files": [fetched(item["imageURL"]) for item in items],
        "sent": [item["taskType"] for item in sent(uuid)],
        "problems": judged(uuid, items),
    }


async def refused(transport: str, key: str = "sandbox", **fields: Any) -> dict[str, Any]:
    try:
        async with client(transport, key) as sdk:
            await sdk.run({**IMAGE, "taskUUID": str(uuid4()), **fields})
    except RunwareError as error:
        return told(error)
    return {"code": "none"}


async def reused(transport: str) -> dict[str, Any]:
    uuid = str(uuid4())
    async with client(transport) as sdk:
        await sdk.run({**IMAGE, "taskUUID": uuid, "deliveryMethod": "sync"})
    return await refused(transport, taskUUID=uuid, deliveryMethod="sync")


async def r0() -> Any:
    """The checker itself: what it says about objects that are wrong on purpose."""
    good = {"taskType": "imageInference", "taskUUID": "u", "imageUUID": "i", "seed": 1, "cost": 0.1}
    wrong = {"unknown": {"extra": 1}, "type": {"seed": "1"}, "flag": {"seed": True}}
    found = {name: problems({**good, **change}, result_of(FLUX)) for name, change in wrong.items()}
    found["missing"] = problems({"taskType": "imageInference"}, result_of(FLUX))
    found["literal"] = problems({**IMAGE, "taskUUID": "u", "outputFormat": "GIF"}, params_of(FLUX))
    return {**found, "good": problems(good, result_of(FLUX))}


async def r1() -> Any:
    return await generate("rest", deliveryMethod="sync", numberResults=2, includeCost=True, seed=41)


async def r2() -> Any:
    return await generate("rest", numberResults=2, includeCost=True)


async def r3() -> Any:
    return await reused("rest")


async def r4() -> Any:
    return await refused("rest", width=5)


async def r5() -> Any:
    return await refused("rest", key="wrong")


async def r6() -> Any:
    """The rule that one of three fails is set by the test."""
    uuid = str(uuid4())
    error = await refused("rest", taskUUID=uuid, numberResults=3)
    return {"error": error, "poll": wire([{"taskType": "getResponse", "taskUUID": uuid}])}


async def r7() -> Any:
    prompt = {"positivePrompt": "something nsfw", "deliveryMethod": "sync"}
    checked = await generate("rest", safety={"checkContent": True}, **prompt)
    return {"checked": checked, "unchecked": await generate("rest", **prompt)}


async def r8() -> Any:
    return await generate("rest", numberResults=2, webhookURL=sys.argv[3], includeCost=True)


async def r9() -> Any:
    uuid = str(uuid4())
    film = {
        "taskType": "videoInference", "taskUUID": uuid, "model": "google:3@2", "width": 640,
        "positivePrompt": "slow dolly through a rainy market", "height": 360, "duration": 4,
        "includeCost": True,
    }  # fmt: skip
    async with client() as sdk:
        items = await sdk.run(film)
    files = [fetched(item["videoURL"]) for item in items]
    return {"items": items, "files": files, "problems": judged(uuid, items, "google:3@2")}


async def r10() -> Any:
    found: list[str] = []
    async with client() as sdk:
        models = await sdk.model_search({"search": "flux", "limit": 3})
        found += problems(one(models), task_map.ModelSearchResult)
        made = one(await sdk.run({**IMAGE, "deliveryMethod": "sync", "outputType": "dataURI"}))
        upload = one(await sdk.image_upload({"image": made["imageDataURI"]}))
        found += problems(upload, task_map.ImageUploadResult)
        account = one(await sdk.account_management({"operation": "getDetails"}))
        found += problems(account, task_map.AccountManagementResult)
        source = {"inputs": {"image": upload["imageUUID"]}}
        tools = []
        for task_type, air in (
            ("upscale", "runware:504@1"),
            ("removeBackground", "runware:109@1"),
            ("caption", "runware:150@2"),
        ):
            uuid = str(uuid4())
            task = {"taskType": task_type, "model": air, "taskUUID": uuid, **source}
            tools.append(one(await sdk.run(task)))
            found += judged(uuid, tools[-1:], air)
    return {"models": models, "account": account, "tools": tools, "problems": found}


def one(value: Any) -> dict[str, Any]:
    return value[0] if isinstance(value, list) else value


async def r11() -> Any:
    return {
        "sync": await generate(
            "websocket", deliveryMethod="sync", numberResults=2, includeCost=True
        ),
        "async": await generate("websocket", numberResults=2, includeCost=True),
        "reused": await reused("websocket"),
        "key": await refused("websocket", key="wrong"),
        "width": await refused("websocket", width=5),
    }


async def r13() -> Any:
    """What of bodies that our own client writes does not fit the SDK's schema."""
    bodies = json.loads(sys.argv[3])
    return [problems(body, params_of(body["model"])) for body in bodies]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(globals()[sys.argv[2].lower()]())))
