"""A web that does nothing but end as ours do; served by the test beside it."""

from typing import Any

from genproj.kernel import draining


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer `ok`."""
    if scope["type"] == "lifespan":
        await receive()
        draining.install(1.0)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
