"""The browser's client, in a real browser: nothing lost, nothing doubled, and four states."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from generations.operations import register
from tests import world
from tests.events.conftest import beside

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium here."),
]

BEGIN = """async () => {
  window.seen = [];
  for (const type of ["generation:created", "generation:updated", "sync:state", "connection",
                      "signed-out"]) {
    document.addEventListener(type, ({ detail }) => window.seen.push([type, detail]));
  }
  const { follow } = await import("/static/events/follow.js");
  window.end = follow();
}"""


@pytest.fixture
def alice() -> User:
    return world.person("alice")


@pytest.fixture
def session(alice: User) -> str:
    client = Client()
    client.force_login(alice)
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


@asynccontextmanager
async def browser(web: Any, session: str) -> AsyncIterator[Any]:
    """A page of ours in a browser that is signed in."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await chromium.new_context()
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": web.url}
        await context.add_cookies([cookie])
        page = await context.new_page()
        await page.goto(f"{web.url}/healthz")
        try:
            yield page
        finally:
            await chromium.close()


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 15) -> Any:
    async with asyncio.timeout(seconds):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)


async def seen(page: Any, wanted: str) -> list[Any]:
    return [detail for kind, detail in await page.evaluate("window.seen") if kind == wanted]


async def states(page: Any) -> list[str]:
    return [detail["state"] for detail in await seen(page, "connection")]


def test_what_happened_while_a_page_was_offline_comes_once(
    web: Any, alice: User, session: str
) -> None:
    async def story() -> None:
        async with browser(web, session) as page:
            await page.evaluate(BEGIN)
            assert await until(lambda: seen(page, "sync:state"))
            first = await beside(world.opened, alice)
            [frame] = await until(lambda: seen(page, "generation:created"))
            assert frame["generation"]["id"] == str(first.pk)
            assert await states(page) == ["live"]

            await page.context.set_offline(True)
            # An open socket outlives Chromium's switch: the page hears that it is offline.
            await until(lambda: _last(page, "offline"))
            texts = [one["text"] for one in await seen(page, "connection")]
            assert texts[-1].startswith("Offline (last update ")
            second = await beside(world.opened, alice)
            await beside(register.cancel_entry, actor=alice, entry_id=first.pk)
            await page.context.set_offline(False)
            await until(lambda: _last(page, "live"))
            created = await seen(page, "generation:created")
            assert [one["generation"]["id"] for one in created] == [str(first.pk), str(second.pk)]
            updated = await seen(page, "generation:updated")
            assert [one["generation"]["state"] for one in updated] == ["cancelled"]
            assert len(await seen(page, "sync:state")) == 1

            await page.reload()
            await page.evaluate(BEGIN)
            await until(lambda: _last(page, "live"))
            assert not await seen(page, "sync:state")

    async def _last(page: Any, state: str) -> bool:
        return (await states(page))[-1:] == [state]

    asyncio.run(story())


def test_without_a_socket_the_page_polls_and_says_so(web: Any, alice: User, session: str) -> None:
    async def story() -> None:
        async with browser(web, session) as page:

            async def refuse(socket: Any) -> None:
                await socket.close(code=1011)

            await page.route_web_socket("**/ws/me/", refuse)
            await page.evaluate(BEGIN)
            entry = await beside(world.opened, alice)

            async def polled() -> Any:
                return await seen(page, "generation:updated")

            [frame] = await until(polled)
            assert frame["generation"]["id"] == str(entry.pk)
            texts = [one["text"] for one in await seen(page, "connection")]
            assert texts[0].startswith("Reconnecting (attempt 2, next in 1 s")
            assert "Polling" in texts
            await beside(register.cancel_entry, actor=alice, entry_id=entry.pk)

            async def told() -> bool:
                return [one["generation"]["state"] for one in await polled()][-1] == "cancelled"

            await until(told)

    asyncio.run(story())
