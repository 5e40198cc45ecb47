"""One request to the whole application, without a network."""

from collections.abc import Mapping

import httpx
from asgiref.sync import async_to_sync

from genproj.asgi import application


@async_to_sync
async def answer_of(method: str, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body."""
    wire = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=wire, base_url="http://testserver") as client:
        answer = await client.request(method, path, headers=headers, timeout=60)
    return answer.status_code, answer.content
