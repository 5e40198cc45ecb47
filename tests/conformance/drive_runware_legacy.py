"""Drives the sandbox with the older official Runware SDK, which knows only the WebSocket.

Usage: drive_runware_legacy.py ROOT
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from runware import (
    IImageBackgroundRemoval,
    IImageCaption,
    IImageInference,
    IImageUpscale,
    IModelSearch,
    Runware,
)

ADDRESS = sys.argv[1].replace("http", "ws", 1) + "/v1"


def shown(item: Any) -> dict[str, Any]:
    fields = asdict(item[0] if isinstance(item, list) else item)
    return {name: value for name, value in fields.items() if value is not None}


async def main() -> dict[str, Any]:
    sdk = Runware(api_key="sandbox", url=ADDRESS)
    await sdk.connect()
    uuid = str(uuid4())
    asked = IImageInference(
        taskUUID=uuid, model="runware:100@1", positivePrompt="a quiet harbour", width=256,
        height=256, numberResults=2, includeCost=True, seed=11,
    )  # fmt: skip
    images = await sdk.imageInference(requestImage=asked)
    source = images[0].imageUUID
    models = await sdk.modelSearch(IModelSearch(search="flux", limit=2))
    caption = await sdk.imageCaption(IImageCaption(inputImage=source))
    cut_out = await sdk.imageBackgroundRemoval(
        IImageBackgroundRemoval(inputImage=source, model="runware:109@1", outputFormat="PNG")
    )
    large = await sdk.imageUpscale(IImageUpscale(inputImage=source, upscaleFactor=2))
    polled = await sdk.getResponse(taskUUID=uuid, numberResults=2)
    await asyncio.sleep(6)
    # It pings every five seconds; an unanswered ping would have ended the connection.
    outcome = {
        "uuid": uuid,
        "images": [shown(image) for image in images],
        "total": models.totalResults,
        "caption": shown(caption)["text"],
        "cut_out": shown(cut_out),
        "large": shown(large),
        "polled": [shown(image)["imageUUID"] for image in polled],
        "connected": sdk.connected(),
    }
    await sdk.disconnect()
    return outcome


if __name__ == "__main__":
    begun = time.monotonic()
    found = asyncio.run(main())
    sys.stdout.write("\n" + json.dumps({**found, "seconds": time.monotonic() - begun}))
